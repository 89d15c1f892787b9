// What ECS and Batch on ECS have in common. Fields: botocore 1.44.5. Behaviour:
// awsdocs/amazon-ecs-developer-guide@49232cf, aws/amazon-ecs-agent@8dfceca.
import type { Json } from '../core/canonical.ts';
import type { Needs } from '../plan/needs.ts';
import type { JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES } from './_entrypoint.ts';
import { objectIn, textIn } from './_fields.ts';
import type { Gives } from './_names.ts';
import { ROLE_CREDENTIALS } from './_names.ts';
import { appended } from './_request.ts';
import type { Feature, Job, Said, SecretWish } from './_target.ts';

export const READ_ON = '2026-11-21';

/** What holds for every container that the agent of ECS starts. */
export const ECS_FEATURES = {
  ...ENTRYPOINT_FEATURES,
  user: {
    by: 'request',
    how: 'user is root where bellhop has to become another than the USER of the image',
  },
  isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
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
  ROLE_CREDENTIALS,
  {
    pattern: 'AWS_(DEFAULT_)?REGION',
    source: 'awsdocs/amazon-ecs-developer-guide@49232cf (Fargate)',
    readOn: '2026-11-22',
    sure: 'documented',
    isCommon: true,
  },
];

/** How ECS counts a processor. */
export const CPU_UNITS = 1024;

/** MiB that Fargate has for each size of CPU: awsdocs/amazon-ecs-developer-guide@49232cf. */
const FARGATE: readonly (readonly [cpuUnits: number, memoryMiB: readonly number[]])[] = [
  [256, [512, 1024, 2048]],
  [512, gibs(1, 4, 1)],
  [1024, gibs(2, 8, 1)],
  [2048, gibs(4, 16, 1)],
  [4096, gibs(8, 30, 1)],
  [8192, gibs(16, 60, 4)],
  [16_384, gibs(32, 120, 8)],
];

function gibs(from: number, to: number, step: number): readonly number[] {
  const count = Math.floor((to - from) / step) + 1;
  return Array.from({ length: count }, (_, index) => (from + index * step) * 1024);
}

/** The smallest size that has as much; undefined where the pod does not say, or none has. */
export function fargateSize({
  cpus,
  memoryMiB,
}: Needs): { readonly cpuUnits: number; readonly memoryMiB: number } | undefined {
  if (cpus === undefined && memoryMiB === undefined) return undefined;
  for (const [cpuUnits, sizes] of FARGATE) {
    const memory = sizes.find((one) => one >= (memoryMiB ?? 0));
    if (cpuUnits >= (cpus ?? 0) * CPU_UNITS && memory !== undefined) {
      return { cpuUnits, memoryMiB: memory };
    }
  }
  return undefined;
}

const SECRET = /^arn:[^:]*:secretsmanager:[^:]*:\d*:secret:[^:]+$/;
const PARAMETER = /^arn:[^:]*:ssm:[^:]*:\d*:parameter\/.+$/;

const VERSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * `valueFrom` of ECS and Batch: a secret by its ARN, whole or one key of it, in a version, or a
 * parameter by its ARN. What has no ARN is left to the entrypoint (the job may run in another
 * region), and so are stores that are asked elsewhere or as somebody else.
 * `ARN:json-key:version-stage:version-id`: aws/amazon-ecs-agent@03b7f2b, agent/asm/asm.go.
 */
export function valueFrom({ reference, store }: SecretWish, given: JsonObject): string | undefined {
  // Without an execution role the agent could not fetch it.
  if (textIn(given, 'executionRoleArn') === undefined) return undefined;
  const { path, key = '', version = '' } = reference;
  if (['auth', 'endpoint', 'ca'].some((name) => store[name] !== undefined)) return undefined;
  if (key === '' && version === '') {
    return SECRET.test(path) || PARAMETER.test(path) ? path : undefined;
  }
  // The agent takes them apart at each colon.
  if (!SECRET.test(path) || [key, version].some((one) => one.includes(':'))) return undefined;
  const [stage, id] = VERSION_ID.test(version) ? ['', version] : [version, ''];
  return `${path}:${key}:${stage}:${id}`;
}

/** The secrets of a container's definition, behind those of the user; undefined without any. */
export function secretsOf(job: Job, given: JsonObject): Json | undefined {
  const ours = job.secrets.map(({ name, from }) => ({ name, valueFrom: from }));
  return ours.length === 0 ? undefined : appended(given['secrets'], ours, 'name');
}
