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
import { answerKey, pathKey } from './answers.ts';
import type { Asking } from './ask.ts';
import { askAgain, askLevels, failed, isDown } from './ask.ts';
import { leaseProblem } from './leases.ts';
import type { StoresContext } from './open-store.ts';
import type { Question, Questions } from './questions.ts';
import { questionsOf } from './questions.ts';

/** What gathering is given beside the plan. */
export interface GatherContext {
  readonly io: Io;
  readonly objects: readonly DataObject[];
  /** Which references to ask for; all where absent. */
  readonly only?: (reference: Reference) => boolean;
  /** The time for all of it; the policy's where absent, counted from the start of the process. */
  readonly budget?: Budget;
  readonly trace?: Trace;
  readonly platform?: StoresContext['platform'];
}

/** What gathering came to. */
export interface Gathered {
  readonly answers: Answers;
  /** Which fallbacks and which defaults for outages were used, and why. */
  readonly warnings: readonly string[];
  /** Writes the copy for outages, where the policy has one; a warning where that failed. */
  readonly remember: () => Promise<string | undefined>;
}

/**
 * Asks every store for every path of the plan, each path once and all stores at the same time,
 * inside of the policy's budget. What a store cannot say because it is down is asked of the
 * fallbacks, in their order and past those that lack it, and in the end of the last good copy; a
 * fallback is asked though the same path may have been asked there as a value. What nothing helped
 * is asked once more with the time that is left. All of them are waited for, so that every problem
 * is known.
 */
export async function gather(plan: Plan, context: GatherContext): Promise<Gathered> {
  const bounds = boundsOf(plan.placements)
    .map(({ bound }) => bound)
    .filter(({ reference }) => context.only?.(reference) !== false);
  const { io, objects, trace = NO_TRACE } = context;
  const budget = context.budget ?? startBudget(plan, io);
  const known = context.platform === undefined ? {} : { platform: context.platform };
  const stores: StoresContext = { io, objects, trace, made: new Map(), ...known };
  const hasCopy = plan.policy.lastGood !== undefined;
  const asking: Asking = { plan, stores, budget, hasCopy };
  const wanted = questionsOf(bounds);
  const asked = await askLevels(asking, wanted, 0);
  const { given, note } = await orLastGood(asking, bounds, asked);
  const answers = new Map(
    [...given].map(([key, one]) => [key, checked(plan, one, wanted.get(key)?.levels[one.level])]),
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
  const left = questionsOf(bounds.filter((one) => !copied.has(answerKey(one))));
  const again = await askAgain(asking, { wanted: left, level: 0 }, given);
  return { given: new Map([...given, ...copied, ...again]), note };
}

/**
 * The copy is written only where every store has said what was asked of it itself: what a fallback
 * or a default has stood in for would be lost from it, in the very outage that it is for.
 */
async function remember(
  asking: Asking,
  wanted: Questions,
  answers: Answers,
): Promise<string | undefined> {
  const { lastGood } = asking.plan.policy;
  if (lastGood === undefined || ![...answers.values()].every(isOfItsStore)) return undefined;
  const { writeCopy } = await import('./last-good.ts');
  const pairs = new Map(
    [...answers].flatMap(([key, { answer }]) => {
      const reference = wanted.get(key)?.levels[0];
      const isOurs = reference === undefined || reference.store === EMBEDDED;
      return isOurs ? [] : [[pathKey(reference), [reference, answer] as const]];
    }),
  );
  const budget = asking.budget.part(Math.min(COPY_MS_MAX, asking.budget.remainingMs() / 2));
  const warning = await writeCopy({ ...asking, budget }, lastGood, [...pairs.values()]);
  budget.end();
  return warning;
}

function isOfItsStore({ answer, level, isCopied }: Given): boolean {
  return answer.kind !== 'failed' && level === 0 && isCopied !== true;
}

/** A start does not wait longer for the copy to be written. */
const COPY_MS_MAX = 2000;

/** A value that is lent for less time than the job may take would end in the middle of it. */
function checked(plan: Plan, given: Given, from: Reference | undefined): Given {
  const problem = from === undefined ? undefined : leaseProblem(plan, from, given.answer);
  return problem === undefined ? given : { ...given, answer: failed(problem) };
}

function warningsOf(answers: Answers, wanted: Questions): string[] {
  const used = [...answers].flatMap(([key, given]) => {
    const question = wanted.get(key);
    return question === undefined ? [] : warningsFor(question, given);
  });
  return [...new Set(used)];
}

/** What stood in for a store that was down. */
function warningsFor({ levels: [first, ...fallbacks], bounds }: Question, given: Given): string[] {
  const { answer, level } = given;
  if (first === undefined) return [];
  if (answer.kind !== 'failed') {
    const from = fallbacks[level - 1];
    if (from === undefined) return [];
    const [wanted, used] = [formatReference(first), formatReference(from)];
    return [`${wanted} could not be had; ${used} was used instead`];
  }
  if (!isDown(answer)) return [];
  const preset = bounds.filter((one) => one.default !== undefined && one.defaultOn === 'outage');
  return preset.map(({ called, reference }) => {
    const wanted = formatReference(reference);
    return `${called}, ${wanted} could not be had; its default was used: ${answer.problem.message}`;
  });
}
