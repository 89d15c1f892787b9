// Variables whose values come from other stores. No field of a pod takes them from there, so either
// the kubelet reads them from a file that the container `bellhop-pull` has written (fileKeyRef), or
// each container is started by the static launcher, which reads them.
import type { FilePlacement } from '../plan/types.ts';
import type { ImageStart } from '../wire/oci.ts';
import { fitsPattern } from '../wire/pattern.ts';
import type { ContainerState, Item, Json, Mount, PodState } from './pod-state.ts';
import { mountOf, sameJson } from './pod-state.ts';
import { EditProblem, named } from './pod-volumes.ts';
import type { WebhookSettings } from './settings.ts';
import { startTargets } from './start-parts.ts';

/** How containers get variables. */
export interface VariableSettings {
  readonly way: WebhookSettings['pull']['variables'];
  /** What images start, by a pattern of their names; the first that fits counts. */
  readonly images: WebhookSettings['images'];
  /** What registries have said of images that no pattern has, or why they have not. */
  readonly looked: LookedUpImages;
}

/** What an image starts, or why nobody could say it. */
export type LookedUp = ImageStart | { readonly why: string };

/** By the images' names. */
export type LookedUpImages = ReadonlyMap<string, LookedUp>;

/** The pod with what its containers need, and the files that `bellhop-pull` must write for it. */
export interface WithVariables {
  readonly state: PodState;
  readonly files: readonly FilePlacement[];
}

export const START_VOLUME = 'bellhop-start';
const START_DIR = '/bellhop-start';
const LAUNCHER = `${START_DIR}/bellhop`;
const ENV_FILE = 'variables.env';
const FOR_ALL_MODE = 0o444;
const PROGRAM_MODE = 0o555;
/** The kubelet reads it as root. */
const FOR_KUBELET_MODE = 0o400;

/** How the container that fetches has the volume. */
export const START_MOUNT = { name: START_VOLUME, mountPath: START_DIR };

/**
 * Gives variables of these names to the containers that start behind the one that fetches, which
 * is `isEarlier` false for. Throws EditProblem.
 */
export function withPulledVariables(
  state: PodState,
  names: readonly string[],
  {
    way,
    isEarlier,
    ...starts
  }: VariableSettings & {
    readonly isEarlier: (container: ContainerState) => boolean;
  },
): WithVariables {
  const ready = withStartVolume(state);
  const isFor = (one: ContainerState): boolean => !isEarlier(one);
  switch (way) {
    case 'fileKeyRef':
      return byKubelet(ready, names, isFor);
    case 'launcher':
      return byLauncher(ready, names, { ...starts, isFor });
    case 'secret':
      throw new EditProblem(`nobody has fetched ${names.join(', ')} for a Secret`);
  }
}

function withStartVolume(state: PodState): PodState {
  const value: Json = { name: START_VOLUME, emptyDir: { medium: 'Memory' } };
  const there = named(state.volumes, START_VOLUME);
  if (there === undefined) return { ...state, volumes: [...state.volumes, { value }] };
  if (sameJson(there.value, value)) return state;
  throw new EditProblem(`the pod has a volume ${START_VOLUME} of its own`);
}

function byKubelet(
  state: PodState,
  names: readonly string[],
  isFor: (container: ContainerState) => boolean,
): WithVariables {
  const entries = names.map((name): Item => {
    const fileKeyRef = { volumeName: START_VOLUME, path: ENV_FILE, key: name, optional: false };
    return { value: { name, valueFrom: { fileKeyRef } } };
  });
  const containers = state.containers.map((one) => {
    return isFor(one) ? { ...one, env: [...entries, ...one.env] } : one;
  });
  const file = madeFile(ENV_FILE, FOR_KUBELET_MODE, { kind: 'envFile', names });
  return { state: { ...state, containers }, files: [file] };
}

function madeFile(name: string, mode: number, source: FilePlacement['source']): FilePlacement {
  const path = `${START_DIR}/${name}`;
  return { kind: 'file', path, mode, medium: 'memory', source, rule: 'variables of containers' };
}

interface Starting extends Pick<VariableSettings, 'images' | 'looked'> {
  readonly isFor: (container: ContainerState) => boolean;
}

function byLauncher(
  state: PodState,
  names: readonly string[],
  { isFor, ...starts }: Starting,
): WithVariables {
  const files: FilePlacement[] = [];
  const unknown: ContainerState[] = [];
  const containers = state.containers.map((one) => {
    if (!isFor(one)) return one;
    const start = startOf(one, starts);
    if (start === 'left') return one;
    if (start === undefined) {
      unknown.push(one);
      return one;
    }
    const { command, args } = start;
    const env = one.env.map(({ value }) => value);
    const words = [...command, ...args];
    const hasOthers = one.value['envFrom'] !== undefined;
    const targets = startTargets(names, { env, words, hasOthers });
    files.push(madeFile(`${one.name}.start`, FOR_ALL_MODE, { kind: 'start', targets }));
    return withStart(one, start);
  });
  if (unknown.length > 0) throw unknownStart(unknown, starts.looked);
  if (files.length === 0) {
    const what = `no container gets ${names.join(', ')}: \`webhook.images\` leaves all of them alone`;
    throw new EditProblem(what);
  }
  const launcher = madeFile('bellhop', PROGRAM_MODE, { kind: 'launcher' });
  const warnings = [...state.warnings, lateWarning(names)];
  return { state: { ...state, containers, warnings }, files: [launcher, ...files] };
}

