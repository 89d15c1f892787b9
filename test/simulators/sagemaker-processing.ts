// SageMaker processing jobs: CreateProcessingJob (service model of botocore
// 1.44.5; SageMaker developer guide a869fa5, build-your-own-processing-container).
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type AwsWorld, s3Download, s3Put } from './_aws.ts';
import { filesBelow, runContainer, yardFolder } from './_container.ts';
import { dockerWords, imageAt } from './_image.ts';
import { ANY, broken, FLAG, listOf, refused, refuseIf, type Rule, TEXT, text } from './_rules.ts';
import * as sm from './_sagemaker.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator, type Wish } from './_types.ts';

interface Input {
  readonly InputName: string;
  readonly S3Input?: {
    readonly S3Uri: string;
    readonly LocalPath?: string;
    readonly S3DataType: string;
    readonly S3InputMode?: string;
  };
}

interface Output {
  readonly OutputName: string;
  readonly S3Output?: { readonly S3Uri: string; readonly LocalPath?: string };
}

/** The members of CreateProcessingJob that the simulator reads. */
export interface CreateProcessingJob {
  readonly ProcessingJobName: string;
  readonly AppSpecification: {
    readonly ImageUri: string;
    readonly ContainerEntrypoint?: readonly string[];
    readonly ContainerArguments?: readonly string[];
  };
  readonly Environment?: Readonly<Record<string, string>>;
  readonly ProcessingInputs?: readonly Input[];
  readonly ProcessingOutputConfig?: { readonly Outputs: readonly Output[] };
  readonly ProcessingResources: {
    readonly ClusterConfig: { readonly InstanceCount: number; readonly InstanceType: string };
  };
  readonly NetworkConfig?: { readonly EnableNetworkIsolation?: boolean };
  readonly RoleArn: string;
  readonly [more: string]: unknown;
}

const LOCAL_PATH = text(256, '[^\\n\\r]*');
const S3_INPUT: Rule = {
  is: 'object',
  isOpen: true,
  members: { 'S3Uri!': sm.S3_URI, LocalPath: LOCAL_PATH, 'S3DataType!': TEXT },
};
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'ProcessingJobName!': sm.NAME,
    'AppSpecification!': {
      is: 'object',
      members: {
        'ImageUri!': text(255, '.*'),
        ContainerEntrypoint: listOf(sm.LINE_OF_256, 100, 1),
        ContainerArguments: listOf(sm.LINE_OF_256, 100, 1),
      },
    },
    Environment: sm.environmentOf(100, 256, 256),
    ProcessingInputs: listOf(
      {
        is: 'object',
        isOpen: true,
        members: { 'InputName!': TEXT, S3Input: S3_INPUT },
      },
      10,
    ),
    'ProcessingResources!': {
      is: 'object',
      isOpen: true,
      members: {
        'ClusterConfig!': {
          is: 'object',
          isOpen: true,
          members: {
            'InstanceCount!': { is: 'integer', min: 1, max: 100 },
            'InstanceType!': TEXT,
            'VolumeSizeInGB!': { is: 'integer', min: 1, max: 16_384 },
          },
        },
      },
    },
    StoppingCondition: {
      is: 'object',
      members: { 'MaxRuntimeInSeconds!': { is: 'integer', min: 1, max: 777_600 } },
    },
    NetworkConfig: { is: 'object', isOpen: true, members: { EnableNetworkIsolation: FLAG } },
    'RoleArn!': sm.ROLE,
    Tags: listOf(ANY, 50),
  },
};

function refusals(request: CreateProcessingJob): Refusal[] {
  const found = refused(sm.VALIDATION, broken(RULE, request, ''));
  if (found.length > 0) return found;
  return (request.ProcessingInputs ?? []).flatMap(({ InputName, S3Input }) => {
    const at = S3Input?.LocalPath ?? '/opt/ml/processing/';
    return refuseIf(!at.startsWith('/opt/ml/processing/'), 'ProcessingInputs', [
      sm.VALIDATION,
      `LocalPath of ${InputName} must begin with /opt/ml/processing/`,
    ]);
  });
}

