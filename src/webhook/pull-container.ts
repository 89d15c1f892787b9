// One init container that fetches, all at once, what the pod's secrets of other stores need, into a
// volume in memory that its containers share. Its plan holds no value and rides in an annotation.
import { SECRETS_DIR } from '../injectors/_injector.ts';
import type { Plan } from '../plan/types.ts';
import { valuesMounts } from './pod-values.ts';
import { EditProblem, memoryAt, withMemory } from './pod-volumes.ts';
import { withPullSecret } from './pod-writers.ts';
import type { ContainerState, Item, Json, Mount, PodState } from './pod-state.ts';
import { listsOf, mountOf, sameJson } from './pod-state.ts';
import type { PlanSettings } from './pull-plan.ts';
import {
  PLAN_ANNOTATION,
  PLAN_DIR,
  PLAN_FILE,
  PLAN_VOLUME,
  planOf,
  withPlan,
} from './pull-plan.ts';
import type { LookedUpImages, WithVariables } from './pull-variables.ts';
import { isFile } from './pulled-files.ts';
import { START_MOUNT, unknownImages, withPulledVariables } from './pull-variables.ts';
import type { WebhookSettings } from './settings.ts';

/** What the container is made of. */
export interface PullSettings extends PlanSettings {
  readonly container: WebhookSettings['pull'];
  readonly images: WebhookSettings['images'];
  /** Absent where no registry is asked. */
  readonly looked?: LookedUpImages;
}

export const NAME = 'bellhop-pull';
export const MEMORY_VOLUME = 'bellhop-secrets';

/** The pod with the container, where something is to be fetched. Throws EditProblem. */
export function withPullContainer(
  state: PodState,
  settings: PullSettings,
  origin: Pick<Plan['origin'], 'name' | 'namespace'>,
): PodState {
  if (state.pulls.length === 0) return state;
  const { container } = settings;
  if (container.image === '') {
    throw new EditProblem('the webhook has no image to fetch with: set `webhook.pull.image`');
  }
  const there = containerThere(state, container);
  mustBeMountable(state);
  const at = there?.from ?? placeOf(state, container.after);
  const started = withVariables(state, settings, at);
  const memory = withFiles(started.state);
  const from = { ...origin, container: NAME };
  const plan = planOf(state.pulls, settings, { origin: from, files: started.files });
  const planned = withPlan(memory.state, plan);
  const start = started.files.length > 0 ? [START_MOUNT] : [];
  const mounts = [...memory.mounts, ...start, ...valuesMounts(state)];
  const pulling = withContainer(planned, container, { at, mounts, there });
  return container.imagePullSecrets.reduce((now, name) => {
    return withPullSecret(now, { name });
  }, pulling);
}

