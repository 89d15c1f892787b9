import type { BellhopError } from './errors.ts';
import { CODES } from './errors.ts';

/** How problems are printed: for people, or one JSON object a line for machines. */
export type LogFormat = 'text' | 'json';

/** The report of everything that is wrong; ends with a newline. */
export function renderProblems(problems: readonly BellhopError[], format: LogFormat): string {
  return problems.map((problem) => renderProblem(problem, format)).join('');
}

function renderProblem(problem: BellhopError, format: LogFormat): string {
  const { exit } = CODES[problem.code];
  if (format === 'json') {
    const { code, where, what, help } = problem;
    return `${JSON.stringify({ level: 'error', code, exit, where, what, help })}\n`;
  }
  const lines = [`bellhop: ${printable(problem.message)}`];
  lines.push(`  code: ${problem.code} (exit ${exit})`, `  help: ${printable(problem.help)}`);
  return `${lines.join('\n')}\n`;
}

/** A warning: the start goes on. Ends with a newline. */
export function renderWarning(text: string, format: LogFormat): string {
  if (format === 'json') return `${JSON.stringify({ level: 'warning', what: text })}\n`;
  return `bellhop: warning: ${printable(text)}\n`;
}

/** Line and paragraph separators, and the marks that turn the direction of writing around. */
const UNSEEN = [
  0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
];

/** Names come from foreign manifests: control characters must not reach a terminal. */
export function printable(text: string): string {
  let out = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const isControl = point < 0x20 || (point >= 0x7f && point < 0xa0) || UNSEEN.includes(point);
    out += isControl ? `\\u${point.toString(16).padStart(4, '0')}` : character;
  }
  return out;
}
