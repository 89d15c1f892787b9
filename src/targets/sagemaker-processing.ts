import type { JsonObject } from './_caps.ts';
import { countIn, objectIn } from './_fields.ts';
import { appended, asMap, digestName, over, tags } from './_request.ts';
import {
  GUIDE,
  NAME_LENGTH_MAX,
  READ_ON,
  SAGEMAKER_FEATURES,
  describedBy,
  formsOf,
  hostsOf,
  jobProgress,
  limitsOf,
  sagemaker,
  wordsOf,
} from './_sagemaker.ts';
import { ROLE_CREDENTIALS } from './_names.ts';
import type { Job, Target } from './_target.ts';

const OPERATION = 'CreateProcessingJob';
const limit = limitsOf(OPERATION);
const form = formsOf(OPERATION);
const words = wordsOf(OPERATION);
const CHANNEL = 'bellhop';
const TIME = 'StoppingCondition.MaxRuntimeInSeconds';
const FOLDER = '/opt/ml/processing/bellhop';
const CONFIG = '/opt/ml/config/processingjobconfig.json';

/** Amazon SageMaker: a processing job. */
const target: Target = {
  name: 'sagemaker-processing',
  summary: 'Amazon SageMaker processing jobs (CreateProcessingJob)',
  variablesAt: { operation: OPERATION, at: 'Environment' },
  operations: [OPERATION],
  caps: [
    limit('Environment', 'entries', { max: 100, model: 'Environment' }),
    limit('Environment', 'name', { max: 256, model: 'Environment.{k}' }),
    limit('Environment', 'value', { max: 256, model: 'Environment.{v}' }),
    form('Environment', 'name', { pattern: '[a-zA-Z_][a-zA-Z0-9_]*', model: 'Environment.{k}' }),
    ...words('AppSpecification.ContainerEntrypoint'),
    ...words('AppSpecification.ContainerArguments'),
    limit('AppSpecification.ImageUri', 'text', { max: 255, model: 'AppSpecification.ImageUri' }),
    limit('ProcessingInputs', 'entries', { max: 10, model: 'ProcessingInputs' }),
    limit('ProcessingInputs[].S3Input.LocalPath', 'text', {
      max: 256,
      model: 'ProcessingInputs.[].S3Input.LocalPath',
    }),
    limit('ProcessingInputs[].S3Input.S3Uri', 'text', {
      max: 1024,
      model: 'ProcessingInputs.[].S3Input.S3Uri',
    }),
    limit(TIME, 'number', { max: 777_600, min: 1, model: TIME }),
    limit('ProcessingJobName', 'text', {
      max: NAME_LENGTH_MAX,
      min: 1,
      model: 'ProcessingJobName',
    }),
    form('ProcessingJobName', 'text', {
      pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
      model: 'ProcessingJobName',
    }),
    limit('Tags', 'entries', { max: 50, model: 'Tags' }),
  ],
  reserved: [],
  features: {
    ...SAGEMAKER_FEATURES,
    variables: { by: 'request', how: 'Environment; what its caps leave out by the entrypoint' },
    command: { by: 'request', how: 'AppSpecification.ContainerEntrypoint starts bellhop' },
    isolation: {
      by: 'request',
      how: 'NetworkConfig.EnableNetworkIsolation: no store can be asked; the plan comes as an input',
    },
    timeLimit: { by: 'request', how: TIME },
    persistentVolume: {
      by: 'nobody',
      how: 'a processing input (S3); then `volumes: { NAME: present }`',
    },
  },
  start: 'request',
  running: { time: { operation: OPERATION, at: TIME, of: 'job' } },
  stop: 'not documented',
  failure: {
    path: '/opt/ml/output/message',
    charactersMax: 1024,
    source: `${GUIDE} doc_source/build-your-own-processing-container.md (the first 1 KB, UTF-8)`,
    readOn: READ_ON,
    sure: 'documented',
  },
  channel: {
    scheme: 's3://',
    folder: FOLDER,
    source: GUIDE,
    readOn: READ_ON,
    sure: 'documented',
  },
  rank: 2,
  gives: [ROLE_CREDENTIALS],
  detect(inside) {
    if (!inside.exists(CONFIG)) return undefined;
    const nodes = hostsOf(inside, '/opt/ml/config/resourceconfig.json');
    const arn = /"ProcessingJobArn"\s*:\s*"([^"]+)"/.exec(inside.read(CONFIG) ?? '')?.[1];
    const job = arn?.split('/').at(-1);
    const region = arn?.split(':')[3];
    return {
      ...(job === undefined ? {} : { job }),
      ...(region === undefined ? {} : { region }),
      ...(nodes === undefined ? {} : { nodes }),
    };
  },
  nodes: ({ given }) => {
    const resources = objectIn(given(OPERATION), 'ProcessingResources');
    return countIn(objectIn(resources, 'ClusterConfig'), 'InstanceCount');
  },
  isIsolated: ({ given }) => {
    return objectIn(given(OPERATION), 'NetworkConfig')['EnableNetworkIsolation'] === true;
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [
    {
      ...sagemaker(OPERATION, processingJob(job)),
      unless: describedBy('DescribeProcessingJob', 'ProcessingJobName', job.name),
      doneCodes: ['ResourceInUse'],
    },
  ],
  follow: {
    ask: (job) => sagemaker('DescribeProcessingJob', { ProcessingJobName: job.name }),
    read: ({ ProcessingJobStatus: status, FailureReason, ExitMessage }) => {
      return jobProgress({ status, reason: FailureReason ?? ExitMessage, running: 'InProgress' });
    },
  },
  adapt: [
    {
      operation: OPERATION,
      name: 'ProcessingJobName',
      image: 'AppSpecification.ImageUri',
      variables: 'Environment',
      entrypoint: 'AppSpecification.ContainerEntrypoint',
      arguments: 'AppSpecification.ContainerArguments',
      channel: { at: 'ProcessingInputs', by: ['InputName', 'S3Input.LocalPath'], of: inputOf },
      isolation: 'NetworkConfig.EnableNetworkIsolation',
      nodes: 'ProcessingResources.ClusterConfig.InstanceCount',
    },
  ],
  wants: {
    [OPERATION]: {
      'AppSpecification.ImageUri': "the image: the container's `image`",
      RoleArn: 'the role that the job runs as',
      'ProcessingResources.ClusterConfig': 'instance type and count, volume size',
    },
  },
};

export default target;

function processingJob(job: Job): JsonObject {
  const given = job.given(OPERATION);
  const { secondsMax } = job.needs;
  const inputs =
    job.channel === undefined
      ? undefined
      : appended(given['ProcessingInputs'], [inputOf(job.channel)], 'InputName');
  return over(given, {
    ProcessingJobName: job.name,
    AppSpecification: {
      ImageUri: job.image,
      ...(job.start.length === 0 ? {} : { ContainerEntrypoint: job.start }),
    },
    StoppingCondition: secondsMax === undefined ? undefined : { MaxRuntimeInSeconds: secondsMax },
    Environment: asMap(job.variables),
    ProcessingInputs: inputs,
    Tags: appended(given['Tags'], tags(job, ['Key', 'Value']), 'Key'),
  });
}

function inputOf(address: string): JsonObject {
  return {
    InputName: CHANNEL,
    S3Input: {
      S3Uri: address,
      LocalPath: FOLDER,
      S3DataType: 'S3Prefix',
      S3InputMode: 'File',
      S3DataDistributionType: 'FullyReplicated',
    },
  };
}
