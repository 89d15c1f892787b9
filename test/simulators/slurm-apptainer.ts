// Slurm with Apptainer: a script handed to sbatch runs on a node as the user who submitted it, and
// `apptainer exec` in it starts the image (man pages of slurm-client 22.05.8,
// apptainer-userdocs 94391c5). The script is run by a real shell; what it asks of Apptainer is
// written down by a stand-in, and then carried out.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Flags, flagsOf, splitOnce } from './_apptainer.ts';
import { loopback } from './_aws.ts';
import { runContainer, yardFolder, type Yard } from './_container.ts';
import { imageAt } from './_image.ts';
import { hostTools, shellImage } from './_probe.ts';
import { refuseIf } from './_rules.ts';
import { plainView } from './_view.ts';
import { type BuiltImage, type Mounted, NotSimulated, type Ran, type Refusal } from './_types.ts';
import type { Placed, Simulator, View, Wish } from './_types.ts';

/** What `sbatch` is called with. */
export interface Submission {
  readonly script: string;
  /** The file of --export-file: NAME=value, each ended by a NUL. */
  readonly exportFile?: string;
  /** Other files beside the script, for example of --env-file. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A cluster: images by the path that the script names. */
export interface Cluster {
  readonly yard: Yard;
  readonly images: Readonly<Record<string, BuiltImage>>;
  /** Ports of this machine that the node reaches. */
  readonly reachable?: readonly number[];
}

const SCRIPT_BYTES_MAX = 4 * 1024 * 1024;
const USER = 'app:1001';
const JOB_DIR = '/home/app/job';
const RECORD = '/record';

function refusals({ script }: Submission): Refusal[] {
  const bytes = Buffer.byteLength(script);
  return [
    ...refuseIf(!script.startsWith('#!'), 'script', [
      'sbatch',
      'This does not look like a batch script. The first line must start with #! followed by the path to an interpreter.',
    ]),
    ...refuseIf(script.includes('\r\n'), 'script', [
      'sbatch',
      'Batch script contains DOS line breaks (\\r\\n) instead of expected UNIX line breaks (\\n).',
    ]),
    ...refuseIf(script.includes('\0'), 'script', ['sbatch', 'The SLURM script contains a NULL']),
    ...refuseIf(bytes > SCRIPT_BYTES_MAX, 'script', [
      'sbatch',
      `Job script exceeds size limit (max_script_size ${SCRIPT_BYTES_MAX})`,
    ]),
  ];
}

// Stands for `apptainer` on the node: its words and variables, each ended by a NUL.
const STAND_IN = `#!/bin/bash
printf '%s\\0' "$@" > ${RECORD}/words
cat /proc/self/environ > ${RECORD}/environ
pwd > ${RECORD}/cwd
`;
// srun runs the rest where it stands: one task.
const SRUN = '#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"\n';

const pairsOf = (bytes: string): [string, string][] =>
  bytes
    .split('\0')
    .filter((one) => one.includes('='))
    .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);

interface Asked {
  readonly words: readonly string[];
  readonly environ: readonly (readonly [string, string])[];
  readonly cwd: string;
}

const SLURM: Readonly<Record<string, string>> = {
  SLURM_JOB_ID: '4711',
  SLURM_JOB_NAME: 'job',
  SLURM_PROCID: '0',
  SLURM_NTASKS: '1',
  SLURM_NODEID: '0',
  SLURM_JOB_NODELIST: 'node-1',
  SLURM_SUBMIT_DIR: JOB_DIR,
};

/** The lines `#SBATCH --name=value`; a flag stands alone. */
export function optionsOf(script: string): ReadonlyMap<string, string> {
  const lines = script.split('\n').filter((line) => line.startsWith('#SBATCH --'));
  const pairs = lines.map((line) => splitOnce(line.slice('#SBATCH --'.length)));
  return new Map(pairs.map(([name, value = '']) => [name ?? '', value.replace(/^'|'$/g, '')]));
}

