import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { KEY_VARIABLE } from './key.ts';
import { hexSet, parseDescriptor, parseLimits, parseStatus } from './proc.ts';
import type { Status } from './proc.ts';
import type { Descriptor, ProcessSeen, Variable } from './types.ts';
import type { Valuer } from './values.ts';
import { plainText, textOf } from './values.ts';

/** Which process is looked at. */
export type Subject =
  /** The one that becomes the command; argv and env are what it is started with. */
  | {
      readonly kind: 'command';
      readonly argv: readonly Uint8Array[];
      readonly env: readonly Uint8Array[];
    }
  /** The one that was started as bellhop, for what any program there would be given. */
  | { readonly kind: 'self'; readonly env: readonly Uint8Array[] }
  | { readonly kind: 'process'; readonly pid: number };

const PROC_BYTES_MAX = 16 * 1024 * 1024;

/** A process, found once for all that is read of it. */
export interface Looked {
  readonly subject: Subject;
  /** Its name below /proc. */
  readonly pid: string;
}

/**
 * Finds it. The launcher is our parent, by the number that this /proc gives it: in a namespace of
 * processes /proc may be that of another one.
 */
export function lookAt(io: Io, subject: Subject): Looked {
  if (subject.kind === 'process') return { subject, pid: String(subject.pid) };
  if (io.kernel.kind === 'alone') return { subject, pid: 'self' };
  const status = Buffer.from(io.fs.read('/proc/self/status', PROC_BYTES_MAX)).toString('latin1');
  return { subject, pid: /^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? String(io.kernel.pid) };
}

function procBytes(io: Io, looked: Looked, name: string): Uint8Array {
  return io.fs.read(`/proc/${looked.pid}/${name}`, PROC_BYTES_MAX);
}

/** A text of /proc/PID, or the problem that the process is not there or not ours to look at. */
export function readProc(io: Io, looked: Looked, name: string): string {
  return Buffer.from(mustRead(io, looked, name)).toString('utf8');
}

function mustRead(io: Io, looked: Looked, name: string): Uint8Array {
  try {
    return procBytes(io, looked, name);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const gone = error.errno === 'ENOENT' || error.errno === 'ESRCH';
    const what = gone ? 'there is no such process here' : `cannot be looked at (${error.errno})`;
    const where = [`process ${looked.pid}`, gone ? '' : name];
    throw new BellhopError('BH_ERR_SNAPSHOT_PROCESS', { where, what });
  }
}

