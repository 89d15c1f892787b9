// `explain --webhook`: what comes into the pod, and for which secret. What the pod has already, and
// what gives way to something else, does not.
import type {
  Edit,
  EnvEdit,
  KeptEdit,
  PullEdit,
  SecretFileEdit,
  WriterEdit,
} from '../injectors/_edit.ts';
import { SECRETS_DIR } from '../injectors/_injector.ts';
import { formatReference } from '../plan/reference.ts';
import type { Outcome } from '../webhook/asking.ts';
import type { Decision } from '../webhook/decision.ts';
import type { MutateSettings } from '../webhook/mutate.ts';
import { parsedJson } from '../webhook/parsed-json.ts';
import { patchOf } from '../webhook/pod-patch.ts';
import type { ContainerState, Json, PodState } from '../webhook/pod-state.ts';
import { readPodState, sameJson } from '../webhook/pod-state.ts';
import { NAME } from '../webhook/pull-container.ts';
import { PLAN_ANNOTATION, pulledReference } from '../webhook/pull-plan.ts';
import { applyPatch } from '../wire/json-patch.ts';
import { isRecord } from '../wire/read.ts';
import type { Answers } from './explain-secrets.ts';

/** Something that comes into the pod. */
export interface Added {
  readonly what: string;
  readonly from: string;
  readonly annotation: string;
}

/** A pod, and what has become of it. */
export interface Changed {
  readonly pod: Json;
  readonly decision: Decision;
  /** With all that managers deliver, also where the pod is denied for the others. */
  readonly state: PodState;
}

/** What is in the pod afterwards and was not before; for a denied pod, what would be. */
export function addedBy(
  asking: MutateSettings,
  outcomes: Answers['outcomes'],
  changed: Changed,
): readonly Added[] {
  const pods = podsOf(changed);
  const all = outcomes.flatMap((one): Added[] => {
    if ('wrong' in one) return [];
    return edits(one).flatMap((edit) => {
      return addedByEdit({ asking, pods }, edit).map((each) => {
        return { ...each, annotation: one.annotation };
      });
    });
  });
  // The variables that lead the SDK are the same for all.
  const first = new Map<string, Added>();
  for (const one of all) {
    const key = `${one.what} ${one.from}`;
    if (!first.has(key)) first.set(key, one);
  }
  const from = asking.pull?.container.image ?? '';
  const fetching = { what: `init container ${NAME}`, from, annotation: 'what is fetched' };
  return [...first.values(), ...(isFetching(pods) ? [fetching] : [])];
}

interface Pods {
  readonly before: PodState;
  readonly after: PodState;
  readonly pulls: PodState['pulls'];
  /** The Secret that holds values; has no name where the pod is denied. */
  readonly secret: string | undefined;
  /** True where nothing was done about what is fetched and kept. */
  readonly isDenied: boolean;
}

function podsOf({ pod, decision, state }: Changed): Pods {
  const isDenied = decision.kind === 'denied';
  const patch = decision.kind === 'patched' ? decision.patch : isDenied ? patchOf(pod, state) : [];
  const after = applyPatch(pod, patch);
  return {
    before: readPodState(pod),
    after: readPodState(isRecord(after) ? after : {}),
    pulls: state.pulls,
    secret: decision.kind === 'patched' ? decision.secret?.name : undefined,
    isDenied,
  };
}

type Has = (pod: PodState, container: ContainerState) => boolean;

/** True where a container has it that did not. */
function isNew({ before, after }: Pods, has: Has): boolean {
  return after.containers.some((one) => {
    const old = before.containers.find(({ list, name }) => list === one.list && name === one.name);
    return has(after, one) && (old === undefined || !has(before, old));
  });
}

function isFetching(pods: Pods): boolean {
  if (pods.isDenied) return pods.pulls.length > 0;
  return isNew(pods, (_, { list, name }) => list === 'initContainers' && name === NAME);
}

function hasVariable({ name, value = '', valueFrom }: Omit<EnvEdit, 'kind'>): Has {
  return (_, { env }) => {
    return env.some(({ value: one }) => {
      const isText = one['name'] === name && (one['value'] ?? '') === value;
      return isText && sameJson(one['valueFrom'], valueFrom);
    });
  };
}

function hasFile({
  secretName,
  mountPath,
  path,
}: Pick<SecretFileEdit, 'secretName' | 'mountPath'> & { readonly path: string }): Has {
  return ({ volumes }, { mounts }) => {
    return mounts.some(({ at, value: { name } }) => {
      const { secret } = volumes.find(({ value }) => value['name'] === name)?.value ?? {};
      if (at !== mountPath || !isRecord(secret) || secret['secretName'] !== secretName)
        return false;
      const items = Array.isArray(secret['items']) ? secret['items'].filter(isRecord) : [];
      return items.some((one) => one['path'] === path);
    });
  };
}

function hasWriter(edit: WriterEdit): Has {
  const [start = '', end = ''] = edit.name.split('#');
  return (_, { list, name, value }) => {
    const isCalled = name.startsWith(start) && name.endsWith(end);
    return list === 'initContainers' && isCalled && value['image'] === edit.container.image;
  };
}

const hasPullSecret = ({ pullSecrets }: PodState, wanted: string): boolean => {
  return pullSecrets.some(({ value: { name } }) => name === wanted);
};

