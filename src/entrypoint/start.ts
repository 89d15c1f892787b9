import { BellhopError, CODES } from '../core/errors.ts';
import type { ExecDocument, ExecString, Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { printable, renderProblems } from '../core/report.ts';
import { expand } from '../plan/expand.ts';
import type { Plan } from '../plan/types.ts';
import type { Environment } from './environment.ts';
import { byteText } from './environment.ts';
import type { Become } from './identity.ts';

/** One argument: where it came from decides whether bytes or an index are handed over. */
export interface Argument {
  readonly exec: ExecString;
  readonly bytes: Uint8Array;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** One string with its NUL, MAX_ARG_STRLEN: linux/binfmts.h; measured on Linux 6.18. */
const STRING_BYTES_MAX = 131_072;
const POINTER_BYTES = 8;

/** Bytes of a byte text. */
export function textToBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The user's own words behind `--`, as they arrived. */
export function rawArguments(io: Io, from: number): Argument[] {
  return io.arrival.argv
    .slice(from)
    .map((bytes, index) => ({ exec: { raw: from + index }, bytes }));
}

/**
 * The container's argv: command replaces ENTRYPOINT and CMD, args replace CMD; the pod's own are
 * expanded, the image's never are.
 */
export function podArguments(plan: Plan, environment: Environment): Argument[] {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const command = argv?.command ?? [];
  const args = argv?.args ?? [];
  const { entrypoint = [], cmd = [] } = plan.image;
  const expanded = (words: readonly string[]): string[] =>
    words.map((word) => expand(byteText(word), environment.lookup));
  const head = command.length > 0 ? expanded(command) : entrypoint.map(byteText);
  const plainTail = command.length > 0 ? [] : cmd.map(byteText);
  const tail = args.length > 0 ? expanded(args) : plainTail;
  return [...head, ...tail].map((text) => {
    const bytes = textToBytes(text);
    return { exec: { bytes }, bytes };
  });
}

/** Name of a `NAME=value` entry as a byte text; the whole entry where there is no `=`. */
export function nameOf(entry: Uint8Array): string {
  const equals = entry.indexOf(0x3d, 1);
  return Buffer.from(equals < 0 ? entry : entry.subarray(0, equals)).toString('latin1');
}

/** The program's environment: what arrived, less what is overridden, ours or stripped, then ours. */
export function execEnvironment(
  io: Io,
  variables: ReadonlyMap<string, { readonly value: string }>,
  strip: readonly string[],
): Argument[] {
  const kept = io.arrival.env.flatMap((bytes, raw): Argument[] => {
    const name = nameOf(bytes);
    const gone = name.startsWith('BELLHOP_') || variables.has(name) || strip.includes(name);
    return gone ? [] : [{ exec: { raw }, bytes }];
  });
  const ours = [...variables].map(([name, { value }]): Argument => {
    const bytes = textToBytes(`${name}=${value}`);
    return { exec: { bytes }, bytes };
  });
  return [...kept, ...ours];
}

/** What the kernel would refuse with E2BIG, which names nothing. */
export function sizeProblems(
  io: Io,
  argv: readonly Argument[],
  env: readonly Argument[],
): BellhopError[] {
  const problems: BellhopError[] = [];
  argv.forEach(({ bytes }, index) => {
    if (bytes.byteLength < STRING_BYTES_MAX) return;
    problems.push(tooBig(`argument ${index}`, bytes.byteLength));
  });
  for (const { bytes } of env) {
    if (bytes.byteLength < STRING_BYTES_MAX) continue;
    problems.push(tooBig(`variable ${printable(nameOf(bytes))}`, bytes.byteLength));
  }
  const all = [...argv, ...env];
  const total = all.reduce((sum, { bytes }) => sum + bytes.byteLength + 1 + POINTER_BYTES, 0);
  const { execBytesMax } = io.kernel;
  if (problems.length > 0 || total <= execBytesMax) return problems;
  const largest = env.toSorted((a, b) => b.bytes.byteLength - a.bytes.byteLength)[0];
  const name = largest === undefined ? 'none' : printable(nameOf(largest.bytes));
  const what = `${total} bytes of arguments and variables, the kernel takes ${execBytesMax} (a quarter of the stack limit, at most 6 MiB); the largest variable is ${name} with ${largest?.bytes.byteLength ?? 0} bytes`;
  return [new BellhopError('BH_ERR_EXEC_TOO_BIG', { where: ['the environment'], what })];
}

function tooBig(where: string, bytes: number): BellhopError {
  const what = `NAME=value has ${bytes} bytes, the kernel takes ${STRING_BYTES_MAX - 1}`;
  const said = where.startsWith('variable') ? what : what.replace('NAME=value', 'it');
  return new BellhopError('BH_ERR_EXEC_TOO_BIG', { where: [where], what: said });
}

/** What the exec document is made from. */
export interface StartInput {
  readonly argv: readonly Argument[];
  readonly env: readonly Argument[];
  readonly become?: Become;
  readonly cwd?: string;
  readonly log: LogFormat;
}

/** The document that says what the process becomes. */
export function execDocument(input: StartInput): ExecDocument {
  const { argv, env, become, cwd, log } = input;
  const program = argv[0]?.bytes ?? new Uint8Array();
  const pathEntry = env.findLast(({ bytes }) => nameOf(bytes) === 'PATH');
  const path = pathEntry === undefined ? Buffer.from(DEFAULT_PATH) : pathEntry.bytes.subarray(5);
  const called = printable(Buffer.from(program).toString('utf8'));
  const report = (
    code: 'BH_ERR_EXEC_NOT_FOUND' | 'BH_ERR_EXEC_NOT_ALLOWED' | 'BH_ERR_EXEC',
    what: string,
  ) => {
    const where = [`program ${called.length > 200 ? `${called.slice(0, 200)}…` : called}`];
    return renderProblems([new BellhopError(code, { where, what, help: CODES[code].help })], log);
  };
  return {
    program,
    path,
    argv: argv.map((one) => one.exec),
    env: env.map((one) => one.exec),
    ...(cwd === undefined ? {} : { cwd }),
    ...(become?.uid === undefined ? {} : { uid: become.uid }),
    ...(become?.gid === undefined ? {} : { gid: become.gid }),
    ...(become?.groups === undefined ? {} : { groups: become.groups }),
    ...(become?.noNewPrivileges === true ? { noNewPrivileges: true } : {}),
    ...(become?.dropCapabilities === undefined
      ? {}
      : { dropCapabilities: become.dropCapabilities }),
    failure: {
      notFound: report('BH_ERR_EXEC_NOT_FOUND', 'not found ({{why}})'),
      notAllowed: report('BH_ERR_EXEC_NOT_ALLOWED', 'may not be executed ({{why}})'),
      other: report('BH_ERR_EXEC', 'cannot be started ({{why}})'),
    },
  };
}
