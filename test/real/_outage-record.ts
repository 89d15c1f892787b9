// What was measured, for docs/outages.md: `scripts/gen-outages.ts` makes the page of it.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BellhopError } from '../../src/core/errors.ts';
import { reasonsOf } from './_outage.ts';

const FOLDER = path.join(import.meta.dir, '../../.cache/outages');

/** One line of the page. */
export interface Measured {
  /** Where it stands in its table. */
  readonly place: number;
  readonly fault: string;
  readonly store: string;
  readonly outcome: string;
  /** What attempts met, each reason once. */
  readonly reasons: readonly string[];
  readonly tookMs: number;
  readonly budgetMs: number;
  /** Requests, or connections where only these are seen. */
  readonly requests: number;
}

/** One start as a process. */
export interface ProcessLine {
  readonly fault: string;
  readonly store: string;
  readonly exit: number;
  readonly tookMs: number;
}

/** Many starts at the same time, as processes. */
export interface HerdLine {
  readonly fault: string;
  readonly store: string;
  readonly starts: number;
  readonly succeeded: number;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly requests: number;
  readonly throttled?: number;
}

/** What attempts met, as messages of problems list it: each reason once, without its numbers. */
export function reasonsIn(problems: readonly BellhopError[]): readonly string[] {
  const all = problems.flatMap((problem) => reasonsOf(problem) ?? [problem.what]);
  return [...new Set(all.map((one) => one.replace(/ for \d+ ms/, '')))];
}

/** Writes one group of lines; the last run of a group counts. */
export function record(group: string, lines: readonly (Measured | ProcessLine | HerdLine)[]): void {
  if (lines.length === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(path.join(FOLDER, `${group}.json`), JSON.stringify(lines, undefined, 1));
}
