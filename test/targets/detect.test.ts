import { describe, expect, test } from 'bun:test';
import { detectPlatform, failureText, tellPlatform } from '../../src/cli/platform.ts';
import { BellhopError, BellhopErrors } from '../../src/core/errors.ts';
import type { Io } from '../../src/core/io/types.ts';
import { fakeIo } from '../support/fake-io.ts';

const RESOURCES = '/opt/ml/input/config/resourceconfig.json';
const hosts = (count: number): string => {
  return JSON.stringify({
    current_host: 'algo-1',
    hosts: Array.from({ length: count }, (_, n) => `algo-${n + 1}`),
  });
};

const ROWS: readonly [string, string | undefined, Parameters<typeof fakeIo>[0], object][] = [
  ['nothing at all', undefined, {}, {}],
  [
    'a training job by its variables',
    'sagemaker-training',
    {
      env: [
        'TRAINING_JOB_NAME=j',
        'TRAINING_JOB_ARN=arn:aws:sagemaker:eu-west-1:123456789012:training-job/j',
      ],
    },
    { job: 'j', region: 'eu-west-1' },
  ],
  [
    'a training job of four nodes by its file',
    'sagemaker-training',
    { files: { [RESOURCES]: hosts(4) } },
    { nodes: 4 },
  ],
  ['a resource file that is no JSON', 'sagemaker-training', { files: { [RESOURCES]: '{' } }, {}],
  [
    'a processing job',
    'sagemaker-processing',
    {
      files: {
        '/opt/ml/config/processingjobconfig.json':
          '{"ProcessingJobArn": "arn:aws:sagemaker:us-west-2:123456789012:processing-job/p"}',
        '/opt/ml/config/resourceconfig.json': hosts(2),
      },
    },
    { job: 'p', region: 'us-west-2', nodes: 2 },
  ],
  [
    'a model that is served',
    'sagemaker-model',
    { argv: ['serve'], files: { '/opt/ml/model': null } },
    {},
  ],
  ['the same folder without the word', undefined, { files: { '/opt/ml/model': null } }, {}],
  [
    'Batch, though it runs on ECS',
    'aws-batch',
    {
      env: [
        'AWS_BATCH_JOB_ID=7',
        'AWS_BATCH_JOB_NUM_NODES=3',
        'ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/x',
      ],
    },
    { job: '7', nodes: 3 },
  ],
  [
    'ECS by its metadata',
    'ecs',
    { env: ['ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/x'] },
    {},
  ],
  ['Fargate by its variable', 'ecs', { env: ['AWS_EXECUTION_ENV=AWS_ECS_FARGATE'] }, {}],
  ['another AWS_EXECUTION_ENV', undefined, { env: ['AWS_EXECUTION_ENV=CloudShell'] }, {}],
  [
    'a function of Lambda',
    'lambda-image',
    { env: ['AWS_LAMBDA_FUNCTION_NAME=f', 'AWS_REGION=eu-north-1'] },
    { job: 'f', region: 'eu-north-1' },
  ],
  [
    'a replica of a Vertex AI job',
    'vertex-custom-job',
    {
      env: [
        'CLOUD_ML_JOB_ID=42',
        'CLOUD_ML_REGION=us-central1',
        'CLUSTER_SPEC={"cluster":{"workerpool0":["a:1"],"workerpool1":["b:1","c:1"]}}',
      ],
    },
    { job: '42', region: 'us-central1', nodes: 3 },
  ],
  [
    'the same with a CLUSTER_SPEC that is no JSON',
    'vertex-custom-job',
    { env: ['CLOUD_ML_JOB_ID=42', 'CLUSTER_SPEC={'] },
    { job: '42' },
  ],
  [
    'a task of Cloud Run',
    'cloud-run-job',
    { env: ['CLOUD_RUN_JOB=j', 'CLOUD_RUN_EXECUTION=j-abc', 'CLOUD_RUN_TASK_COUNT=5'] },
    { job: 'j-abc', nodes: 5 },
  ],
  ['a job of Azure ML', 'azure-ml-command', { env: ['AZUREML_RUN_ID=r'] }, { job: 'r' }],
  [
    'a job of Container Apps',
    'azure-container-apps-job',
    { env: ['CONTAINER_APP_JOB_NAME=j', 'CONTAINER_APP_JOB_EXECUTION_NAME=j-1'] },
    { job: 'j-1' },
  ],
  ['a cluster of Databricks', 'databricks-job', { env: ['DB_CLUSTER_ID=c'] }, {}],
  ['a task of Nomad', 'nomad', { env: ['NOMAD_ALLOC_ID=a', 'NOMAD_JOB_ID=j'] }, { job: 'j' }],
  [
    'a task of Slurm',
    'slurm-apptainer',
    { env: ['SLURM_JOB_ID=4711', 'SLURM_NTASKS=8'] },
    { job: '4711', nodes: 8 },
  ],
  [
    'one of an array of Batch',
    'aws-batch',
    { env: ['AWS_BATCH_JOB_ID=7:3', 'AWS_BATCH_JOB_ARRAY_INDEX=3'] },
    { job: '7:3', nodes: 1, index: '3' },
  ],
  [
    'one of several tasks of Cloud Run',
    'cloud-run-job',
    { env: ['CLOUD_RUN_JOB=j', 'CLOUD_RUN_TASK_COUNT=5', 'CLOUD_RUN_TASK_INDEX=4'] },
    { job: 'j', nodes: 5, index: '4' },
  ],
  [
    'one of a group of Nomad',
    'nomad',
    { env: ['NOMAD_ALLOC_ID=a', 'NOMAD_ALLOC_INDEX=0'] },
    { index: '0' },
  ],
  [
    'one of an array of Slurm',
    'slurm-apptainer',
    { env: ['SLURM_JOB_ID=4711', 'SLURM_ARRAY_TASK_ID=12'] },
    { job: '4711', nodes: 1, index: '12' },
  ],
  ['an empty variable', undefined, { env: ['AWS_BATCH_JOB_ID='] }, {}],
];

