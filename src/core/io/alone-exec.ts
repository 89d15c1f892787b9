/** Becoming the user's program without the launcher: the same steps in the same order. */
import { accessSync, constants, readFileSync, statSync, writeSync } from 'node:fs';
import { errnoName, errnoNumber } from './errno.ts';
import { REPORT_WHY } from './launcher-wire.ts';
import type { Libc } from './libc.ts';
import { openLibc } from './libc.ts';
import type { Arrival, ExecDocument, ExecString } from './types.ts';

/** What must be put back before the hand-over, seen when the process was young. */
export interface StdioFlags {
  /** Which of descriptors 0, 1 and 2 had O_NONBLOCK. */
  readonly nonBlocking: readonly boolean[];
}

const SIGPIPE = 13;
const SIGXFSZ = 25;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const O_NONBLOCK = 0o4000;
const EXIT_NOT_ALLOWED = 126;
const EXIT_NOT_FOUND = 127;
/** "Not here": the search in PATH goes on (as src/launcher/become.h). */
const GOES_ON = ['ENOENT', 'ENOTDIR', 'ENODEV', 'ESTALE', 'ETIMEDOUT', 'EACCES'];

/** Thrown inside this file only: which step failed and how. */
class StepError extends Error {
  readonly errno: string;
  constructor(step: string, errno: string) {
    super(step);
    this.errno = errno;
  }
}

/** The flags of stdio before anything of ours could have changed them. */
export function readStdioFlags(): StdioFlags {
  const nonBlocking = [0, 1, 2].map((fd) => {
    try {
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
      return (Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8) & O_NONBLOCK) !== 0;
    } catch {
      return false;
    }
  });
  return { nonBlocking };
}

/** Becomes the program; where that fails, prints the report and ends with 126 or 127. */
export function becomeAlone(document: ExecDocument, arrival: Arrival & StdioFlags): never {
  try {
    const libc = openLibc();
    takeOnIdentity(document, libc);
    const argv = document.argv.map((value) => bytesOf(value, arrival.argv));
    const env = document.env.map((value) => bytesOf(value, arrival.env));
    const start = libc === undefined ? byNode({ argv, env }) : byLibc(libc, { argv, env });
    if (libc !== undefined) restore(libc, arrival);
    throw new StepError('execve', lookUp(document, start));
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return report(document, error);
  }
}

type Start = (file: Uint8Array) => string;
interface Strings {
  readonly argv: Uint8Array[];
  readonly env: Uint8Array[];
}

function byLibc(libc: Libc, { argv, env }: Strings): Start {
  return (file) => errnoName(libc.execve(Buffer.concat([file, Buffer.of(0)]), argv, env));
}

/**
 * Strings only, so bytes that are not UTF-8 suffer, and no reset of signals. Looked at first:
 * Node ends the process where execve fails, and Bun must not be relied on to differ.
 */
function byNode({ argv, env }: Strings): Start {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
  const entries = env.map(text).map((entry) => {
    const at = entry.indexOf('=', 1);
    return at < 0 ? ([entry, ''] as const) : ([entry.slice(0, at), entry.slice(at + 1)] as const);
  });
  return (file) => {
    try {
      accessSync(text(file), constants.X_OK);
      if (!statSync(text(file)).isFile()) return 'EACCES';
      process.execve?.(text(file), argv.map(text), Object.fromEntries(entries));
      return 'ENOSYS';
    } catch (error) {
      return codeOf(error);
    }
  };
}

function takeOnIdentity(document: ExecDocument, libc: Libc | undefined): void {
  if (document.root !== undefined) throw new StepError('chroot', 'ENOSYS');
  for (const limit of document.limits ?? []) {
    must('setrlimit', need(libc, 'setrlimit').setLimit(limit.resource, limit));
  }
  dropCapabilities(document.dropCapabilities ?? [], libc);
  const entered = document.cwd === undefined || enter(document.cwd) === undefined;
  changeIds(document, libc);
  const failed = entered ? undefined : enter(document.cwd ?? '/');
  if (failed !== undefined) throw new StepError('chdir', failed);
  if (document.umask !== undefined) process.umask(document.umask);
  if (document.noNewPrivileges === true) {
    must('no_new_privs', need(libc, 'no_new_privs').prctl(PR_SET_NO_NEW_PRIVS, 1));
  }
}

