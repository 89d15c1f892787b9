// The caps of AWS as rows: how large, of what, and a request of any size. `isInModel` says whether
// botocore's model has the cap too.
import type { AwsRequest } from '../support/botocore.ts';
import { awsBatch, type BatchRequests } from './aws-batch.ts';
import type { TaskRequests } from './_ecs-requests.ts';
import { ecsTask } from './ecs.ts';
import * as legal from './_legal.ts';
import { lambdaImage, type LambdaRequests } from './lambda-image.ts';
import { type ModelRequests, sagemakerModel } from './sagemaker-model.ts';
import { type CreateProcessingJob, sagemakerProcessing } from './sagemaker-processing.ts';
import { type CreateTrainingJob, sagemakerTraining } from './sagemaker-training.ts';
import type { Refusal } from './_types.ts';

/** One cap; the requests are of one platform. */
export interface CapRow {
  readonly of: string;
  readonly what: string;
  readonly max: number;
  readonly isInModel: boolean;
  readonly request: (size: number) => unknown;
  readonly refusals: (request: unknown) => Refusal[];
  readonly calls: (size: number) => readonly AwsRequest[];
}

interface Platform<R> {
  readonly of: string;
  readonly refusals: (request: R) => Refusal[];
  readonly calls: (request: R) => readonly AwsRequest[];
}

type Cap<R> = readonly [what: string, max: number, request: (size: number) => R, own?: 'own'];

function rows<R>(platform: Platform<R>, caps: readonly Cap<R>[]): CapRow[] {
  return caps.map(([what, max, request, own]) => ({
    of: platform.of,
    what,
    max,
    isInModel: own === undefined,
    request,
    refusals: (one) => platform.refusals(one as R),
    calls: (size) => platform.calls(request(size)),
  }));
}

const call = (service: AwsRequest['service'], operation: string, input: unknown): AwsRequest => ({
  service,
  operation,
  input,
});

const words = (count: number, word = 'x') => Array.from({ length: count }, () => word);
const tags = (count: number) => words(count).map((_, at) => ({ Key: `t${at}`, Value: '' }));
const algorithm = (more: object): CreateTrainingJob =>
  legal.training({
    AlgorithmSpecification: {
      TrainingImage: legal.IMAGE,
      TrainingInputMode: 'File',
      ...more,
    },
  });