const below = (ml: string, at: string): string => path.join(ml, path.posix.relative('/opt/ml', at));

async function prepare(request: CreateProcessingJob, platform: sm.AwsPlatform, arn: string) {
  const ml = yardFolder(platform.yard);
  sm.writable(path.join(ml, 'processing'));
  sm.writable(path.join(ml, 'output'));
  for (const { S3Input } of request.ProcessingInputs ?? []) {
    if (S3Input === undefined) throw new NotSimulated('inputs that are no S3Input');
    if (S3Input.S3InputMode === 'Pipe') throw new NotSimulated('S3InputMode Pipe');
    if (S3Input.S3DataType !== 'S3Prefix') throw new NotSimulated('ManifestFile');
    const dir = sm.writable(below(ml, S3Input.LocalPath ?? '/opt/ml/processing/input'));
    await s3Download(platform.aws, S3Input.S3Uri, { dir });
  }
  for (const { S3Output } of request.ProcessingOutputConfig?.Outputs ?? []) {
    if (S3Output?.LocalPath !== undefined) sm.writable(below(ml, S3Output.LocalPath));
  }
  const { InstanceCount } = request.ProcessingResources.ClusterConfig;
  const hosts = Array.from({ length: InstanceCount }, (_, at) => `algo-${at + 1}`);
  // The whole request stands in this file, the variables too.
  sm.writeJson(path.join(ml, 'config/processingjobconfig.json'), {
    ProcessingJobArn: arn,
    ...request,
  });
  return { ml, hosts };
}

async function upload(request: CreateProcessingJob, aws: AwsWorld, ml: string): Promise<void> {
  for (const { S3Output } of request.ProcessingOutputConfig?.Outputs ?? []) {
    if (S3Output?.LocalPath === undefined) continue;
    // Links are not followed.
    for (const [at, bytes] of filesBelow(below(ml, S3Output.LocalPath))) {
      await s3Put(aws, `${S3Output.S3Uri.replace(/\/$/, '')}${at}`, bytes);
    }
  }
}

async function run(
  request: CreateProcessingJob,
  platform: sm.AwsPlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { aws, yard } = platform;
  const { AppSpecification: app, ProcessingJobName: name } = request;
  const arn = `arn:aws:sagemaker:${aws.region}:${aws.account}:processing-job/${name}`;
  const { ml, hosts } = await prepare(request, platform, arn);
  const hostname = hosts[wish.node ?? 0] ?? 'algo-1';
  sm.writeJson(path.join(ml, 'config/resourceconfig.json'), { current_host: hostname, hosts });
  const image = imageAt(platform.images, app.ImageUri);
  const view = sm.viewOf(
    {
      image,
      words: dockerWords(image, app.ContainerEntrypoint, app.ContainerArguments),
      environment: request.Environment ?? {},
      own: {},
      roleArn: request.RoleArn,
      isIsolated: request.NetworkConfig?.EnableNetworkIsolation === true,
      hostname,
      stopMs: 30_000, // not documented for processing: that of endpoints
      ml,
    },
    platform,
  );
  const own = { env: [sm.ROLE_VARIABLE], paths: ['/opt/ml'] };
  const outcome = await runContainer(yard, { view, own }, wish);
  if (outcome.ended !== 'itself') return { kind: 'ended', outcome, status: 'Stopped' };
  if (existsSync(ml)) await upload(request, aws, ml);
  const status = outcome.exit === 0 ? 'Completed' : 'Failed';
  return { kind: 'ended', outcome, status };
}

/** The simulator. */
export const sagemakerProcessing: Simulator<CreateProcessingJob, sm.AwsPlatform> = {
  name: 'sagemaker-processing',
  refusals,
  run,
};
