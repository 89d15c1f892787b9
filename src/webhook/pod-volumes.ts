// Volumes that are ours, and where containers have them.
import type { MemoryEdit, SecretFileEdit } from '../injectors/_edit.ts';
import { isRecord } from '../wire/read.ts';
import type { ContainerState, Item, Json, Mount, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';

/** Why an edit cannot be done to this pod: a part of a sentence. */
export class EditProblem extends Error {}

export function eachContainer(
  state: PodState,
  change: (container: ContainerState) => ContainerState,
): PodState {
  let isChanged = false;
  const containers = state.containers.map((one) => {
    const changed = change(one);
    isChanged ||= changed !== one;
    return changed;
  });
  return isChanged ? { ...state, containers } : state;
}

export const named = (items: readonly Item[], name: string): Item | undefined => {
  return items.find(({ value }) => value['name'] === name);
};

function secretOf(volume: Item | undefined): Json {
  const secret = volume?.value['secret'];
  return isRecord(secret) ? secret : {};
}

/** What `freeName` adds. */
const NUMBER = /-\d+$/;

/** A name that no volume of the pod has. */
function freeName(state: PodState, name: string): string {
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`;
    if (named(state.volumes, free) === undefined) return free;
  }
}

export function withSecretFile(state: PodState, edit: SecretFileEdit): PodState {
  const { secretName, item, optional, isOurs } = edit;
  const index = state.volumes.findIndex((volume) => {
    const secret = secretOf(volume);
    if (secret['secretName'] !== secretName || !Array.isArray(secret['items'])) return false;
    const called = String(volume.value['name']);
    // Ours also with the number that it has where the pod's own volume had its name.
    return isOurs(called) || isOurs(called.replace(NUMBER, ''));
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

export function mounted(state: PodState, mounting: Mounting): PodState {
  const { name, at, secretName } = mounting;
  const isMemory = secretName === undefined;
  const isThere = (one: Mount): boolean => {
    return (isMemory || one.at === at) && one.value['name'] === name;
  };
  const mount: Mount = { value: { name, readOnly: true, mountPath: at }, at };
  return eachContainer(state, (container) => {
    const { mounts } = container;
    if (mounts.some(isThere)) return container;
    const other = mounts.find((one) => one.at === at);
    if (other !== undefined) throw taken(state, mounting, { container, other });
    return { ...container, mounts: [...mounts, mount] };
  });
}

function taken(
  { volumes }: PodState,
  { at, secretName }: Mounting,
  { container, other }: { readonly container: ContainerState; readonly other: Mount },
): EditProblem {
  const name = String(other.value['name']);
  const theirs = secretOf(named(volumes, name))['secretName'];
  if (secretName !== undefined && typeof theirs === 'string') {
    return new EditProblem(`Secrets ${theirs} and ${secretName} both belong at ${at}`);
  }
  return new EditProblem(`container ${container.name} has volume ${name} at ${at}`);
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
    const isAtPath = (mount: Mount): boolean => {
      return mount.at === mountPath && mount.value['name'] === name;
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
