// Vertex AI custom jobs: aiplatform.v1 20261106 (google-api-python-client 2.202.0).
import type { Json } from '../core/canonical.ts';
import { objectIn, objectsIn, textIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES } from './_entrypoint.ts';
import { READ_ON, countOf, google, parentOf, started } from './_google.ts';
import { asList, appended, digestName, over } from './_request.ts';
import type { GoogleApi, Inside, Job, Progress, Request, Target } from './_target.ts';

const OPERATION = 'CreateCustomJob';
const ENV = 'jobSpec.workerPoolSpecs[].containerSpec.env';
const RESTART = 'jobSpec.scheduling.restartJobOnWorkerRestart';
const MODEL = {
  source: 'google-api-python-client 2.202.0, aiplatform.v1 20261106',
  readOn: READ_ON,
  sure: 'service model',
} as const;

/** Google Vertex AI: a custom training job. */
const target: Target = {
  name: 'vertex-custom-job',
  summary: 'Google Vertex AI custom jobs (projects.locations.customJobs.create)',
  variablesAt: { operation: OPERATION, at: ENV },
  operations: [OPERATION],
  caps: [
    { kind: 'limit', operation: OPERATION, at: ENV, counts: 'entries', max: 100, ...MODEL },
    {
      kind: 'form',
      operation: OPERATION,
      at: ENV,
      of: 'name',
      pattern: '[A-Za-z_][A-Za-z0-9_]*',
      ...MODEL,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'displayName',
      counts: 'text',
      max: 128,
      min: 1,
      ...MODEL,
    },
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
      pattern: 'CLOUD_ML_[\\s\\S]*|CLUSTER_SPEC|TF_CONFIG|AIP_[\\s\\S]*',
      why: 'the platform sets this name itself',
      source: 'googleapis/python-aiplatform training_utils/environment_variables.py',
      readOn: READ_ON,
      sure: 'public report',
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'containerSpec.env, with $( written as $$(; what it would change by the entrypoint',
    },
    secretVariables: { by: 'entrypoint', how: 'custom jobs have no secrets of their own' },
    command: { by: 'request', how: 'containerSpec.command starts bellhop' },
    cpuAndMemory: { by: 'nobody', how: 'choose a machineSpec.machineType that has as much' },
    gpu: {
      by: 'nobody',
      how: 'give machineSpec.acceleratorType and acceleratorCount in `submit.targets`',
    },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'one container only: start what is needed from the image' },
    persistentVolume: {
      by: 'nobody',
      how: 'give nfsMounts in `submit.targets`, or read Cloud Storage below /gcs; then `volumes: { NAME: present }`',
    },
    hostPath: { by: 'nobody', how: 'put the data into the image or Cloud Storage' },
    hostNamespaces: { by: 'nobody', how: 'the container has its own: remove it' },
    privileged: { by: 'nobody', how: 'no container is privileged: remove it' },
    devices: { by: 'nobody', how: 'only what the machine type brings: remove it' },
    retries: {
      by: 'request',
      how: '0 as scheduling.disableRetries; a program that failed is never started again',
    },
    timeLimit: { by: 'request', how: 'scheduling.timeout; 7 days where the manifest does not say' },
  },
  start: 'request',
  stop: 'SIGTERM; how long it has is not documented',
  rank: 2,
  gives: [
    {
      pattern:
        'CLOUD_ML_(JOB_ID|PROJECT_ID|REGION)|CLUSTER_SPEC|AIP_(MODEL|CHECKPOINT|TENSORBOARD_LOG)_DIR',
      source: 'googleapis/python-aiplatform training_utils/environment_variables.py',
      readOn: '2026-11-22',
      sure: 'documented',
    },
    {
      pattern: 'TF_CONFIG',
      source: 'googleapis/python-aiplatform training_utils/environment_variables.py',
      readOn: '2026-11-22',
      sure: 'documented',
      isCommon: true,
    },
  ],
  detect(inside) {
    const job = inside.variable('CLOUD_ML_JOB_ID');
    if (job === undefined) return undefined;
    const region = inside.variable('CLOUD_ML_REGION');
    const nodes = replicasOf(inside);
    return {
      job,
      ...(region === undefined ? {} : { region }),
      ...(nodes === undefined ? {} : { nodes }),
    };
  },
  literal: unexpanded,
  running: {
    // Restarts for other reasons than the program, which count for a Job as its own.
    retries: {
      operation: OPERATION,
      at: 'jobSpec.scheduling.disableRetries',
      or: [{ operation: OPERATION, at: RESTART }],
      max: 0,
    },
    time: {
      operation: OPERATION,
      at: 'jobSpec.scheduling.timeout',
      of: 'job',
      shared: { operation: OPERATION, at: RESTART },
    },
  },
  nodes: ({ given }) => {
    const pools = poolsOf(given(OPERATION));
    return pools.reduce((sum, pool) => sum + countOf(pool, 'replicaCount'), 0);
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [creation(job)],
  follow: {
    ask: (job, answer) => {
      const [found = {}] = objectsIn(answer, 'customJobs');
      const name = textIn(answer, 'name') ?? textIn(found, 'name') ?? '';
      const service = serviceOf(job);
      return google('GetCustomJob', { name }, { service, method: 'GET', path: '/v1/{+name}' });
    },
    read: progressOf,
  },
  wants: {
    [OPERATION]: {
      parent: 'the project and region: projects/PROJECT/locations/REGION',
      'jobSpec.workerPoolSpecs[].machineSpec': 'the machine: { machineType: … }',
      'jobSpec.workerPoolSpecs[].containerSpec.imageUri': "the image: the container's `image`",
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 63;

/**
 * `$(NAME)` is expanded and `$$(` escapes it. Two dollars in a row, and one before a character
 * outside of ASCII (kubernetes#136325), are not said to stay: the entrypoint delivers such values.
 */
function unexpanded(value: string): string | undefined {
  if (/\$\$|\$\P{ASCII}/u.test(value)) return undefined;
  return value.replaceAll('$(', '$$$$(');
}

function serviceOf(job: Pick<Job, 'given'>): GoogleApi {
  const { location } = parentOf(job.given(OPERATION));
  const region = location === '' ? '' : `${location}-`;
  return { host: `${region}aiplatform.googleapis.com`, variable: 'AIPLATFORM' };
}

/** All pools of the user's; an empty one after the first is a role that is left out. */
function poolsOf(given: JsonObject): readonly JsonObject[] {
  const pools = objectsIn(objectIn(given, 'jobSpec'), 'workerPoolSpecs');
  return pools.filter((pool, index) => index === 0 || Object.keys(pool).length > 0);
}

function creation(job: Job): Request {
  const given = job.given(OPERATION);
  const spec = objectIn(given, 'jobSpec');
  const pools = objectsIn(spec, 'workerPoolSpecs');
  const all = pools.length === 0 ? [{}] : pools;
  const input = over(given, {
    displayName: job.name,
    jobSpec: over(spec, {
      scheduling: schedulingOf(job),
      workerPoolSpecs: all.map((pool, index) => {
        const isLeftOut = index > 0 && Object.keys(pool).length === 0;
        return isLeftOut ? pool : poolOf(job, pool);
      }),
    }),
    // 64 characters at most, which a digest has.
    labels: { ...objectIn(given, 'labels'), 'bellhop-digest': job.digest },
  });
  const { parent } = parentOf(given);
  const service = serviceOf(job);
  const path = '/v1/{+parent}/customJobs';
  const filter = `display_name="${job.name.replaceAll(/["\\]/g, '')}"`;
  return {
    ...google(OPERATION, input, { service, path }),
    once: true,
    unless: {
      request: google(
        'ListCustomJobs',
        { parent, filter, pageSize: 1 },
        { service, method: 'GET', path: `${path}?filter={filter}&pageSize={pageSize}` },
      ),
      absentCodes: ['NOT_FOUND'],
      isThere: (answer) => objectsIn(answer, 'customJobs').length > 0,
    },
  };
}

function schedulingOf({ needs: { retries, secondsMax } }: Job): JsonObject | undefined {
  const scheduling = {
    ...(retries === 0 ? { disableRetries: true } : {}),
    ...(secondsMax === undefined ? {} : { timeout: `${secondsMax}s` }),
  };
  return Object.keys(scheduling).length === 0 ? undefined : scheduling;
}

/** Every replica of every pool runs the container. */
function poolOf(job: Job, pool: JsonObject): JsonObject {
  const container = objectIn(pool, 'containerSpec');
  return over(pool, {
    replicaCount: pool['replicaCount'] ?? '1',
    containerSpec: over(container, {
      imageUri: job.image,
      ...started(job),
      env: appended(container['env'], asList(job.variables), 'name'),
    }),
  });
}

function replicasOf(inside: Inside): number | undefined {
  try {
    const spec = JSON.parse(inside.variable('CLUSTER_SPEC') ?? '') as { cluster?: unknown };
    const pools = Object.values((spec.cluster ?? {}) as Record<string, Json>);
    const count = pools.reduce<number>(
      (sum, one) => sum + (Array.isArray(one) ? one.length : 0),
      0,
    );
    return count > 0 ? count : undefined;
  } catch {
    return undefined;
  }
}

function progressOf(answer: JsonObject): Progress {
  const state = textIn(answer, 'state') ?? 'JOB_STATE_PENDING';
  const said = state.replace(/^JOB_STATE_/, '').toLowerCase();
  if (state === 'JOB_STATE_SUCCEEDED') return { state: 'succeeded', said };
  if (/_(FAILED|CANCELLED|EXPIRED|PARTIALLY_SUCCEEDED)$/.test(state)) {
    const reason = textIn(objectIn(answer, 'error'), 'message');
    return { state: 'failed', said, ...(reason === undefined ? {} : { reason }) };
  }
  return { state: state === 'JOB_STATE_RUNNING' ? 'running' : 'waiting', said };
}
