import type { Code } from '../core/errors.ts';
import { BellhopError } from '../core/errors.ts';
import type { ExecDocument, ExecString, Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { printable, renderProblems } from '../core/report.ts';
import type { Become } from './identity.ts';

// What the process becomes, with or without a plan: the only part of `run` that a start without a
// plan loads.

/** One argument: where it came from decides whether bytes or an index are handed over. */
export interface Argument {
  readonly exec: ExecString;
  readonly bytes: Uint8Array;
  /** How the manifest has it, for messages: what it expands to may hold a secret. */
  readonly written?: string;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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

/** Nothing says what to start. */
export function noCommand(): BellhopError {
  const what = 'neither the pod, the image nor the command line says what to start';
  return new BellhopError('BH_ERR_NO_COMMAND', { where: ['command'], what });
}

/** Name of a `NAME=value` entry as a byte text; the whole entry where there is no `=`. */
export function nameOf(entry: Uint8Array): string {
  const equals = entry.indexOf(0x3d, 1);
  return Buffer.from(equals < 0 ? entry : entry.subarray(0, equals)).toString('latin1');
}

/** The program's environment: what arrived less what is overridden or stripped, then ours. */
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
  // As getenv: the first of several entries.
  const pathEntry = env.find(({ bytes }) => nameOf(bytes) === 'PATH');
  const path = pathEntry === undefined ? Buffer.from(DEFAULT_PATH) : pathEntry.bytes.subarray(5);
  return {
    program,
    path,
    argv: argv.map((one) => one.exec),
    env: env.map((one) => one.exec),
    ...(cwd === undefined ? {} : { cwd }),
    ...identityRecords(become),
    failure: failureReports(argv[0]?.written ?? Buffer.from(program).toString('utf8'), log),
  };
}

function identityRecords(become: Become | undefined): Partial<ExecDocument> {
  const { uid, gid, groups, noNewPrivileges, dropCapabilities } = become ?? {};
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(groups === undefined ? {} : { groups }),
    ...(noNewPrivileges === true ? { noNewPrivileges } : {}),
    ...(dropCapabilities === undefined ? {} : { dropCapabilities }),
  };
}

const PROGRAM_SHOWN_MAX = 200;

/** The reports for the case that exec fails, ready-made: the launcher only fills in the reason. */
function failureReports(program: string, log: LogFormat): ExecDocument['failure'] {
  const name = printable(program);
  const shown = name.length > PROGRAM_SHOWN_MAX ? `${name.slice(0, PROGRAM_SHOWN_MAX)}…` : name;
  const where = [`program ${shown}`];
  const report = (code: Code, what: string): string =>
    renderProblems([new BellhopError(code, { where, what })], log);
  return {
    notFound: report('BH_ERR_EXEC_NOT_FOUND', 'not found ({{why}})'),
    notAllowed: report('BH_ERR_EXEC_NOT_ALLOWED', 'may not be executed ({{why}})'),
    other: report('BH_ERR_EXEC', 'cannot be started ({{why}})'),
  };
}
