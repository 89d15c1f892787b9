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
  lines.push(`  code: ${problem.code} (exit ${exit})`, `  help: ${problem.help}`);
  return `${lines.join('\n')}\n`;
}

/** A warning: the start goes on. Ends with a newline. */
export function renderWarning(text: string, format: LogFormat): string {
  if (format === 'json') return `${JSON.stringify({ level: 'warning', what: text })}\n`;
  return `bellhop: warning: ${printable(text)}\n`;
}

/** Names come from foreign manifests: control characters must not reach a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => {
      const hex = c.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${hex}`;
    },
  );
}