/** The same, undefined where it cannot be read. */
export function tryProc(io: Io, looked: Looked, name: string): string | undefined {
  try {
    return Buffer.from(procBytes(io, looked, name)).toString('utf8');
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** What the process was given. */
export function processSeen(io: Io, looked: Looked, valuer: Valuer): ProcessSeen {
  const status = parseStatus(readProc(io, looked, 'status'));
  const argv = argvOf(io, looked);
  const cwd = cwdOf(io, looked);
  const descriptors = descriptorsOf(io, looked);
  const signals = signalsOf(io, looked, status);
  const { uids, gids, groups, capabilities, noNewPrivileges, seccomp, umask, innerPid } = status;
  return {
    ...(argv === undefined ? {} : { argv: argv.map((one) => valuer.value(one)) }),
    env: envOf(io, looked)
      .map((one) => variableOf(one, valuer))
      .toSorted(byName),
    ...(cwd === undefined ? {} : { cwd }),
    uids,
    gids,
    groups,
    capabilities,
    ...(noNewPrivileges === undefined ? {} : { noNewPrivileges }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(umask === undefined ? {} : { umask }),
    limits: limitsOf(io, looked),
    ...(signals === undefined ? {} : { signals }),
    ...(descriptors === undefined ? {} : { descriptors }),
    isFirst: (innerPid ?? Number(looked.pid)) === 1,
  };
}

function byName(a: Variable, b: Variable): number {
  const [left, right] = [plainText(a.name), plainText(b.name)];
  if (left !== right) return left < right ? -1 : 1;
  return 0;
}

function argvOf(io: Io, looked: Looked): readonly Uint8Array[] | undefined {
  if (looked.subject.kind === 'self') return undefined;
  return looked.subject.kind === 'command'
    ? looked.subject.argv
    : split(mustRead(io, looked, 'cmdline'));
}

function envOf(io: Io, looked: Looked): readonly Uint8Array[] {
  if (looked.subject.kind !== 'process') return looked.subject.env;
  // The key would be digested under itself, or shown.
  const key = Buffer.from(`${KEY_VARIABLE}=`);
  return split(mustRead(io, looked, 'environ')).filter(
    (one) => !key.equals(one.subarray(0, key.length)),
  );
}

function split(bytes: Uint8Array): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    strings.push(bytes.subarray(from, end < 0 ? bytes.length : end));
    from = end < 0 ? bytes.length : end + 1;
  }
  return strings;
}

const EQUALS = 0x3d;

/** As the C library reads it: the name ends at the first `=` behind the first byte. */
function variableOf(entry: Uint8Array, valuer: Valuer): Variable {
  const equals = entry.indexOf(EQUALS, 1);
  if (equals < 0) return { name: '', value: valuer.value(entry), odd: true };
  const value = valuer.value(entry.subarray(equals + 1));
  return { name: textOf(entry.subarray(0, equals)), value };
}

function cwdOf(io: Io, looked: Looked): string | undefined {
  try {
    const cwd = io.fs.readlink(`/proc/${looked.pid}/cwd`);
    return inRoot(cwd, rootOf(io, looked));
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** The root of a process without a mount namespace of its own is a folder of ours. */
function rootOf(io: Io, looked: Looked): string {
  if (looked.subject.kind !== 'process') return '/';
  try {
    return io.fs.readlink(`/proc/${looked.pid}/root`);
  } catch (error) {
    if (error instanceof FsError) return '/';
    throw error;
  }
}

/** A path as the process itself has it. */
function inRoot(path: string, root: string): string {
  if (root === '/' || (path !== root && !path.startsWith(`${root}/`))) return path;
  return path.slice(root.length) || '/';
}

/** The launcher has widened two limits for the time of its work; what it found is what counts. */
function limitsOf(io: Io, looked: Looked): ProcessSeen['limits'] {
  const limits = parseLimits(tryProc(io, looked, 'limits') ?? '');
  const { arrival } = io.kernel;
  if (looked.subject.kind === 'process') return limits;
  if (arrival === undefined) {
    // Without the launcher the runtime has raised this one before our code ran.
    delete limits['open files'];
    return limits;
  }
  limits['open files'] = limitText(arrival.openFiles);
  limits['file size'] = limitText(arrival.fileSize);
  return limits;
}

const NO_LIMIT = 2n ** 64n - 1n;

function limitText({ soft, hard }: { soft: bigint; hard: bigint }): readonly [string, string] {
  const text = (limit: bigint): string => (limit === NO_LIMIT ? 'unlimited' : String(limit));
  return [text(soft), text(hard)];
}

/** Of our own process only the launcher knows them: it blocks all while it works. */
function signalsOf(io: Io, looked: Looked, status: Status): ProcessSeen['signals'] {
  const { blocked, ignored, pending } = status;
  if (looked.subject.kind === 'process') return { blocked, ignored, pending };
  const { arrival } = io.kernel;
  if (arrival === undefined) return undefined;
  return {
    blocked: hexSet(arrival.blocked),
    ignored: hexSet(arrival.ignored),
    pending: hexSet(arrival.pending),
  };
}

/** What bellhop itself has open closes on exec, and so is never listed. */
function descriptorsOf(io: Io, looked: Looked): readonly Descriptor[] | undefined {
  const folder = `/proc/${looked.pid}`;
  const root = rootOf(io, looked);
  try {
    const numbers = io.fs.list(`${folder}/fd`).map(Number);
    return numbers
      .toSorted((a, b) => a - b)
      .flatMap((fd) => descriptorOf(io, { folder, root }, fd))
      .filter((one) => one !== undefined);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

function descriptorOf(
  io: Io,
  { folder, root }: { readonly folder: string; readonly root: string },
  fd: number,
): (Descriptor | undefined)[] {
  try {
    const link = inRoot(io.fs.readlink(`${folder}/fd/${fd}`), root);
    const info = io.fs.read(`${folder}/fdinfo/${fd}`, PROC_BYTES_MAX);
    return [parseDescriptor(fd, { info: Buffer.from(info).toString('latin1'), link })];
  } catch (error) {
    // It was closed in between.
    if (error instanceof FsError && error.errno === 'ENOENT') return [];
    throw error;
  }
}
