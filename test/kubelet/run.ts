// Runs one container of a vector: its own namespaces and root, the platform's environment, and
// either `bellhop run` or the image's own entrypoint.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { commandLine, IN_ROOT, inputFiles } from './command-line.ts';
import { type Base, harnessMounts, layOutRun, type RunFolder } from './rootfs.ts';
import { SECRETS_DIR } from './routes.ts';
import { type Container, imageOf, mountPath, type Seen, type Vector } from './vectors.ts';

/**
 * With the right to mount, or root without CAP_SYS_ADMIN; in the container's root, or from outside
 * by `--root`, where without the right to mount namespaces are denied too and only chroot is left.
 */
export type Mode = 'mount' | 'no-mount' | 'root-mount' | 'root-no-mount';

/** The modes in the container's root. */
export const STAGES: readonly Mode[] = ['mount', 'no-mount'];

/** All modes, in the order of reports. */
export const MODES: readonly Mode[] = [...STAGES, 'root-mount', 'root-no-mount'];

/** Whether nothing can be mounted for the program. */
export function isWithoutMounts(mode: Mode): boolean {
  return mode === 'no-mount' || mode === 'root-no-mount';
}

const isFromOutside = ({ mode }: Job): boolean => mode.startsWith('root-');

/** One container to run. */
export interface Job {
  vector: Vector;
  container: Container;
  mode: Mode;
  /** The folder with `bellhop`; without one the image's own entrypoint is started. */
  dist?: string;
}

/** What came out of a container. */
export interface Outcome {
  exit: number;
  seen?: Seen;
  stdout: string;
  stderr: string;
}

/** A start takes tenths of a second; what hangs is ended, however slow the machine. */
const RUN_SECONDS_MAX = 120;
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'; // containerd
const TOOLS_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

// In the new namespaces, as PID 1: mount everything below $1, name the host $2, make the image's
// working directory $3 as the runtime does, become the rest. From outside, with /proc of our own.
const INSIDE = `
set -e
umask 022
mount -t tmpfs -o mode=755 none "$1/ns"
mkdir "$1/ns/upper" "$1/ns/work" "$1/ns/root"
mount -a -T "$1/fstab"
echo "$2" > /proc/sys/kernel/hostname
mkdir -p "$3"
[ -z "$4" ] || mount -t proc proc /proc
shift 4
exec "$@"`;

// Around them: the descriptors that a container runtime gives, and the exit status in a file.
const PIPES = '| cat >"$d/out"; } 3>&1 | cat >"$d/err"';
const EXIT = 'echo $? >"$d/exit"';
const AROUND = {
  null: `{ { "$@" 0<>/dev/null 2>&3 3>&-; ${EXIT}; } ${PIPES}`,
  pipe: `{ { : | "$@" 2>&3 3>&-; ${EXIT}; } ${PIPES}`,
  tty: `script -qefc "$*" /dev/null </dev/null >"$d/out"; ${EXIT}; : >"$d/err"`,
} as const;

const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function platformEnv(job: Job, hostname: string): string[] {
  const given = imageOf(job.vector, job.container.name).env ?? [];
  const names = new Set(given.map((pair) => pair.split('=', 1)[0]));
  const own = [`PATH=${PATH_DEFAULT}`, `HOSTNAME=${hostname}`, 'HOME=/root'];
  if (job.container.tty === true) own.push('TERM=xterm');
  const more = job.vector.platformEnv ?? [];
  return [...own.filter((pair) => !names.has(pair.split('=', 1)[0])), ...given, ...more];
}

function recordedHostname(vector: Vector): string {
  const groups = Object.values(vector.snapshot ?? {});
  const seen = groups.flatMap((group) => Object.values(group ?? {}));
  return seen[0]?.hostname ?? vector.pod.metadata.name;
}

function directCommand(job: Job): string[] {
  const image = imageOf(job.vector, job.container.name);
  const { command, args } = job.container;
  const rest = args ?? (command === undefined ? image.cmd : undefined) ?? [];
  return [...(command ?? image.entrypoint ?? []), ...rest];
}

