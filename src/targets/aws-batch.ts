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
import { BATCH_CAPS, REGISTER, SUBMIT } from './_batch-caps.ts';
import { BATCH_ADAPT } from './_ecs-adapt.ts';
import { indexFrom } from './_entrypoint.ts';
import { appended, asList, digestName, over } from './_request.ts';
import type { AwsApi, Job, Progress, Request, Target } from './_target.ts';

const BATCH: AwsApi = { signed: 'batch', host: 'batch', variable: 'BATCH', cli: 'batch' };
const INDEX = 'AWS_BATCH_JOB_ARRAY_INDEX';
const VARIABLES = 'awsdocs/aws-batch-user-guide@39859a8 job_env_vars.md';

/** AWS Batch on ECS, on EC2 and on Fargate. */
const target: Target = {
  name: 'aws-batch',
  summary: 'AWS Batch on EC2 and Fargate (RegisterJobDefinition, SubmitJob)',
  variablesAt: { operation: REGISTER, at: 'containerProperties.environment' },
  operations: [REGISTER, SUBMIT],
  caps: BATCH_CAPS,
  reserved: [
    {
      pattern: 'AWS_BATCH[\\s\\S]*',
      why: 'names that begin with AWS_BATCH are reserved by Batch',
      source: VARIABLES,
      readOn: READ_ON,
      sure: 'documented',
    },
  ],
  features: {
    ...ECS_FEATURES,
    variables: { by: 'request', how: 'environment; what its caps leave out by the entrypoint' },
    secretVariables: {
      by: 'request',
      how: 'secrets, for a whole secret or parameter by its ARN, with `submit: { nativeKeys: true }` for one key; others by the entrypoint',
    },
    command: {
      by: 'request',
      how: 'command starts bellhop; there is no entryPoint, so the image must have none of its own',
    },
    cpuAndMemory: {
      by: 'request',
      how: 'resourceRequirements: whole processors; on Fargate the next larger size',
    },
    gpu: { by: 'request', how: 'resourceRequirements (EC2)' },
    retries: { by: 'request', how: 'retryStrategy.attempts: the retries and the first attempt' },
    timeLimit: {
      by: 'request',
      how: 'timeout.attemptDurationSeconds, of each attempt; one that took too long is the last',
    },
    completions: {
      by: 'request',
      how: 'arrayProperties.size; how many run at once is up to the compute environment',
    },
    completionIndex: { by: 'entrypoint', how: `from ${INDEX}` },
    sidecars: {
      by: 'nobody',
      how: 'one container a job here: start what is needed from the image',
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
  },
  start: 'words',
  stop: 'SIGTERM, SIGKILL after 30 s',
  rank: 2,
  gives: [
    {
      pattern: 'AWS_BATCH_[A-Z_]+',
      source: VARIABLES,
      readOn: '2026-11-22',
      sure: 'documented',
    },
    ...AGENT_GIVES,
  ],
  indexVariable: INDEX,
  detect(inside) {
    const job = inside.variable('AWS_BATCH_JOB_ID');
    if (job === undefined) return undefined;
    const region = inside.variable('AWS_REGION');
    const nodes = Number(inside.variable('AWS_BATCH_JOB_NUM_NODES') ?? '1');
    return {
      job,
      ...indexFrom(inside, INDEX),
      ...(region === undefined ? {} : { region }),
      ...(Number.isSafeInteger(nodes) ? { nodes } : {}),
    };
  },
  secret: (wish) => valueFrom(wish, objectIn(wish.given(REGISTER), 'containerProperties')),
  userAt: { operation: REGISTER, at: 'containerProperties.user' },
  mounts: ({ given }) => mayMount(objectIn(given(REGISTER), 'containerProperties')),
  nodes: ({ given }) => countIn(objectIn(given(SUBMIT), 'arrayProperties'), 'size'),
  running: {
    // What SubmitJob says counts instead.
    retries: {
      operation: REGISTER,
      at: 'retryStrategy.attempts',
      or: [{ operation: SUBMIT, at: 'retryStrategy.attempts' }],
    },
    time: {
      operation: REGISTER,
      at: 'timeout.attemptDurationSeconds',
      or: [{ operation: SUBMIT, at: 'timeout.attemptDurationSeconds' }],
      of: 'attempt',
      // awsdocs/aws-batch-user-guide@39859a8 job_timeouts.md: such a job "isn't retried".
      isLast: true,
    },
    tasks: { operation: SUBMIT, at: 'arrayProperties.size' },
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [registration(job), submission(job)],
  follow: {
    // Found there already, or submitted just now.
    ask: (_, answer) => {
      const [found = {}] = objectsIn(answer, 'jobSummaryList');
      const id = textIn(answer, 'jobId') ?? textIn(found, 'jobId') ?? '';
      return batch('DescribeJobs', { jobs: [id] }, 'describejobs');
    },
    read: progressOf,
  },
  adapt: BATCH_ADAPT,
  wants: {
    [REGISTER]: {
      'containerProperties.image': "the image: the container's `image`",
      'containerProperties.resourceRequirements': "the container's `resources`, or given here",
    },
    [SUBMIT]: { jobQueue: 'the queue that the job waits in' },
  },
};

export default target;

const NAME_LENGTH_MAX = 128;

function batch(operation: string, input: JsonObject, path: string): Request {
  const send = { by: 'aws rest', service: BATCH, method: 'POST', path: `/v1/${path}` } as const;
  return { operation, input, send };
}

/** The definition has the digest in its name, so that what is there already is the same. */
function registration(job: Job): Request {
  const given = job.given(REGISTER);
  const { retries, secondsMax } = job.needs;
  const container = objectIn(given, 'containerProperties');
  const input = over(given, {
    jobDefinitionName: job.name,
    type: 'container',
    containerProperties: over(container, properties(job, container, sizesOf(job))),
    retryStrategy: retries === undefined ? undefined : { attempts: retries + 1 },
    timeout: secondsMax === undefined ? undefined : { attemptDurationSeconds: secondsMax },
    tags: over(objectIn(given, 'tags'), { 'bellhop/digest': job.digest }),
  });
  return {
    ...batch(REGISTER, input, 'registerjobdefinition'),
    unless: {
      request: batch(
        'DescribeJobDefinitions',
        { jobDefinitionName: job.name, status: 'ACTIVE' },
        'describejobdefinitions',
      ),
      absentCodes: [],
      isThere: (answer) => objectsIn(answer, 'jobDefinitions').length > 0,
    },
  };
}

type Sizes = Readonly<Record<'VCPU' | 'MEMORY', number | undefined>>;

/**
 * EC2 takes whole processors, Fargate one of its sizes: botocore 1.44.5, documentation of
 * ResourceRequirement.
 */
function sizesOf({ needs, given }: Job): Sizes {
  const platforms = given(REGISTER)['platformCapabilities'];
  const size = fargateSize(needs);
  if (Array.isArray(platforms) && platforms.includes('FARGATE') && size !== undefined) {
    return { VCPU: size.cpuUnits / CPU_UNITS, MEMORY: size.memoryMiB };
  }
  const { cpus, memoryMiB } = needs;
  return { VCPU: cpus === undefined ? undefined : Math.ceil(cpus), MEMORY: memoryMiB };
}

function properties(
  job: Job,
  given: JsonObject,
  sizes: Sizes,
): { readonly [name: string]: Json | undefined } {
  return {
    image: job.image,
    user: job.user,
    command: job.start.length === 0 ? undefined : job.start,
    environment: appended(given['environment'], asList(job.variables), 'name'),
    secrets: secretsOf(job, given),
    resourceRequirements: resources(job, given, sizes),
  };
}

/** What the user gives of a type counts, else what the pod says. */
function resources({ needs }: Job, given: JsonObject, sizes: Sizes): Json[] | undefined {
  const own = objectsIn(given, 'resourceRequirements');
  const has = (type: string): boolean => own.some((one) => one['type'] === type);
  const from = [
    ['VCPU', sizes.VCPU],
    ['MEMORY', sizes.MEMORY],
    ['GPU', needs.gpus],
  ] as const;
  const added = from.flatMap(([type, amount]) => {
    return amount === undefined || has(type) ? [] : [{ type, value: String(amount) }];
  });
  const all = [...own, ...added];
  return all.length === 0 ? undefined : all;
}

/** Batch has no client token: a job of this name in the queue is this job. */
function submission(job: Job): Request {
  const given = job.given(SUBMIT);
  const queue = textIn(given, 'jobQueue') ?? '';
  const { tasks } = job.needs;
  const input = over(given, {
    jobName: job.name,
    jobDefinition: job.name,
    arrayProperties: tasks === undefined ? undefined : { size: tasks },
  });
  return {
    ...batch(SUBMIT, input, 'submitjob'),
    once: true,
    unless: {
      request: batch(
        'ListJobs',
        { jobQueue: queue, filters: [{ name: 'JOB_NAME', values: [job.name] }] },
        'listjobs',
      ),
      absentCodes: [],
      isThere: (answer) => objectsIn(answer, 'jobSummaryList').length > 0,
    },
  };
}

function progressOf(answer: JsonObject): Progress {
  const [job = {}] = objectsIn(answer, 'jobs');
  const said = textIn(job, 'status') ?? 'unknown';
  if (said === 'SUCCEEDED') return { state: 'succeeded', said };
  if (said !== 'FAILED') return { state: said === 'RUNNING' ? 'running' : 'waiting', said };
  const container = objectIn(job, 'container');
  const words = [textIn(job, 'statusReason'), textIn(container, 'reason')];
  return { state: 'failed', said, reason: words.filter((one) => one !== undefined).join('; ') };
}