/** The volume in memory that all files are in, and where the container that fetches has it. */
function withFiles(state: PodState): {
  readonly state: PodState;
  readonly mounts: readonly Json[];
} {
  const files = state.pulls.filter(isFile);
  if (files.length === 0) return { state, mounts: [] };
  for (const one of files) mustBeSeen(state, one);
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
    for (const { value, at: path = '' } of mounts) {
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
  { container, images, looked = new Map() }: PullSettings,
  at: number,
): WithVariables {
  const names = variablesIn(state);
  if (names.length === 0) return { state, files: [] };
  const isEarlier = earlierThan(at);
  return withPulledVariables(state, names, { way: container.variables, images, looked, isEarlier });
}

function variablesIn({ pulls }: PodState): readonly string[] {
  return pulls.flatMap((one) => ('variable' in one ? [one.variable] : []));
}

function earlierThan(at: number): (container: ContainerState) => boolean {
  return ({ list, name, from = Infinity }) => {
    return list === 'initContainers' && (from < at || name === NAME);
  };
}

/** The images of which it must be known what they start, and only their registries can say it. */
export function imagesToLookUp(
  state: PodState,
  { container, images }: Pick<PullSettings, 'container' | 'images'>,
): readonly string[] {
  if (container.variables !== 'launcher' || variablesIn(state).length === 0) return [];
  const there = state.containers.find(({ name }) => name === NAME);
  const isEarlier = earlierThan(there?.from ?? placeOf(state, container.after));
  return unknownImages(state, images, (one) => !isEarlier(one));
}

function withContainer(
  state: PodState,
  { image, command, resources, securityContext, imagePullPolicy }: PullSettings['container'],
  { at, mounts, there }: Placing,
): PodState {
  const env = identityVariables(state);
  const all = [
    ...mounts.map((value) => mountOf({ value })),
    mountOf({ value: { name: PLAN_VOLUME, mountPath: PLAN_DIR, readOnly: true } }),
    ...identityMounts(state),
    ...mountsBelow(state),
  ];
  if (there !== undefined) return withContainerAgain(state, there, { env, mounts: all });
  const container: ContainerState = {
    list: 'initContainers',
    name: NAME,
    value: {
      image,
      command: commandOf(command),
      resources,
      securityContext,
      ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    },
    at,
    env,
    mounts: all,
  };
  return { ...state, containers: [...state.containers, container] };
}

interface Placing {
  /** Its place in the list of init containers. */
  readonly at: number;
  readonly mounts: readonly Json[];
  /** Of an earlier call. */
  readonly there: ContainerState | undefined;
}

function commandOf(command: readonly string[]): string[] {
  return [...command, '--plan', PLAN_FILE];
}

/**
 * The container of an earlier call for this pod. Others may have changed it since, its image by a
 * registry's mirror for one; what it starts tells that it is ours. Throws EditProblem.
 */
function containerThere(
  { containers, annotations }: PodState,
  { command }: PullSettings['container'],
): ContainerState | undefined {
  const there = containers.find(({ name }) => name === NAME);
  if (there === undefined) return undefined;
  const isOurs = there.list === 'initContainers' && there.from !== undefined;
  const isStarted = sameJson(there.value['command'], commandOf(command));
  if (isOurs && isStarted && Object.hasOwn(annotations, PLAN_ANNOTATION)) return there;
  throw new EditProblem(`the pod has a container ${NAME} of its own`);
}

/** As it came, with what it lacks: containers and secrets may have come since. */
function withContainerAgain(
  state: PodState,
  there: ContainerState,
  wanted: Pick<ContainerState, 'env' | 'mounts'>,
): PodState {
  const own = listsOf(there.value, `spec.initContainers[${there.from}]`);
  const names = new Set(own.env.map(({ value }) => value['name']));
  const paths = new Set(own.mounts.map(({ at }) => at));
  const env = [...own.env, ...wanted.env.filter(({ value }) => !names.has(value['name']))];
  const mounts = [...own.mounts, ...wanted.mounts.filter(({ at }) => !paths.has(at))];
  const containers = state.containers.map((one) => {
    return one.from === there.from && one.name === NAME ? { ...one, env, mounts } : one;
  });
  return { ...state, containers };
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

/** Such a path is made of variables, which only the container itself has. */
function mustBeMountable({ containers }: PodState): void {
  for (const { name, mounts } of containers) {
    const odd = mounts.find(({ at, value }) => {
      return at?.startsWith(`${SECRETS_DIR}/`) === true && value['subPathExpr'] !== undefined;
    });
    if (odd === undefined) continue;
    throw new EditProblem(`container ${name} has a mount with subPathExpr at ${odd.at}`);
  }
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

/** Never what it fetches itself, which comes from a file that is not there yet. */
function identityVariables(state: PodState): readonly Item[] {
  const env = firstContainer(state)?.env ?? [];
  const fetched = new Set(variablesIn(state));
  return env
    .filter(({ value }) => IDENTITY_VARIABLE.test(String(value['name'])))
    .filter(({ value }) => !fetched.has(String(value['name'])))
    .map(({ value }) => ({ value }));
}

function identityMounts(state: PodState): readonly Mount[] {
  const mounts = firstContainer(state)?.mounts ?? [];
  return mounts
    .filter(({ value }) => IDENTITY_MOUNT.test(String(value['mountPath'])))
    .map(({ value }) => mountOf({ value }));
}
