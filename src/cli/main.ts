import { BellhopError, CODES, exitOf, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { READER_GONE } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { renderProblems } from '../core/report.ts';
import type { Command, Given } from './command.ts';
import { noFlags } from './command.ts';
import { VERSION } from './version.gen.ts';

/** Every command, loaded only when it is used. */
export const COMMANDS: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  run: () => import('./run.ts'),
  plan: () => import('./plan.ts'),
  explain: () => import('./explain.ts'),
  check: () => import('./check.ts'),
  submit: () => import('./submit.ts'),
  adapt: () => import('./adapt.ts'),
  mutate: () => import('./mutate.ts'),
  relay: () => import('./relay.ts'),
  pull: () => import('./pull.ts'),
  webhook: () => import('./webhook.ts'),
  snapshot: () => import('./snapshot.ts'),
  diff: () => import('./diff.ts'),
};

const decoder = new TextDecoder();

/** From argv to the exit code; every problem is reported here and nowhere else. */
export async function main(io: Io): Promise<number> {
  const argv = io.arrival.argv.map((bytes) => decoder.decode(bytes));
  try {
    return await dispatch(io, argv);
  } catch (error) {
    const problems = problemsOf(error);
    const [only] = problems;
    if (only?.what === READER_GONE) return exitOf(problems);
    io.stderr(renderProblems(problems, logFormat(io, argv)));
    const [first] = problems;
    if (first?.code === 'BH_ERR_BUG' && isDebug(io)) io.stderr(`${stackOf(first)}\n`);
    return exitOf(problems);
  }
}

async function dispatch(io: Io, argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv;
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) return other(io, name, rest);
  const { default: command } = await load();
  const given = await readFlags(
    command,
    rest,
    variable(io, 'BELLHOP_LOG') === 'json' ? 'json' : 'text',
  );
  if (!given.has('help')) return command.run(io, given);
  const { commandHelp } = await import('./help.ts');
  io.stdout(commandHelp(command));
  return 0;
}

/** Without flags their parser is not loaded: a start is counted in tenths of a millisecond. */
async function readFlags(
  command: Command,
  rest: readonly string[],
  log: LogFormat,
): Promise<Given> {
  if (command.takesCommand && rest[0] === '--' && rest.length > 1) return noFlags(2, log);
  const { parseFlags } = await import('./parse.ts');
  return parseFlags(command, rest, { offset: 1, log });
}

async function other(io: Io, name: string, rest: readonly string[]): Promise<number> {
  if (name === 'version' || name === '--version' || name === '-V') {
    io.stdout(`bellhop ${VERSION}\n`);
    return 0;
  }
  const { commandHelp, mainHelp } = await import('./help.ts');
  if (name === 'help' || name === '--help' || name === '-h') {
    const [topic] = rest;
    const load =
      topic !== undefined && Object.hasOwn(COMMANDS, topic) ? COMMANDS[topic] : undefined;
    const all = await Promise.all(Object.values(COMMANDS).map((one) => one()));
    const commands = all.map((one) => one.default);
    io.stdout(
      load === undefined ? mainHelp(commands, VERSION) : commandHelp((await load()).default),
    );
    return 0;
  }
  const what = `there is no command ${name} (there are ${Object.keys(COMMANDS).join(', ')}, version)`;
  throw new BellhopError('BH_ERR_USAGE', { where: [], what });
}

/** Also where the flags themselves could not be read. */
function logFormat(io: Io, argv: readonly string[]): LogFormat {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const asked = own.findLast(
    (one, index) => one === '--log=json' || (own[index - 1] === '--log' && one === 'json'),
  );
  return asked !== undefined || variable(io, 'BELLHOP_LOG') === 'json' ? 'json' : 'text';
}

function isDebug(io: Io): boolean {
  return variable(io, 'BELLHOP_DEBUG') === '1';
}

function variable(io: Io, name: string): string | undefined {
  const entry = io.arrival.env
    .map((bytes) => decoder.decode(bytes))
    .findLast((one) => one.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

function stackOf(problem: BellhopError): string {
  const { cause } = problem;
  return cause instanceof Error ? (cause.stack ?? '') : CODES[problem.code].help;
}
