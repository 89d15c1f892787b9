// SageMaker training jobs: CreateTrainingJob, then what runs in ml.* (service
// model of botocore 1.44.5; SageMaker developer guide a869fa5,
// your-algorithms-training-algo-running-container and -dockerfile).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type AwsWorld, s3Download, s3Put } from './_aws.ts';
import { runContainer, yardFolder } from './_container.ts';
import { ANY, broken, FLAG, listOf, refused, refuseIf, type Rule, TEXT, text } from './_rules.ts';
import * as sm from './_sagemaker.ts';
import { dockerWords, imageAt } from './_image.ts';
import { type Mounted, NotSimulated, type Outcome, type Ran, type Refusal } from './_types.ts';
import type { Simulator, Wish } from './_types.ts';

interface S3Source {
  readonly S3DataType: string;
  readonly S3Uri: string;
  readonly S3DataDistributionType?: string;
}

interface Channel {
  readonly ChannelName: string;
  readonly DataSource: { readonly S3DataSource?: S3Source };
  readonly ContentType?: string;
  readonly CompressionType?: string;
  readonly RecordWrapperType?: string;
  readonly InputMode?: string;
}

/** The members of CreateTrainingJob that the simulator reads; others are checked by botocore. */
export interface CreateTrainingJob {
  readonly TrainingJobName: string;
  readonly AlgorithmSpecification: {
    readonly TrainingImage: string;
    readonly TrainingInputMode: string;
    readonly ContainerEntrypoint?: readonly string[];
    readonly ContainerArguments?: readonly string[];
  };
  readonly RoleArn: string;
  readonly HyperParameters?: Readonly<Record<string, string>>;
  readonly Environment?: Readonly<Record<string, string>>;
  readonly InputDataConfig?: readonly Channel[];
  readonly OutputDataConfig: { readonly S3OutputPath: string };
  readonly ResourceConfig: { readonly InstanceCount: number; readonly InstanceType: string };
  readonly CheckpointConfig?: { readonly S3Uri: string; readonly LocalPath?: string };
  readonly EnableNetworkIsolation?: boolean;
  readonly [more: string]: unknown;
}

const MODE: Rule = { is: 'string', oneOf: ['Pipe', 'File', 'FastFile'] };
const S3_SOURCE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'S3DataType!': {
      is: 'string',
      oneOf: ['ManifestFile', 'S3Prefix', 'AugmentedManifestFile', 'Converse'],
    },
    'S3Uri!': sm.S3_URI,
    S3DataDistributionType: { is: 'string', oneOf: ['FullyReplicated', 'ShardedByS3Key'] },
  },
};
const CHANNEL: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'ChannelName!': { is: 'string', min: 1, max: 64, pattern: '[A-Za-z0-9\\.\\-_]+' },
    'DataSource!': { is: 'object', isOpen: true, members: { S3DataSource: S3_SOURCE } },
    ContentType: sm.LINE_OF_256,
    CompressionType: { is: 'string', oneOf: ['None', 'Gzip'] },
    RecordWrapperType: { is: 'string', oneOf: ['None', 'RecordIO'] },
    InputMode: MODE,
  },
};
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'TrainingJobName!': sm.NAME,
    'AlgorithmSpecification!': {
      is: 'object',
      isOpen: true,
      members: {
        TrainingImage: text(255, '.*'),
        'TrainingInputMode!': MODE,
        ContainerEntrypoint: listOf(sm.LINE_OF_256, 100, 1),
        ContainerArguments: listOf(sm.LINE_OF_256, 100, 1),
      },
    },
    'RoleArn!': sm.ROLE,
    HyperParameters: sm.HYPER_PARAMETERS,
    Environment: sm.environmentOf(100, 512, 512),
    InputDataConfig: listOf(CHANNEL, 20, 1),
    'OutputDataConfig!': { is: 'object', isOpen: true, members: { 'S3OutputPath!': sm.S3_URI } },
    ResourceConfig: {
      is: 'object',
      isOpen: true,
      members: {
        InstanceCount: { is: 'integer', min: 0, max: 5000 },
        InstanceType: TEXT,
        KeepAlivePeriodInSeconds: { is: 'integer', min: 0, max: 21_600 },
      },
    },
    RetryStrategy: {
      is: 'object',
      members: { 'MaximumRetryAttempts!': { is: 'integer', min: 1, max: 30 } },
    },
    Tags: listOf(ANY, 50),
    EnableNetworkIsolation: FLAG,
  },
};

