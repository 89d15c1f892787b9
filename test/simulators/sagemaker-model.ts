// SageMaker models: CreateModel, and the container that an endpoint or a batch transform starts
// from it (service model of botocore 1.44.5; SageMaker developer guide a869fa5,
// your-algorithms-inference-code and -batch-code).
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { s3Get } from './_aws.ts';
import { runContainer, yardFolder } from './_container.ts';
import { ANY, broken, FLAG, listOf, refused, refuseIf, type Rule, text } from './_rules.ts';
import { imageAt } from './_image.ts';
import * as sm from './_sagemaker.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator, type Wish } from './_types.ts';

interface Container {
  readonly Image?: string;
  readonly ModelDataUrl?: string;
  readonly Environment?: Readonly<Record<string, string>>;
}

/** The members of CreateModel that the simulator reads. */
export interface CreateModel {
  readonly ModelName: string;
  readonly PrimaryContainer?: Container;
  readonly Containers?: readonly Container[];
  readonly ExecutionRoleArn?: string;
  readonly EnableNetworkIsolation?: boolean;
  readonly [more: string]: unknown;
}

/** A model, and what starts it: an endpoint, or a transform job with variables of its own. */
export interface ModelRequests {
  readonly model: CreateModel;
  /** CreateTransformJob; without it an endpoint. */
  readonly transform?: {
    readonly Environment?: Readonly<Record<string, string>>;
    readonly [more: string]: unknown;
  };
}

const BYTES_OF_ALL_MAX = 32 * 1024;
const CONTAINER: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    Image: text(255, '[\\S]+'),
    ModelDataUrl: sm.S3_URI,
    Environment: sm.environmentOf(100, 1024, 1024),
    AdditionalModelDataSources: listOf(ANY, 5),
  },
};
const MODEL: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'ModelName!': text(63, '[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?'),
    PrimaryContainer: CONTAINER,
    Containers: listOf(CONTAINER, 15),
    ExecutionRoleArn: sm.ROLE,
    EnableNetworkIsolation: FLAG,
    Tags: listOf(ANY, 50),
  },
};
const TRANSFORM: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    Environment: {
      is: 'map',
      max: 16,
      key: text(1024, '[a-zA-Z_][a-zA-Z0-9_]{0,1023}'),
      value: text(10_240, '[\\S\\s]*'),
    },
  },
};

const containersOf = ({ PrimaryContainer, Containers }: CreateModel): readonly Container[] =>
  PrimaryContainer === undefined ? (Containers ?? []) : [PrimaryContainer];

function bytesOfAll(model: CreateModel): number {
  const pairs = containersOf(model).flatMap((one) => Object.entries(one.Environment ?? {}));
  return pairs.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
}

function refusals({ model, transform }: ModelRequests): Refusal[] {
  const messages = [...broken(MODEL, model, ''), ...broken(TRANSFORM, transform ?? {}, '')];
  const found = refused(sm.VALIDATION, messages);
  if (found.length > 0) return found;
  const isTwice = model.PrimaryContainer !== undefined && model.Containers !== undefined;
  return [
    ...refuseIf(isTwice || containersOf(model).length === 0, 'Containers', [
      sm.VALIDATION,
      'Exactly one of PrimaryContainer and Containers must be specified',
    ]),
    ...refuseIf(bytesOfAll(model) > BYTES_OF_ALL_MAX, 'Environment', [
      sm.VALIDATION,
      `The keys and values of all containers' variables must have at most ${BYTES_OF_ALL_MAX} bytes`,
    ]),
  ];
}

async function unpack(url: string, platform: sm.AwsPlatform, dir: string): Promise<void> {
  const input = await s3Get(platform.aws, url);
  const tar = spawnSync('tar', ['-xzf', '-', '-C', dir], { input });
  if (tar.status !== 0) throw new Error(`${url} is no tar.gz: ${tar.stderr.toString()}`);
}

async function run(
  requests: ModelRequests,
  platform: sm.AwsPlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { model, transform } = requests;
  const all = containersOf(model);
  const [container] = all;
  if (all.length > 1) throw new NotSimulated('models of several containers');
  if (container?.Image === undefined) throw new NotSimulated('model packages');
  const ml = yardFolder(platform.yard);
  const dir = sm.writable(path.join(ml, 'model'));
  if (container.ModelDataUrl !== undefined) await unpack(container.ModelDataUrl, platform, dir);
  const image = imageAt(platform.images, container.Image);
  const view = sm.viewOf(
    {
      image,
      // The one word `serve` instead of the image's CMD; nothing replaces its ENTRYPOINT.
      words: [...(image.config.entrypoint ?? []), 'serve'],
      environment: { ...container.Environment, ...transform?.Environment },
      own: {},
      roleArn: model.ExecutionRoleArn ?? '',
      isIsolated: model.EnableNetworkIsolation === true,
      hostname: 'model',
      stopMs: 30_000,
      ml,
    },
    platform,
  );
  const own = { env: [sm.ROLE_VARIABLE], paths: ['/opt/ml'] };
  const outcome = await runContainer(platform.yard, { view, own }, wish);
  // An endpoint's container serves until it is stopped: one that ends has failed.
  const status = outcome.ended === 'itself' ? 'Failed' : 'Stopped';
  return { kind: 'ended', outcome, status };
}

/** The simulator. */
export const sagemakerModel: Simulator<ModelRequests, sm.AwsPlatform> = {
  name: 'sagemaker-model',
  refusals,
  run,
};
