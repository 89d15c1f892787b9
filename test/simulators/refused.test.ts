// What platforms refuse beside their caps, and what Google's discovery documents refuse.
import { describe, expect, test } from 'bun:test';
import { judgedByDiscovery, noDiscovery } from '../support/discovery.ts';
import * as legal from './_legal.ts';
import type { Refusal } from './_types.ts';
import { awsBatch } from './aws-batch.ts';
import { cloudRunJob } from './cloud-run-job.ts';
import { ecsTask } from './ecs.ts';
import { lambdaImage } from './lambda-image.ts';
import { local } from './local.ts';
import { sagemakerModel } from './sagemaker-model.ts';
import { sagemakerProcessing } from './sagemaker-processing.ts';
import { sagemakerTraining } from './sagemaker-training.ts';
import { vertexCustomJob } from './vertex-custom-job.ts';
import { skipVisibly } from '../support/need.ts';

const said = (refusals: readonly Refusal[]): string => refusals.map((one) => one.message).join();

const REFUSED: readonly (readonly [string, () => readonly Refusal[], string])[] = [
  [
    'Batch: a variable that begins with AWS_BATCH',
    () => awsBatch.refusals(legal.batch({ environment: [{ name: 'AWS_BATCH_X', value: '' }] })),
    'AWS_BATCH',
  ],
  [
    'Batch: such a variable among the overrides',
    () =>
      awsBatch.refusals(
        legal.batch(
          {},
          { containerOverrides: { environment: [{ name: 'AWS_BATCHX', value: '' }] } },
        ),
      ),
    'AWS_BATCH',
  ],
  [
    'Batch: an empty word of the command',
    () => awsBatch.refusals(legal.batch({ command: [''] })),
    'greater than or equal to 1',
  ],
  [
    'Batch: secrets in the overrides',
    () => awsBatch.refusals(legal.batch({}, { containerOverrides: { secrets: [] } as never })),
    "Unknown parameter: 'containerOverrides.secrets'",
  ],
  [
    'ECS: an entrypoint in the overrides',
    () =>
      ecsTask.refusals(
        legal.task(
          {},
          { overrides: { containerOverrides: [{ name: 'main', entryPoint: [] } as never] } },
        ),
      ),
    'Unknown parameter',
  ],
  [
    'ECS: secrets in the overrides',
    () =>
      ecsTask.refusals(
        legal.task(
          {},
          { overrides: { containerOverrides: [{ name: 'main', secrets: [] } as never] } },
        ),
      ),
    'Unknown parameter',
  ],
  [
    'ECS: an override for nobody',
    () =>
      ecsTask.refusals(legal.task({}, { overrides: { containerOverrides: [{ name: 'other' }] } })),
    'not a container',
  ],
  [
    'ECS: an environment file that is no .env',
    () =>
      ecsTask.refusals(
        legal.task({ environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::b/k.txt' }] }),
      ),
    'pattern',
  ],
  [
    'ECS: a name that is both a variable and a secret',
    () =>
      ecsTask.refusals(
        legal.task({
          environment: [{ name: 'A', value: '' }],
          secrets: [{ name: 'A', valueFrom: 'x' }],
        }),
      ),
    'must be unique',
  ],
  [
    'Fargate: a tmpfs',
    () =>
      ecsTask.refusals(
        legal.task(
          { linuxParameters: { tmpfs: [{ containerPath: '/x', size: 1 }] } },
          { launchType: 'FARGATE' },
        ),
      ),
    'tmpfs',
  ],
  [
    'Fargate: two minutes and a second to stop',
    () => ecsTask.refusals(legal.task({ stopTimeout: 121 }, { launchType: 'FARGATE' })),
    '120',
  ],
  [
    'Lambda: a name that begins with _',
    () => lambdaImage.refusals(legal.lambda({ Environment: { Variables: { _UNION_X: '' } } })),
    'pattern',
  ],
  [
    'Lambda: a name of one letter',
    () => lambdaImage.refusals(legal.lambda({ Environment: { Variables: { A: '' } } })),
    'pattern',
  ],
  [
    'Lambda: TZ',
    () => lambdaImage.refusals(legal.lambda({ Environment: { Variables: { TZ: 'UTC' } } })),
    'reserved keys',
  ],
  [
    'Lambda: AWS_LAMBDA_RUNTIME_API',
    () => {
      const Variables = { AWS_LAMBDA_RUNTIME_API: '' };
      return lambdaImage.refusals(legal.lambda({ Environment: { Variables } }));
    },
    'reserved keys',
  ],
  [
    'Processing: an input elsewhere',
    () =>
      sagemakerProcessing.refusals(
        legal.processing({
          ProcessingInputs: [
            {
              InputName: 'a',
              S3Input: { S3Uri: 's3://b/k', S3DataType: 'S3Prefix', LocalPath: '/data' },
            },
          ],
        }),
      ),
    '/opt/ml/processing/',
  ],
  [
    'Model: neither a container nor several',
    () => sagemakerModel.refusals({ model: { ModelName: 'm' } }),
    'Exactly one',
  ],
  [
    'Vertex: a name that is none of C',
    () => vertexCustomJob.refusals(legal.vertex({ env: [{ name: 'a.b', value: '' }] })),
    'pattern',
  ],
  [
    'Vertex: no image',
    () => vertexCustomJob.refusals(legal.vertex({ imageUri: undefined as never })),
    'must not be null',
  ],
  [
    'Cloud Run: PORT',
    () => cloudRunJob.refusals(legal.cloudRun({ env: [{ name: 'PORT', value: '1' }] })),
    'reserved',
  ],
  [
    'Cloud Run: CLOUD_RUN_X',
    () => cloudRunJob.refusals(legal.cloudRun({ env: [{ name: 'CLOUD_RUN_X', value: '1' }] })),
    'reserved',
  ],
  [
    'Cloud Run: a command in the overrides',
    () =>
      cloudRunJob.refusals(
        legal.cloudRun(
          {},
          { run: { overrides: { containerOverrides: [{ command: ['x'] } as never] } } },
        ),
      ),
    'Unknown parameter',
  ],
  [
    'Cloud Run: two containers',
    () =>
      cloudRunJob.refusals({
        jobId: 'j',
        job: { template: { template: { containers: [{ image: 'a' }, { image: 'b' }] } } },
      }),
    'less than or equal to 1',
  ],
  [
    'Cloud Run: a mount of no volume',
    () => cloudRunJob.refusals(legal.cloudRun({ volumeMounts: [{ name: 'v', mountPath: '/x' }] })),
    'no volume',
  ],
  ['local: a NUL', () => local.refusals({ argv: ['/x', 'a\0b'], env: {} }), 'NUL'],
  [
    'local: nothing to start',
    () => local.refusals({ argv: [], env: {} }),
    'greater than or equal to 1',
  ],
];

describe('is refused', () => {
  test.each([...REFUSED])('%s', (_, refusals, message) => {
    expect(said(refusals())).toContain(message);
  });
});

const TAKEN: readonly (readonly [string, readonly Refusal[]])[] = [
  ['training', sagemakerTraining.refusals(legal.training())],
  ['processing', sagemakerProcessing.refusals(legal.processing())],
  ['model', sagemakerModel.refusals(legal.model({ A: 'b\nc' }, { A: '' }))],
  [
    'ECS, with odd names',
    ecsTask.refusals(legal.task({ environment: [{ name: 'a.b-c', value: '' }] })),
  ],
  ['Batch', awsBatch.refusals(legal.batch())],
  [
    'Lambda, with FLYTE_',
    lambdaImage.refusals(legal.lambda({ Environment: { Variables: { FLYTE_X: '' } } })),
  ],
  ['Vertex', vertexCustomJob.refusals(legal.vertex({ env: [{ name: 'A', value: '' }] }))],
  ['Cloud Run', cloudRunJob.refusals(legal.cloudRun())],
];

test.each([...TAKEN])('a legal request is taken: %s', (_, refusals) => {
  expect(refusals).toEqual([]);
});

const withoutGoogle = noDiscovery();
if (withoutGoogle !== undefined) skipVisibly('discovery documents', [withoutGoogle]);

describe.skipIf(withoutGoogle !== undefined)("Google's discovery documents", () => {
  const SCHEMAS = {
    run: ['run.v2', 'GoogleCloudRunV2Job'],
    vertex: ['aiplatform.v1', 'GoogleCloudAiplatformV1CustomJob'],
  } as const;
  const ROWS: readonly (readonly [string, keyof typeof SCHEMAS, unknown, readonly string[]])[] = [
    ['take a legal Cloud Run job', 'run', legal.cloudRun({ env: legal.pairs(2, 'v') }).job, []],
    [
      'take a legal custom job',
      'vertex',
      legal.vertex({ env: legal.pairs(2, 'v'), args: ['a'] }),
      [],
    ],
    [
      'refuse a member that is none',
      'run',
      { template: { tasks: 1, template: {} } },
      ['.template.tasks: unknown'],
    ],
    [
      'refuse a count that is text',
      'run',
      { template: { taskCount: '1', template: {} } },
      ['.template.taskCount: not an integer'],
    ],
    [
      'refuse a replica count that is a number',
      'vertex',
      { displayName: 'a', jobSpec: { workerPoolSpecs: [{ replicaCount: 1 }] } },
      ['.jobSpec.workerPoolSpecs[0].replicaCount: not a string'],
    ],
    [
      'refuse a job without its name',
      'vertex',
      { jobSpec: { workerPoolSpecs: [] } },
      ['.displayName: required'],
    ],
  ];
  test.each([...ROWS])('%s', (...row) => {
    const [, which, value, problems] = row;
    expect(judgedByDiscovery(SCHEMAS[which][0], SCHEMAS[which][1], value)).toEqual([...problems]);
  });
});