function refusals(request: CreateTrainingJob): Refusal[] {
  const found = refused(sm.VALIDATION, broken(RULE, request, ''));
  if (found.length > 0) return found;
  const names = (request.InputDataConfig ?? []).map(({ ChannelName }) => ChannelName);
  const { TrainingImage, AlgorithmName } = request.AlgorithmSpecification as {
    TrainingImage?: string;
    AlgorithmName?: string;
  };
  return [
    ...refuseIf(new Set(names).size < names.length, 'InputDataConfig', [
      sm.VALIDATION,
      'Channel names must be unique',
    ]),
    ...refuseIf(
      (TrainingImage === undefined) === (AlgorithmName === undefined),
      'AlgorithmSpecification',
      [sm.VALIDATION, 'You must specify either TrainingImage or AlgorithmName'],
    ),
  ];
}

const hostsOf = (request: CreateTrainingJob): string[] =>
  Array.from({ length: request.ResourceConfig.InstanceCount }, (_, at) => `algo-${at + 1}`);

function writeConfig(request: CreateTrainingJob, ml: string, host: string): void {
  const config = path.join(ml, 'input/config');
  const hosts = hostsOf(request);
  const { InstanceType } = request.ResourceConfig;
  const group = { instance_group_name: 'homogeneousCluster', instance_type: InstanceType, hosts };
  sm.writeJson(path.join(config, 'hyperparameters.json'), request.HyperParameters ?? {});
  sm.writeJson(path.join(config, 'resourceconfig.json'), {
    current_host: host,
    current_instance_type: InstanceType,
    current_group_name: group.instance_group_name,
    hosts,
    instance_groups: [group],
    network_interface_name: 'eth0',
  });
  const channels = (request.InputDataConfig ?? []).map((channel) => [
    channel.ChannelName,
    {
      ...(channel.ContentType === undefined ? {} : { ContentType: channel.ContentType }),
      TrainingInputMode: modeOf(request, channel),
      S3DistributionType:
        channel.DataSource.S3DataSource?.S3DataDistributionType ?? 'FullyReplicated',
      RecordWrapperType: channel.RecordWrapperType ?? 'None',
    },
  ]);
  sm.writeJson(path.join(config, 'inputdataconfig.json'), Object.fromEntries(channels));
}

const modeOf = (request: CreateTrainingJob, channel: Channel): string =>
  channel.InputMode ?? request.AlgorithmSpecification.TrainingInputMode;

/** Downloads a channel; a folder that must not be written, for FastFile. */
async function fetchChannel(
  channel: Channel,
  job: { readonly request: CreateTrainingJob; readonly world: AwsWorld; readonly ml: string },
  node: number,
): Promise<Mounted[]> {
  const source = channel.DataSource.S3DataSource;
  const mode = modeOf(job.request, channel);
  if (source === undefined) throw new NotSimulated('channels that are no S3DataSource');
  if (source.S3DataType !== 'S3Prefix') throw new NotSimulated(`S3DataType ${source.S3DataType}`);
  if (mode === 'Pipe') throw new NotSimulated('InputMode Pipe');
  if (!['None', undefined].includes(channel.CompressionType)) throw new NotSimulated('Gzip');
  const dir = path.join(job.ml, 'input/data', channel.ChannelName);
  sm.writable(dir);
  const nodes = job.request.ResourceConfig.InstanceCount;
  const isSharded = source.S3DataDistributionType === 'ShardedByS3Key';
  const found = await s3Download(job.world, source.S3Uri, {
    dir,
    isWanted: (index) => !isSharded || index % nodes === node,
  });
  if (found === 0) throw new ChannelError(`No S3 objects found under S3 URL "${source.S3Uri}"`);
  const at = `/opt/ml/input/data/${channel.ChannelName}`;
  return mode === 'FastFile' ? [{ kind: 'bind', at, from: dir, ro: true }] : [];
}

class ChannelError extends Error {}

