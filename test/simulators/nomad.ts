// Nomad jobs in JSON, tasks of the docker driver: what the agent makes of one task (hashicorp/nomad
// client/taskenv/env.go and helper/args/args.go, read 2026-11-21).
import { loopback } from './_aws.ts';
import { runContainer, type Yard } from './_container.ts';
import { dockerWords, imageAt } from './_image.ts';
import { ANY, broken, listOf, refused, refuseIf, type Rule, TEXT } from './_rules.ts';
import { dockerInput, plainView } from './_view.ts';
import { type BuiltImage, NotSimulated, type Placed, type Ran, type Refusal } from './_types.ts';
import type { Simulator, View, Wish } from './_types.ts';

interface Template {
  readonly EmbeddedTmpl: string;
  readonly DestPath: string;
  readonly Envvars?: boolean;
  readonly Perms?: string;
}

interface Task {
  readonly Name: string;
  readonly Driver: string;
  readonly Config: {
    readonly image: string;
    readonly entrypoint?: readonly string[];
    readonly command?: string;
    readonly args?: readonly string[];
    readonly work_dir?: string;
    readonly interactive?: boolean;
    readonly tty?: boolean;
  };
  readonly User?: string;
  readonly Env?: Readonly<Record<string, string>>;
  readonly Templates?: readonly Template[];
  /** Nanoseconds, as Go writes them. */
  readonly KillTimeout?: number;
}

interface TaskGroup {
  readonly Name: string;
  readonly Tasks: readonly Task[];
  readonly Count?: number;
  readonly RestartPolicy?: {
    readonly Attempts: number;
    /** Nanoseconds. */
    readonly Interval: number;
    readonly Mode: string;
  };
  readonly ReschedulePolicy?: { readonly Attempts: number; readonly Unlimited?: boolean };
}

/** What `nomad job run -json` and the API take. */
export interface NomadJob {
  readonly Job: {
    readonly ID: string;
    readonly Name?: string;
    readonly Namespace?: string;
    readonly Meta?: Readonly<Record<string, string>>;
    readonly TaskGroups: readonly TaskGroup[];
    readonly [more: string]: unknown;
  };
}

/** Where the agent runs its tasks. */
export interface NomadPlatform {
  readonly yard: Yard;
  readonly images: Readonly<Record<string, BuiltImage>>;
  readonly reachable: readonly number[];
}

const SOURCE_BYTES_MAX = 1_000_000;
const SECRETS_BYTES = 1024 * 1024;
const RESTART_DELAY_NS = 15_000_000_000;
const KILL_TIMEOUT_NS = 5_000_000_000;
const CLIENT_PLACES: Readonly<Record<string, string>> = {
  'node.datacenter': 'dc1',
  'node.region': 'global',
  'node.class': '',
  'node.unique.name': 'client-1',
  'attr.kernel.name': 'linux',
  'attr.cpu.arch': 'amd64',
};

const TASK: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'Name!': { is: 'string', min: 1, pattern: '[^/\\\\\\0]+' },
    'Driver!': TEXT,
    'Config!': { is: 'object', isOpen: true, members: { 'image!': TEXT, args: listOf(TEXT) } },
    Env: { is: 'map', key: TEXT, value: TEXT },
    Templates: listOf(ANY),
  },
};
const RULE: Rule = {
  is: 'object',
  members: {
    'Job!': {
      is: 'object',
      isOpen: true,
      members: {
        'ID!': { is: 'string', min: 1, pattern: '[^ \\0]+' },
        'TaskGroups!': listOf(
          {
            is: 'object',
            isOpen: true,
            members: { 'Name!': TEXT, 'Tasks!': listOf(TASK, undefined, 1) },
          },
          undefined,
          1,
        ),
      },
    },
  },
};

/** RestartPolicy.Validate of nomad/structs, with the delay that a batch job has. */
function restartProblems({ RestartPolicy: policy }: TaskGroup): Refusal[] {
  if (policy === undefined) return [];
  const { Attempts: attempts, Interval: interval, Mode: mode } = policy;
  const isKnown = ['delay', 'fail'].includes(mode) && (attempts > 0 || mode === 'fail');
  const fits = interval >= 5_000_000_000 && attempts * RESTART_DELAY_NS <= interval;
  return refuseIf(!isKnown || !fits || !Number.isSafeInteger(interval), 'RestartPolicy', [
    '400',
    `Nomad can't restart the TaskGroup ${attempts} times in an interval of ${interval}`,
  ]);
}

function refusals(request: NomadJob): Refusal[] {
  const found = refused('400', broken(RULE, request, ''));
  const bytes = Buffer.byteLength(JSON.stringify(request));
  const said = `job source size of ${bytes} bytes exceeds maximum of ${SOURCE_BYTES_MAX}`;
  if (found.length > 0) return found;
  return [
    ...refuseIf(bytes > SOURCE_BYTES_MAX, 'Job', ['400', said]),
    ...request.Job.TaskGroups.flatMap(restartProblems),
  ];
}

/** args.ReplaceEnv: `${NAME}` of what is known; all else stays, and there is no escape. */
export function replaced(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{([a-zA-Z0-9_\-.]+)\}/g, (whole, name: string) => {
    return known.get(name) ?? whole;
  });
}

class ConfigError extends Error {}

