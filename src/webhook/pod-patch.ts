// What has been added to a pod, as operations that touch nothing else.
import type { PatchOperation } from '../wire/json-patch.ts';
import { pointer } from '../wire/json-patch.ts';
import { isRecord } from '../wire/read.ts';
import type { ContainerState, Item, Json, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';

/** The operations that make the pod as it came into the pod as it is now. */
export function patchOf(pod: Json, state: PodState): readonly PatchOperation[] {
  const spec = (pod['spec'] ?? {}) as Json;
  const below = specPatch(spec, state);
  // The API server sends no pod without one; what it is sent must fit all the same.
  const isBare = below.length > 0 && !isRecord(pod['spec']);
  const bare: PatchOperation = { op: 'add', path: pointer('spec'), value: {} };
  return [...annotationPatch(pod, state.added), ...(isBare ? [bare] : []), ...below];
}

function specPatch(spec: Json, state: PodState): readonly PatchOperation[] {
  return [
    ...state.containers.filter((one) => !isOurs(state, one)).flatMap(containerPatch),
    ...[...state.items].flatMap(([index, items]) => {
      const path = pointer('spec', 'volumes', index, 'secret', 'items', '-');
      return items.map((value): PatchOperation => ({ op: 'add', path, value }));
    }),
    ...state.volumes.flatMap(({ value, from = 0, isNew = false }): PatchOperation[] => {
      return isNew ? [{ op: 'replace', path: pointer('spec', 'volumes', from), value }] : [];
    }),
    ...appended(
      spec,
      'volumes',
      state.volumes.filter(isNew).map(({ value }) => value),
    ),
    ...insertedContainers(spec, state),
    ...listPatch('/spec/imagePullSecrets', spec['imagePullSecrets'], state.pullSecrets),
  ];
}

/** First those with a place, whose place is one of the list as it came; the others behind. */
function insertedContainers(spec: Json, { containers }: PodState): PatchOperation[] {
  const added = containers.filter(isNew);
  const placed = added
    .filter(({ at }) => at !== undefined)
    .toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const last = added.filter(({ at }) => at === undefined);
  if (!Array.isArray(spec['initContainers'])) {
    return appended(spec, 'initContainers', [...placed.toReversed(), ...last].map(wholeOf));
  }
  const inserted = placed.map((one): PatchOperation => {
    return { op: 'add', path: pointer('spec', 'initContainers', one.at ?? 0), value: wholeOf(one) };
  });
  return [...appended(spec, 'initContainers', last.map(wholeOf)), ...inserted];
}

function isOurs({ ours }: PodState, { list, from }: ContainerState): boolean {
  return list === 'initContainers' && from !== undefined && ours.has(from);
}

function isNew({ from }: { readonly from?: number }): boolean {
  return from === undefined;
}

function annotationPatch(pod: Json, added: Readonly<Record<string, string>>): PatchOperation[] {
  const metadata = (pod['metadata'] ?? {}) as Json;
  const now = (metadata['annotations'] ?? {}) as Json;
  const entries = Object.entries(added).filter(([name, value]) => now[name] !== value);
  if (entries.length === 0) return [];
  const isThere = typeof metadata['annotations'] === 'object' && metadata['annotations'] !== null;
  if (!isThere) {
    return [{ op: 'add', path: pointer('metadata', 'annotations'), value: added }];
  }
  return entries.map(([name, value]) => {
    return { op: 'add', path: pointer('metadata', 'annotations', name), value };
  });
}

function containerPatch(container: ContainerState): PatchOperation[] {
  const { list, from, value, env, mounts, started } = container;
  if (from === undefined) return [];
  const at = pointer('spec', list, from);
  return [
    ...Object.entries(started ?? {}).flatMap(([name, words]): PatchOperation[] => {
      if (sameJson(value[name] ?? [], words)) return [];
      return [{ op: 'add', path: `${at}${pointer(name)}`, value: words }];
    }),
    ...listPatch(`${at}/env`, value['env'], env),
    ...listPatch(`${at}/volumeMounts`, value['volumeMounts'], mounts),
  ];
}

function wholeOf({ name, value, env, mounts }: ContainerState): Json {
  return {
    name,
    ...value,
    ...(env.length === 0 ? {} : { env: env.map((one) => one.value) }),
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts.map((one) => one.value) }),
  };
}

function appended(spec: Json, name: string, values: readonly Json[]): PatchOperation[] {
  if (values.length === 0) return [];
  if (!Array.isArray(spec[name])) {
    return [{ op: 'add', path: pointer('spec', name), value: values }];
  }
  const path = pointer('spec', name, '-');
  return values.map((value) => ({ op: 'add', path, value }));
}

/**
 * Operations for a list where things were taken out and put in. What stays in its order stays
 * untouched; where that order itself has changed, the list is written anew.
 */
function listPatch(path: string, before: unknown, now: readonly Item[]): PatchOperation[] {
  const values = now.map(({ value }) => value);
  if (!Array.isArray(before)) {
    return values.length === 0 ? [] : [{ op: 'add', path, value: values }];
  }
  if (sameJson(before, values)) return [];
  const additions: PatchOperation[] = [];
  const removals: PatchOperation[] = [];
  let next = 0;
  for (let index = 0; index < now.length; index++) {
    const { value, from } = now[index] ?? {};
    if (from === undefined) {
      additions.push({ op: 'add', path: `${path}/${index}`, value });
      continue;
    }
    if (from < next) return [{ op: 'replace', path, value: values }];
    for (; next < from; next++) removals.push({ op: 'remove', path: `${path}/${next}` });
    next = from + 1;
  }
  for (; next < before.length; next++) removals.push({ op: 'remove', path: `${path}/${next}` });
  return [...removals.toReversed(), ...additions];
}
