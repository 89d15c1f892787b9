// What a Job says of attempts, time and tasks, in the fields of each platform.
import { describe, expect, test } from 'bun:test';
import type { Json } from '../../src/core/canonical.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt } from '../../src/targets/_caps.ts';
import { GIVEN } from './_frame.ts';
import { BATCH_SIZE, BATCH_TIME, BATCH_TRIES, MANY, job, seenAt, told } from './_running.ts';

type Row = readonly [
  claim: string,
  target: string,
  spec: object,
  { readonly [at: string]: Json | undefined },
];
const RUN = 'CreateJob template';
const APPS = 'CreateOrUpdateJob properties.configuration';
const GROUP = 'RegisterJob Job.TaskGroups[]';
const VERTEX = 'CreateCustomJob jobSpec.scheduling';
const BRICKS = 'SubmitRun tasks[]';
const SLURM = 'sbatch options';

const ROWS: readonly Row[] = [
  ['attempts are retries and one', 'aws-batch', { backoffLimit: 3 }, { [BATCH_TRIES]: 4 }],
  ['one attempt is said', 'aws-batch', { backoffLimit: 0 }, { [BATCH_TRIES]: 1 }],
  ['silence stays', 'aws-batch', {}, { [BATCH_TRIES]: undefined, [BATCH_TIME]: undefined }],
  ['time', 'aws-batch', { activeDeadlineSeconds: 60, backoffLimit: 0 }, { [BATCH_TIME]: 60 }],
  ['an array of each task', 'aws-batch', MANY, { [BATCH_SIZE]: 4, [BATCH_TRIES]: 2 }],
  ['one task is no array', 'aws-batch', { completions: 1 }, { [BATCH_SIZE]: undefined }],
  [
    'never again',
    'cloud-run-job',
    { backoffLimit: 0, activeDeadlineSeconds: 3600 },
    { [`${RUN}.template.maxRetries`]: 0, [`${RUN}.template.timeout`]: '3600s' },
  ],
  ['silence stays', 'cloud-run-job', {}, { [`${RUN}.template.maxRetries`]: undefined }],
  [
    'tasks, and as many of them at the same time',
    'cloud-run-job',
    MANY,
    { [`${RUN}.taskCount`]: 4, [`${RUN}.parallelism`]: 2, [`${RUN}.template.maxRetries`]: 1 },
  ],
  [
    'all at the same time are not counted',
    'cloud-run-job',
    { ...MANY, parallelism: 4 },
    { [`${RUN}.taskCount`]: 4, [`${RUN}.parallelism`]: undefined },
  ],
  [
    'retries, time and tasks',
    'azure-container-apps-job',
    { backoffLimit: 2, completions: 4, parallelism: 3, activeDeadlineSeconds: 90 },
    {
      [`${APPS}.replicaRetryLimit`]: 2,
      [`${APPS}.replicaTimeout`]: 90,
      [`${APPS}.manualTriggerConfig.replicaCompletionCount`]: 4,
      [`${APPS}.manualTriggerConfig.parallelism`]: 3,
    },
  ],
  [
    'its time must be said: a day, and nothing else',
    'azure-container-apps-job',
    {},
    { [`${APPS}.replicaTimeout`]: 86_400, [`${APPS}.manualTriggerConfig`]: undefined },
  ],
  [
    'never again, on no other node either',
    'nomad',
    { backoffLimit: 0 },
    {
      [`${GROUP}.RestartPolicy`]: { Attempts: 0, Interval: 7_776_000_000_000_000, Mode: 'fail' },
      [`${GROUP}.ReschedulePolicy`]: { Attempts: 0, Unlimited: false },
      [`${GROUP}.Count`]: undefined,
    },
  ],
  ['a group of as many', 'nomad', MANY, { [`${GROUP}.Count`]: 4 }],
  ['silence stays', 'nomad', {}, { [`${GROUP}.RestartPolicy`]: undefined }],
  [
    'whole minutes, rounded up',
    'slurm-apptainer',
    { backoffLimit: 0, activeDeadlineSeconds: 61 },
    { [`${SLURM}.time`]: '2', [`${SLURM}.no-requeue`]: 'true' },
  ],
  ['an array, with its limit', 'slurm-apptainer', MANY, { [`${SLURM}.array`]: '0-3%2' }],
  [
    'an array, all of it at once',
    'slurm-apptainer',
    { ...MANY, parallelism: 4 },
    { [`${SLURM}.array`]: '0-3' },
  ],
  [
    'retries, and no more when the time of the Job is over',
    'databricks-job',
    { backoffLimit: 2, activeDeadlineSeconds: 600 },
    {
      [`${BRICKS}.max_retries`]: 2,
      [`${BRICKS}.timeout_seconds`]: 600,
      [`${BRICKS}.retry_on_timeout`]: undefined,
    },
  ],
  [
    'no restart for another reason either',
    'vertex-custom-job',
    { backoffLimit: 0, activeDeadlineSeconds: 7200 },
    { [VERTEX]: { disableRetries: true, timeout: '7200s' } },
  ],
  ['silence stays', 'vertex-custom-job', {}, { [VERTEX]: undefined }],
  [
    'the time of all attempts',
    'sagemaker-training',
    { backoffLimit: 0, activeDeadlineSeconds: 7200 },
    {
      'CreateTrainingJob StoppingCondition.MaxRuntimeInSeconds': 7200,
      'CreateTrainingJob RetryStrategy': undefined,
    },
  ],
  [
    'its time',
    'sagemaker-processing',
    { activeDeadlineSeconds: 7200 },
    { 'CreateProcessingJob StoppingCondition.MaxRuntimeInSeconds': 7200 },
  ],
  [
    'its time, as ISO 8601 has it',
    'azure-ml-command',
    { activeDeadlineSeconds: 90 },
    {
      'CreateCommandJob properties.limits': { jobLimitsType: 'Command', timeout: 'PT90S' },
    },
  ],
];

