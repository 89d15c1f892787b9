// One init container that fetches, all at once, what the pod's secrets of other stores need, into a
// volume in memory that its containers share. Its plan holds no value and rides in an annotation.
import type { PullEdit } from '../injectors/_edit.ts';
import { SECRETS_DIR } from '../injectors/_injector.ts';
import { barePlan } from '../plan/bare.ts';
import { printPlan } from '../plan/document.ts';
import type { Placement, Plan, Policy, StoreOptions } from '../plan/types.ts';
import { cleanPath } from '../wire/go-path.ts';
import { isRecord } from '../wire/read.ts';
import { EditProblem, memoryAt, withMemory } from './pod-volumes.ts';
import { withPullSecret } from './pod-writers.ts';
import type { ContainerState, Item, Json, Mount, PodState } from './pod-state.ts';
import { mountOf, sameJson } from './pod-state.ts';
import type { WithVariables } from './pull-variables.ts';
import { START_MOUNT, withPulledVariables } from './pull-variables.ts';
import type { WebhookSettings } from './settings.ts';

/** What the container is made of. */
export interface PullSettings {
  readonly container: WebhookSettings['pull'];
  readonly images: WebhookSettings['images'];
  /** The store that holds the secrets of a manager's type: its name and its settings. */
  readonly storeOf: (type: string) => { readonly name: string; readonly options: StoreOptions };
  readonly policy: Policy;
}

export const PLAN_ANNOTATION = 'bellhop/plan';
export const NAME = 'bellhop-pull';
export const PLAN_VOLUME = 'bellhop-plan';
const PLAN_DIR = '/bellhop-plan';
export const MEMORY_VOLUME = 'bellhop-secrets';
const FILE_MODE = 0o444;

/** Kubernetes' limit for all annotations of an object together. */
const ANNOTATIONS_BYTES_MAX = 262_144;

/** The pod with the container, where something is to be fetched. Throws EditProblem. */
export function withPullContainer(
  state: PodState,
  settings: PullSettings,
  origin: Origin,
): PodState {
  if (state.pulls.length === 0) return state;
  const { container } = settings;
  if (container.image === '') {
    throw new EditProblem('the webhook has no image to fetch with: set `webhook.pull.image`');
  }
  const at = placeOf(state, container.after);
  const started = withVariables(state, settings, at);
  const memory = withFiles(started.state);
  const placements = [...fetched(state.pulls, settings), ...started.files];
  const plan = planOf(state.pulls, settings, { origin, placements });
  const withPlan = withPlanVolume(withAnnotation(memory.state, plan));
  const mounts = [...memory.mounts, ...(started.files.length > 0 ? [START_MOUNT] : [])];
  const pulling = withContainer(withPlan, container, { at, mounts });
  return container.imagePullSecrets.reduce((now, name) => {
    return withPullSecret(now, { name });
  }, pulling);
}

/** The volume in memory that all files are in, and where the container that fetches has it. */
function withFiles(state: PodState): {
  readonly state: PodState;
  readonly mounts: readonly Json[];
} {
  if (!state.pulls.some((one) => 'file' in one)) return { state, mounts: [] };
  for (const one of state.pulls) if ('file' in one) mustBeSeen(state, one);
  const place = { volume: MEMORY_VOLUME, mountPath: SECRETS_DIR };
  const withVolume = withMemory(state, { kind: 'memory', ...place });
  const name = memoryAt(withVolume, place) ?? MEMORY_VOLUME;
  return { state: withVolume, mounts: [{ name, mountPath: SECRETS_DIR }] };
}

/** What is mounted below the folder hides what is written there, whoever has mounted it. */
function mustBeSeen(
  { containers }: PodState,
  { file, called }: { readonly file: string; readonly called: string },
): void {
  for (const { name, mounts } of containers) {
    for (const { value } of mounts) {
      const path = typeof value['mountPath'] === 'string' ? cleanPath(value['mountPath']) : '';
      const isBelow = path.startsWith(`${SECRETS_DIR}/`);
      if (!isBelow || (file !== path && !file.startsWith(`${path}/`))) continue;
      const volume = `volume ${String(value['name'])} at ${path}`;
      throw new EditProblem(`container ${name} has ${volume}, which hides ${file} of [${called}]`);
    }
  }
}

/** Containers that start before the one that fetches get none. */
function withVariables(
  state: PodState,
  { container, images }: PullSettings,
  at: number,
): WithVariables {
  const names = state.pulls.flatMap((one) => ('variable' in one ? [one.variable] : []));
  if (names.length === 0) return { state, files: [] };
  const isEarlier = ({ list, name, from = Infinity }: ContainerState): boolean => {
    return list === 'initContainers' && (from < at || name === NAME);
  };
  return withPulledVariables(state, names, { way: container.variables, images, isEarlier });
}

function fetched(pulls: readonly PullEdit[], { storeOf }: PullSettings): readonly Placement[] {
  return pulls.map((edit): Placement => {
    const { type, path, key, version, called } = edit;
    const reference = {
      store: storeOf(type).name,
      path,
      ...(key === undefined ? {} : { key }),
      ...(version === undefined ? {} : { version }),
    };
    const source = { kind: 'value' as const, bound: { reference, called } };
    const rule = `${type} [${called}]`;
    if ('variable' in edit) {
      return { kind: 'variable', layer: 'env', name: edit.variable, source, rule };
    }
    return { kind: 'file', path: edit.file, mode: FILE_MODE, medium: 'memory', source, rule };
  });
}