const source = { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://b/p' } };
const channels = (count: number, name = 'c'): CreateTrainingJob =>
  legal.training({
    InputDataConfig: words(count).map((_, at) => ({
      ChannelName: count === 1 ? name : `${name}${at}`,
      DataSource: source,
    })),
  });
const accents = (bytes: number): string =>
  'é'.repeat(Math.floor(bytes / 2)) + 'v'.repeat(bytes % 2);

const training: Platform<CreateTrainingJob> = {
  of: 'sagemaker-training',
  refusals: sagemakerTraining.refusals,
  calls: (request) => [call('sagemaker', 'CreateTrainingJob', request)],
};
const env = (Environment: Record<string, string>) => legal.training({ Environment });
const hyper = (HyperParameters: Record<string, string>) => legal.training({ HyperParameters });

const processing: Platform<CreateProcessingJob> = {
  of: 'sagemaker-processing',
  refusals: sagemakerProcessing.refusals,
  calls: (request) => [call('sagemaker', 'CreateProcessingJob', request)],
};
const app = (more: object) =>
  legal.processing({ AppSpecification: { ImageUri: legal.IMAGE, ...more } });
const penv = (Environment: Record<string, string>) => legal.processing({ Environment });

const TRANSFORM = {
  TransformJobName: 'job',
  ModelName: 'm',
  TransformInput: { DataSource: source },
  TransformOutput: { S3OutputPath: 's3://b/o' },
  TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
};
const model: Platform<ModelRequests> = {
  of: 'sagemaker-model',
  refusals: sagemakerModel.refusals,
  calls: ({ model: one, transform }) => [
    call('sagemaker', 'CreateModel', one),
    ...(transform === undefined
      ? []
      : [call('sagemaker', 'CreateTransformJob', { ...TRANSFORM, ...transform })]),
  ],
};

const tasks: Platform<TaskRequests> = {
  of: 'ecs',
  refusals: ecsTask.refusals,
  calls: ({ register, run }) => [
    call('ecs', 'RegisterTaskDefinition', register),
    call('ecs', 'RunTask', run),
  ],
};
function filled<R>(size: number, make: (filler: string) => R, part: (request: R) => unknown): R {
  const without = JSON.stringify(part(make(''))).length;
  return make('v'.repeat(Math.max(0, size - without)));
}
const override = (filler: string) =>
  legal.task(
    {},
    {
      overrides: {
        containerOverrides: [{ name: 'main', environment: [{ name: 'K', value: filler }] }],
      },
    },
  );

const jobs: Platform<BatchRequests> = {
  of: 'aws-batch',
  refusals: awsBatch.refusals,
  calls: ({ register, submit }) => [
    call('batch', 'RegisterJobDefinition', register),
    call('batch', 'SubmitJob', submit),
  ],
};
const submitted = (filler: string) => legal.batch({}, { parameters: { k: filler } });
const overridden = (filler: string) =>
  legal.batch({}, { containerOverrides: { environment: [{ name: 'K', value: filler }] } });

const functions: Platform<LambdaRequests> = {
  of: 'lambda-image',
  refusals: lambdaImage.refusals,
  calls: ({ create }) => [call('lambda', 'CreateFunction', create)],
};
const variables = (Variables: Record<string, string>) =>
  legal.lambda({ Environment: { Variables } });

/** Every cap of AWS. */
export const AWS_CAPS: readonly CapRow[] = [
  ...rows(training, [
    ['entries of Environment', 100, (n) => env(legal.many(n, 'v'))],
    ['characters of a name', 512, (n) => env({ ['K'.repeat(n)]: 'v' })],
    ['characters of a value', 512, (n) => env({ K: 'v'.repeat(n) })],
    ['bytes of a value', 512, (n) => env({ K: accents(n) })],
    ['entries of HyperParameters', 100, (n) => hyper(legal.many(n, 'v'))],
    ['characters of a hyperparameter', 2500, (n) => hyper({ k: 'v'.repeat(n) })],
    ["characters of a hyperparameter's name", 256, (n) => hyper({ ['k'.repeat(n)]: 'v' })],
    ['words of the entrypoint', 100, (n) => algorithm({ ContainerEntrypoint: words(n) })],
    ['characters of a word', 256, (n) => algorithm({ ContainerEntrypoint: ['x'.repeat(n)] })],
    ['arguments', 100, (n) => algorithm({ ContainerArguments: words(n) })],
    ['characters of an argument', 256, (n) => algorithm({ ContainerArguments: ['x'.repeat(n)] })],
    ['channels', 20, (n) => channels(n)],
    ["characters of a channel's name", 64, (n) => channels(1, 'c'.repeat(n))],
    ["characters of the job's name", 63, (n) => legal.training({ TrainingJobName: 'j'.repeat(n) })],
    ['tags', 50, (n) => legal.training({ Tags: tags(n) })],
    ['retries', 30, (n) => legal.training({ RetryStrategy: { MaximumRetryAttempts: n } })],
  ]),
  ...rows(processing, [
    ['entries of Environment', 100, (n) => penv(legal.many(n, 'v'))],
    ['characters of a name', 256, (n) => penv({ ['K'.repeat(n)]: 'v' })],
    ['characters of a value', 256, (n) => penv({ K: 'v'.repeat(n) })],
    ['words of the entrypoint', 100, (n) => app({ ContainerEntrypoint: words(n) })],
    ['characters of a word', 256, (n) => app({ ContainerEntrypoint: ['x'.repeat(n)] })],
    ['arguments', 100, (n) => app({ ContainerArguments: words(n) })],
    [
      'inputs',
      10,
      (n) =>
        legal.processing({
          ProcessingInputs: words(n).map((_, at) => ({
            InputName: `i${at}`,
            S3Input: {
              S3Uri: 's3://b/k',
              S3DataType: 'S3Prefix',
              LocalPath: `/opt/ml/processing/${at}`,
            },
          })),
        }),
    ],
    [
      'seconds',
      777_600,
      (n) => legal.processing({ StoppingCondition: { MaxRuntimeInSeconds: n } }),
    ],
  ]),
  ...rows(model, [
    ['entries of Environment', 100, (n) => legal.model(legal.many(n, 'v'))],
    ['characters of a name', 1024, (n) => legal.model({ ['K'.repeat(n)]: 'v' })],
    ['characters of a value', 1024, (n) => legal.model({ K: 'v'.repeat(n) })],
    [
      'bytes of all',
      32_768,
      (n) => {
        const most = legal.many(32, 'v'.repeat(1000));
        const sum = Object.entries(most).reduce((all, [k, v]) => all + k.length + v.length, 0);
        return legal.model({ ...most, REST: 'v'.repeat(n - sum - 4) });
      },
      'own',
    ],
    ["a transform's variables", 16, (n) => legal.model({}, legal.many(n, 'v'))],
    ["characters of a transform's value", 10_240, (n) => legal.model({}, { K: 'v'.repeat(n) })],
  ]),
  ...rows(tasks, [
    [
      'bytes of the task definition',
      65_536,
      (n) =>
        filled(
          n,
          (filler) => legal.task({ environment: [{ name: 'K', value: filler }] }),
          ({ register }) => register,
        ),
      'own',
    ],
    [
      'characters of the overrides',
      8192,
      (n) => filled(n, override, ({ run }) => run.overrides),
      'own',
    ],
    [
      'containers',
      10,
      (n) =>
        legal.task(
          {},
          {},
          {
            containerDefinitions: words(n).map((_, at) => ({ name: `c${at}`, image: 'image' })),
          },
        ),
      'own',
    ],
    [
      'environment files',
      10,
      (n) =>
        legal.task({
          environmentFiles: words(n).map((_, at) => ({
            type: 's3',
            value: `arn:aws:s3:::b/${at}.env`,
          })),
        }),
      'own',
    ],
  ]),
  ...rows(jobs, [
    [
      'bytes of the job definition',
      24_576,
      (n) =>
        filled(
          n,
          (filler) => legal.batch({ environment: [{ name: 'K', value: filler }] }),
          ({ register }) => register,
        ),
      'own',
    ],
    ['bytes of SubmitJob', 30_720, (n) => filled(n, submitted, ({ submit }) => submit), 'own'],
    [
      'characters of the overrides',
      8192,
      (n) =>
        filled(n, overridden, ({ submit }) => ({
          containerOverrides: [{ name: 'default', ...submit.containerOverrides }],
        })),
      'own',
    ],
  ]),
  ...rows(functions, [
    [
      'bytes of all variables',
      4096,
      (n) =>
        filled(
          n,
          (filler) => variables({ KEY: filler }),
          ({ create }) => create.Environment?.Variables,
        ),
      'own',
    ],
    ['seconds', 900, (n) => legal.lambda({ Timeout: n }), 'own'],
    [
      'characters of the working directory',
      1000,
      (n) => legal.lambda({ ImageConfig: { WorkingDirectory: '/'.repeat(n) } }),
    ],
  ]),
];