async function upload(request: CreateTrainingJob, world: AwsWorld, ml: string): Promise<void> {
  const { S3OutputPath } = request.OutputDataConfig;
  for (const [name, folder] of [
    ['model', 'model'],
    ['output', 'output/data'],
  ] as const) {
    const tar = spawnSync('tar', ['-czf', '-', '-C', path.join(ml, folder), '.'], {
      maxBuffer: 2 ** 28,
    });
    const place = `${S3OutputPath.replace(/\/$/, '')}/${request.TrainingJobName}/output`;
    await s3Put(world, `${place}/${name}.tar.gz`, new Uint8Array(tar.stdout));
  }
}

function verdict(outcome: Outcome, ml: string): Pick<Ran & { kind: 'ended' }, 'status' | 'reason'> {
  if (outcome.ended !== 'itself') return { status: 'Stopped' };
  if (outcome.exit === 0) return { status: 'Completed' };
  const file = path.join(ml, 'output/failure');
  const said = existsSync(file) ? readFileSync(file, 'utf8') : '';
  // The first 1,024 characters of the file (toolkit 3383937; the member's max in the model).
  const reason = `AlgorithmError: ${said}, exit code: ${outcome.exit}`;
  return { status: 'Failed', reason: said === '' ? reason : said.slice(0, 1024) };
}

function wordsOf(request: CreateTrainingJob, platform: sm.AwsPlatform): string[] {
  const { TrainingImage, ContainerEntrypoint, ContainerArguments } = request.AlgorithmSpecification;
  const image = imageAt(platform.images, TrainingImage);
  const isGiven = ContainerEntrypoint !== undefined || ContainerArguments !== undefined;
  return dockerWords(image, ContainerEntrypoint, isGiven ? ContainerArguments : ['train']);
}

async function prepare(request: CreateTrainingJob, platform: sm.AwsPlatform, node: number) {
  const ml = yardFolder(platform.yard);
  const host = hostsOf(request)[node] ?? 'algo-1';
  for (const dir of ['model', 'output', 'output/data']) sm.writable(path.join(ml, dir));
  writeConfig(request, ml, host);
  const mounts: Mounted[] = [];
  for (const channel of request.InputDataConfig ?? []) {
    mounts.push(...(await fetchChannel(channel, { request, world: platform.aws, ml }, node)));
  }
  const points = request.CheckpointConfig;
  if (points !== undefined) {
    if (![undefined, '/opt/ml/checkpoints'].includes(points.LocalPath))
      throw new NotSimulated('CheckpointConfig.LocalPath');
    await s3Download(platform.aws, points.S3Uri, {
      dir: sm.writable(path.join(ml, 'checkpoints')),
    });
  }
  return { ml, host, mounts };
}

async function run(
  request: CreateTrainingJob,
  platform: sm.AwsPlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    return await start(request, platform, wish);
  } catch (cause) {
    if (!(cause instanceof ChannelError)) throw cause;
    return { kind: 'not started', reason: `ClientError: Data download failed:${cause.message}` };
  }
}

async function start(request: CreateTrainingJob, platform: sm.AwsPlatform, wish: Wish) {
  const { aws } = platform;
  const { ml, host, mounts } = await prepare(request, platform, wish.node ?? 0);
  const name = request.TrainingJobName;
  const own = {
    TRAINING_JOB_NAME: name,
    TRAINING_JOB_ARN: `arn:aws:sagemaker:${aws.region}:${aws.account}:training-job/${name}`,
  };
  const view = sm.viewOf(
    {
      image: imageAt(platform.images, request.AlgorithmSpecification.TrainingImage),
      words: wordsOf(request, platform),
      environment: request.Environment ?? {},
      own,
      roleArn: request.RoleArn,
      isIsolated: request.EnableNetworkIsolation === true,
      hostname: host,
      stopMs: 120_000,
      ml,
    },
    platform,
  );
  const job = { ...view, mounts: [...view.mounts, ...mounts] };
  const names = [...Object.keys(own), sm.ROLE_VARIABLE];
  const outcome = await runContainer(
    platform.yard,
    { view: job, own: { env: names, paths: ['/opt/ml'] } },
    wish,
  );
  await upload(request, aws, ml);
  return { kind: 'ended', outcome, ...verdict(outcome, ml) } as const;
}

/** The simulator. */
export const sagemakerTraining: Simulator<CreateTrainingJob, sm.AwsPlatform> = {
  name: 'sagemaker-training',
  refusals,
  run,
};
