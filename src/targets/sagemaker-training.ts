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
import { trainingAdapt } from './_sagemaker-adapt.ts';
import { ROLE_CREDENTIALS } from './_names.ts';
import type { Job, Target } from './_target.ts';

const OPERATION = 'CreateTrainingJob';
const limit = limitsOf(OPERATION);
const form = formsOf(OPERATION);
const words = wordsOf(OPERATION);
const CHANNEL = 'bellhop';
const TIME = 'StoppingCondition.MaxRuntimeInSeconds';

/** Amazon SageMaker: a training job. */
const target: Target = {
  name: 'sagemaker-training',
  summary: 'Amazon SageMaker training jobs (CreateTrainingJob)',
  variablesAt: { operation: OPERATION, at: 'Environment' },
  operations: [OPERATION],
  caps: [
    limit('Environment', 'entries', { max: 100, model: 'Environment' }),
    limit('Environment', 'name', { max: 512, model: 'Environment.{k}' }),
    limit('Environment', 'value', { max: 512, model: 'Environment.{v}' }),
    form('Environment', 'name', { pattern: '[a-zA-Z_][a-zA-Z0-9_]*', model: 'Environment.{k}' }),
    limit('HyperParameters', 'entries', { max: 100, model: 'HyperParameters' }),
    limit('HyperParameters', 'name', { max: 256, model: 'HyperParameters.{k}' }),
    limit('HyperParameters', 'value', { max: 2500, model: 'HyperParameters.{v}' }),
    form('HyperParameters', 'name', { pattern: '.*', model: 'HyperParameters.{k}' }),
    form('HyperParameters', 'value', { pattern: '.*', model: 'HyperParameters.{v}' }),
    ...words('AlgorithmSpecification.ContainerEntrypoint'),
    ...words('AlgorithmSpecification.ContainerArguments'),
    limit('AlgorithmSpecification.TrainingImage', 'text', {
      max: 255,
      model: 'AlgorithmSpecification.TrainingImage',
    }),
    limit('InputDataConfig', 'entries', { max: 20, min: 1, model: 'InputDataConfig' }),
    limit('InputDataConfig[].DataSource.S3DataSource.S3Uri', 'text', {
      max: 1024,
      model: 'InputDataConfig.[].DataSource.S3DataSource.S3Uri',
    }),
    {
      kind: 'limit',
      operation: OPERATION,
      at: TIME,
      counts: 'number',
      // 28 days.
      max: 2_419_200,
      min: 1,
      source: 'botocore 1.44.5, sagemaker/2017-07-24 (documentation of StoppingCondition)',
      readOn: '2026-11-22',
      sure: 'documented',
    },
    limit('TrainingJobName', 'text', { max: NAME_LENGTH_MAX, min: 1, model: 'TrainingJobName' }),
    form('TrainingJobName', 'text', {
      pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
      model: 'TrainingJobName',
    }),
    limit('Tags', 'entries', { max: 50, model: 'Tags' }),
  ],
  reserved: [],
  features: {
    ...SAGEMAKER_FEATURES,
    variables: { by: 'request', how: 'Environment; what its caps leave out by the entrypoint' },
    hyperparameters: {
      by: 'request',
      how: 'HyperParameters; over its caps an input channel, put in place by the entrypoint',
    },
    command: { by: 'request', how: 'AlgorithmSpecification.ContainerEntrypoint starts bellhop' },
    isolation: {
      by: 'request',
      how: 'EnableNetworkIsolation: no store can be asked; the plan comes by an input channel',
    },
    // botocore 1.44.5, RetryStrategy: only of jobs that fail due to an InternalServerError.
    retries: {
      by: 'nobody',
      how: 'it runs once: RetryStrategy is for failures of SageMaker, not of the program',
    },
    timeLimit: { by: 'request', how: 'StoppingCondition.MaxRuntimeInSeconds, of all attempts' },
    persistentVolume: {
      by: 'nobody',
      how: 'an input channel (S3, EFS or FSx); then `volumes: { NAME: present }`',
    },
  },
  start: 'request',
  running: {
    time: {
      operation: OPERATION,
      at: TIME,
      of: 'job',
      shared: { operation: OPERATION, at: 'RetryStrategy' },
    },
  },
  stop: 'SIGTERM, SIGKILL after 120 s',
  failure: {
    path: '/opt/ml/output/failure',
    charactersMax: 1024,
    source: 'botocore 1.44.5 (FailureReason); aws/sagemaker-training-toolkit@3383937',
    readOn: READ_ON,
    sure: 'documented',
  },
  hyperparameters: {
    path: '/opt/ml/input/config/hyperparameters.json',
    source: GUIDE,
    readOn: READ_ON,
    sure: 'documented',
    // SM_TRAINING_ENV holds all of them, and some 1 KiB beside: one variable of the kernel's
    // 128 KiB. Each host adds about 50 bytes.
    tool: {
      called: 'the sagemaker-training toolkit, which puts all of them into one variable,',
      bytesMax: 129_024,
      knownBy: 'sagemaker_program',
      source: 'sagemaker-training 5.1.4 (PyPI); MAX_ARG_STRLEN, Linux 6.18',
      readOn: READ_ON,
      sure: 'measured',
    },
  },
  channel: {
    scheme: 's3://',
    folder: `/opt/ml/input/data/${CHANNEL}`,
    source: GUIDE,
    readOn: READ_ON,
    sure: 'documented',
  },
  rank: 2,
  gives: [
    {
      pattern: 'TRAINING_JOB_(NAME|ARN)',
      source: 'docs.aws.amazon.com/sagemaker, variables of a training container',
      readOn: '2026-11-22',
      sure: 'documented',
    },
    ROLE_CREDENTIALS,
  ],
  detect(inside) {
    const job = inside.variable('TRAINING_JOB_NAME');
    const arn = inside.variable('TRAINING_JOB_ARN');
    const isThere = inside.exists('/opt/ml/input/config/resourceconfig.json');
    if (!isThere && (job === undefined || arn === undefined)) return undefined;
    // No variable has the region: aws/sagemaker-training-toolkit#207.
    const region = arn?.split(':')[3];
    const nodes = hostsOf(inside);
    return {
      ...(job === undefined ? {} : { job }),
      ...(region === undefined ? {} : { region }),
      ...(nodes === undefined ? {} : { nodes }),
    };
  },
  nodes: ({ given }) => countIn(objectIn(given(OPERATION), 'ResourceConfig'), 'InstanceCount'),
  isIsolated: ({ given }) => given(OPERATION)['EnableNetworkIsolation'] === true,
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [
    {
      ...sagemaker(OPERATION, trainingJob(job)),
      unless: describedBy('DescribeTrainingJob', 'TrainingJobName', job.name),
      doneCodes: ['ResourceInUse'],
    },
  ],
  follow: {
    ask: (job) => sagemaker('DescribeTrainingJob', { TrainingJobName: job.name }),
    read: ({ TrainingJobStatus: status, SecondaryStatus: step, FailureReason: reason }) => {
      return jobProgress({ status, step, reason, running: 'Training' });
    },
  },
  adapt: trainingAdapt(channelOf),
  wants: {
    [OPERATION]: {
      'AlgorithmSpecification.TrainingImage': "the image: the container's `image`",
      RoleArn: 'the role that the job runs as',
      OutputDataConfig: 'where its output goes: { S3OutputPath: s3://… }',
      ResourceConfig: 'instance type and count, volume size',
      StoppingCondition:
        'how long it may take: `activeDeadlineSeconds`, or { MaxRuntimeInSeconds: … }',
    },
  },
};