describe('a container is known from inside', () => {
  test.each(ROWS)('%s', async (...row) => {
    const [, name, outside, facts] = row;
    const found = await detectPlatform(fakeIo(outside), outside.argv ?? []);
    expect(found?.target.name).toBe(name as string);
    const { target: __, ...rest } = found ?? { target: undefined };
    expect(rest).toEqual(facts);
  });
});

const problem = (what: string) => new BellhopError('BH_ERR_STORE', { where: ['store s'], what });

describe('a failure is told to the platform', () => {
  async function told(outside: Parameters<typeof fakeIo>[0], error: unknown = problem('down')) {
    const written: [string, string][] = [];
    const io = fakeIo(outside);
    const fs = {
      ...io.fs,
      overwrite: (path: string, content: Uint8Array) => {
        written.push([path, new TextDecoder().decode(content)]);
      },
    };
    await tellPlatform({ ...io, fs } as Io, [], error);
    return written;
  }
  const TRAINING = { env: ['TRAINING_JOB_NAME=j', 'TRAINING_JOB_ARN=a:b:c:d:e:f'] };
  const HOSTS = '# Kubernetes-managed hosts file.\n';

  test('on SageMaker to the failure file, with code and exit code', async () => {
    const files = { '/opt/ml/output': null };
    expect(await told({ ...TRAINING, files })).toEqual([
      [
        '/opt/ml/output/failure',
        'bellhop started nothing: 1 problem\nBH_ERR_STORE (exit 75): store s: down',
      ],
    ]);
  });
  test('on Kubernetes to the termination log', async () => {
    const files = { '/etc/hosts': HOSTS, '/dev/termination-log': '' };
    const [[path] = []] = await told({ env: ['KUBERNETES_SERVICE_HOST=10.0.0.1'], files });
    expect(path).toBe('/dev/termination-log');
  });
  test('on SageMaker also where the folder for it is not there yet', async () => {
    const made: string[] = [];
    const io = fakeIo({ files: { '/opt/ml/config/processingjobconfig.json': '{}' } });
    const mkdir = (path: string): void => void made.push(path);
    const overwrite = (path: string): void => void made.push(path);
    await tellPlatform({ ...io, fs: { ...io.fs, mkdir, overwrite } } as Io, [], problem('down'));
    expect(made).toEqual(['/opt/ml/output', '/opt/ml/output/message']);
  });
  test('nowhere else, and not where no such folder is', async () => {
    expect(await told({})).toEqual([]);
    expect(await told(TRAINING)).toEqual([]);
  });
  test('what does not fit is cut off between characters, with a mark', () => {
    const all = Array.from({ length: 40 }, (_, n) => problem(`é${n} ${'x'.repeat(40)}`));
    const text = failureText(new BellhopErrors(all), 1024);
    expect(Buffer.byteLength(text)).toBeWithin(1020, 1025);
    expect(text).toStartWith(
      'bellhop started nothing: 40 problems\nBH_ERR_STORE (exit 75): store s: é0 ',
    );
    expect(text).toEndWith('…');
  });
});
