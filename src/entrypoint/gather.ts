import type { Budget } from '../core/budget.ts';
import { openBudget } from '../core/budget.ts';
import type { Io } from '../core/io/types.ts';
import type { Trace } from '../core/trace.ts';
import { NO_TRACE } from '../core/trace.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { formatReference } from '../plan/reference.ts';
import type { Bound, Plan, Reference } from '../plan/types.ts';
import { START_MS_DEFAULT } from '../plan/types.ts';
import type { DataObject } from '../wire/objects.ts';
import type { Answers, Given } from './answers.ts';
import { answerKey, levelsOf } from './answers.ts';
import type { Asking, Levels } from './ask.ts';
import { askAgain, askLevels, failed, isDown } from './ask.ts';
import { leaseProblem } from './leases.ts';
import type { StoresContext } from './open-store.ts';

/** What gathering is given beside the plan. */
export interface GatherContext {
  readonly io: Io;
  readonly objects: readonly DataObject[];
  /** Which references to ask for; all where absent. */
  readonly only?: (reference: Reference) => boolean;
  /** The time for all of it; the policy's where absent, counted from the start of the process. */
  readonly budget?: Budget;
  readonly trace?: Trace;
}

/** What gathering came to. */
export interface Gathered {
  readonly answers: Answers;
  /** Which fallbacks were used, and why. */
  readonly warnings: readonly string[];
  /** Writes the copy for outages, where the policy has one; a warning where that failed. */
  readonly remember: () => Promise<string | undefined>;
}

/**
 * Asks every store for every path of the plan, each path once and all stores at the same time,
 * inside of the policy's budget. What a store cannot say because it is down is asked of the
 * fallbacks, in their order, and in the end of the last good copy; a fallback is asked though the
 * same path may have been asked there as a value. What nothing helped is asked once more with the
 * time that is left. All of them are waited for, so that every problem is known.
 */
export async function gather(plan: Plan, context: GatherContext): Promise<Gathered> {
  const bounds = boundsOf(plan.placements)
    .map(({ bound }) => bound)
    .filter(({ reference }) => context.only?.(reference) !== false);
  const { io, objects, trace = NO_TRACE } = context;
  const budget = context.budget ?? startBudget(plan, io);
  const stores: StoresContext = { io, objects, trace, made: new Map() };
  const hasCopy = plan.policy.lastGood !== undefined;
  const asking: Asking = { plan, stores, budget, hasCopy };
  const wanted = wantedOf(bounds);
  const asked = await askLevels(asking, wanted, 0);
  const { given, note } = await orLastGood(asking, bounds, asked);
  const answers = new Map(
    [...given].map(([key, one]) => [key, checked(plan, one, wanted.get(key)?.[one.level])]),
  );
  if (context.budget === undefined) budget.end();
  const warnings = [...warningsOf(answers, wanted), ...(note === undefined ? [] : [note])];
  return {
    answers,
    warnings,
    remember: async () => remember(asking, wanted, answers),
  };
}

/** The time of the whole start, from the beginning of the process. */
export function startBudget(plan: Plan, { clock }: Io): Budget {
  const startMs = plan.policy.startMsMax ?? START_MS_DEFAULT;
  return openBudget(clock, startMs - clock.monotonicMs());
}

/** What no store could say, from the copy of the last complete success; else asked once more. */
async function orLastGood(
  asking: Asking,
  bounds: readonly Bound[],
  given: Answers,
): Promise<{ readonly given: Answers; readonly note?: string | undefined }> {
  const { lastGood } = asking.plan.policy;
  const isAnyDown = (): boolean => [...given.values()].some(({ answer }) => isDown(answer));
  if (lastGood === undefined || !isAnyDown()) return { given };
  const { fromCopy } = await import('./last-good.ts');
  const budget = asking.budget.part(asking.budget.remainingMs() / 2);
  const { copied, note } = await fromCopy({ ...asking, budget }, lastGood, { bounds, given });
  budget.close();
  const left = wantedOf(bounds.filter((one) => !copied.has(answerKey(one))));
  const again = await askAgain(asking, { wanted: left, level: 0 }, given);
  return { given: new Map([...given, ...copied, ...again]), note };
}

function wantedOf(bounds: readonly Bound[]): Levels {
  return new Map(bounds.map((one) => [answerKey(one), levelsOf(one)]));
}

/** The copy is written only where everything came from the stores themselves. */
async function remember(
  asking: Asking,
  wanted: Levels,
  answers: Answers,
): Promise<string | undefined> {
  const { lastGood } = asking.plan.policy;
  const isCopied = (): boolean => [...answers.values()].some((one) => one.isCopied === true);
  if (lastGood === undefined || isCopied()) return undefined;
  const { writeCopy } = await import('./last-good.ts');
  const pairs = [...answers].flatMap(([key, { answer, level }]) => {
    const reference = wanted.get(key)?.[level];
    const isOurs = reference === undefined || reference.store === EMBEDDED;
    return isOurs ? [] : [[reference, answer] as const];
  });
  const budget = asking.budget.part(Math.min(COPY_MS_MAX, asking.budget.remainingMs() / 2));
  const warning = await writeCopy({ ...asking, budget }, lastGood, pairs);
  budget.end();
  return warning;
}

/** A start does not wait longer for the copy to be written. */
const COPY_MS_MAX = 2000;

/** A value that is lent for less time than the job may take would end in the middle of it. */
function checked(plan: Plan, given: Given, from: Reference | undefined): Given {
  const problem = from === undefined ? undefined : leaseProblem(plan, from, given.answer);
  return problem === undefined ? given : { ...given, answer: failed(problem) };
}

function warningsOf(answers: Answers, wanted: Levels): string[] {
  const used = [...answers].flatMap(([key, { answer, level }]) => {
    const [first, ...fallbacks] = wanted.get(key) ?? [];
    const from = fallbacks[level - 1];
    if (first === undefined || from === undefined || answer.kind === 'failed') return [];
    return [
      `${formatReference(first)} could not be had; ${formatReference(from)} was used instead`,
    ];
  });
  return [...new Set(used)];
}
