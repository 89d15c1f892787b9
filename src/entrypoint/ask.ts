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
}

/** References with their fallbacks, by what they are asked as. */
export type Levels = ReadonlyMap<string, readonly Reference[]>;

/** Answers of one level; what is down there and has a next level is asked once more. */
export async function askLevels(asking: Asking, wanted: Levels, level: number): Promise<Answers> {
  const byStore = new Map<string, Map<string, readonly Reference[]>>();
  for (const [key, levels] of wanted) {
    const store = levels[level]?.store ?? '';
    byStore.set(store, (byStore.get(store) ?? new Map()).set(key, levels));
  }
  const asked = [...byStore].map(async ([name, ofStore]) => {
    const answers = await askStore(asking, { name, wanted: ofStore, level });
    const down = [...ofStore].filter(([key, levels]) => {
      const answer = answers.get(key)?.answer;
      return answer !== undefined && isDown(answer) && levels.length > level + 1;
    });
    if (down.length === 0) return answers;
    const next = await askLevels(asking, new Map(down), level + 1);
    return new Map([
      ...answers,
      ...bothFailed(answers, next, (key) => wanted.get(key)?.[level + 1]),
    ]);
  });
  return new Map((await Promise.all(asked)).flatMap((one) => [...one]));
}

/** Where the fallback has failed too, the report has both. */
function bothFailed(
  before: Answers,
  after: Answers,
  fallbackOf: (key: string) => Reference | undefined,
): Answers {
  const merged = [...after].map(([key, given]): [string, Given] => {
    const first = before.get(key)?.answer;
    const { answer } = given;
    if (answer.kind === 'value' || answer.kind === 'map') return [key, given];
    if (first?.kind !== 'failed') return [key, given];
    const said = answer.kind === 'absent' ? answer.what : answer.problem.message;
    const from = fallbackOf(key);
    const then = from === undefined ? '' : formatReference(from);
    const { where, what } = first.problem;
    // The one that decided gives the code: a refusal or absence is no outage.
    const { code, help } = answer.kind === 'failed' ? answer.problem : ABSENT;
    const both = { where, what: `${what}; then ${then}: ${said}`, help };
    return [key, { answer: failed(new BellhopError(code, both)), level: given.level }];
  });
  return new Map(merged);
}

const ABSENT = new BellhopError('BH_ERR_MISSING', { where: [], what: '' });

interface StoreQuery {
  readonly name: string;
  readonly wanted: Levels;
  readonly level: number;
}

/** With a fallback behind it, a store that fails this often is given up. */
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
  const further = plan.policy.lastGood === undefined ? 0 : 1;
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
      return answer === undefined ? [] : [[key, { answer, level }]];
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
