// Requests of SageMaker that `bellhop adapt` takes. Shapes: botocore 1.44.5, sagemaker/2017-07-24.
import type { AdaptedChannel, Adapting } from './_adapting.ts';
import type { Cap } from './_caps.ts';
import { NAME_LENGTH_MAX, formsOf, limitsOf } from './_sagemaker.ts';

const TUNING = 'CreateHyperParameterTuningJob';
const TRANSFORM = 'CreateTransformJob';
const DEFINITION = 'TrainingJobDefinition';
const TUNING_NAME_MAX = 32;

/** CreateTrainingJob, and tuning jobs, which start training jobs. */
export function trainingAdapt(of: AdaptedChannel['of']): readonly Adapting[] {
  const channel = { by: ['ChannelName'], of } as const;
  return [
    {
      operation: 'CreateTrainingJob',
      name: 'TrainingJobName',
      image: 'AlgorithmSpecification.TrainingImage',
      variables: 'Environment',
      entrypoint: 'AlgorithmSpecification.ContainerEntrypoint',
      arguments: 'AlgorithmSpecification.ContainerArguments',
      argumentsDefault: ['train'],
      hyperparameters: 'HyperParameters',
      channel: { at: 'InputDataConfig', ...channel },
      isolation: 'EnableNetworkIsolation',
      nodes: 'ResourceConfig.InstanceCount',
    },
    {
      operation: TUNING,
      name: 'HyperParameterTuningJobName',
      image: `${DEFINITION}.AlgorithmSpecification.TrainingImage`,
      variables: `${DEFINITION}.Environment`,
      hyperparameters: `${DEFINITION}.StaticHyperParameters`,
      channel: { at: `${DEFINITION}.InputDataConfig`, ...channel },
      isolation: `${DEFINITION}.EnableNetworkIsolation`,
      nodes: `${DEFINITION}.ResourceConfig.InstanceCount`,
      others: ['TrainingJobDefinitions'],
      caps: tuningCaps(),
    },
  ];
}

function tuningCaps(): readonly Cap[] {
  const limit = limitsOf(TUNING);
  const form = formsOf(TUNING);
  const name = 'HyperParameterTuningJobName';
  return [
    limit(name, 'text', { max: TUNING_NAME_MAX, min: 1, model: name }),
    form(name, 'text', { pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}', model: name }),
    limit('Tags', 'entries', { max: 50, model: 'Tags' }),
    ...definitionCaps(DEFINITION, DEFINITION),
    // Several are not adapted: that they are over their caps is told.
    ...definitionCaps('TrainingJobDefinitions[]', 'TrainingJobDefinitions.[]'),
  ];
}

/** Of one definition of training jobs: still 48 variables, where a training job has 100. */
function definitionCaps(at: string, model: string): readonly Cap[] {
  const limit = limitsOf(TUNING);
  const form = formsOf(TUNING);
  const [environment, parameters] = ['Environment', 'StaticHyperParameters'];
  const image = 'AlgorithmSpecification.TrainingImage';
  return [
    limit(`${at}.${environment}`, 'entries', { max: 48, model: `${model}.${environment}` }),
    limit(`${at}.${environment}`, 'name', { max: 512, model: `${model}.${environment}.{k}` }),
    limit(`${at}.${environment}`, 'value', { max: 512, model: `${model}.${environment}.{v}` }),
    form(`${at}.${environment}`, 'name', {
      pattern: '[a-zA-Z_][a-zA-Z0-9_]*',
      model: `${model}.${environment}.{k}`,
    }),
    limit(`${at}.${parameters}`, 'entries', { max: 100, model: `${model}.${parameters}` }),
    limit(`${at}.${parameters}`, 'name', { max: 256, model: `${model}.${parameters}.{k}` }),
    limit(`${at}.${parameters}`, 'value', { max: 2500, model: `${model}.${parameters}.{v}` }),
    form(`${at}.${parameters}`, 'name', {
      pattern: '.*',
      model: `${model}.${parameters}.{k}`,
    }),
    form(`${at}.${parameters}`, 'value', {
      pattern: '.*',
      model: `${model}.${parameters}.{v}`,
    }),
    limit(`${at}.${image}`, 'text', { max: 255, model: `${model}.${image}` }),
    limit(`${at}.InputDataConfig`, 'entries', {
      max: 20,
      min: 1,
      model: `${model}.InputDataConfig`,
    }),
    limit(`${at}.InputDataConfig[].DataSource.S3DataSource.S3Uri`, 'text', {
      max: 1024,
      model: `${model}.InputDataConfig.[].DataSource.S3DataSource.S3Uri`,
    }),
  ];
}

/** CreateModel, and transform jobs, whose variables go over those of their model. */
export const MODEL_ADAPT: readonly Adapting[] = [
  // It has a ModelName too.
  {
    operation: TRANSFORM,
    name: 'TransformJobName',
    variables: 'Environment',
    over: 'arguments',
    nodes: 'TransformResources.InstanceCount',
    caps: transformCaps(),
  },
  {
    operation: 'CreateModel',
    name: 'ModelName',
    image: 'PrimaryContainer.Image',
    variables: 'PrimaryContainer.Environment',
    isolation: 'EnableNetworkIsolation',
    isDefinition: true,
    others: ['Containers'],
  },
];

function transformCaps(): readonly Cap[] {
  const limit = limitsOf(TRANSFORM);
  const form = formsOf(TRANSFORM);
  const name = 'TransformJobName';
  return [
    limit(name, 'text', { max: NAME_LENGTH_MAX, min: 1, model: name }),
    form(name, 'text', { pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}', model: name }),
    limit('Environment', 'entries', { max: 16, model: 'Environment' }),
    limit('Environment', 'name', { max: 1024, model: 'Environment.{k}' }),
    limit('Environment', 'value', { max: 10_240, model: 'Environment.{v}' }),
    form('Environment', 'name', {
      pattern: '[a-zA-Z_][a-zA-Z0-9_]{0,1023}',
      model: 'Environment.{k}',
    }),
    limit('Tags', 'entries', { max: 50, model: 'Tags' }),
  ];
}
