// Containers that write files before the others run, and what images are pulled with.
import type { ImagePullSecretEdit, MemoryEdit, WriterEdit } from '../injectors/_edit.ts';
import type { ContainerState, Item, PodState } from './pod-state.ts';
import { mountOf, sameJson } from './pod-state.ts';
import { memoryAt, named } from './pod-volumes.ts';

export function withWriter(state: PodState, edit: WriterEdit, memory: MemoryEdit): PodState {
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
    mounts: [mountOf({ value: { name: volume, mountPath: edit.writesAt } })],
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
  const nameOf = ({ value }: Item): string =>
    typeof value['name'] === 'string' ? value['name'] : '';
  const all = [...state.pullSecrets, { value: { name } }];
  const byName = (a: Item, b: Item): number => {
    return Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b)));
  };
  return { ...state, pullSecrets: all.toSorted(byName) };
}
