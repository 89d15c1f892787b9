import type { Budget } from '../core/budget.ts';
import { within } from '../core/budget.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import type { Plan, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import type { Answers, Given } from './answers.ts';
import { pathKey } from './answers.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';
import type { Question, Questions } from './questions.ts';
import { askedAgain, followed, orLacking, without } from './questions.ts';

/** What asking the stores takes. */
export interface Asking {
  readonly plan: Plan;
  readonly stores: StoresContext;
  readonly budget: Budget;
  /** The last good copy stands behind every store: each is given up early. */
  readonly hasCopy: boolean;
}

/**
 * Answers of one level. A store with something behind it is given up early. What is down there, or
 * lacking in a fallback, is asked of the next one; what has none, but whose neighbours have, is
 * asked there again meanwhile.
 */
export async function askLevels(
  asking: Asking,
  wanted: Questions,
  level: number,
): Promise<Answers> {
  const byStore = new Map<string, Map<string, Question>>();
  for (const [key, question] of wanted) {
    const store = question.levels[level]?.store ?? '';
    byStore.set(store, (byStore.get(store) ?? new Map()).set(key, question));
  }
  const asked = [...byStore].map(async ([name, ofStore]) => {
    const answers = await askStore(asking, { name, wanted: ofStore, level });
    return orFurther(asking, { wanted: ofStore, level }, answers);
  });
  return new Map((await Promise.all(asked)).flatMap((one) => [...one]));
}

interface AskedAt {
  readonly wanted: Questions;
  readonly level: number;
}

/** What a store could not say, from what is behind it. */
async function orFurther(
  asking: Asking,
  { wanted, level }: AskedAt,
  answers: Answers,
): Promise<Answers> {
  const further = new Map<string, Question>();
  const alone = new Map<string, Question>();
  for (const [key, question] of wanted) {
    const given = answers.get(key);
    if (given === undefined || !isOpen(given)) continue;
    if (question.levels.length > level + 1) further.set(key, question);
    else if (given.isEarly === true && isDown(given.answer) && !asking.hasCopy) {
      alone.set(key, question);
    }
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
      const from = wanted.get(key)?.levels[level + 1];
      return [key, from === undefined ? given : followed(before.get(key), given, from)];
    }),
  );
  const lacking = new Map([...wanted].filter(([key]) => after.get(key)?.lacks !== undefined));
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
  const again = new Map<string, Question>();
  for (const [key, question] of wanted) {
    const given = before.get(key);
    if (given?.isEarly !== true || !isDown(given.answer)) continue;
    again.set(key, given.lacks === undefined ? question : without(question, given.lacks));
  }
  if (again.size === 0 || asking.budget.remainingMs() === 0) return new Map();
  const answers = await askLevels({ ...asking, hasCopy: false }, again, level);
  return new Map(
    [...answers].map(([key, given]) => {
      const first = before.get(key);
      return [key, askedAgain(first, leveledAs(given, wanted.get(key), first?.lacks))];
    }),
  );
}

/** Levels as they are counted in the whole question, of which these were left out. */
function leveledAs(given: Given, whole: Question | undefined, lacks: readonly number[] = []) {
  if (whole === undefined || lacks.length === 0) return given;
  const left = [...whole.levels.keys()].filter((level) => !lacks.includes(level));
  const levelOf = (level: number): number => left[level] ?? level;
  const { lacks: more } = given;
  const others = more === undefined ? {} : { lacks: more.map(levelOf) };
  return { ...given, level: levelOf(given.level), ...others };
}

interface StoreQuery {
  readonly name: string;
  readonly wanted: Questions;
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
    further + Math.max(...[...wanted.values()].map(({ levels }) => levels.length - level));
  const share = asking.budget.part(asking.budget.remainingMs() / levelsLeft);
  const budget = share.part(ownTimeMs(share.remainingMs()));
  const attemptsMax =
    plan.policy.attemptsMax ?? (levelsLeft > 1 ? ATTEMPTS_BEFORE_FALLBACK : Infinity);
  const references = new Map<string, Reference>();
  for (const { levels } of wanted.values()) {
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
    [...wanted].flatMap(([key, question]): [string, Given][] => {
      const from = question.levels[level];
      const answer = from === undefined ? undefined : answers.get(pathKey(from));
      return answer === undefined ? [] : [[key, orLacking(question, { answer, level, ...early })]];
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

/** True where the next one is asked: the store could not say, or a fallback lacks it. */
export function isOpen({ answer, level }: Given): boolean {
  return isDown(answer) || (level > 0 && answer.kind === 'absent');
}

/** True where the store could not say. */
export function isDown(answer: Answer): boolean {
  return answer.kind === 'failed' && isOutage(answer.problem);
}
