import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable } from '../core/report.ts';
import { expand } from '../plan/expand.ts';
import { WORDS_MARK } from '../plan/overrides.ts';
import type { Plan } from '../plan/types.ts';
import type { Environment } from './environment.ts';
import { byteText } from './environment.ts';
import type { Argument } from './exec-document.ts';
import { nameOf, textToBytes } from './exec-document.ts';

/** One string with its NUL, MAX_ARG_STRLEN: linux/binfmts.h; measured on Linux 6.18. */
const STRING_BYTES_MAX = 131_072;
const POINTER_BYTES = 8;

/**
 * The container's argv: command replaces ENTRYPOINT and CMD, args replace CMD; the pod's own are
 * expanded, the image's never are. Words that are given replace args and CMD as they are.
 */
export function podArguments(
  plan: Plan,
  environment: Environment,
  given: readonly Argument[] = [],
): Argument[] {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const command = argv?.command ?? [];
  const args = argv?.args ?? [];
  const { entrypoint = [], cmd = [] } = plan.image;
  const expanded = (words: readonly string[]): Argument[] =>
    words.map((word) => argumentOf(expand(byteText(word), environment.lookup), word));
  const plain = (words: readonly string[]): Argument[] =>
    words.map((word) => argumentOf(byteText(word), word));
  const head = command.length > 0 ? expanded(command) : plain(entrypoint);
  if (given.length > 0) return [...head, ...given];
  const imageTail = command.length > 0 ? [] : plain(cmd);
  return [...head, ...(args.length > 0 ? expanded(args) : imageTail)];
}

/**
 * Words on arrival with those of overrides where their mark stands, in the end. Without overrides
 * the mark stands for the plan's own args: none of ours, unless the words are all that is started.
 */
export function markedWords(
  arrived: readonly Argument[],
  overriding: readonly string[],
  isCommand: boolean,
): readonly Argument[] | BellhopError {
  const last = arrived.at(-1);
  const isMarked = last !== undefined && Buffer.from(last.bytes).toString() === WORDS_MARK;
  if (!isMarked && overriding.length > 0) {
    const what = `has words, and those of the container do not end with ${WORDS_MARK}`;
    return new BellhopError('BH_ERR_PLAN', { where: ['BELLHOP_OVERRIDES'], what });
  }
  if (!isMarked || (isCommand && overriding.length === 0)) return arrived;
  const ours = overriding.map((word) => argumentOf(byteText(word), word));
  return [...arrived.slice(0, -1), ...ours];
}

function argumentOf(text: string, written: string): Argument {
  const bytes = textToBytes(text);
  return { exec: { bytes }, bytes, written };
}

/** What the kernel would refuse with E2BIG, which names nothing, or cut off at a NUL. */
export function sizeProblems(
  io: Io,
  argv: readonly Argument[],
  env: readonly Argument[],
): BellhopError[] {
  const problems: BellhopError[] = [];
  argv.forEach(({ bytes }, index) => {
    if (bytes.includes(0)) {
      const what = 'it has a NUL byte, which no argument can hold';
      problems.push(new BellhopError('BH_ERR_VALUE', { where: [`argument ${index}`], what }));
    }
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
  const limit = `${execBytesMax} (a quarter of the stack limit, at most 6 MiB)`;
  const most = `the largest variable is ${name} with ${largest?.bytes.byteLength ?? 0} bytes`;
  const what = `${total} bytes of arguments and variables, the kernel takes ${limit}; ${most}`;
  return [new BellhopError('BH_ERR_EXEC_TOO_BIG', { where: ['the environment'], what })];
}

function tooBig(where: string, bytes: number): BellhopError {
  const what = `NAME=value has ${bytes} bytes, the kernel takes ${STRING_BYTES_MAX - 1}`;
  const said = where.startsWith('variable') ? what : what.replace('NAME=value', 'it');
  return new BellhopError('BH_ERR_EXEC_TOO_BIG', { where: [where], what: said });
}
