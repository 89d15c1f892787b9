import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import { execDocument, execEnvironment, rawArguments } from '../entrypoint/exec-document.ts';
import type { Argument } from '../entrypoint/exec-document.ts';
import { replaceFile } from '../entrypoint/report-file.ts';
import { takeSnapshot } from '../parity/gather.ts';
import type { SnapshotOptions } from '../parity/gather.ts';
import { KEY_VARIABLE, openKey } from '../parity/key.ts';
import type { SnapshotKey } from '../parity/key.ts';
import { readLimits, SNAPSHOT_LIMITS } from '../parity/limits.ts';
import { printSnapshot } from '../parity/print.ts';
import type { Subject } from '../parity/process.ts';
import type { Snapshot } from '../parity/types.ts';
import type { Plan } from '../plan/types.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions } from './declare-flags.ts';
import { VERSION } from './version.gen.ts';

const command: Command = {
  name: 'snapshot',
  summary: 'Record what this container sees, values as keyed digests; `bellhop diff` compares two',
  usage: '[--out FILE] [--plan FILE | -f pod.yaml | --path PATH…] [--pid N] [FLAGS] [-- CMD…]',
  about: [
    'Records argv, environment, directory, user, groups, capabilities, umask, limits, signals, open',
    'descriptors, mounts, and every file below the mounts of the plan (-f or --plan), below each',
    "--path, or with neither below all mounts but the platform's. Nothing is changed by it.",
    '',
    'With CMD it looks at what CMD is given, then becomes CMD, which sees no trace of it. Without,',
    'it looks at what any program started here would be given. --pid N looks at a running process:',
    'from an ephemeral container (same user and group) or by exec. An init container sees',
    'its own mounts only: what the other containers see must be taken in them.',
    '',
    'Values are written as digests under a key, so that a snapshot can be sent around: give both',
    `sides the same key by --key-file or ${KEY_VARIABLE} (\`openssl rand -hex 32\` makes one).`,
    'Without, a new one is kept in /dev/shm for the next snapshot of this user on this machine.',
  ].join('\n'),
  flags: {
    out: {
      short: 'o',
      value: 'FILE',
      help: 'where to write (default: standard output; standard error where there is a CMD)',
    },
    path: { value: 'PATH', many: true, help: 'look below this path; may be repeated' },
    plan: {
      value: 'FILE',
      help: 'a file made by `bellhop plan` or `submit`, instead of -f and -c',
    },
    pid: { value: 'N', help: 'look at this process instead' },
    'key-file': { value: 'FILE', help: `the key of the digests (or ${KEY_VARIABLE})` },
    show: { help: 'write the values themselves, too: the snapshot is then as secret as they are' },
    limit: {
      value: 'NAME=NUMBER',
      many: true,
      help: `one of ${Object.keys(SNAPSHOT_LIMITS).join(', ')}`,
    },
    ...DECLARE_FLAGS,
  },
  wordsMax: 0,
  takesCommand: true,
  example: '$ bellhop snapshot --key-file key --out here.json -- python train.py',
  async run(io, given) {
    const subject = subjectOf(io, given);
    const limits = readLimits(given.texts('limit'));
    const paths = pathsOf(given);
    const plan = await planOf(io, given);
    const key = openKey(io, given.text('key-file'));
    tellKey(io, given, key);
    const options: SnapshotOptions = {
      subject,
      ...(plan === undefined ? {} : { plan }),
      paths,
      key: key.bytes,
      ...(given.has('show') ? { showBytesMax: SHOWN_BYTES_MAX } : {}),
      limits,
      version: VERSION,
    };
    write(io, given, takeSnapshot(io, options));
    if (given.commandAt === undefined) return 0;
    const argv = rawArguments(io, given.commandAt);
    return io.kernel.exec(execDocument({ argv, env: ownEnvironment(io), log: given.log }));
  },
};

export default command;

/** A file that has more is not shown whole; its digest still compares. */
const SHOWN_BYTES_MAX = 65_536;
const SNAPSHOT_MODE = 0o600;
const PID_MAX = 2 ** 22;

/** As after `run`: what begins with BELLHOP_ is gone. */
function ownEnvironment(io: Io): Argument[] {
  return execEnvironment(io, new Map(), []);
}

function subjectOf(io: Io, given: Given): Subject {
  const pid = given.text('pid');
  const env = ownEnvironment(io).map(({ bytes }) => bytes);
  if (pid === undefined) {
    if (given.commandAt === undefined) return { kind: 'self', env };
    return { kind: 'command', env, argv: io.arrival.argv.slice(given.commandAt) };
  }
  if (given.commandAt !== undefined) {
    throw usage('--pid', 'looks at another process, and takes no command behind --');
  }
  const number = /^[1-9]\d{0,6}$/.test(pid) ? Number(pid) : 0;
  if (number === 0 || number > PID_MAX) throw usage('--pid', 'must be the number of a process');
  return { kind: 'process', pid: number };
}

function usage(where: string, what: string): BellhopError {
  const help = 'see `bellhop snapshot --help`';
  return new BellhopError('BH_ERR_USAGE', { where: [where], what, help });
}

function pathsOf(given: Given): readonly string[] {
  const paths = given.texts('path');
  const odd = paths.find((one) => !one.startsWith('/'));
  if (odd !== undefined) throw usage(`--path ${odd}`, 'must be absolute');
  return paths;
}

async function planOf(io: Io, given: Given): Promise<Plan | undefined> {
  const options = declareOptions(given);
  const path = given.text('plan');
  if (path !== undefined) {
    const { readCarried } = await import('../entrypoint/plan-file.ts');
    // The objects that it refers to are not needed: nothing is delivered.
    return readCarried(io, path).plan;
  }
  if (options.manifests.length === 0 && options.settings === undefined) return undefined;
  const { declare } = await import('../entrypoint/declare.ts');
  const { plan } = await declare(io, options);
  return plan;
}

function tellKey(io: Io, given: Given, { written }: SnapshotKey): void {
  if (written === undefined) return;
  const text = `a new key for the digests was written to ${written}; the other side needs the same one (--key-file, or ${KEY_VARIABLE})`;
  io.stderr(renderWarning(text, given.log));
}

function write(io: Io, given: Given, snapshot: Snapshot): void {
  const text = printSnapshot(snapshot);
  const file = given.text('out') ?? '-';
  if (file === '-') {
    if (given.commandAt === undefined) io.stdout(text);
    else io.stderr(text);
    return;
  }
  const key = given.text('key-file');
  const read = key === undefined ? [] : [['the key', key] as const];
  replaceFile(io, { flag: '--out', file, text, mode: SNAPSHOT_MODE, read });
}