/** Of a job array each task is a job of its own, with the index of its place. */
function arrayVariables(script: string, node: number): [string, string][] {
  const [, first, last] = /^(\d+)-(\d+)(?:%\d+)?$/.exec(optionsOf(script).get('array') ?? '') ?? [];
  if (first === undefined || last === undefined) return [];
  return [
    ['SLURM_ARRAY_JOB_ID', SLURM['SLURM_JOB_ID'] ?? ''],
    ['SLURM_ARRAY_TASK_ID', String(Number(first) + node)],
    ['SLURM_ARRAY_TASK_COUNT', String(Number(last) - Number(first) + 1)],
  ];
}

/** Runs the script on the node; what it asked of Apptainer, or how it ended without asking. */
async function onTheNode(
  { script, exportFile = '', files = {} }: Submission,
  { yard }: Cluster,
  wish: Wish,
) {
  const record = yardFolder(yard, 0o777);
  const bin = '/opt/cluster/bin';
  const given = Object.entries(files).map(
    ([name, bytes]): Placed => ({
      at: path.posix.resolve(JOB_DIR, name),
      bytes,
      uid: 1001,
      gid: 1001,
      mode: 0o600,
    }),
  );
  const plain = plainView({
    image: shellImage(yard),
    words: [`${JOB_DIR}/slurm_script`],
    declared: [
      ...pairsOf(exportFile),
      ...Object.entries(SLURM),
      ...arrayVariables(script, wish.node ?? 0),
    ],
    hostname: 'node-1',
    user: USER,
    cwd: JOB_DIR,
  });
  const env = new Map(plain.env);
  env.set('PATH', `${bin}:${env.get('PATH')}`);
  const view: View = {
    ...plain,
    env: [...env],
    isPidOne: false,
    placed: [
      { at: JOB_DIR, uid: 1001, gid: 1001 },
      { at: `${JOB_DIR}/slurm_script`, bytes: script, mode: 0o755, uid: 1001, gid: 1001 },
      { at: `${bin}/apptainer`, bytes: STAND_IN, mode: 0o755 },
      { at: `${bin}/singularity`, bytes: STAND_IN, mode: 0o755 },
      { at: `${bin}/srun`, bytes: SRUN, mode: 0o755 },
      ...given,
    ],
    mounts: [{ kind: 'bind', at: RECORD, from: record }],
    collected: [RECORD, JOB_DIR],
  };
  const own = { env: [], paths: [] };
  const node = await runContainer(yard, { view, own }, { ...wish, mounts: hostTools() });
  const read = (name: string): string =>
    new TextDecoder().decode(node.files.get(`${RECORD}/${name}`) ?? new Uint8Array());
  const words = read('words').split('\0').slice(0, -1);
  const asked: Asked = { words, environ: pairsOf(read('environ')), cwd: read('cwd').trim() };
  return { node, asked };
}

/** Lines of --env-file are shell: evaluated together, NAME=value each. */
function overrides(flags: Flags, submission: Submission, host: Asked): [string, string][] {
  const prefixed = host.environ
    .filter(([name]) => /^(APPTAINER|SINGULARITY)ENV_/.test(name))
    .map(([name, value]): [string, string] => [name.replace(/^\w+?ENV_/, ''), value]);
  const given = flags.values.flatMap(([flag, value]): [string, string][] => {
    if (flag === '--env') return value.split(',').map((one) => splitOnce(one) as [string, string]);
    if (flag !== '--env-file') return [];
    const file = path.posix.relative(JOB_DIR, path.posix.resolve(JOB_DIR, value));
    const text = submission.files?.[file];
    if (text === undefined) throw new NotSimulated(`an --env-file beside the submission: ${value}`);
    return text
      .split('\n')
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => splitOnce(line) as [string, string]);
  });
  return [...prefixed, ...given];
}

/** What a shell makes of `export NAME="value"`: the evaluation that `--no-eval` leaves out. */
async function evaluated(
  pairs: readonly (readonly [string, string])[],
  { yard }: Cluster,
): Promise<[string, string][]> {
  const lines = pairs.map(([name, value]) => `export ${name}="${value.replaceAll('"', '\\"')}"`);
  const script = [...lines, 'cat /proc/self/environ'].join('\n');
  const view = plainView({
    image: shellImage(yard, {}, script),
    words: ['bash', '/probe.sh'],
    declared: [],
    hostname: 'node-1',
    user: USER,
  });
  const own = { env: [], paths: [] };
  const { stdout } = await runContainer(yard, { view, own }, { mounts: hostTools() });
  const names = new Set(pairs.map(([name]) => name));
  return pairsOf(stdout).filter(([name]) => names.has(name));
}

