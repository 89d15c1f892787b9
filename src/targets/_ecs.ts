// What ECS and Batch on ECS have in common. Fields: botocore 1.44.5. Behaviour:
// awsdocs/amazon-ecs-developer-guide@49232cf, aws/amazon-ecs-agent@8dfceca.
import { objectIn } from './_aws.ts';
import type { JsonObject } from './_caps.ts';
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
