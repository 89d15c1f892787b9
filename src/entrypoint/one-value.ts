import { openBudget } from '../core/budget.ts';
import type { Io } from '../core/io/types.ts';
import { NO_TRACE } from '../core/trace.ts';
import { barePlan } from '../plan/bare.ts';
import type { StoreOptions } from '../plan/types.ts';
import { DEFAULT_POLICY } from '../plan/types.ts';
import type { Answer, Store } from '../stores/_store.ts';
import { failed } from './ask.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';
import { BellhopError } from '../core/errors.ts';

/** Asks one store for one path at a time, for as long as the process lives. */
export type AskOne = (path: string, signal: AbortSignal) => Promise<Answer>;

const NAME = 'store';

/**
 * A way of asking a store outside of any start: each question has a time of its own, and what is
 * known of identities is kept between them.
 */
export function openAskOne(io: Io, options: StoreOptions, askMsMax: number): AskOne {
  const context: StoresContext = { io, objects: [], trace: NO_TRACE, made: new Map() };
  const plan = barePlan({
    origin: { name: '', namespace: 'default', container: '' },
    stores: { [NAME]: options },
    policy: DEFAULT_POLICY,
    placements: [],
  });
  return async (path, signal) => {
    const budget = openBudget(io.clock, askMsMax);
    const stop = (): void => budget.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const opening = { name: NAME, budget, attemptsMax: Infinity, waiting: [] };
      const store: Store = await openStore(plan, context, opening);
      const [answer] = await store.fetch([{ path }]);
      return answer ?? { kind: 'absent', what: 'the store has said nothing' };
    } catch (error) {
      if (error instanceof BellhopError) return failed(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      budget.close();
    }
  };
}