function binds(flags: Flags, yard: Yard, submission: Submission): Mounted[] {
  const mounts: Mounted[] = [];
  for (const [flag, value] of flags.values) {
    if (flag !== '--bind' && flag !== '-B') continue;
    for (const one of value.split(',')) {
      const [source = '', at = source, options = ''] = one.split(':');
      const file = path.posix.relative(JOB_DIR, path.posix.resolve(JOB_DIR, source));
      const bytes = submission.files?.[file];
      if (bytes === undefined) throw new NotSimulated(`a bind of ${source}`);
      const from = path.join(yardFolder(yard), 'file');
      writeFileSync(from, bytes);
      mounts.push({ kind: 'bind', at, from, ro: options.includes('ro') });
    }
  }
  return mounts;
}

async function inTheImage(submission: Submission, cluster: Cluster, host: Asked): Promise<View> {
  const flags = flagsOf(host.words);
  const image = imageAt(cluster.images, flags.image);
  const isClean = ['-e', '--cleanenv', '-C', '--containall', '--compat'].some((one) =>
    flags.plain.has(one),
  );
  const kept = host.environ.filter(([name]) => {
    return isClean ? /^(HOME|TERM|LANG)$/.test(name) : !/^(APPTAINER|SINGULARITY)ENV_/.test(name);
  });
  const isPlain = ['--no-eval', '--compat'].some((one) => flags.plain.has(one));
  const wanted = overrides(flags, submission, host);
  const given = isPlain ? wanted : await evaluated(wanted, cluster);
  const fromImage = (image.config.env ?? []).map((one) => splitOnce(one) as [string, string]);
  const own = {
    APPTAINER_CONTAINER: flags.image,
    APPTAINER_NAME: path.posix.basename(flags.image),
  };
  const path_ = fromImage.find(([name]) => name === 'PATH')?.[1];
  const rewritten = {
    PATH: path_ ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  const pwd = flags.values.findLast(([flag]) => flag === '--pwd' || flag === '--cwd')?.[1];
  const view = plainView({
    image,
    words: flags.command,
    declared: [],
    hostname: 'node-1',
    user: USER,
  });
  const home = yardFolder(cluster.yard, 0o755, { uid: 1001, gid: 1001 });
  const env = new Map<string, string>([
    ...kept,
    ...fromImage,
    ...Object.entries(rewritten),
    ...given,
    ...Object.entries(own),
  ]);
  return {
    ...view,
    ids: { uid: 1001, gid: 1001, groups: [1001] },
    env: [...env],
    cwd: pwd ?? (flags.plain.has('--no-home') ? '/' : '/home/app'),
    rootReadOnly: true,
    isPidOne: false,
    network: loopback(cluster.reachable ?? []),
    mounts: [
      { kind: 'bind', at: '/home/app', from: home },
      { kind: 'tmpfs', at: '/tmp', bytesMax: 2 ** 26 },
      ...binds(flags, cluster.yard, submission),
    ],
  };
}

async function run(submission: Submission, cluster: Cluster, wish: Wish = {}): Promise<Ran> {
  const found = refusals(submission);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { node, asked } = await onTheNode(submission, cluster, wish);
  if (asked.words.length === 0) return { kind: 'ended', outcome: node, status: 'FAILED' };
  const view = await inTheImage(submission, cluster, asked);
  const own = {
    env: [...Object.keys(SLURM), 'APPTAINER_CONTAINER', 'APPTAINER_NAME'],
    paths: ['/home/app', '/tmp'],
  };
  const outcome = await runContainer(cluster.yard, { view, own }, wish);
  return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'COMPLETED' : 'FAILED' };
}

/** The simulator. */
export const slurmApptainer: Simulator<Submission, Cluster> = {
  name: 'slurm-apptainer',
  refusals,
  run,
};
