import type { JsonObject } from './_caps.ts';
import { appended, asMap, digestName, over, tags } from './_request.ts';
import {
  NAME_LENGTH_MAX,
  READ_ON,
  SAGEMAKER_FEATURES,
  describedBy,
  formsOf,
  limitsOf,
  sagemaker,
} from './_sagemaker.ts';
import { MODEL_ADAPT } from './_sagemaker-adapt.ts';
import { ROLE_CREDENTIALS } from './_names.ts';
import type { Job, Target } from './_target.ts';

const OPERATION = 'CreateModel';
const limit = limitsOf(OPERATION);
const form = formsOf(OPERATION);

/** Amazon SageMaker: a model, for endpoints and batch transform. */
const target: Target = {
  name: 'sagemaker-model',
  summary: 'Amazon SageMaker models, for endpoints and batch transform (CreateModel)',
  variablesAt: { operation: OPERATION, at: 'PrimaryContainer.Environment' },
  operations: [OPERATION],
  caps: [
    limit('PrimaryContainer.Environment', 'entries', {
      max: 100,
      model: 'PrimaryContainer.Environment',
    }),
    limit('PrimaryContainer.Environment', 'name', {
      max: 1024,
      model: 'PrimaryContainer.Environment.{k}',
    }),
    limit('PrimaryContainer.Environment', 'value', {
      max: 1024,
      model: 'PrimaryContainer.Environment.{v}',
    }),
    form('PrimaryContainer.Environment', 'name', {
      pattern: '[a-zA-Z_][a-zA-Z0-9_]*',
      model: 'PrimaryContainer.Environment.{k}',
    }),
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'PrimaryContainer.Environment',
      counts: 'total',
      max: 32_768,
      source: 'botocore 1.44.5, sagemaker/2017-07-24 (the documentation of ContainerDefinition)',
      readOn: READ_ON,
      sure: 'documented',
    },
    limit('PrimaryContainer.Image', 'text', { max: 255, model: 'PrimaryContainer.Image' }),
    form('PrimaryContainer.Image', 'text', {
      pattern: '[\\S]+',
      model: 'PrimaryContainer.Image',
    }),
    limit('ModelName', 'text', { max: NAME_LENGTH_MAX, model: 'ModelName' }),
    form('ModelName', 'text', {
      pattern: '[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?',
      model: 'ModelName',
    }),
    limit('Tags', 'entries', { max: 50, model: 'Tags' }),
  ],
  reserved: [],
  features: {
    ...SAGEMAKER_FEATURES,
    variables: { by: 'request', how: 'Environment; what its caps leave out by the entrypoint' },
    command: {
      by: 'entrypoint',
      how: "no field: the image's ENTRYPOINT must be `bellhop run --`, SageMaker adds `serve`",
    },
    isolation: {
      by: 'request',
      how: 'EnableNetworkIsolation: no store can be asked; the plan must fit into Environment',
    },
    persistentVolume: {
      by: 'nobody',
      how: 'put the data into the model archive; then `volumes: { NAME: present }`',
    },
  },
  start: 'image',
  stop: 'SIGTERM, SIGKILL after 30 s',
  rank: 1,
  gives: [ROLE_CREDENTIALS],
  detect(inside) {
    // No variable is documented: the word that the image is started with, and the model's folder.
    const isServing = inside.words[0] === 'serve' && inside.exists('/opt/ml/model');
    return isServing ? {} : undefined;
  },
  isIsolated: ({ given }) => given(OPERATION)['EnableNetworkIsolation'] === true,
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [
    {
      ...sagemaker(OPERATION, model(job)),
      unless: describedBy('DescribeModel', 'ModelName', job.name),
    },
  ],
  adapt: MODEL_ADAPT,
  wants: {
    [OPERATION]: {
      'PrimaryContainer.Image': "the image: the container's `image`",
      ExecutionRoleArn: 'the role that the container runs as',
    },
  },
};

export default target;

function model(job: Job): JsonObject {
  const given = job.given(OPERATION);
  return over(given, {
    ModelName: job.name,
    PrimaryContainer: { Image: job.image, Environment: asMap(job.variables) ?? {} },
    Tags: appended(given['Tags'], tags(job, ['Key', 'Value']), 'Key'),
  });
}
