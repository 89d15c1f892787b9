import { openBudget, pause } from '../core/budget.ts';
import type { Io } from '../core/io/types.ts';

/** Whatever is asked for, a start does not wait longer for others. */
const SPREAD_MS_MAX = 5000;

/**
 * The containers of a job start in the same moment, and would ask the stores together: each waits a
 * part of this time, by chance.
 */
export async function spread(io: Io, written: string | undefined): Promise<void> {
  const ms = Math.min(Number(written ?? 0), SPREAD_MS_MAX);
  if (!(ms > 0)) return;
  const share = new DataView(io.random(4).buffer).getUint32(0) / 2 ** 32;
  await pause(io.clock, openBudget(io.clock, Infinity), ms * share);
}