/** What is started last, as root of the new namespaces. */
function startCommand(job: Job, folder: RunFolder, workdir: string): string[] {
  const drop = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
  const isBare = isWithoutMounts(job.mode);
  const rights = ['/usr/bin/setpriv', '--groups', '0', ...(isBare ? drop : [])];
  if (isFromOutside(job)) {
    const files = { bellhop: `${job.dist}/bellhop`, input: `${folder.dir}/input` };
    const words = commandLine(job.vector, job.container, files);
    const denied = isBare ? [folder.deny, 'unshare'] : [];
    return [...denied, ...rights, ...words, '--root', folder.root];
  }
  const words =
    job.dist === undefined ? directCommand(job) : commandLine(job.vector, job.container, IN_ROOT);
  return [...rights, '/usr/bin/unshare', '-R', folder.root, '-w', workdir, '--', ...words];
}

function insideCommand(job: Job, folder: RunFolder): string[] {
  const hostname = recordedHostname(job.vector);
  const workdir = imageOf(job.vector, job.container.name).workdir ?? '/';
  const root = `${folder.root}${workdir}`;
  const proc = isFromOutside(job) ? 'proc' : '';
  return [
    ['timeout', '-s', 'KILL', String(RUN_SECONDS_MAX)],
    ['unshare', '--mount', '--pid', '--uts', '--ipc', '--propagation', 'private'],
    ['--fork', '--kill-child', 'sh', '-c', INSIDE, 'inside', folder.dir, hostname, root, proc],
    ['env', '-i', ...platformEnv(job, hostname)],
    startCommand(job, folder, workdir),
  ].flat();
}

async function runShell(job: Job, folder: RunFolder): Promise<void> {
  const stdin = job.container.tty === true ? 'tty' : job.container.stdin === true ? 'pipe' : 'null';
  const words = insideCommand(job, folder);
  const given = stdin === 'tty' ? words.map(shellWord) : words;
  const script = `d=$1; shift; ${AROUND[stdin]}`;
  const child = Bun.spawn(['sh', '-c', script, 'around', folder.dir, ...given], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: TOOLS_PATH },
  });
  await child.exited;
}

function parseSeen(stdout: string): Seen | undefined {
  if (!stdout.startsWith('{"probe":1,')) return undefined;
  try {
    const seen: Seen = JSON.parse(stdout);
    return seen;
  } catch {
    return undefined;
  }
}

function outcomeOf(folder: RunFolder): Outcome {
  const read = (name: string): string => readFileSync(path.join(folder.dir, name), 'utf8');
  const stdout = read('out').replaceAll('\r\n', '\n');
  const seen = parseSeen(stdout);
  const outcome = { exit: Number(read('exit')), stdout, stderr: read('err') };
  return seen === undefined ? outcome : { ...outcome, seen };
}

/** For the probe: paths to list as if mounted (+), mounts of the harness to leave out (-). */
function probePaths(job: Job): string {
  const declared = (job.container.volumeMounts ?? []).map((m) => `+${mountPath(m.mountPath)}`);
  const ofStores = job.vector.settings === undefined ? [] : [`+${SECRETS_DIR}`];
  const words = [...declared, ...ofStores, ...harnessMounts().map((own) => `-${own}`)];
  return words.map((word) => `${word}\0`).join('');
}

/** Runs one container to its end and gives what it printed; leaves nothing behind. */
export async function runContainer(base: Base, job: Job): Promise<Outcome> {
  const input = { ...inputFiles(job.vector), 'probe-paths': probePaths(job) };
  const folder = layOutRun(base, input, {
    ...(job.dist === undefined || isFromOutside(job) ? {} : { dist: job.dist }),
    isBare: job.mode === 'root-mount',
  });
  try {
    await runShell(job, folder);
    return outcomeOf(folder);
  } finally {
    rmSync(folder.dir, { recursive: true, force: true });
  }
}
