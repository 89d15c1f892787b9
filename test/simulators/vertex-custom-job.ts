// Vertex AI custom jobs: projects.locations.customJobs.create and a replica of its worker pools
// (discovery aiplatform.v1 20261106; python-aiplatform for AIP_*).
import { runContainer } from './_container.ts';
import { type GooglePlatform, googleNetwork, METADATA_HOSTS } from './_google.ts';
import { dockerWords, imageAt } from './_image.ts';
import { broken, refused, listOf, type Rule, TEXT, ANY } from './_rules.ts';
import { plainView } from './_view.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator, type Wish } from './_types.ts';

interface Pool {
  readonly replicaCount?: string;
  readonly containerSpec?: {
    readonly imageUri: string;
    readonly command?: readonly string[];
    readonly args?: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value: string }[];
  };
}

/** The members of a CustomJob that the simulator reads. */
export interface CustomJob {
  readonly displayName: string;
  readonly jobSpec: {
    readonly workerPoolSpecs: readonly Pool[];
    readonly baseOutputDirectory?: { readonly outputUriPrefix: string };
    readonly [more: string]: unknown;
  };
  readonly [more: string]: unknown;
}

const PAIR: Rule = {
  is: 'object',
  members: { 'name!': { is: 'string', pattern: '[A-Za-z_][A-Za-z0-9_]*' }, 'value!': TEXT },
};
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'displayName!': { is: 'string', min: 1, max: 128 },
    'jobSpec!': {
      is: 'object',
      isOpen: true,
      members: {
        'workerPoolSpecs!': listOf(
          {
            is: 'object',
            isOpen: true,
            members: {
              machineSpec: ANY,
              containerSpec: {
                is: 'object',
                members: {
                  'imageUri!': TEXT,
                  command: listOf(TEXT),
                  args: listOf(TEXT),
                  env: listOf(PAIR, 100),
                },
              },
            },
          },
          undefined,
          1,
        ),
      },
    },
  },
};

function refusals(request: CustomJob): Refusal[] {
  return refused('INVALID_ARGUMENT', broken(RULE, request, ''));
}

/**
 * `$(NAME)` by what is known before, `$$` as one dollar before a `(`; what is unknown stays as
 * written (the discovery document's words, which are those of Kubernetes).
 */
export function expanded(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return known.get(name ?? '') ?? whole;
  });
}

function ownVariables(request: CustomJob, { google }: GooglePlatform): Record<string, string> {
  const id = '1234567890123456789';
  const pools = request.jobSpec.workerPoolSpecs.flatMap((pool, index) =>
    Array.from({ length: Number(pool.replicaCount ?? '1') }, (_, at) => `workerpool${index}:${at}`),
  );
  const base = request.jobSpec.baseOutputDirectory?.outputUriPrefix;
  const output = base?.replace(/\/$/, '');
  return {
    CLOUD_ML_JOB_ID: id,
    CLOUD_ML_PROJECT_ID: google.project,
    CLOUD_ML_REGION: google.region,
    CLUSTER_SPEC: JSON.stringify({
      cluster: { workerpool0: pools },
      environment: 'cloud',
      task: { type: 'workerpool0', index: 0 },
    }),
    ...(output === undefined
      ? {}
      : {
          AIP_MODEL_DIR: `${output}/model/`,
          AIP_CHECKPOINT_DIR: `${output}/checkpoints/`,
          AIP_TENSORBOARD_LOG_DIR: `${output}/logs/`,
        }),
  };
}

async function run(request: CustomJob, platform: GooglePlatform, wish: Wish = {}): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const spec = request.jobSpec.workerPoolSpecs[wish.node ?? 0]?.containerSpec;
  if (spec === undefined) throw new NotSimulated('worker pools without a containerSpec');
  const image = imageAt(platform.images, spec.imageUri);
  const own = ownVariables(request, platform);
  const known = new Map(Object.entries(own));
  for (const { name, value } of spec.env ?? []) known.set(name, expanded(value, known));
  const command = spec.command?.length === 0 ? undefined : spec.command;
  const view = {
    ...plainView({
      image,
      words: dockerWords(image, command, spec.args),
      declared: known,
      hostname: 'cmle-training-workerpool0-0',
    }),
    network: googleNetwork(platform.google),
    hosts: METADATA_HOSTS,
  };
  const job = { view, own: { env: Object.keys(own), paths: [] } };
  const outcome = await runContainer(platform.yard, job, wish);
  const ended = outcome.exit === 0 ? 'JOB_STATE_SUCCEEDED' : 'JOB_STATE_FAILED';
  const status = outcome.ended === 'itself' ? ended : 'JOB_STATE_CANCELLED';
  return { kind: 'ended', outcome, status };
}

/** The simulator. */
export const vertexCustomJob: Simulator<CustomJob, GooglePlatform> = {
  name: 'vertex-custom-job',
  refusals,
  run,
};
