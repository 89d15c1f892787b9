// Cloud Run jobs: run.v2 20261031 (google-api-python-client 2.202.0).
import type { Json } from '../core/canonical.ts';
import { countIn, objectIn, objectsIn, textIn } from './_fields.ts';
import type { Cap, JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES, indexFrom } from './_entrypoint.ts';
import { READ_ON, google, parentOf, started } from './_google.ts';
import { appended, asList, digestName, over } from './_request.ts';
import type { GoogleApi, Job, Progress, Request, SecretWish, Target } from './_target.ts';

const OPERATION = 'CreateJob';
const INDEX = 'CLOUD_RUN_TASK_INDEX';
const ENV = 'template.template.containers[].env';
const RUN: GoogleApi = { host: 'run.googleapis.com', variable: 'RUN' };
const MODEL = {
  source: 'google-api-python-client 2.202.0, run.v2 20261031',
  readOn: READ_ON,
  sure: 'service model',
} as const;
const GUIDE = {
  source: 'docs.cloud.google.com/run',
  readOn: READ_ON,
  sure: 'documented',
} as const;
const START_TOKEN = 'bellhop';
const RETRIES = 'template.template.maxRetries';
const TIMEOUT = 'template.template.timeout';
const TASKS = 'template.taskCount';

/** Google Cloud Run: a job that is created and executed. */
const target: Target = {
  name: 'cloud-run-job',
  summary: 'Google Cloud Run jobs (projects.locations.jobs.create)',
  variablesAt: { operation: OPERATION, at: ENV },
  operations: [OPERATION],
  caps: [
    { kind: 'limit', operation: OPERATION, at: ENV, counts: 'entries', max: 1000, ...GUIDE },
    { kind: 'limit', operation: OPERATION, at: ENV, counts: 'name', max: 32_768, ...MODEL },
    { kind: 'limit', operation: OPERATION, at: ENV, counts: 'value', max: 32_768, ...MODEL },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'template.template.containers',
      counts: 'entries',
      max: 1,
      ...MODEL,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'jobId',
      counts: 'text',
      // With a dash and the token of the execution fewer than 63 characters.
      max: 62 - START_TOKEN.length - 1,
      min: 1,
      ...MODEL,
    },
    ...(
      [
        [RETRIES, 'number', 10, 'run/docs/configuring/max-retries'],
        [TIMEOUT, 'seconds', 604_800, 'run/docs/configuring/task-timeout'],
        [TASKS, 'number', 10_000, 'run/docs/create-jobs'],
      ] as const
    ).map(([at, counts, max, page]): Cap => {
      const source = `docs.cloud.google.com/${page}`;
      const fact = { source, readOn: '2026-11-22', sure: 'documented' } as const;
      return { kind: 'limit', operation: OPERATION, at, counts, max, ...fact };
    }),
    {
      kind: 'form',
      operation: OPERATION,
      at: 'parent',
      of: 'text',
      pattern: 'projects/[^/]+/locations/[^/]+',
      ...MODEL,
    },
  ],
  reserved: [
    {
      pattern: 'PORT|K_SERVICE|K_REVISION|K_CONFIGURATION|CLOUD_RUN_[\\s\\S]*|X_GOOGLE_[\\s\\S]*',
      why: 'the name is reserved by Cloud Run',
      ...GUIDE,
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'containers[].env; what its caps leave out by the entrypoint',
    },
    secretVariables: {
      by: 'request',
      how: 'valueSource.secretKeyRef, for a whole secret of Secret Manager; others by the entrypoint',
    },
    command: { by: 'request', how: 'containers[].command starts bellhop' },
    cpuAndMemory: { by: 'request', how: 'resources.limits; cpu is the next of 1, 2, 4 and 8' },
    gpu: { by: 'request', how: 'resources.limits; the nodeSelector in `submit.targets`' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'one container a task: start what is needed from the image' },
    persistentVolume: {
      by: 'nobody',
      how: 'give volumes (gcs, nfs) and volumeMounts in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: { by: 'nobody', how: 'there is no host: put the data into the image or a bucket' },
    hostNamespaces: { by: 'nobody', how: 'there is no host: remove it' },
    privileged: { by: 'nobody', how: 'no container is privileged: remove it' },
    devices: { by: 'nobody', how: 'there are none: remove it' },
    retries: { by: 'request', how: 'maxRetries; 3 where the manifest does not say' },
    timeLimit: {
      by: 'request',
      how: 'timeout, of each attempt; 600 s where the manifest does not say; with GPUs 1 hour, or 12 in a preview',
    },
    completions: { by: 'request', how: 'taskCount and parallelism' },
    completionIndex: { by: 'entrypoint', how: `from ${INDEX}` },
  },
  start: 'request',
  stop: 'SIGTERM, SIGKILL after 10 s',
  rank: 2,
  gives: [
    {
      pattern: 'CLOUD_RUN_(JOB|EXECUTION|TASK_(INDEX|COUNT|ATTEMPT))',
      source: 'docs.cloud.google.com/run',
      readOn: '2026-11-22',
      sure: 'documented',
    },
  ],
  indexVariable: INDEX,
  detect(inside) {
    const job = inside.variable('CLOUD_RUN_EXECUTION') ?? inside.variable('CLOUD_RUN_JOB');
    if (job === undefined) return undefined;
    const nodes = Number(inside.variable('CLOUD_RUN_TASK_COUNT') ?? '1');
    const index = indexFrom(inside, INDEX);
    return { job, ...index, ...(Number.isSafeInteger(nodes) && nodes > 0 ? { nodes } : {}) };
  },
  secret: secretName,
  nodes: ({ given }) => countIn(objectIn(given(OPERATION), 'template'), 'taskCount'),
  running: {
    retries: { operation: OPERATION, at: RETRIES },
    time: {
      operation: OPERATION,
      at: TIMEOUT,
      of: 'attempt',
      // docs.cloud.google.com/run/docs/configuring/task-timeout, read 2026-11-22: one copy of the
      // page says 1 hour with GPUs, another 12 hours (preview). So it is told, and not refused.
      gpuSecondsMax: 3600,
    },
    tasks: { operation: OPERATION, at: TASKS },
    parallel: { operation: OPERATION, at: 'template.parallelism' },
  },
  nameOf: (name, digest) => startingWithLetter(digestName(name, digest, NAME_LENGTH_MAX - 1)),
  render: (job) => [creation(job)],
  follow: {
    ask: ({ name, given }) => {
      const { parent } = parentOf(given(OPERATION));
      const input = { name: `${parent}/jobs/${name}` };
      return google('GetJob', input, { service: RUN, method: 'GET', path: '/v2/{+name}' });
    },
    read: progressOf,
  },
  wants: {
    [OPERATION]: {
      parent: 'the project and region: projects/PROJECT/locations/REGION',
      'template.template.containers[].image': "the image: the container's `image`",
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 49;
const CPUS = [1, 2, 4, 8];

/** Names are lower case and begin with a letter. */
function startingWithLetter(name: string): string {
  const lower = name.toLowerCase();
  return /^[a-z]/.test(lower) ? lower : `j${lower}`;
}

/** The token starts one execution when the job is created: nothing can start a second one. */
function creation(job: Job): Request {
  const given = job.given(OPERATION);
  const { retries, secondsMax, tasks, parallel } = job.needs;
  const execution = objectIn(given, 'template');
  const task = objectIn(execution, 'template');
  const [first = {}, ...others] = objectsIn(task, 'containers');
  const containers = [over(first, containerOf(job, first)), ...others];
  const input = over(given, {
    jobId: job.name,
    startExecutionToken: START_TOKEN,
    template: over(execution, {
      taskCount: tasks,
      parallelism: parallel,
      template: over(task, {
        containers,
        maxRetries: retries,
        timeout: secondsMax === undefined ? undefined : `${secondsMax}s`,
      }),
    }),
    annotations: over(objectIn(given, 'annotations'), { 'bellhop/digest': job.digest }),
  });
  const path = '/v2/{+parent}/jobs?jobId={jobId}';
  return { ...google(OPERATION, input, { service: RUN, path }), doneCodes: ['ALREADY_EXISTS'] };
}

function containerOf(job: Job, given: JsonObject): { readonly [name: string]: Json | undefined } {
  const secrets = job.secrets.map(({ name, from }): JsonObject => {
    const [secret = '', version = ''] = from.split('/versions/');
    return { name, valueSource: { secretKeyRef: { secret, version } } };
  });
  const env = appended(given['env'], [...asList(job.variables), ...secrets], 'name');
  const limits = limitsOf(job);
  return {
    image: job.image,
    ...started(job),
    env,
    resources: Object.keys(limits).length === 0 ? undefined : { limits },
  };
}

function limitsOf({ needs }: Job): JsonObject {
  const { cpus, memoryMiB, gpus } = needs;
  const cpu = cpus === undefined ? undefined : CPUS.find((one) => one >= cpus);
  return {
    ...(cpu === undefined ? {} : { cpu: String(cpu) }),
    ...(memoryMiB === undefined ? {} : { memory: `${memoryMiB}Mi` }),
    ...(gpus === undefined ? {} : { 'nvidia.com/gpu': String(gpus) }),
  };
}

/**
 * A whole secret of Secret Manager, in the project of the job or in another. Regional secrets are
 * left to the entrypoint, and so are those that are read elsewhere or as somebody else.
 */
function secretName({ reference, store, given }: SecretWish): string | undefined {
  const { path, key, version = 'latest' } = reference;
  const own = ['auth', 'endpoint', 'location', 'quotaProject'];
  if (store.kind !== 'gcp-secret-manager' || key !== undefined) return undefined;
  if (own.some((name) => store[name] !== undefined)) return undefined;
  const FULL = /^projects\/([^/]+)\/secrets\/([\w-]+)(?:\/versions\/([\w-]+))?$/;
  const [, project = store['project'], secret = path, inPath] = FULL.exec(path) ?? [];
  const wanted = inPath ?? version;
  if (typeof project !== 'string' || !/^[\w-]+$/.test(secret)) return undefined;
  const isHere = project === parentOf(given(OPERATION)).project;
  return `${isHere ? secret : `projects/${project}/secrets/${secret}`}/versions/${wanted}`;
}

function progressOf(answer: JsonObject): Progress {
  const execution = objectIn(answer, 'latestCreatedExecution');
  const status = textIn(execution, 'completionStatus') ?? 'EXECUTION_PENDING';
  const said = status.replace(/^EXECUTION_/, '').toLowerCase();
  if (status === 'EXECUTION_SUCCEEDED') return { state: 'succeeded', said };
  if (!/_(FAILED|CANCELLED)$/.test(status)) {
    return { state: status === 'EXECUTION_RUNNING' ? 'running' : 'waiting', said };
  }
  const name = textIn(execution, 'name');
  const reason = textIn(objectIn(answer, 'terminalCondition'), 'message');
  const words = [name, reason].filter((one) => one !== undefined);
  return { state: 'failed', said, reason: words.join(': ') };
}
