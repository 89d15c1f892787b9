import type { Budget } from '../core/budget.ts';
import { within } from '../core/budget.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import { formatReference } from '../plan/reference.ts';
import type { Plan, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import type { Answers, Given } from './answers.ts';
import { pathKey } from './answers.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';

/** What asking the stores takes. */
export interface Asking {
  readonly plan: Plan;
  readonly stores: StoresContext;
  readonly budget: Budget;
  /** The last good copy stands behind every store: each is given up early. */
  readonly hasCopy: boolean;
}

/** References with their fallbacks, by what they are asked as. */
export type Levels = ReadonlyMap<string, readonly Reference[]>;

/**
 * Answers of one level. A store with something behind it is given up early. What is down there is
 * asked of its fallback; what has none, but whose neighbours have, is asked there again meanwhile.
 */
export async function askLevels(asking: Asking, wanted: Levels, level: number): Promise<Answers> {
  const byStore = new Map<string, Map<string, readonly Reference[]>>();
  for (const [key, levels] of wanted) {
    const store = levels[level]?.store ?? '';
    byStore.set(store, (byStore.get(store) ?? new Map()).set(key, levels));
  }
  const asked = [...byStore].map(async ([name, ofStore]) => {
    const answers = await askStore(asking, { name, wanted: ofStore, level });
    return orFurther(asking, { wanted: ofStore, level }, answers);
  });
  return new Map((await Promise.all(asked)).flatMap((one) => [...one]));
}

interface AskedAt {
  readonly wanted: Levels;
  readonly level: number;
}

/** What a store could not say, from what is behind it. */
async function orFurther(
  asking: Asking,
  { wanted, level }: AskedAt,
  answers: Answers,
): Promise<Answers> {
  const further = new Map<string, readonly Reference[]>();
  const alone = new Map<string, readonly Reference[]>();
  for (const [key, levels] of wanted) {
    const given = answers.get(key);
    if (given === undefined || !isDown(given.answer)) continue;
    if (levels.length > level + 1) further.set(key, levels);
    else if (given.isEarly === true && !asking.hasCopy) alone.set(key, levels);
  }
  if (further.size + alone.size === 0) return answers;
  const [next, again] = await Promise.all([
    further.size === 0 ? answers : fromFallbacks(asking, { wanted: further, level }, answers),
    alone.size === 0 ? [] : askAgain(asking, { wanted: alone, level }, answers),
  ]);
  return new Map([...answers, ...next, ...again]);
}

async function fromFallbacks(
  asking: Asking,
  { wanted, level }: AskedAt,
  before: Answers,
): Promise<Answers> {
  const next = await askLevels(asking, wanted, level + 1);
  const after = new Map(
    [...next].map(([key, given]): [string, Given] => {
      const from = wanted.get(key)?.[level + 1];
      return [key, from === undefined ? given : followed(before.get(key), given, from)];
    }),
  );
  const lacking = new Map([...wanted].filter(([key]) => after.get(key)?.isLacking === true));
  if (level > 0 || lacking.size === 0 || asking.hasCopy) return after;
  return new Map([...after, ...(await askAgain(asking, { wanted: lacking, level }, after))]);
}

/**
 * Asks once more what was given up early, now with all the time that is left; what a fallback has
 * said that it lacks is not asked of it twice. Gives nothing where there is no time or no reason.
 */
export async function askAgain(
  asking: Asking,
  { wanted, level }: AskedAt,
  before: Answers,
): Promise<Answers> {
  const again = new Map<string, readonly Reference[]>();
  for (const [key, levels] of wanted) {
    const given = before.get(key);
    if (given?.isEarly !== true || !isDown(given.answer)) continue;
    again.set(key, given.isLacking === true ? levels.slice(0, given.level) : levels);
  }
  if (again.size === 0 || asking.budget.remainingMs() === 0) return new Map();
  const answers = await askLevels({ ...asking, hasCopy: false }, again, level);
  return new Map(
    [...answers].map(([key, given]) => {
      return [key, both(before.get(key), given, `asked again: ${saidBy(given, 'what')}`)];
    }),
  );
}

/**
 * What comes of a reference whose store is down and whose fallback was asked. Where the fallback
 * lacks it the store that is down may have it: an outage, for `optional` and for defaults.
 */
export function followed(first: Given | undefined, then: Given, from: Reference): Given {
  const name = formatReference(from);
  if (first?.answer.kind !== 'failed' || then.answer.kind !== 'absent') {
    return both(first, then, `then ${name}: ${saidBy(then, 'message')}`);
  }
  const { code, where, what, help } = first.answer.problem;
  const told = { where, what: `${what}; then ${name}: ${then.answer.what}`, help };
  const answer = failed(new BellhopError(code, told));
  return { answer, level: then.level, ...earliness(first), isLacking: true };
}

/** Where the second has failed as well the report has both; the second one decides what it is. */
function both(first: Given | undefined, then: Given, said: string): Given {
  if (first?.answer.kind !== 'failed' || then.answer.kind !== 'failed') return then;
  const { where, what } = first.answer.problem;
  const { code, help } = then.answer.problem;
  const problem = new BellhopError(code, { where, what: `${what}; ${said}`, help });
  return { ...then, ...earliness(first), answer: failed(problem) };
}

function earliness({ isEarly }: Given): Pick<Given, 'isEarly'> {
  return isEarly === true ? { isEarly } : {};
}

/** What a failure says; '' for anything else. */
function saidBy({ answer }: Given, how: 'message' | 'what'): string {
  return answer.kind === 'failed' ? answer.problem[how] : '';
}

interface StoreQuery {
  readonly name: string;
  readonly wanted: Levels;
  readonly level: number;
}

/** With something behind it, a store that fails this often is given up for now. */
const ATTEMPTS_BEFORE_FALLBACK = 4;

const TELLING_MS = 50;
const TELLING_SHARE = 0.05;

/**
 * A store's own time is over a moment before ours: then it still says what each attempt met, and
 * gives what it has of the paths that were answered.
 */
export function ownTimeMs(ms: number): number {
  return ms - Math.min(TELLING_MS, ms * TELLING_SHARE);
}

/** Never rejects: a store that cannot be opened has failed for each of its references. */
async function askStore(asking: Asking, { name, wanted, level }: StoreQuery): Promise<Answers> {
  const { plan, stores } = asking;
  const further = asking.hasCopy ? 1 : 0;
  const levelsLeft =
    further + Math.max(...[...wanted.values()].map((levels) => levels.length - level));
  const share = asking.budget.part(asking.budget.remainingMs() / levelsLeft);
  const budget = share.part(ownTimeMs(share.remainingMs()));
  const attemptsMax =
    plan.policy.attemptsMax ?? (levelsLeft > 1 ? ATTEMPTS_BEFORE_FALLBACK : Infinity);
  const references = new Map<string, Reference>();
  for (const levels of wanted.values()) {
    const reference = levels[level];
    if (reference !== undefined) references.set(pathKey(reference), reference);
  }
  const list = [...references];
  const fetching = async (): Promise<readonly Answer[]> => {
    const store = await openStore(plan, stores, { name, budget, attemptsMax, waiting: [] });
    return store.fetch(list.map(([, one]) => one));
  };
  const fetched = await settled(name, within(share, fetching()));
  share.close();
  // What the policy says of attempts is the end, but not where the time was cut.
  const isCut = plan.policy.attemptsMax === undefined || budget.remainingMs() === 0;
  const early: Pick<Given, 'isEarly'> = levelsLeft > 1 && isCut ? { isEarly: true } : {};
  const answers = new Map<string, Answer>();
  list.forEach(([key], index) => {
    answers.set(
      key,
      'problem' in fetched ? failed(fetched.problem) : answerAt(fetched, index, name),
    );
  });
  return new Map(
    [...wanted].flatMap(([key, levels]): [string, Given][] => {
      const from = levels[level];
      const answer = from === undefined ? undefined : answers.get(pathKey(from));
      return answer === undefined ? [] : [[key, { answer, level, ...early }]];
    }),
  );
}

type Settled = { readonly problem: BellhopError } | { readonly list: readonly Answer[] };

async function settled(
  name: string,
  fetching: Promise<readonly Answer[] | undefined>,
): Promise<Settled> {
  const where = [`store ${name}`];
  try {
    const list = await fetching;
    if (list !== undefined) return { list };
    const what = 'the time is over, and it has not answered';
    return { problem: new BellhopError('BH_ERR_STORE', { where, what }) };
  } catch (error) {
    if (error instanceof BellhopError) return { problem: error };
    const what = 'the store threw what it must not';
    return { problem: new BellhopError('BH_ERR_BUG', { where, what, cause: error }) };
  }
}

function answerAt(fetched: Extract<Settled, { list: unknown }>, index: number, name: string) {
  const answer = fetched.list[index];
  if (answer !== undefined) return answer;
  const what = 'the store gave fewer answers than it was asked for';
  return failed(new BellhopError('BH_ERR_BUG', { where: [`store ${name}`], what }));
}

/** The answer of a store that could not say. */
export function failed(problem: BellhopError): Answer {
  return { kind: 'failed', problem };
}

/** True where the store could not say: another one may be asked. */
export function isDown(answer: Answer): boolean {
  return answer.kind === 'failed' && isOutage(answer.problem);
}