/** The driver's config is a template of HCL2: `$${` is `${`, and an unknown name is an error. */
export function evaluated(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$\{|%%\{|\$\{([^}]*)\}|%\{/g, (whole, name: string | undefined) => {
    if (whole === '$${' || whole === '%%{') return whole.slice(1);
    const value = name === undefined ? undefined : known.get(name.trim());
    if (value === undefined) throw new ConfigError(`failed to parse config: ${whole}`);
    return value;
  });
}

function variables(
  job: NomadJob['Job'],
  { group, task, index }: { group: string; task: Task; index: number },
): Map<string, string> {
  const id = crypto.randomUUID();
  const known = new Map<string, string>(
    Object.entries({
      ...CLIENT_PLACES,
      NOMAD_ALLOC_DIR: '/alloc',
      NOMAD_TASK_DIR: '/local',
      NOMAD_SECRETS_DIR: '/secrets',
      NOMAD_ALLOC_ID: id,
      NOMAD_SHORT_ALLOC_ID: id.slice(0, 8),
      NOMAD_ALLOC_NAME: `${job.ID}.${group}[${index}]`,
      NOMAD_ALLOC_INDEX: String(index),
      NOMAD_GROUP_NAME: group,
      NOMAD_TASK_NAME: task.Name,
      NOMAD_JOB_ID: job.ID,
      NOMAD_JOB_NAME: job.Name ?? job.ID,
      NOMAD_NAMESPACE: job.Namespace ?? 'default',
      NOMAD_REGION: 'global',
      NOMAD_DC: 'dc1',
    }),
  );
  for (const [key, value] of Object.entries(job.Meta ?? {})) {
    // Build of client/taskenv cleans the names that have this prefix: helper.CleanEnvVar.
    const clean = key.replaceAll(/[^A-Za-z0-9_]/g, '_');
    known.set(`NOMAD_META_${clean.toUpperCase()}`, value);
    known.set(`NOMAD_META_${clean}`, value);
  }
  return known;
}

function templates(task: Task): { placed: Placed[]; env: [string, string][] } {
  const placed: Placed[] = [];
  const env: [string, string][] = [];
  for (const { EmbeddedTmpl: bytes, DestPath, Envvars, Perms = '0644' } of task.Templates ?? []) {
    if (bytes.includes('{{')) throw new NotSimulated('templates with actions');
    const at = `/${DestPath.replace(/^\$\{NOMAD_(SECRETS|TASK)_DIR\}/, (_, which: string) => {
      return which === 'SECRETS' ? 'secrets' : 'local';
    })}`.replace(/^\/+/, '/');
    placed.push({ at, bytes, mode: Number.parseInt(Perms, 8) });
    if (at.startsWith('/secrets/')) throw new NotSimulated('templates in the secrets folder');
    if (Envvars !== true) continue;
    if (/["'\\]/.test(bytes)) throw new NotSimulated('quoted lines of a template for variables');
    const lines = bytes.split('\n').filter((line) => line.includes('='));
    for (const line of lines)
      env.push([line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  }
  return { placed, env };
}

/** The one task of the job that is run. */
function taskOf({ Job: job }: NomadJob): { readonly group: string; readonly task: Task } {
  const [group] = job.TaskGroups;
  const [task] = group?.Tasks ?? [];
  if (group === undefined || task === undefined) throw new Error('refused before');
  if (task.Driver !== 'docker') throw new NotSimulated(`driver ${task.Driver}`);
  return { group: group.Name, task };
}

/** Values see what the agent and the node have, not one another: a Go map has no order. */
function interpolated(task: Task, known: ReadonlyMap<string, string>): [string, string][] {
  return Object.entries(task.Env ?? {}).map(([name, value]) => [name, replaced(value, known)]);
}

function viewOf(request: NomadJob, platform: NomadPlatform, { node = 0 }: Wish) {
  const { group, task } = taskOf(request);
  const known = variables(request.Job, { group, task, index: node });
  const own = [...known.keys()].filter((name) => !name.includes('.'));
  const { placed, env } = templates(task);
  for (const pair of [...interpolated(task, known), ...env]) known.set(...pair);
  const { Config: config } = task;
  const word = (one: string): string => evaluated(one, known);
  const image = imageAt(platform.images, config.image);
  const command = config.command === undefined ? [] : [config.command];
  const words = [...command, ...(config.args ?? [])].map(word);
  const docker = dockerInput(config.interactive, config.tty);
  const declared = [
    ...docker.env,
    ...[...known].filter(([name]) => !/^(node|attr|meta)\./.test(name)),
  ];
  const view: View = {
    ...plainView({
      image,
      words: dockerWords(image, config.entrypoint?.map(word), words.length > 0 ? words : undefined),
      declared,
      hostname: 'alloc',
      cwd: config.work_dir,
      user: task.User,
    }),
    placed: [{ at: '/alloc', mode: 0o777 }, { at: '/local', mode: 0o777 }, ...placed],
    mounts: [
      {
        kind: 'tmpfs',
        at: '/secrets',
        bytesMax: SECRETS_BYTES,
        mode: 0o777,
        options: 'nosuid,nodev,noexec',
      },
    ],
    input: docker.input,
    network: loopback(platform.reachable),
    stopMs: (task.KillTimeout ?? KILL_TIMEOUT_NS) / 1_000_000,
  };
  return { view, own: { env: own, paths: ['/alloc', '/local', '/secrets'] } };
}

async function run(request: NomadJob, platform: NomadPlatform, wish: Wish = {}): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    const outcome = await runContainer(platform.yard, viewOf(request, platform, wish), wish);
    return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'complete' : 'failed' };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return { kind: 'not started', reason: cause.message };
  }
}

/** The simulator. */
export const nomad: Simulator<NomadJob, NomadPlatform> = { name: 'nomad', refusals, run };