function dropCapabilities(numbers: readonly number[], libc: Libc | undefined): void {
  if (numbers.length === 0) return;
  const c = need(libc, 'drop capability');
  for (const number of numbers) {
    // prctl answers 1 for "there", which our wrapper takes for success; EINVAL is "unknown".
    if (c.prctl(PR_CAPBSET_READ, number) !== 0) continue;
    const failed = c.prctl(PR_CAPBSET_DROP, number);
    if (failed !== 0 && isBounded(number)) must('drop capability', failed);
  }
  const set = numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
  must('capset', c.dropInheritable(set));
}

function isBounded(capability: number): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? 'f'.repeat(16)}`);
  return ((bounding >> BigInt(capability)) & 1n) === 1n;
}

function changeIds({ groups, gid, uid }: ExecDocument, libc: Libc | undefined): void {
  if (libc !== undefined) {
    if (groups !== undefined) must('setgroups', libc.setGroups(groups));
    if (gid !== undefined) must('setresgid', libc.setGid(gid));
    if (uid !== undefined) must('setresuid', libc.setUid(uid));
    return;
  }
  attempt('setgroups', () => groups !== undefined && process.setgroups?.([...groups]));
  attempt('setgid', () => gid !== undefined && process.setgid?.(gid));
  attempt('setuid', () => uid !== undefined && process.setuid?.(uid));
}

/** Bun ignores these two and so would the program; the rest it leaves alone. */
function restore(libc: Libc, { nonBlocking }: StdioFlags): void {
  libc.defaultSignal(SIGPIPE);
  libc.defaultSignal(SIGXFSZ);
  for (const [fd, on] of nonBlocking.entries()) libc.setNonBlocking(fd, on);
}

/** As execvp: returns the errno name that says why nothing was started. */
function lookUp({ program, path }: ExecDocument, start: Start): string {
  if (program.length === 0) return 'ENOENT';
  if (program.includes(0x2f)) return start(program);
  let denied = false;
  for (const directory of splitAt(path, 0x3a)) {
    const slash = directory.length === 0 ? [] : [Buffer.from('/')];
    const errno = start(Buffer.concat([directory, ...slash, program]));
    if (errno === 'EACCES') denied = true;
    if (!GOES_ON.includes(errno) && errno !== 'ENAMETOOLONG') return errno;
  }
  return denied ? 'EACCES' : 'ENOENT';
}

function splitAt(bytes: Uint8Array, separator: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, from)) {
    parts.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return [...parts, bytes.subarray(from)];
}

function report({ failure }: ExecDocument, error: StepError): never {
  const isExec = error.message === 'execve';
  const notFound = isExec && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR');
  const denied = isExec && error.errno === 'EACCES';
  const text = notFound ? failure.notFound : denied ? failure.notAllowed : failure.other;
  const why = `${error.message}: ${error.errno} (${errnoNumber(error.errno)})`;
  try {
    writeSync(2, text.replaceAll(REPORT_WHY, why));
  } catch {
    // Nobody reads stderr; the exit code still says it.
  }
  return process.reallyExit(notFound ? EXIT_NOT_FOUND : EXIT_NOT_ALLOWED);
}

function bytesOf(value: ExecString, arrived: readonly Uint8Array[]): Uint8Array {
  return 'raw' in value ? (arrived[value.raw] ?? new Uint8Array()) : value.bytes;
}

function need(libc: Libc | undefined, step: string): Libc {
  if (libc === undefined) throw new StepError(step, 'ENOSYS');
  return libc;
}

function must(step: string, errno: number): void {
  if (errno !== 0) throw new StepError(step, errnoName(errno));
}

function attempt(step: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    throw new StepError(step, codeOf(error));
  }
}

function enter(directory: string): string | undefined {
  try {
    process.chdir(directory);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'EINVAL';
}
