import { openBudget } from '../core/budget.ts';
import type { Io } from '../core/io/types.ts';
import { NO_TRACE } from '../core/trace.ts';
import { barePlan } from '../plan/bare.ts';
import type { Bound, Plan, StoreOptions } from '../plan/types.ts';
import { DEFAULT_POLICY } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import type { Given } from './answers.ts';
import { askLevels } from './ask.ts';
import type { StoresContext } from './open-store.ts';
import { questionsOf } from './questions.ts';

/** Asks one store for one path at a time, for as long as the process lives. */
export type AskOne = (path: string, signal: AbortSignal) => Promise<Answer>;

/** The same of several stores, and of fallbacks where a store is down. */
export type AskBound = (bound: Bound, signal: AbortSignal) => Promise<Given>;

const NAME = 'store';

/** A way of asking a store outside of any start; as `openAskBound`. */
export function openAskOne(io: Io, options: StoreOptions, askMsMax: number): AskOne {
  const ask = openAskBound(io, { [NAME]: options }, askMsMax);
  return async (path, signal) => {
    const { answer } = await ask({ reference: { store: NAME, path }, called: path }, signal);
    return answer;
  };
}

/**
 * A way of asking stores outside of any start: each question has a time of its own, and what is
 * known of identities is kept between them, until an answer fails: a start remembers for as long as
 * it lives that an identity was refused, and here somebody may have given it the right since.
 */
export function openAskBound(io: Io, stores: Plan['stores'], askMsMax: number): AskBound {
  let context: StoresContext = { io, objects: [], trace: NO_TRACE, made: new Map() };
  const plan = barePlan({
    origin: { name: '', namespace: 'default', container: '' },
    stores,
    policy: DEFAULT_POLICY,
    placements: [],
  });
  return async (bound, signal) => {
    const budget = openBudget(io.clock, askMsMax);
    const stop = (): void => budget.end();
    signal.addEventListener('abort', stop, { once: true });
    const own = context;
    const asking = { plan, stores: own, budget, hasCopy: false };
    const answers = await askLevels(asking, questionsOf([bound]), 0).finally(() => {
      signal.removeEventListener('abort', stop);
      budget.close();
    });
    const [given = SAID_NOTHING] = answers.values();
    if (given.answer.kind === 'failed' && context === own) context = { ...own, made: new Map() };
    return given;
  };
}

const SAID_NOTHING: Given = {
  answer: { kind: 'absent', what: 'the store has said nothing' },
  level: 0,
};
