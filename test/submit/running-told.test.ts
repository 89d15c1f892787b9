// What of a Job's attempts, time and tasks is told, refused, and judged.
import { describe, expect, test } from 'bun:test';
import { complaintsOf } from '../support/botocore.ts';
import { judgedByDiscovery, noDiscovery } from '../support/discovery.ts';
import { moto } from './_botocore.ts';
import { submit } from './_cli.ts';
import { BATCH_SIZE, BATCH_TIME, BATCH_TRIES, MANY } from './_running.ts';
import { job, seenAt, settings, told } from './_running.ts';

/** With tasks. */
const PLATFORMS = ['cloud-run-job', 'slurm-apptainer', 'aws-batch'];

describe('what means only nearly the same is told', () => {
  const NEARLY: readonly (readonly [string, string, object, string | RegExp])[] = [
    [
      'the time of all attempts, as that of each',
      'aws-batch',
      { activeDeadlineSeconds: 600, backoffLimit: 2 },
      'spec.activeDeadlineSeconds: aws-batch limits each attempt of each task',
    ],
    [
      'the retries of all tasks, as those of each',
      'cloud-run-job',
      { completions: 3, parallelism: 3, backoffLimit: 2 },
      'spec.backoffLimit: cloud-run-job counts the failures of each task',
    ],
    ...PLATFORMS.map(
      (target) =>
        [
          'that the first of several that fails is not the end of the others',
          target,
          { completions: 3, parallelism: 3, backoffLimit: 0 },
          `spec.backoffLimit: ${target} ends the task that failed, Kubernetes the whole Job`,
        ] as const,
    ),
    ...[...PLATFORMS, 'nomad', 'databricks-job'].map(
      (target) =>
        [
          'that none is to be started',
          target,
          { completions: 3, parallelism: 0 },
          /warning: (spec.completions, )?spec.parallelism: [a-z-]+ is told nothing of it/,
        ] as const,
    ),
    ...PLATFORMS.map(
      (target) =>
        [
          'the limit of all together, beside that of each',
          target,
          { ...MANY, parallelism: 4, backoffLimit: 2, backoffLimitPerIndex: 0 },
          `spec.backoffLimit: ${target} is told nothing of it`,
        ] as const,
    ),
    [
      'how many run at once, where the platform decides it',
      'nomad',
      { completions: 3 },
      'spec.parallelism (1 where nothing is said): nomad is told nothing of it',
    ],
    [
      'retries that mean others',
      'sagemaker-training',
      { backoffLimit: 2, activeDeadlineSeconds: 60 },
      'spec.backoffLimit: sagemaker-training is told nothing of it',
    ],
    [
      'retries, where only none can be said',
      'vertex-custom-job',
      { backoffLimit: 2 },
      'spec.backoffLimit: vertex-custom-job is told nothing of it',
    ],
    [
      'tasks, where there are none',
      'databricks-job',
      { completions: 3 },
      'spec.completions: databricks-job is told nothing of it',
    ],
  ];
  test.each([...NEARLY])('%s (%s)', async (...row) => {
    const [, target, spec, said] = row;
    const { code, err } = await told(target, job(spec));
    expect([code, err.match(/warning/g)?.length]).toEqual([0, 1]);
    if (typeof said === 'string') expect(err).toContain(`warning: ${said}`);
    else expect(err).toMatch(said);
  });
  test('the time of a pod is not that of several attempts', async () => {
    const given = { CreateTrainingJob: { RetryStrategy: { MaximumRetryAttempts: 3 } } };
    const time = 'CreateTrainingJob StoppingCondition.MaxRuntimeInSeconds';
    const pod = job({ activeDeadlineSeconds: 600 }, { activeDeadlineSeconds: 60 });
    const [shared, own] = await Promise.all([
      told('sagemaker-training', pod, { given }),
      told('sagemaker-training', pod),
    ]);
    expect([seenAt(shared, [time]), seenAt(own, [time])]).toEqual([[600], [60]]);
    expect(shared.err).toContain('spec.template.spec.activeDeadlineSeconds: sagemaker-training is');
    expect(own.err).toBe('');
  });
  test('that what took too long is not started again (aws-batch)', async () => {
    const at = async (backoffLimit: number, limits: readonly [job: object, pod: object]) => {
      const [own, pod] = limits;
      return (await told('aws-batch', job({ backoffLimit, ...own }, pod))).err;
    };
    const time = { activeDeadlineSeconds: 300 };
    const said = await at(2, [{}, time]);
    expect(said).toContain(
      'spec.template.spec.activeDeadlineSeconds: aws-batch does not start again',
    );
    expect(said.match(/warning/g)).toHaveLength(1);
    expect(await at(0, [{}, time])).toBe('');
    // Nothing is started again there either: the time of the Job is over.
    expect(await at(2, [time, time])).not.toContain('start again');
  });
  test('a time that GPUs may not be had for (cloud-run-job)', async () => {
    const at = async (seconds: number, gpus: string) => {
      const pod = job({ backoffLimit: 0, activeDeadlineSeconds: seconds });
      const limits = `"limits":{${gpus}`;
      const { code, err } = await told('cloud-run-job', pod.replace('"limits":{', limits));
      expect(code).toBe(0);
      return err;
    };
    const gpu = '"nvidia.com/gpu":"1",';
    expect(await at(3601, gpu)).toContain('spec.activeDeadlineSeconds: cloud-run-job is not sure');
    expect(await at(3600, gpu)).toBe('');
    expect(await at(3601, '')).toBe('');
  });
  test('nothing is said where one attempt is all', async () => {
    const { err } = await told('aws-batch', job({ activeDeadlineSeconds: 600, backoffLimit: 0 }));
    expect(err).toBe('');
  });
  test('a limit of all together that is none is not told, as Kubernetes itself has it', async () => {
    const spec = { ...MANY, parallelism: 4, backoffLimit: 2_147_483_647 };
    expect((await told('cloud-run-job', job(spec))).err).toBe('');
  });
  test('one task that is never started again is the same everywhere', async () => {
    const spec = { backoffLimit: 0, completions: 3 };
    const more = { without: ['completions'] };
    const seen = await told('databricks-job', job(spec), { more });
    expect(seen.err).toBe('');
  });
  test('nothing is asked for that the job can do without', async () => {
    const more = { without: ['backoffLimit', 'activeDeadlineSeconds', 'completions'] };
    const spec = {
      ...MANY,
      backoffLimitPerIndex: undefined,
      backoffLimit: 2,
      activeDeadlineSeconds: 90,
    };
    const seen = await told('aws-batch', job(spec), { more });
    expect([seen.code, seen.err]).toEqual([0, '']);
    expect(seenAt(seen, [BATCH_TRIES, BATCH_TIME, BATCH_SIZE])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('over a cap it is refused, with the nearest way', () => {
  const CAPS: readonly (readonly [string, string, number, number])[] = [
    ['aws-batch', 'backoffLimit', 0, 9],
    ['aws-batch', 'activeDeadlineSeconds', 60, 2_147_483_647],
    ['aws-batch', 'completions', 2, 10_000],
    ['nomad', 'backoffLimit', 0, 518_400],
    ['cloud-run-job', 'backoffLimit', 0, 10],
    ['cloud-run-job', 'activeDeadlineSeconds', 1, 604_800],
    ['cloud-run-job', 'completions', 2, 10_000],
    ['sagemaker-training', 'activeDeadlineSeconds', 1, 2_419_200],
    ['sagemaker-processing', 'activeDeadlineSeconds', 1, 777_600],
  ];
  test.each([...CAPS])('%s: %s from %d to %d', async (...row) => {
    const [target, field, min, max] = row;
    const at = async (amount: number) => told(target, job({ [field]: amount }));
    const [least, less, most, over] = await Promise.all([min, max - 1, max, max + 1].map(at));
    expect([least?.code, less?.code, most?.code, over?.code]).toEqual([0, 0, 0, 65]);
    expect(over?.err).toContain('BH_ERR_CAP');
    expect(over?.err).toContain(`without: [${field}]`);
    if (min > 2) expect((await at(min - 1)).err).toContain(`at least ${min}`);
  });
});

describe('an index that the platform does not give', () => {
  const spec = {
    completions: 3,
    parallelism: 3,
    completionMode: 'Indexed',
    activeDeadlineSeconds: 60,
  };
  const WITHOUT = [
    'sagemaker-training',
    'ecs',
    'vertex-custom-job',
    'azure-container-apps-job',
    'databricks-job',
    'local',
  ];
  test.each(WITHOUT)('%s: several tasks are refused', async (target) => {
    const { code, err } = await told(target, job(spec));
    expect(code).toBe(65);
    expect(err).toContain(`${target}, spec.completionMode: each of its 3 pods has an index`);
    expect(err).toContain('without: [completionMode]');
  });
  test.each(WITHOUT)('%s: one task is taken, and so is one that does without', async (target) => {
    const one = await told(target, job({ ...spec, completions: 1 }));
    const more = { without: ['completionMode', 'completions'] };
    const none = await told(target, job(spec), { more });
    expect([one.code, none.code]).toEqual([0, 0]);
  });
  test('one whose index is given with the fields is one by itself', async () => {
    const index = "metadata.labels['batch.kubernetes.io/job-completion-index']";
    const yaml = JSON.parse(await settings('ecs')) as object;
    const flags = ['--dry-run'];
    const given = JSON.stringify({ ...yaml, fields: { [index]: '2' } });
    const { code, out } = submit('ecs', { pod: job(spec), yaml: given, flags });
    expect(code).toBe(0);
    expect(out).toMatch(/"name": "JOB_COMPLETION_INDEX",\s+"value": "2"/);
  });
});

const ONCE = { backoffLimit: 0, activeDeadlineSeconds: 60 };
const SAYS_ALL = { ...MANY, activeDeadlineSeconds: 3600 };

describe('judges', () => {
  test.skipIf(moto.missing !== undefined)('botocore takes what is said to AWS', async () => {
    const rows = [
      ['batch', 'aws-batch', SAYS_ALL],
      ['sagemaker', 'sagemaker-training', ONCE],
      ['sagemaker', 'sagemaker-processing', ONCE],
    ] as const;
    const all = rows.map(async ([service, target, spec]) => {
      const { requests } = await told(target, job(spec));
      return requests.map(({ operation, input }) => ({ service, operation, input }));
    });
    const requests = (await Promise.all(all)).flat();
    expect(requests).toHaveLength(4);
    expect(complaintsOf(requests)).toEqual(requests.map(() => []));
  });
  test.skipIf(noDiscovery() !== undefined)('so do the documents of Google', async () => {
    const run = await told('cloud-run-job', job(SAYS_ALL));
    const { parent: _, jobId: __, ...made } = run.requests[0]?.input ?? {};
    expect(judgedByDiscovery('run.v2', 'GoogleCloudRunV2Job', made)).toEqual([]);
    const vertex = await told('vertex-custom-job', job(ONCE));
    const { parent: ___, ...own } = vertex.requests[0]?.input ?? {};
    expect(judgedByDiscovery('aiplatform.v1', 'GoogleCloudAiplatformV1CustomJob', own)).toEqual([]);
  });
});
