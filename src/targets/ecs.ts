import type { Json } from '../core/canonical.ts';
import type { JsonObject } from './_caps.ts';
import { countIn, objectIn, objectsIn, textIn } from './_fields.ts';
import {
  AGENT_GIVES,
  CPU_UNITS,
  ECS_FEATURES,
  READ_ON,
  fargateSize,
  mayMount,
  secretsOf,
  valueFrom,
} from './_ecs.ts';
import { ECS_ADAPT } from './_ecs-adapt.ts';
import { appended, asList, digestName, over, tags } from './_request.ts';
import type { AwsApi, Job, Progress, Request, Target } from './_target.ts';

const REGISTER = 'RegisterTaskDefinition';
const RUN = 'RunTask';
const ECS: AwsApi = { signed: 'ecs', host: 'ecs', variable: 'ECS', cli: 'ecs' };
const MEMBERS = 'containerDefinitions[]';

/** Amazon ECS, on EC2 and on Fargate. */
const target: Target = {
  name: 'ecs',
  summary: 'Amazon ECS on EC2 and Fargate (RegisterTaskDefinition, RunTask)',
  variablesAt: { operation: REGISTER, at: `${MEMBERS}.environment` },
  operations: [REGISTER, RUN],
  caps: [
    {
      kind: 'limit',
      operation: REGISTER,
      at: '',
      counts: 'json',
      max: 65_536,
      source: "service error text: Max allowed length is '65536' bytes",
      readOn: READ_ON,
      sure: 'public report',
    },
    {
      kind: 'limit',
      operation: REGISTER,
      at: 'containerDefinitions',
      counts: 'entries',
      max: 10,
      min: 1,
      source: 'awsdocs/amazon-ecs-developer-guide@49232cf',
      readOn: READ_ON,
      sure: 'documented',
    },
    {
      kind: 'limit',
      operation: REGISTER,
      at: 'tags',
      counts: 'entries',
      max: 50,
      source: 'awsdocs/amazon-ecs-developer-guide@49232cf',
      readOn: READ_ON,
      sure: 'documented',
    },
    {
      kind: 'limit',
      operation: RUN,
      at: 'overrides',
      counts: 'json',
      max: 8192,
      source: 'service error text: Container Overrides length must be at most 8192',
      readOn: READ_ON,
      sure: 'public report',
    },
    {
      kind: 'limit',
      operation: RUN,
      at: 'count',
      counts: 'number',
      max: 10,
      source: 'awsdocs/amazon-ecs-developer-guide@49232cf',
      readOn: READ_ON,
      sure: 'documented',
    },
  ],
  reserved: [],
  features: {
    ...ECS_FEATURES,
    variables: { by: 'request', how: 'environment; what its caps leave out by the entrypoint' },
    secretVariables: {
      by: 'request',
      how: 'secrets, for a whole secret or parameter by its ARN, with `submit: { nativeKeys: true }` for one key; others by the entrypoint',
    },
    command: { by: 'request', how: 'entryPoint starts bellhop' },
    cpuAndMemory: { by: 'request', how: 'cpu and memory; on Fargate the next larger size' },
    gpu: { by: 'request', how: 'resourceRequirements (EC2)' },
    sidecars: {
      by: 'nobody',
      how: 'give them as further containerDefinitions in `submit.targets`, and remove them',
    },
    persistentVolume: {
      by: 'nobody',
      how: 'give an EFS volume and its mountPoints in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: {
      by: 'nobody',
      how: 'give the host volume and its mountPoints in `submit.targets` (EC2); then `volumes: { NAME: present }`',
    },
    privileged: {
      by: 'nobody',
      how: 'give `privileged: true` in `submit.targets` (EC2), and remove it',
    },
    completions: { by: 'nobody', how: 'give count (at most 10) in `submit.targets`' },
    stdin: { by: 'request', how: 'interactive' },
    tty: { by: 'request', how: 'pseudoTerminal' },
  },
  start: 'request',
  stop: 'SIGTERM, SIGKILL after stopTimeout: 30 s, at most 120 s on Fargate',
  rank: 1,
  gives: AGENT_GIVES,
  detect(inside) {
    const names = ['ECS_CONTAINER_METADATA_URI_V4', 'ECS_CONTAINER_METADATA_URI'];
    const isThere = names.some((name) => inside.variable(name) !== undefined);
    const started = inside.variable('AWS_EXECUTION_ENV') ?? '';
    if (!isThere && !/^AWS_ECS_(EC2|FARGATE)$/.test(started)) return undefined;
    const region = inside.variable('AWS_REGION');
    return region === undefined ? {} : { region };
  },
  secret: (wish) => valueFrom(wish, wish.given(REGISTER)),
  userAt: { operation: REGISTER, at: `${MEMBERS}.user` },
  mounts: ({ given }) => mayMount(objectsIn(given(REGISTER), 'containerDefinitions')[0] ?? {}),
  nodes: ({ given }) => countIn(given(RUN), 'count'),
  nameOf: (name, digest) => digestName(name, digest, FAMILY_LENGTH_MAX),
  render: (job) => [registration(job), run(job)],
  follow: {
    ask: (job, answer) => {
      const [task = {}] = objectsIn(answer, 'tasks');
      const cluster = textIn(job.given(RUN), 'cluster');
      return ecs('DescribeTasks', {
        ...(cluster === undefined ? {} : { cluster }),
        tasks: [textIn(task, 'taskArn') ?? ''],
      });
    },
    read: progressOf,
  },
  adapt: ECS_ADAPT,
  wants: {
    [REGISTER]: {
      'containerDefinitions[].image': "the image: the container's `image`",
      // botocore 1.44.5, ecs/2014-11-13: one of them is enough, on EC2 too.
      'containerDefinitions[].memory | containerDefinitions[].memoryReservation | memory':
        "the container's `resources`, or given here",
    },
  },
};

