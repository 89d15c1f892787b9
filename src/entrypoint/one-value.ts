import { openBudget } from '../core/budget.ts';
import type { Io } from '../core/io/types.ts';
import { NO_TRACE } from '../core/trace.ts';
import { barePlan } from '../plan/bare.ts';
import type { Plan, StoreOptions } from '../plan/types.ts';
import { DEFAULT_POLICY } from '../plan/types.ts';
import type { Answer, Store, Wanted } from '../stores/_store.ts';
import { failed } from './ask.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';
import { BellhopError } from '../core/errors.ts';

/** Asks one store for one path at a time, for as long as the process lives. */
export type AskOne = (path: string, signal: AbortSignal) => Promise<Answer>;

/** The same of several stores, by their names. */
export type AskNamed = (store: string, wanted: Wanted, signal: AbortSignal) => Promise<Answer>;

const NAME = 'store';

/** A way of asking a store outside of any start; as `openAskNamed`. */
export function openAskOne(io: Io, options: StoreOptions, askMsMax: number): AskOne {
  const ask = openAskNamed(io, { [NAME]: options }, askMsMax);
  return async (path, signal) => ask(NAME, { path }, signal);
}

/**
 * A way of asking stores outside of any start: each question has a time of its own, and what is
 * known of identities is kept between them, until an answer fails: a start remembers for as long as
 * it lives that an identity was refused, and here somebody may have given it the right since.
 */
export function openAskNamed(io: Io, stores: Plan['stores'], askMsMax: number): AskNamed {
  let context: StoresContext = { io, objects: [], trace: NO_TRACE, made: new Map() };
  const plan = barePlan({
    origin: { name: '', namespace: 'default', container: '' },
    stores,
    policy: DEFAULT_POLICY,
    placements: [],
  });
  return async (name, wanted, signal) => {
    const budget = openBudget(io.clock, askMsMax);
    const stop = (): void => budget.end();
    signal.addEventListener('abort', stop, { once: true });
    const own = context;
    const answer = await answerOf(async () => {
      const opening = { name, budget, attemptsMax: Infinity, waiting: [] };
      const store: Store = await openStore(plan, own, opening);
      const [first] = await store.fetch([wanted]);
      return first ?? { kind: 'absent', what: 'the store has said nothing' };
    }).finally(() => {
      signal.removeEventListener('abort', stop);
      budget.close();
    });
    if (answer.kind === 'failed' && context === own) context = { ...own, made: new Map() };
    return answer;
  };
}

async function answerOf(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BellhopError) return failed(error);
    throw error;
  }
}