describe('the request says it', () => {
  test.each(ROWS.map(([claim, target, ...rest]) => [target, claim, ...rest] as const))(
    '%s: %s',
    async (...row) => {
      const [target, , spec, expected] = row;
      const seen = await told(target, job(spec));
      expect(seen.code).toBe(0);
      expect(seenAt(seen, Object.keys(expected))).toEqual(Object.values(expected));
    },
  );
  test('a pod that is never started again, too', async () => {
    const spec = {
      restartPolicy: 'Never',
      containers: [{ name: 'm', image: 'i', command: ['x'] }],
    };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
    const seen = await told('cloud-run-job', JSON.stringify(pod));
    expect(seenAt(seen, [`${RUN}.template.maxRetries`])).toEqual([0]);
  });
  test('another attempt follows where the time was that of a pod', async () => {
    const pod = job({ backoffLimit: 2, activeDeadlineSeconds: 600 }, { activeDeadlineSeconds: 60 });
    const seen = await told('databricks-job', pod);
    const places = [`${BRICKS}.timeout_seconds`, `${BRICKS}.retry_on_timeout`];
    expect(seenAt(seen, places)).toEqual([60, true]);
  });
  test('none follows where the time of the Job is over as early', async () => {
    const time = { activeDeadlineSeconds: 50 };
    const seen = await told('databricks-job', job({ backoffLimit: 3, ...time }, time));
    const places = [`${BRICKS}.timeout_seconds`, `${BRICKS}.retry_on_timeout`];
    expect(seenAt(seen, places)).toEqual([50, undefined]);
  });
  test('as a flag and as options of sbatch', async () => {
    const { requests } = await told('slurm-apptainer', job({ ...MANY, backoffLimitPerIndex: 0 }));
    const script = requests[0]?.input['script'];
    expect(script).toContain('\n#SBATCH --no-requeue\n');
    expect(script).toContain('\n#SBATCH --array=0-3%2\n');
  });
  test('tasks that start at the same time wait for one another, each a part', async () => {
    const jitter = async (target: string, spec: object): Promise<unknown> => {
      const { requests } = await told(target, job(spec));
      const env = nodesAt(requests[0]?.input ?? {}, 'template.template.containers[].env[]');
      const own = nodesAt(requests[0]?.input ?? {}, 'containerProperties.environment[]');
      return [...env, ...own].find((one) => (one as JsonObject)['name'] === 'BELLHOP_JITTER_MS');
    };
    expect(await jitter('cloud-run-job', MANY)).toMatchObject({ value: '10' });
    expect(await jitter('aws-batch', MANY)).toMatchObject({ value: '20' });
    expect(await jitter('cloud-run-job', { ...MANY, parallelism: 1 })).toBeUndefined();
  });
});

