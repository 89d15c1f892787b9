// Edits of injectors, done to a pod: all of one secret, or none.
import type {
  Edit,
  EnvEdit,
  ImagePullSecretEdit,
  MemoryEdit,
  PullEdit,
  SecretFileEdit,
  WriterEdit,
} from '../injectors/_edit.ts';
import { cleanPath } from '../wire/go-path.ts';
import { isRecord } from '../wire/read.ts';
import type { ContainerState, Item, Json, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';

/** Why an edit cannot be done to this pod: a part of a sentence. */
export class EditProblem extends Error {}

/** How variables come to those that a container has. */
export type EnvOrder =
  /** In front; what is there under the name gives way. */
  | 'first'
  /** Behind; what is there under the name stays. As Flyte's version 1. */
  | 'last';

/** The pod with the edits. Throws EditProblem; then the state that was given still counts. */
export function applyEdits(state: PodState, edits: readonly Edit[], order: EnvOrder): PodState {
  return edits.reduce((now, edit) => applied(now, edit, { edits, order }), state);
}

interface Whole {
  readonly edits: readonly Edit[];
  readonly order: EnvOrder;
}

function applied(state: PodState, edit: Edit, { edits, order }: Whole): PodState {
  switch (edit.kind) {
    case 'env':
      return eachContainer(state, (one) => ({ ...one, env: withVariable(one.env, edit, order) }));
    case 'secretFile':
      return withSecretFile(state, edit);
    case 'memory':
      return withMemory(state, edit);
    case 'writer': {
      const memory = edits.find((one) => one.kind === 'memory');
      return memory === undefined ? state : withWriter(state, edit, memory);
    }
    case 'annotation': {
      const isThere = Object.hasOwn(state.annotations, edit.name);
      return isThere ? state : { ...state, added: { ...state.added, [edit.name]: edit.value } };
    }
    case 'pull':
      return withPull(state, edit);
    case 'imagePullSecret':
      return withPullSecret(state, edit);
  }
}

function eachContainer(
  state: PodState,
  change: (container: ContainerState) => ContainerState,
): PodState {
  return { ...state, containers: state.containers.map(change) };
}

const named = (items: readonly Item[], name: string): Item | undefined => {
  return items.find(({ value }) => value['name'] === name);
};

function withVariable(env: readonly Item[], edit: EnvEdit, order: EnvOrder): readonly Item[] {
  const { name, value, valueFrom } = edit;
  const from = valueFrom === undefined ? {} : { valueFrom };
  // The API server drops a value that is empty.
  const entry = {
    value: { name, ...(value === undefined || value === '' ? {} : { value }), ...from },
  };
  const old = named(env, name);
  if (order === 'last') return old === undefined ? [...env, entry] : env;
  const others = old === undefined ? env : env.filter((one) => one !== old);
  return [entry, ...others];
}

// Volumes and mounts.

function secretOf(volume: Item | undefined): Json {
  const secret = volume?.value['secret'];
  return isRecord(secret) ? secret : {};
}

/** A name that no volume of the pod has. */
function freeName(state: PodState, name: string): string {
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`;
    if (named(state.volumes, free) === undefined) return free;
  }
}

function withSecretFile(state: PodState, edit: SecretFileEdit): PodState {
  const { secretName, item, optional, isOurs } = edit;
  const index = state.volumes.findIndex((volume) => {
    const secret = secretOf(volume);
    const isItsOwn = isOurs(String(volume.value['name'])) && Array.isArray(secret['items']);
    return isItsOwn && secret['secretName'] === secretName;
  });
  const found = state.volumes[index];
  if (found !== undefined) {
    const now = withItem(state, { index, volume: found }, item);
    return mounted(now, { name: String(found.value['name']), at: edit.mountPath, secretName });
  }
  const name = freeName(state, edit.volume);
  const secret = { secretName, items: [item], ...(optional ? { optional } : {}) };
  const volumes = [...state.volumes, { value: { name, secret } }];
  return mounted({ ...state, volumes }, { name, at: edit.mountPath, secretName });
}

interface Place {
  readonly index: number;
  readonly volume: Item;
}

function withItem(
  state: PodState,
  { index, volume }: Place,
  item: SecretFileEdit['item'],
): PodState {
  const secret = secretOf(volume);
  const own = Array.isArray(secret['items']) ? secret['items'].filter(isRecord) : [];
  const more = volume.from === undefined ? [] : (state.items.get(volume.from) ?? []);
  const all = [...own, ...more];
  const taken = all.find(({ path }) => path === item.path);
  if (taken !== undefined) {
    if (taken['key'] === item.key) return state;
    const keys = `keys ${String(taken['key'])} and ${item.key}`;
    throw new EditProblem(
      `${keys} of Secret ${String(secret['secretName'])} are both ${item.path}`,
    );
  }
  if (volume.from !== undefined) {
    return { ...state, items: new Map([...state.items, [volume.from, [...more, item]]]) };
  }
  const value = { ...volume.value, secret: { ...secret, items: [...own, item] } };
  return { ...state, volumes: state.volumes.with(index, { value }) };
}

interface Mounting {
  readonly name: string;
  readonly at: string;
  /** What stands behind it, for a message. */
  readonly secretName?: string;
}

function mounted(state: PodState, mounting: Mounting): PodState {
  return eachContainer(state, (container) => withMount(state, container, mounting));
}

function withMount(
  state: PodState,
  container: ContainerState,
  { name, at, secretName }: Mounting,
): ContainerState {
  const isMemory = secretName === undefined;
  const isThere = (one: Item): boolean => {
    const isSame = one.value['name'] === name;
    return isSame && (isMemory || pathOf(one) === cleanPath(at));
  };
  if (container.mounts.some(isThere)) return container;
  const other = container.mounts.find((one) => pathOf(one) === cleanPath(at));
  if (other !== undefined) {
    const otherName = String(other.value['name']);
    const theirs = secretOf(named(state.volumes, otherName))['secretName'];
    if (secretName !== undefined && typeof theirs === 'string') {
      throw new EditProblem(`Secrets ${theirs} and ${secretName} both belong at ${at}`);
    }
    throw new EditProblem(`container ${container.name} has volume ${otherName} at ${at}`);
  }
  const mount = { name, readOnly: true, mountPath: at };
  return { ...container, mounts: [...container.mounts, { value: mount }] };
}

function pathOf({ value }: Item): string {
  const { mountPath } = value;
  return typeof mountPath === 'string' ? cleanPath(mountPath) : '';
}

const IN_MEMORY = { medium: 'Memory' };

/**
 * The volume in memory that is at this path already: of whichever manager, since two cannot be
 * mounted there.
 */
export function memoryAt(
  state: PodState,
  { volume, mountPath }: Pick<MemoryEdit, 'volume' | 'mountPath'>,
): string | undefined {
  const candidates = state.volumes.toSorted((a, b) => rank(a, volume) - rank(b, volume));
  const found = candidates.find((one) => {
    if (!sameJson(one.value['emptyDir'], IN_MEMORY)) return false;
    const name = one.value['name'];
    const isAtPath = (mount: Item): boolean => {
      return mount.value['name'] === name && pathOf(mount) === cleanPath(mountPath);
    };
    return state.containers.some(({ mounts }) => mounts.some(isAtPath));
  });
  return found === undefined ? undefined : String(found.value['name']);
}

/** The one of this name first. */
function rank({ value }: Item, name: string): number {
  return value['name'] === name ? 0 : 1;
}

export function withMemory(before: PodState, edit: MemoryEdit): PodState {
  const state = { ...before, memory: new Set([...before.memory, edit.volume]) };
  const there = memoryAt(state, edit);
  if (there !== undefined) return mounted(state, { name: there, at: edit.mountPath });
  const name = freeName(state, edit.volume);
  const volumes = [...state.volumes, { value: { name, emptyDir: IN_MEMORY } }];
  return mounted({ ...state, volumes }, { name, at: edit.mountPath });
}

/** Two values cannot be one file. */
function withPull(state: PodState, edit: PullEdit): PodState {
  const taken = state.pulls.find(({ file }) => file === edit.file);
  if (taken === undefined) return { ...state, pulls: [...state.pulls, edit] };
  const { called: _, ...before } = taken;
  const { called: __, ...now } = edit;
  if (sameJson(before, now)) return state;
  throw new EditProblem(`[${taken.called}] is the same file, ${edit.file}`);
}

// Containers that write files before the others run.

function withWriter(state: PodState, edit: WriterEdit, memory: MemoryEdit): PodState {
  const volume = memoryAt(state, memory) ?? memory.volume;
  const initial = state.containers.filter(({ list }) => list === 'initContainers');
  const isLike = (one: ContainerState): boolean => {
    const members = Object.entries(edit.container);
    const writes = one.mounts.some(({ value }) => {
      return value['name'] === volume && value['readOnly'] !== true;
    });
    return writes && members.every(([name, member]) => sameJson(one.value[name], member));
  };
  const values = (one: ContainerState): unknown[] => one.env.map(({ value }) => value['value']);
  const has = (one: ContainerState): boolean => {
    return isLike(one) && edit.env.every(({ value }) => values(one).includes(value));
  };
  // Of an earlier call, each for one secret: Flyte writes twice what is asked for twice.
  const twin = initial.find((one) => {
    const isFree = edit.isShared === true || (one.from !== undefined && !state.ours.has(one.from));
    return isFree && has(one);
  });
  if (twin !== undefined) {
    return twin.from === undefined
      ? state
      : { ...state, ours: new Set([...state.ours, twin.from]) };
  }
  const shared = edit.isShared === true ? initial.find(isLike) : undefined;
  if (shared !== undefined) {
    const containers = state.containers.map((one) => {
      return one === shared ? { ...one, env: numbered(one.env, edit.env) } : one;
    });
    return { ...state, containers };
  }
  const writer: ContainerState = {
    list: 'initContainers',
    name: freeContainerName(state, edit.name, initial.length),
    value: edit.container,
    env: numbered([], edit.env),
    mounts: [{ value: { name: volume, mountPath: edit.writesAt } }],
  };
  return { ...state, containers: [...state.containers, writer] };
}

/** `#` in a name is the number of variables before it. */
function numbered(env: readonly Item[], more: WriterEdit['env']): readonly Item[] {
  const all = [...env];
  for (const { name, value } of more) {
    const start = name.replace('#', '');
    const count = all.filter((one) => String(one.value['name']).startsWith(start)).length;
    all.push({ value: { name: name.replace('#', String(count)), value } });
  }
  return all;
}

function freeContainerName({ containers }: PodState, name: string, count: number): string {
  const taken = new Set(containers.map((one) => one.name));
  for (let n = 0; ; n++) {
    const counted = name.includes('#') ? name.replace('#', String(count + n)) : `${name}-${n + 1}`;
    const free = n === 0 && !name.includes('#') ? name : counted;
    if (!taken.has(free)) return free;
  }
}

export function withPullSecret(
  state: PodState,
  { name }: Pick<ImagePullSecretEdit, 'name'>,
): PodState {
  if (named(state.pullSecrets, name) !== undefined) return state;
  const nameOf = ({ value }: Item): string => String(value['name'] ?? '');
  const all = [...state.pullSecrets, { value: { name } }];
  const byName = (a: Item, b: Item): number => {
    return Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b)));
  };
  return { ...state, pullSecrets: all.toSorted(byName) };
}