function planOf(
  pulls: readonly PullEdit[],
  { storeOf, policy }: PullSettings,
  { origin, placements }: { readonly origin: Origin; readonly placements: readonly Placement[] },
): string {
  const stores = Object.fromEntries(
    pulls.map(({ type }) => {
      const { name, options } = storeOf(type);
      return [name, options];
    }),
  );
  const from = { ...origin, container: NAME };
  return printPlan(barePlan({ origin: from, stores, policy, placements }));
}

type Origin = Pick<Plan['origin'], 'name' | 'namespace'>;

function withAnnotation(state: PodState, plan: string): PodState {
  const all = { ...state.annotations, ...state.added, [PLAN_ANNOTATION]: plan };
  const bytes = Object.entries(all).reduce((sum, [name, value]) => {
    return sum + Buffer.byteLength(name) + Buffer.byteLength(value);
  }, 0);
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    throw new EditProblem(
      `the pod's annotations would have ${bytes} bytes with the plan, at most ` +
        `${ANNOTATIONS_BYTES_MAX} are allowed: ask for fewer secrets`,
    );
  }
  return { ...state, added: { ...state.added, [PLAN_ANNOTATION]: plan } };
}

/** The annotation as a file: a plan may be larger than one variable. */
function planVolume(): Json {
  const fieldRef = { apiVersion: 'v1', fieldPath: `metadata.annotations['${PLAN_ANNOTATION}']` };
  return {
    name: PLAN_VOLUME,
    downwardAPI: { items: [{ path: 'plan.json', fieldRef }] },
  };
}

function withPlanVolume(state: PodState): PodState {
  const there = state.volumes.find(({ value }) => value['name'] === PLAN_VOLUME);
  if (there === undefined) {
    return { ...state, volumes: [...state.volumes, { value: planVolume() }] };
  }
  // The API server adds the mode that it would have had.
  const { downwardAPI } = there.value;
  const items = isRecord(downwardAPI) ? downwardAPI['items'] : undefined;
  if (sameJson(items, (planVolume()['downwardAPI'] as Json)['items'])) return state;
  throw new EditProblem(`the pod has a volume ${PLAN_VOLUME} of its own`);
}

function withContainer(
  state: PodState,
  settings: PullSettings['container'],
  { at, mounts }: { readonly at: number; readonly mounts: readonly Json[] },
): PodState {
  const { image, command, resources, securityContext, imagePullPolicy } = settings;
  const there = state.containers.find(({ name }) => name === NAME);
  if (there !== undefined) {
    const isOurs = there.list === 'initContainers' && there.value['image'] === image;
    if (!isOurs || there.from === undefined) {
      throw new EditProblem(`the pod has a container ${NAME} of its own`);
    }
    return { ...state, ours: new Set([...state.ours, there.from]) };
  }
  const container: ContainerState = {
    list: 'initContainers',
    name: NAME,
    value: {
      image,
      command: [...command, '--plan', `${PLAN_DIR}/plan.json`],
      resources,
      securityContext,
      ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    },
    at,
    env: identityVariables(state),
    mounts: [
      ...mounts.map((value) => mountOf({ value })),
      mountOf({ value: { name: PLAN_VOLUME, mountPath: PLAN_DIR, readOnly: true } }),
      ...identityMounts(state),
      ...mountsBelow(state),
    ],
  };
  return { ...state, containers: [...state.containers, container] };
}

/**
 * What containers have below the folder of secrets. They have the folder itself read-only, where no
 * place for a mount can be made any more; this container may write, and what is made for its own
 * mounts stays in the volume.
 */
function mountsBelow({ containers }: PodState): readonly Mount[] {
  const mounts = containers
    .flatMap((one) => one.mounts)
    .filter(({ value: { mountPath } }) => {
      return typeof mountPath === 'string' && mountPath.startsWith(`${SECRETS_DIR}/`);
    });
  const byPath = new Map(mounts.map(({ value }) => [value['mountPath'], value]));
  return [...byPath.values()].map((value) => mountOf({ value: { ...value, readOnly: true } }));
}

/** The first, but behind native sidecars that the network needs (a mesh). */
function placeOf({ containers }: PodState, after: readonly string[]): number {
  const initial = containers.filter(({ list, from }) => {
    return list === 'initContainers' && from !== undefined;
  });
  const last = initial.findLastIndex(({ name, value }) => {
    return after.includes(name) && value['restartPolicy'] === 'Always';
  });
  return last + 1;
}

/** What other webhooks, or the author, have given the pod's containers to prove who they are. */
const IDENTITY_VARIABLE = /^(?:AWS|AZURE|GOOGLE|GCP|VAULT)_|^(?:HTTPS?_PROXY|NO_PROXY)$/i;
const IDENTITY_MOUNT = /^\/var\/run\/secrets\//;

function firstContainer({ containers }: PodState): ContainerState | undefined {
  return containers.find(({ list }) => list === 'containers');
}

function identityVariables(state: PodState): readonly Item[] {
  const env = firstContainer(state)?.env ?? [];
  return env
    .filter(({ value }) => IDENTITY_VARIABLE.test(String(value['name'])))
    .map(({ value }) => ({ value }));
}

function identityMounts(state: PodState): readonly Mount[] {
  const mounts = firstContainer(state)?.mounts ?? [];
  return mounts
    .filter(({ value }) => IDENTITY_MOUNT.test(String(value['mountPath'])))
    .map(({ value }) => mountOf({ value }));
}
