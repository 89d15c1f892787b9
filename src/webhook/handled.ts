// A pod that the webhook has handled already, as it was before: what came for one container that
// fetches, for variables from other stores, and from the Secret beside the pod, is taken away.
import { isRecord } from '../wire/read.ts';
import type { ContainerState, Item, PodState } from './pod-state.ts';
import { SECRET_NAME, VOLUME as VALUES_VOLUME } from './pod-values.ts';
import { START_VOLUME, launcherCommand } from './pull-variables.ts';
import { MEMORY_VOLUME, NAME } from './pull-container.ts';
import { PLAN_ANNOTATION, PLAN_VOLUME } from './pull-plan.ts';

/** The pod without the container that fetches, all that was made for it, and values of ours. */
export function asBefore(state: PodState): PodState {
  const isPulled = Object.hasOwn(state.annotations, PLAN_ANNOTATION);
  const isPulling = ({ list, name }: ContainerState): boolean => {
    return isPulled && list === 'initContainers' && name === NAME;
  };
  const ours = new Set([
    ...state.volumes.filter(isOfValues).map(nameOf),
    ...state.containers
      .filter(isPulling)
      .flatMap(({ mounts }) => mounts.map(nameOf))
      // A volume in memory that was the user's before stays.
      .filter((name) => {
        return [PLAN_VOLUME, START_VOLUME].includes(name) || name.startsWith(MEMORY_VOLUME);
      }),
  ]);
  const others = <T extends Item>(items: readonly T[]): T[] => {
    return items.filter((one) => !ours.has(nameOf(one)));
  };
  const containers = state.containers
    .filter((one) => !isPulling(one))
    .map((one) => ({
      ...one,
      value: withoutLauncher(one),
      env: one.env.filter((entry) => !isFromFile(entry) && !isFromValues(entry)),
      mounts: others(one.mounts),
    }));
  return { ...state, containers, volumes: others(state.volumes) };
}

/** The variables that every webhook of Flyte's, and ours, gives to pods. */
const OF_WEBHOOKS: readonly string[] = ['FLYTE_SECRETS_ENV_PREFIX', 'FLYTE_SECRETS_DEFAULT_DIR'];

/** True where a webhook has been at the pod, and nothing of it is left to do. */
export function isDone({ annotations, containers, volumes }: PodState): boolean {
  if (Object.hasOwn(annotations, PLAN_ANNOTATION) || volumes.some(isOfValues)) return false;
  if (containers.some(({ env }) => env.some(isFromValues))) return false;
  return containers.some(({ env }) => env.some((one) => OF_WEBHOOKS.includes(nameOf(one))));
}

const nameOf = ({ value }: Item): string => String(value['name']);

/** The Secret beside the pod has its name from the webhook. */
const OF_VALUES = new RegExp(`^${SECRET_NAME.start}[0-9a-f]{${SECRET_NAME.digits}}$`);

function isOfValues(volume: Item): boolean {
  const { secret } = volume.value;
  const name = isRecord(secret) ? String(secret['secretName']) : '';
  return nameOf(volume) === VALUES_VOLUME && OF_VALUES.test(name);
}

function isFromValues({ value: { valueFrom } }: Item): boolean {
  const key = isRecord(valueFrom) ? valueFrom['secretKeyRef'] : undefined;
  return isRecord(key) && OF_VALUES.test(String(key['name']));
}

function withoutLauncher({ name, value }: ContainerState): ContainerState['value'] {
  const { command } = value;
  const before = launcherCommand(name);
  const isStarted = Array.isArray(command) && before.every((word, n) => command[n] === word);
  return isStarted ? { ...value, command: command.slice(before.length) } : value;
}

function isFromFile({ value: { valueFrom } }: Item): boolean {
  const file = isRecord(valueFrom) ? valueFrom['fileKeyRef'] : undefined;
  return isRecord(file) && file['volumeName'] === START_VOLUME;
}