function unknownStart(containers: readonly ContainerState[], looked: LookedUpImages): EditProblem {
  const names = containers.map(({ name }) => name);
  const which = `container${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
  const images = new Set(containers.map(imageOf));
  const said = [...images].map((image) => {
    const found = looked.get(image);
    if (found === undefined) return '';
    return `; image ${image}: ${'why' in found ? found.why : 'its configuration says of nothing to start'}`;
  });
  return new EditProblem(
    `${which} without \`command\`: variables of other stores come by a launcher, which must know ` +
      'what to start: set `command`, tell `webhook.images` what the image starts, let ' +
      `\`webhook.registry\` ask, or set \`webhook.pull.variables: secret\`${said.join('')}`,
  );
}

function lateWarning(names: readonly string[]): string {
  const which = names.join(', ');
  return `exec probes, lifecycle hooks and \`kubectl exec\` do not see ${which}: the launcher sets them`;
}

/** What a container starts. */
interface Start {
  /** What another webhook has put in front of the launcher since an earlier call. */
  readonly wrapper?: readonly string[];
  readonly command: readonly string[];
  readonly args: readonly string[];
}

/** The images of which nobody knows what they start; `isFor` says who is to get variables. */
export function unknownImages(
  { containers }: PodState,
  images: VariableSettings['images'],
  isFor: (container: ContainerState) => boolean,
): readonly string[] {
  const unknown = containers.filter((one) => {
    return isFor(one) && startOf(one, { images, looked: new Map() }) === undefined;
  });
  return [...new Set(unknown.map(imageOf))].filter((image) => image !== '');
}

function imageOf({ value: { image } }: ContainerState): string {
  return typeof image === 'string' ? image : '';
}

/** Undefined where only its image says it; `left` where the container gets no variables. */
function startOf(
  one: ContainerState,
  { images, looked }: Pick<VariableSettings, 'images' | 'looked'>,
): Start | 'left' | undefined {
  const command = texts(one.value['command']);
  const args = texts(one.value['args']);
  const started = startedBefore(one.name, { command, args });
  if (started !== undefined) return started;
  const image = imageOf(one);
  const rule = Object.entries(images).find(([pattern]) => fitsPattern(pattern, image))?.[1];
  if (rule?.leave === true) return 'left';
  if (command.length > 0) return { command, args };
  const isSaid = rule?.entrypoint !== undefined || rule?.cmd !== undefined;
  const said = isSaid ? rule : looked.get(image);
  return said === undefined || 'why' in said ? undefined : startBy(said, args);
}

/** Arguments of the pod take the place of those of the image. */
function startBy(
  { entrypoint = [], cmd = [] }: Saying,
  args: readonly string[],
): Start | undefined {
  const all = { command: entrypoint.map(literal), args: args.length > 0 ? args : cmd.map(literal) };
  return all.command.length + all.args.length === 0 ? undefined : all;
}

interface Saying {
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
}

/** Where the launcher stands in front already. */
function startedBefore(name: string, { command, args }: Start): Start | undefined {
  const before = launcherCommand(name);
  const at = command.indexOf(LAUNCHER);
  if (at < 0 || !sameJson(command.slice(at, at + before.length), before)) return undefined;
  return { wrapper: command.slice(0, at), command: command.slice(at + before.length), args };
}

/** The kubelet expands `command` and `args`, and leaves what the image says alone. */
function literal(word: string): string {
  return word.replaceAll('$', '$$$$');
}

/** What stands before the command of a container that the launcher starts. */
export function launcherCommand(container: string): string[] {
  return [LAUNCHER, 'become', `${START_DIR}/${container}.start`, '--'];
}

function withStart(one: ContainerState, { wrapper = [], command, args }: Start): ContainerState {
  const started = { command: [...wrapper, ...launcherCommand(one.name), ...command], args };
  return { ...one, started, mounts: withStartMount(one) };
}

function withStartMount({ name, mounts }: ContainerState): readonly Mount[] {
  const mount = { ...START_MOUNT, readOnly: true };
  const there = mounts.find(({ value }) => value['mountPath'] === START_DIR);
  if (there === undefined) return [...mounts, mountOf({ value: mount })];
  if (sameJson(there.value, mount)) return mounts;
  throw new EditProblem(`container ${name} has something else at ${START_DIR}`);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