/** What the plan in the pod's annotation has for a file or a variable. */
function planned({ annotations }: PodState, of: Pulling): Json | undefined {
  const plan = parsedJson(Buffer.from(annotations[PLAN_ANNOTATION] ?? ''));
  const placements = isRecord(plan) ? plan['placements'] : undefined;
  if (!Array.isArray(placements)) return undefined;
  return placements.filter(isRecord).find(({ kind, path, name }) => {
    return 'file' in of
      ? kind === 'file' && path === of.file
      : kind === 'variable' && name === of.variable;
  });
}

type Pulling = { readonly file: string } | { readonly variable: string };

function isPlanned({ before, after }: Pods, of: Pulling): boolean {
  const now = planned(after, of);
  return now !== undefined && !sameJson(now, planned(before, of));
}

function isPulled(pods: Pods, edit: PullEdit): boolean {
  const { called: _, ...wanted } = edit;
  const isWanted = pods.pulls.some(({ called: __, ...one }) => sameJson(one, wanted));
  return isWanted && (pods.isDenied || isPlanned(pods, edit));
}

interface Adding {
  readonly asking: MutateSettings;
  readonly pods: Pods;
}

function edits({ done }: Outcome): readonly Edit[] {
  return done?.edits ?? [];
}

function addedByEdit({ asking, pods }: Adding, edit: Edit): Omit<Added, 'annotation'>[] {
  if (!isAdded(pods, edit)) return [];
  switch (edit.kind) {
    case 'env':
      return [{ what: `variable ${edit.name}`, from: variableFrom(edit) }];
    case 'secretFile': {
      const { secretName: name, item, optional } = edit;
      const what = `file ${edit.mountPath}/${item.path}`;
      return [{ what, from: keyText({ name, key: item.key, optional }) }];
    }
    case 'pull':
      return [
        {
          what: pulledTo(edit),
          from: formatReference(pulledReference(edit, storeOfIn(asking.pull))),
        },
      ];
    case 'kept':
      return keptTo(pods, edit).map((what) => ({ what, from: keptFrom(edit, asking.pull) }));
    case 'memory':
      return [{ what: `folder ${edit.mountPath}`, from: 'a volume in memory' }];
    case 'writer':
      return [
        { what: `init container ${edit.name.replace('-#', '')}`, from: edit.container.image },
      ];
    case 'annotation':
      return [{ what: `annotation ${edit.name}`, from: 'literal' }];
    case 'imagePullSecret':
      return [{ what: `image pull secret ${edit.name}`, from: 'a copy' }];
    case 'warning':
      return [];
  }
}

function isAdded(pods: Pods, edit: Edit): boolean {
  const { before, after } = pods;
  switch (edit.kind) {
    case 'env':
      return isNew(pods, hasVariable(edit));
    case 'secretFile':
      return isNew(pods, hasFile({ ...edit, path: edit.item.path }));
    case 'pull':
      return isPulled(pods, edit);
    case 'memory':
      return isNew(pods, (_, { mounts }) => mounts.some(({ at }) => at === edit.mountPath));
    case 'writer':
      return isNew(pods, hasWriter(edit));
    case 'annotation':
      return (
        after.annotations[edit.name] === edit.value && !Object.hasOwn(before.annotations, edit.name)
      );
    case 'imagePullSecret':
      return hasPullSecret(after, edit.name) && !hasPullSecret(before, edit.name);
    case 'kept':
    case 'warning':
      return true;
  }
}

function variableFrom({ valueFrom }: EnvEdit): string {
  return valueFrom === undefined ? 'literal' : keyText(valueFrom.secretKeyRef);
}

function keptTo(pods: Pods, { variable, files = [] }: KeptEdit): string[] {
  const { secret: name, isDenied } = pods;
  const hasKept: Has = (_, { env }) => {
    return env.some(({ value: { name: called, valueFrom } }) => {
      const key = isRecord(valueFrom) ? valueFrom['secretKeyRef'] : undefined;
      return called === variable && (name === undefined || (isRecord(key) && key['name'] === name));
    });
  };
  const isNewFile = (file: string): boolean => {
    if (name === undefined) return isDenied;
    const at = { secretName: name, mountPath: SECRETS_DIR, path: file };
    return isNew(pods, hasFile(at)) || isPlanned(pods, { file: `${SECRETS_DIR}/${file}` });
  };
  const names = files.filter(isNewFile).map((file) => `file ${SECRETS_DIR}/${file}`);
  const isHere = variable !== undefined && isNew(pods, hasKept);
  return isHere ? [`variable ${variable}`, ...names] : names;
}

function pulledTo(edit: PullEdit): string {
  return 'file' in edit ? `file ${edit.file}` : `variable ${edit.variable}`;
}

/** A value of another store is the webhook's to fetch. */
function keptFrom({ fetched }: KeptEdit, pull: MutateSettings['pull']): string {
  const beside = 'a Secret beside the pod';
  if (fetched === undefined) return beside;
  return `${formatReference(pulledReference(fetched, storeOfIn(pull)))}, by ${beside}`;
}

/** Where nothing says which store a manager has, its type stands for it. */
function storeOfIn(pull: MutateSettings['pull']): (type: string) => { readonly name: string } {
  return pull?.storeOf ?? ((type) => ({ name: type }));
}

function keyText({
  name,
  key,
  optional,
}: {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}): string {
  return `Secret ${name}, key ${key}${optional === true ? ', optional' : ''}`;
}
