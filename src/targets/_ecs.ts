// What ECS and Batch on ECS have in common. Fields: botocore 1.44.5. Behaviour:
// awsdocs/amazon-ecs-developer-guide@49232cf, aws/amazon-ecs-agent@8dfceca.
import { objectIn } from './_aws.ts';
import type { JsonObject } from './_caps.ts';
import type { Gives } from './_names.ts';
import type { Feature, Said } from './_target.ts';

export const READ_ON = '2026-11-21';

/** What holds for every container that the agent of ECS starts. */
export const ECS_FEATURES = {
  files: { by: 'entrypoint', how: 'written before the program starts' },
  hyperparameters: { by: 'entrypoint', how: 'a file where the program reads it' },
  workingDir: { by: 'entrypoint', how: 'changed to before the program starts' },
  user: {
    by: 'request',
    how: 'user is root where bellhop has to become another than the USER of the image',
  },
  memoryVolume: { by: 'entrypoint', how: 'in /dev/shm where mounting is not allowed' },
  isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
  initContainers: {
    by: 'nobody',
    how: 'put it into the image, or `policy: { initContainers: ignore }`',
  },
  hostNamespaces: { by: 'nobody', how: 'give the networkMode in `submit.targets`, and remove it' },
  devices: { by: 'nobody', how: 'give them as linuxParameters.devices in `submit.targets` (EC2)' },
} as const satisfies Partial<Record<Feature, Said>>;

/** Whether a container of Docker's may mount: it is privileged, or has the capability. */
export function mayMount(container: JsonObject): boolean {
  const { add: added = [] } = objectIn(objectIn(container, 'linuxParameters'), 'capabilities');
  const has = (name: string): boolean => Array.isArray(added) && added.includes(name);
  return container['privileged'] === true || has('SYS_ADMIN') || has('ALL');
}

/** What the agent of ECS gives every container. */
export const AGENT_GIVES: readonly Gives[] = [
  {
    pattern: 'ECS_(CONTAINER_METADATA_URI(_V4)?|AGENT_URI)',
    source: 'awsdocs/amazon-ecs-developer-guide@49232cf',
    readOn: '2026-11-22',
    sure: 'documented',
  },
  {
    pattern: 'AWS_EXECUTION_ENV',
    source: 'awsdocs/amazon-ecs-developer-guide@49232cf',
    readOn: '2026-11-22',
    sure: 'documented',
    isCommon: true,
  },
  {
    pattern: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    source: 'botocore 1.44.5, credentials.py (ContainerProvider)',
    readOn: '2026-11-22',
    sure: 'documented',
  },
  {
    pattern: 'AWS_(DEFAULT_)?REGION',
    source: 'awsdocs/amazon-ecs-developer-guide@49232cf (Fargate)',
    readOn: '2026-11-22',
    sure: 'documented',
    isCommon: true,
  },
];
