import { Refusal } from '../injectors/_injector.ts';
import { untilAborted } from './until-aborted.ts';

/** What `work` comes to. Rejects with a Refusal of these words at the abort; the work goes on. */
export async function inTime<T>(work: Promise<T>, signal: AbortSignal, late: string): Promise<T> {
  const done = await untilAborted(work, signal);
  if (done !== 'late') return done;
  throw new Refusal(late);
}
