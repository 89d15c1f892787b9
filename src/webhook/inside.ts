// What the containers of a pod see of its secrets, for the route without a cluster. The managers
// are the webhook's own, asked in its order; how fetched values come to the pod is another's work.
import type { Edit, PullEdit } from '../injectors/_edit.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import type { Path } from '../wire/read.ts';
import { isRecord } from '../wire/read.ts';
import type { AskSettings, Outcome, WrongAnnotation } from './asking.ts';
import { askManagers, openReader, readAnnotations } from './asking.ts';
import type { PodRequest } from './decision.ts';
import { STATUS_ANNOTATION } from './mutate.ts';
import type { ContainerState, Item, Json, PodState } from './pod-state.ts';
import { readPodState } from './pod-state.ts';
import { asBefore } from './handled.ts';
import { PLAN_ANNOTATION } from './pull-plan.ts';

/** A value that is fetched for a secret. */
export interface InsideValue {
  readonly annotation: string;
  readonly secret: FlyteSecret;
  /** The manager that delivers it. */
  readonly by: string;
  /** Where it is. */
  readonly edit: PullEdit;
  /** Where the container finds it, beside its variables; absolute. */
  readonly files: readonly string[];
}

/** The pod as it would be, but for what is fetched. */
export interface InsidePod {
  /**
   * Variables that are fetched stand as keys of Secrets that have the names of annotations; no
   * Secret can have such a name.
   */
  readonly pod: Json;
  /** Where members of lists come from: from elsewhere in the pod as it came, or an annotation. */
  readonly origins: ReadonlyMap<unknown, Path>;
  readonly values: readonly InsideValue[];
  /** In the order of the annotations, those that cannot be read among them. */
  readonly outcomes: readonly (Outcome | WrongAnnotation)[];
  readonly warnings: readonly string[];
}

/** The key of a Secret that stands for a value. */
export const VALUE_KEY = 'value';

/**
 * Asks the managers for every secret of the pod. A pod that the webhook has handled becomes what it
 * would have become as it was before. Throws PodProblem.
 */
export async function insideOf(settings: AskSettings, request: PodRequest): Promise<InsidePod> {
  const { pod } = request;
  const before = asBefore(readPodState(pod));
  const annotations = [...readAnnotations(before.annotations, openReader())];
  const secrets = annotations.flatMap((one) => ('wrong' in one ? [] : [one]));
  const brought = new Map<unknown, string>();
  let known = before;
  const seen = ({ annotation, done }: Outcome, now: PodState): void => {
    for (const value of newIn(known, now)) brought.set(value, annotation);
    for (const value of filesIn(now, done?.edits ?? [])) brought.set(value, annotation);
    known = now;
  };
  const work = { state: before, secrets, all: true, doneAs: standingIn, seen } as const;
  const { state, outcomes } = await askManagers(settings, request, work);
  const byName = new Map(outcomes.map((one) => [one.annotation, one]));
  const whole = wholePod(pod, state);
  return {
    pod: whole.pod,
    origins: new Map([
      ...whole.origins,
      ...[...brought].map(([value, name]) => [value, ['metadata', 'annotations', name]] as const),
    ]),
    values: valuesOf(outcomes),
    outcomes: annotations.flatMap((one): (Outcome | WrongAnnotation)[] => {
      if ('wrong' in one) return [one];
      const outcome = byName.get(one.annotation);
      return outcome === undefined ? [] : [outcome];
    }),
    warnings: state.warnings,
  };
}

function standingIn(edits: readonly Edit[], annotation: string): readonly Edit[] {
  const secretKeyRef = { name: annotation, key: VALUE_KEY };
  return edits.map((edit) => {
    if (edit.kind !== 'pull' || !('variable' in edit)) return edit;
    return { kind: 'env', name: edit.variable, valueFrom: { secretKeyRef } };
  });
}

function valuesOf(outcomes: readonly Outcome[]): InsideValue[] {
  const taken = new Set<string>();
  return outcomes.flatMap(({ annotation, secret, done }): InsideValue[] => {
    const pulls = (done?.edits ?? []).filter((one) => one.kind === 'pull');
    const [edit] = pulls;
    if (done === undefined || edit === undefined) return [];
    // Asked for twice, it is one file.
    const files = pulls.flatMap((one) => {
      return 'file' in one && !taken.has(one.file) ? [one.file] : [];
    });
    for (const file of files) taken.add(file);
    return [{ annotation, secret, by: done.by, edit, files }];
  });
}

/** Everything that can come and go. */
function valuesIn({ containers, volumes }: PodState): unknown[] {
  const items = containers.flatMap(({ env, mounts }) => [...env, ...mounts]);
  return [...items, ...volumes].map(({ value }) => value);
}

function newIn(before: PodState, now: PodState): unknown[] {
  const old = new Set(valuesIn(before));
  return valuesIn(now).filter((value) => !old.has(value));
}

/** The volumes of files and their mounts, those that an earlier handling has left among them. */
function filesIn({ containers, volumes }: PodState, edits: readonly Edit[]): unknown[] {
  return edits.flatMap((edit) => {
    if (edit.kind !== 'secretFile') return [];
    const mounts = containers.flatMap((one) => one.mounts.map(({ value }) => value));
    const own = mounts.filter(({ name, mountPath }) => {
      return mountPath === edit.mountPath && edit.isOurs(String(name));
    });
    const names = new Set(own.map(({ name }) => name));
    const behind = volumes.map(({ value }) => value).filter(({ name }) => names.has(name));
    return [...own, ...behind];
  });
}

interface Whole {
  readonly pod: Json;
  readonly origins: ReadonlyMap<unknown, Path>;
}

/** The pod from its state; what the state does not know stays as it is. */
function wholePod(pod: Json, state: PodState): Whole {
  const origins = new Map<unknown, Path>();
  const valuesAt = (items: readonly Item[], path: Path): Json[] => {
    return items.map(({ value, from }) => {
      if (from !== undefined) origins.set(value, [...path, from]);
      return value;
    });
  };
  const listOf = (list: ContainerState['list']): Json[] => {
    const all = state.containers.filter((one) => one.list === list);
    return all.map(({ value, env, mounts, from = 0 }) => {
      const path = ['spec', list, from];
      const now = {
        ...value,
        env: valuesAt(env, [...path, 'env']),
        volumeMounts: valuesAt(mounts, [...path, 'volumeMounts']),
      };
      origins.set(now, path);
      return now;
    });
  };
  const volumes = state.volumes.map((one) => withItems(one, state));
  const spec = {
    ...(isRecord(pod['spec']) ? pod['spec'] : {}),
    containers: listOf('containers'),
    initContainers: listOf('initContainers'),
    volumes: valuesAt(volumes, ['spec', 'volumes']),
  };
  const { [PLAN_ANNOTATION]: _, [STATUS_ANNOTATION]: __, ...annotations } = state.annotations;
  const metadata = { ...(isRecord(pod['metadata']) ? pod['metadata'] : {}), annotations };
  return { pod: { ...pod, metadata, spec }, origins };
}

/** A Secret volume of an earlier handling, with the items that came since. */
function withItems(volume: Item, { items }: PodState): Item {
  const more = volume.from === undefined ? undefined : items.get(volume.from);
  const { secret } = volume.value;
  if (more === undefined || !isRecord(secret)) return volume;
  const own = Array.isArray(secret['items']) ? (secret['items'] as readonly unknown[]) : [];
  return { ...volume, value: { ...volume.value, secret: { ...secret, items: [...own, ...more] } } };
}