export default target;

const FAMILY_LENGTH_MAX = 255;
function ecs(operation: string, input: JsonObject): Request {
  const send = {
    by: 'aws json',
    service: ECS,
    target: 'AmazonEC2ContainerServiceV20141113',
  } as const;
  return { operation, input, send };
}

function isFargate(job: Job): boolean {
  const { requiresCompatibilities } = job.given(REGISTER);
  const listed = Array.isArray(requiresCompatibilities) ? requiresCompatibilities : [];
  return listed.includes('FARGATE') || job.given(RUN)['launchType'] === 'FARGATE';
}

/** The family has the digest in its name, so that what is there already is the same. */
function registration(job: Job): Request {
  const given = job.given(REGISTER);
  const [first = {}, ...others] = objectsIn(given, 'containerDefinitions');
  const onFargate = isFargate(job);
  const size = onFargate ? fargateSize(job.needs) : undefined;
  const input = over(given, {
    family: job.name,
    containerDefinitions: [over(first, definition(job, { task: given, given: first })), ...others],
    requiresCompatibilities: onFargate ? ['FARGATE'] : undefined,
    networkMode: onFargate ? 'awsvpc' : undefined,
    cpu: given['cpu'] ?? textOf(size?.cpuUnits),
    memory: given['memory'] ?? textOf(size?.memoryMiB),
    tags: appended(given['tags'], tags(job, ['key', 'value']), 'key'),
  });
  return {
    ...ecs(REGISTER, input),
    unless: {
      request: ecs('DescribeTaskDefinition', { taskDefinition: job.name }),
      absentCodes: ['ClientException'],
      isThere: (answer) => objectIn(answer, 'taskDefinition')['status'] === 'ACTIVE',
    },
  };
}

function textOf(amount: number | undefined): string | undefined {
  return amount === undefined ? undefined : String(amount);
}

/** Ours; the pod's sizes only where none are given, of the container or of the whole task. */
function definition(
  job: Job,
  { task, given }: { readonly task: JsonObject; readonly given: JsonObject },
): { readonly [name: string]: Json | undefined } {
  const { needs, user } = job;
  const hasMemory = given['memoryReservation'] !== undefined || task['memory'] !== undefined;
  const cpu = needs.cpus === undefined ? undefined : Math.ceil(needs.cpus * CPU_UNITS);
  return {
    name: given['name'] ?? job.container,
    image: job.image,
    essential: true,
    entryPoint: job.start.length === 0 ? undefined : job.start,
    environment: appended(given['environment'], asList(job.variables), 'name'),
    secrets: secretsOf(job, given),
    user,
    interactive: needs.stdin,
    pseudoTerminal: needs.tty,
    cpu: given['cpu'] ?? (task['cpu'] === undefined ? cpu : undefined),
    memory: given['memory'] ?? (hasMemory ? undefined : needs.memoryMiB),
    resourceRequirements:
      needs.gpus === undefined ? undefined : [{ type: 'GPU', value: String(needs.gpus) }],
  };
}

function run(job: Job): Request {
  const given = job.given(RUN);
  return {
    ...ecs(RUN, over(given, { taskDefinition: job.name, clientToken: job.digest })),
    // No room for a task is an answer of status 200.
    refusal: (answer) => {
      const reasons = objectsIn(answer, 'failures').map((one) => {
        return [textIn(one, 'reason'), textIn(one, 'detail')].filter(Boolean).join(', ');
      });
      return reasons.length === 0 ? undefined : [...new Set(reasons)].join('; ');
    },
  };
}

function progressOf(answer: JsonObject): Progress {
  const [task = {}] = objectsIn(answer, 'tasks');
  const said = textIn(task, 'lastStatus') ?? 'unknown';
  if (said !== 'STOPPED') return { state: said === 'RUNNING' ? 'running' : 'waiting', said };
  const [container = {}] = objectsIn(task, 'containers');
  if (container['exitCode'] === 0) return { state: 'succeeded', said };
  const exit = container['exitCode'];
  const ended = typeof exit === 'number' ? `exit code ${exit}` : undefined;
  const words = [ended, textIn(container, 'reason'), textIn(task, 'stoppedReason')];
  return { state: 'failed', said, reason: words.filter((one) => one !== undefined).join('; ') };
}
