// Cloud Run jobs: projects.locations.jobs.create, jobs.run with its overrides, and one task
// (discovery run.v2 20261031; the container contract of Cloud Run).
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runContainer, yardFolder } from './_container.ts';
import * as google from './_google.ts';
import { dockerWords, imageAt } from './_image.ts';
import { JOB, RUN } from './_cloud-run-rules.ts';
import { broken, refused, refuseIf } from './_rules.ts';
import { plainView } from './_view.ts';
import { NotSimulated, type Mounted, type Ran, type Refusal } from './_types.ts';
import type { Simulator, View, Wish } from './_types.ts';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueSource?: {
    readonly secretKeyRef?: { readonly secret: string; readonly version?: string };
  };
}

interface Item {
  readonly path: string;
  readonly version?: string;
  readonly mode?: number;
}

interface Volume {
  readonly name: string;
  readonly secret?: {
    readonly secret: string;
    readonly defaultMode?: number;
    readonly items?: readonly Item[];
  };
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
}

interface RunContainerSpec {
  readonly name?: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly workingDir?: string;
}

/** The members of a Job that the simulator reads. */
export interface CloudRunJob {
  readonly template: {
    readonly taskCount?: number;
    readonly parallelism?: number;
    readonly template: {
      readonly containers: readonly RunContainerSpec[];
      readonly volumes?: readonly Volume[];
      readonly maxRetries?: number;
      readonly timeout?: string;
      readonly [more: string]: unknown;
    };
  };
  readonly [more: string]: unknown;
}

/** The job, its id, and the overrides of the run. */
export interface CloudRunRequests {
  readonly jobId: string;
  readonly job: CloudRunJob;
  readonly run?: {
    readonly overrides?: {
      readonly containerOverrides?: readonly {
        readonly name?: string;
        readonly args?: readonly string[];
        readonly clearArgs?: boolean;
        readonly env?: readonly EnvVar[];
      }[];
    };
  };
}

const INVALID = 'INVALID_ARGUMENT';
const TIMEOUT_SECONDS_MAX = 604_800; // 168 hours
const RESERVED = /^(PORT|K_SERVICE|K_REVISION|K_CONFIGURATION|CLOUD_RUN_.*|X_GOOGLE_.*)$/;

function reserved(env: readonly EnvVar[] = []): Refusal[] {
  return env.flatMap(({ name, value, valueSource }) => [
    ...refuseIf(RESERVED.test(name), 'env', [
      INVALID,
      `The following reserved env names were provided: ${name}. These values are automatically set by the system.`,
    ]),
    ...refuseIf(name === '' || name.includes('='), 'env', [INVALID, 'env.name is not a name']),
    ...refuseIf(value !== undefined && valueSource !== undefined, 'env', [
      INVALID,
      `Only one of value and value_source may be set for ${name}`,
    ]),
  ]);
}

function refusals({ job, run = {} }: CloudRunRequests): Refusal[] {
  const messages = [...broken(JOB, job, ''), ...broken(RUN, run, '')];
  const found = refused(INVALID, messages);
  if (found.length > 0) return found;
  const { containers, volumes = [], timeout = '600s' } = job.template.template;
  const names = new Set(volumes.map(({ name }) => name));
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  return [
    ...refuseIf(Number.parseInt(timeout, 10) > TIMEOUT_SECONDS_MAX, 'timeout', [
      INVALID,
      `The task timeout may be at most ${TIMEOUT_SECONDS_MAX} seconds`,
    ]),
    ...containers.flatMap(({ env }) => reserved(env)),
    ...(run.overrides?.containerOverrides ?? []).flatMap(({ env }) => reserved(env)),
    ...mounts.flatMap(({ name }) =>
      refuseIf(!names.has(name), 'volumeMounts', [INVALID, `no volume ${name}`]),
    ),
    ...volumes.flatMap(({ name, secret }) => {
      const without = (secret?.items ?? []).some(({ version }) => version === undefined);
      return refuseIf(without, `volumes.${name}`, [
        INVALID,
        'When items are defined, they must specify a path and a version',
      ]);
    }),
  ];
}

/** A umask of 0222 is applied to any mode but 0; 0 is the mode above it, at the end 0444. */
function fileMode(item: number | undefined, volume: number | undefined): number {
  const mode = [item, volume].find((one) => one !== undefined && one !== 0) ?? 0o444;
  return mode & ~0o222;
}

