/** What every case in a room is made of. */
import { spawnSync } from 'node:child_process';
import type { Delivery } from '../../src/entrypoint/delivery.ts';
import type { Attempt, Strategy } from './_room.ts';
import { GHOST, cleanUp, snapshot, tryDelivery, unlike } from './_room.ts';

export interface CaseResult {
  readonly name: string;
  readonly wrong: readonly string[];
}

const [word = 'links', ...more] = process.argv.slice(2);
/** What to do, where it is not all. */
export const rest: readonly string[] = more;
export const strategy = word as Strategy;
export const results: CaseResult[] = [];
export const STATE = '/dev/shm/bellhop-0';
// Starts beside others look at nothing: what the others are writing comes and goes.
const before = rest[0] === 'deliver' ? new Map<string, string>() : snapshot();

export const run = (delivery: Delivery, pid = GHOST): Attempt =>
  tryDelivery(strategy, delivery, { pid });

export function sh(script: string): void {
  const done = spawnSync('/bin/sh', ['-ec', script], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${script}: ${done.stderr}`);
}

/** Runs one case and takes away what it made; the room must be as it was after it. */
export function check(name: string, undo: string, work: () => (string | undefined)[]): void {
  const wrong: string[] = [];
  try {
    wrong.push(...work().filter((one) => one !== undefined));
  } catch (error) {
    wrong.push(String(error));
  }
  try {
    if (undo.startsWith('rm -r /dev/shm')) sh(undo);
    cleanUp();
    if (!undo.startsWith('rm -r /dev/shm')) sh(undo);
  } catch (error) {
    wrong.push(String(error));
  }
  const left = unlike(before, snapshot());
  if (left.length > 0) wrong.push(`left: ${left.join('; ')}`);
  results.push({ name, wrong });
}

export const is = (what: string, seen: unknown, expected: unknown): string | undefined =>
  Object.is(seen, expected) ? undefined : `${what}: ${String(seen)}, not ${String(expected)}`;

export const says = (done: Attempt, ...parts: string[]): (string | undefined)[] =>
  parts.map((one) =>
    done.error?.includes(one) ? undefined : `${done.error ?? done.how} does not say ${one}`,
  );