export default target;

function trainingJob(job: Job): JsonObject {
  const given = job.given(OPERATION);
  const { secondsMax } = job.needs;
  const channels =
    job.channel === undefined
      ? undefined
      : appended(given['InputDataConfig'], [channelOf(job.channel)], 'ChannelName');
  return over(given, {
    TrainingJobName: job.name,
    AlgorithmSpecification: {
      TrainingInputMode: 'File',
      ...objectIn(given, 'AlgorithmSpecification'),
      TrainingImage: job.image,
      ...(job.start.length === 0 ? {} : { ContainerEntrypoint: job.start }),
    },
    StoppingCondition: secondsMax === undefined ? undefined : { MaxRuntimeInSeconds: secondsMax },
    Environment: asMap(job.variables),
    HyperParameters: asMap(job.hyperparameters),
    InputDataConfig: channels,
    Tags: appended(given['Tags'], tags(job, ['Key', 'Value']), 'Key'),
  });
}

/** Every node needs all of it, as a file. */
function channelOf(address: string): JsonObject {
  return {
    ChannelName: CHANNEL,
    InputMode: 'File',
    DataSource: {
      S3DataSource: {
        S3DataType: 'S3Prefix',
        S3Uri: address,
        S3DataDistributionType: 'FullyReplicated',
      },
    },
  };
}