describe('what the user gives counts, and nothing is said of it', () => {
  const GIVENS: readonly (readonly [string, object, string, Json])[] = [
    ['aws-batch', { RegisterJobDefinition: { retryStrategy: { attempts: 7 } } }, BATCH_TRIES, 7],
    [
      'cloud-run-job',
      { CreateJob: { ...GIVEN['CreateJob'], template: { template: { maxRetries: 5 } } } },
      `${RUN}.template.maxRetries`,
      5,
    ],
    [
      'nomad',
      { RegisterJob: { Job: { TaskGroups: [{ RestartPolicy: { Attempts: 8 } }] } } },
      `${GROUP}.RestartPolicy`,
      { Attempts: 8 },
    ],
    [
      'vertex-custom-job',
      {
        CreateCustomJob: {
          ...GIVEN['CreateCustomJob'],
          jobSpec: {
            workerPoolSpecs: [{ machineSpec: {} }],
            scheduling: { disableRetries: false },
          },
        },
      },
      `${VERTEX}.disableRetries`,
      false,
    ],
  ];
  test.each([...GIVENS])('%s', async (...row) => {
    const [target, given, place, expected] = row;
    const seen = await told(target, job({ backoffLimit: 0 }), { given });
    expect([seen.code, seen.err]).toEqual([0, '']);
    expect(seenAt(seen, [place])).toEqual([expected]);
  });
  test('how many run at once, where the manifest says how many there are', async () => {
    const manualTriggerConfig = { parallelism: 2 };
    const { properties, ...own } = GIVEN['CreateOrUpdateJob'] ?? {};
    const given = {
      CreateOrUpdateJob: {
        ...own,
        properties: { ...(properties as object), configuration: { manualTriggerConfig } },
      },
    };
    const pod = job({ completions: 3, parallelism: 3 });
    const seen = await told('azure-container-apps-job', pod, { given });
    expect([seen.code, seen.err]).toEqual([0, '']);
    expect(seenAt(seen, [`${APPS}.manualTriggerConfig`])).toEqual([
      { replicaCompletionCount: 3, parallelism: 2 },
    ]);
  });
  test.each([
    [{ triggerType: 'Manual' }, 0],
    [{ triggerType: 'Schedule', scheduleTriggerConfig: { cronExpression: '0 0 * * *' } }, 65],
    [{ triggerType: 'Event' }, 65],
  ])('what would not start now is refused: %j', async (configuration, code) => {
    const { properties, ...own } = GIVEN['CreateOrUpdateJob'] ?? {};
    const given = {
      CreateOrUpdateJob: { ...own, properties: { ...(properties as object), configuration } },
    };
    const seen = await told('azure-container-apps-job', job({}), { given });
    expect(seen.code).toBe(code);
    const said = /triggerType: must be Manual, .*\n.*\n  help: leave it out of `submit.targets`/;
    if (code !== 0) expect(seen.err).toMatch(said);
  });
  test('in the call that starts the job, too', async () => {
    const given = { SubmitJob: { jobQueue: 'q', retryStrategy: { attempts: 2 } } };
    const seen = await told('aws-batch', job({ backoffLimit: 5 }), { given });
    expect(seenAt(seen, [BATCH_TRIES, 'SubmitJob retryStrategy.attempts'])).toEqual([undefined, 2]);
  });
});