async function secretVolume(
  platform: google.GooglePlatform,
  { secret: source }: Volume & { readonly secret: NonNullable<Volume['secret']> },
  at: string,
): Promise<Mounted> {
  const dir = yardFolder(platform.yard);
  const name = path.posix.basename(source.secret);
  const items: readonly Item[] = source.items ?? [{ path: name, version: 'latest' }];
  for (const item of items) {
    const full = path.join(dir, item.path);
    mkdirSync(path.dirname(full), { recursive: true });
    const version = item.version ?? 'latest';
    writeFileSync(full, await google.accessVersion(platform.google, source.secret, version));
    chmodSync(full, fileMode(item.mode, source.defaultMode));
  }
  return { kind: 'bind', at, from: dir, ro: true };
}

const BYTES: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, '': 1 };

async function mountsOf(
  spec: RunContainerSpec,
  volumes: readonly Volume[],
  platform: google.GooglePlatform,
): Promise<Mounted[]> {
  const made: Mounted[] = [];
  for (const { name, mountPath: at } of spec.volumeMounts ?? []) {
    const volume = volumes.find((one) => one.name === name);
    if (volume?.secret !== undefined) {
      made.push(await secretVolume(platform, { ...volume, secret: volume.secret }, at));
    } else if (volume?.emptyDir !== undefined) {
      const [, count = '512', unit = 'Mi'] =
        /^(\d+)(\w*)$/.exec(volume.emptyDir.sizeLimit ?? '') ?? [];
      made.push({ kind: 'tmpfs', at, bytesMax: Number(count) * (BYTES[unit] ?? 1) });
    } else throw new NotSimulated(`volumes of this kind: ${JSON.stringify(volume)}`);
  }
  return made;
}

/** The last of a name wins; a value source is read before the start. */
async function environmentOf(
  env: readonly EnvVar[],
  platform: google.GooglePlatform,
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const { name, value = '', valueSource } of env) {
    const ref = valueSource?.secretKeyRef;
    if (ref === undefined) values.set(name, value);
    else {
      const bytes = await google.accessVersion(
        platform.google,
        ref.secret,
        ref.version ?? 'latest',
      );
      values.set(name, new TextDecoder().decode(bytes));
    }
  }
  return values;
}

function ownVariables({ jobId, job }: CloudRunRequests, { node = 0, attempt = 1 }: Wish) {
  return {
    CLOUD_RUN_JOB: jobId,
    CLOUD_RUN_EXECUTION: `${jobId}-abcde`,
    CLOUD_RUN_TASK_INDEX: String(node),
    CLOUD_RUN_TASK_COUNT: String(job.template.taskCount ?? 1),
    CLOUD_RUN_TASK_ATTEMPT: String(attempt - 1),
  };
}

async function viewOf(requests: CloudRunRequests, platform: google.GooglePlatform, wish: Wish) {
  const { containers, volumes = [] } = requests.job.template.template;
  const spec = containers[0] as RunContainerSpec; // exactly one was asked for above
  const overrides = requests.run?.overrides?.containerOverrides ?? [];
  const override = overrides.find(({ name = spec.name }) => name === spec.name) ?? {};
  const image = imageAt(platform.images, spec.image);
  const own = ownVariables(requests, wish);
  const env = await environmentOf([...(spec.env ?? []), ...(override.env ?? [])], platform);
  const args = override.clearArgs === true ? [] : (override.args ?? spec.args);
  const view: View = {
    ...plainView({
      image,
      words: dockerWords(image, spec.command, args),
      declared: [...env, ...Object.entries(own)],
      hostname: 'localhost',
      cwd: spec.workingDir,
    }),
    mounts: await mountsOf(spec, volumes, platform),
    network: google.googleNetwork(platform.google),
    hosts: google.METADATA_HOSTS,
    stopMs: 10_000,
  };
  return { view, own: { env: Object.keys(own), paths: [] } };
}

async function run(
  requests: CloudRunRequests,
  platform: google.GooglePlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    const job = await viewOf(requests, platform, wish);
    const outcome = await runContainer(platform.yard, job, wish);
    return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'SUCCEEDED' : 'FAILED' };
  } catch (cause) {
    if (!(cause instanceof google.AccessError)) throw cause;
    return { kind: 'not started', reason: cause.message };
  }
}

/** The simulator. */
export const cloudRunJob: Simulator<CloudRunRequests, google.GooglePlatform> = {
  name: 'cloud-run-job',
  refusals,
  run,
};
