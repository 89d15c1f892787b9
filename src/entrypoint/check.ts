import { within } from '../core/budget.ts';
import { BellhopError, exitOf, judge, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Trace } from '../core/trace.ts';
import { openTrace } from '../core/trace.ts';
import type { WantedBound } from '../plan/bounds.ts';
import { boundsOf } from '../plan/bounds.ts';
import type { Plan } from '../plan/types.ts';
import { versionName } from '../plan/volume-tree.ts';
import type { Answer } from '../stores/_store.ts';
import type { Answers, Given } from './answers.ts';
import { levelsOf, pathKey } from './answers.ts';
import type { Asking } from './ask.ts';
import { askLevels, isDown, isOpen } from './ask.ts';
import type { CheckInput } from './check-input.ts';
import type { Identity, ReferenceRow, Said, StoreRow } from './check-rows.ts';
import { referenceRows, storeRow } from './check-rows.ts';
import { computeEnvironment } from './environment.ts';
import { startBudget } from './gather.ts';
import { leaseProblem } from './leases.ts';
import { openStore } from './open-store.ts';
import { computeDelivery } from './payloads.ts';
import { apiServer } from './platform.ts';
import type { Question } from './questions.ts';
import { followed, orLacking, questionsOf } from './questions.ts';
import { referencesOf } from './references.ts';
import { selectAll, selectValue } from './select.ts';

/** What `bellhop check` found; never a value. */
export interface CheckReport {
  readonly format: 'bellhop/check/v1';
  /** True where a start would have everything that it needs of the stores. */
  readonly ready: boolean;
  /** What `bellhop run` would exit with for want of a value; 0 where it is ready. */
  readonly exit: number;
  readonly stores: readonly StoreRow[];
  readonly references: readonly ReferenceRow[];
  /** Bindings that are complete only with a manifest. */
  readonly unchecked: readonly string[];
  readonly problems: readonly { readonly code: string; readonly text: string }[];
}

export interface Checked {
  readonly report: CheckReport;
  readonly problems: readonly BellhopError[];
}

/**
 * Asks every store for its identity and for every reference, fallbacks too, all at the same time
 * and inside of the policy's budget. Nothing is delivered, and nothing is written.
 */
export async function check(io: Io, input: CheckInput): Promise<Checked> {
  const { plan, objects } = input;
  const budget = startBudget(plan, io);
  const trace = openTrace(io.clock);
  const stores = { io, objects, trace, made: new Map<string, Promise<unknown>>() };
  const hasCopy = plan.policy.lastGood !== undefined;
  const asking: Asking = { plan: patient(plan), stores, budget, hasCopy };
  const [answers, identities] = await Promise.all([
    askEach(asking, input.wanted),
    Promise.all(Object.keys(plan.stores).map(async (name) => identityOf(asking, name))),
  ]);
  const given = asStarted(plan, input.wanted, answers);
  const withCopy = await orLastGood(asking, input.wanted, given);
  budget.end();
  const problems = problemsIn(io, input, withCopy);
  const spans = trace.spans();
  const report: CheckReport = {
    format: 'bellhop/check/v1',
    ready: problems.length === 0,
    exit: problems.length === 0 ? 0 : exitOf(problems),
    stores: Object.entries(plan.stores).map(([store, { kind }], index) => {
      const identity = identities[index] ?? { spans: [] };
      const own = [...answers.values()].filter((one) => one.store === store);
      return storeRow({ store, kind, identity, spans, answers: own.map(({ answer }) => answer) });
    }),
    references: referenceRows({ plan, wanted: input.wanted, answers, spans }),
    unchecked: input.unchecked,
    problems: problems.map(({ code, message }) => ({ code, text: message })),
  };
  return { report, problems };
}

/**
 * A start tries as often as its time allows; who asks whether all is well wants to know of a store
 * that is down before that.
 */
function patient(plan: Plan): Plan {
  const { attemptsMax = VALUE_ATTEMPTS_MAX } = plan.policy;
  return { ...plan, policy: { ...plan.policy, attemptsMax } };
}

const VALUE_ATTEMPTS_MAX = 5;

/** One answer for each path of each store, by `pathKey`. */
async function askEach(
  asking: Asking,
  wanted: readonly WantedBound[],
): Promise<ReadonlyMap<string, Said>> {
  const all = [
    ...wanted.flatMap(({ bound }) => levelsOf(bound)),
    ...referencesOf(asking.plan).map(({ reference }) => reference),
  ];
  const once = new Map<string, Question>(
    all.map((one) => [pathKey(one), { levels: [one], bounds: [] }]),
  );
  const given = await askLevels(asking, once, 0);
  return new Map(
    [...given].map(([key, { answer }]) => [
      key,
      { store: once.get(key)?.levels[0]?.store ?? '', answer },
    ]),
  );
}

/** Its requests are no part of what a start would ask: they have a trace of their own. */
async function identityOf(asking: Asking, name: string): Promise<Identity> {
  const { plan, budget, stores } = asking;
  const trace: Trace = openTrace(stores.io.clock);
  try {
    const opening = { name, budget, attemptsMax: IDENTITY_ATTEMPTS_MAX, waiting: [] };
    const store = await openStore(plan, { ...stores, trace }, opening);
    const identity = await within(budget, Promise.resolve(store.identity?.()));
    const spans = trace.spans();
    return identity === undefined ? { spans } : { identity, spans };
  } catch (error) {
    const [problem] = problemsOf(error);
    const spans = trace.spans();
    return problem === undefined ? { spans } : { problem, spans };
  }
}

/** Who we are is nice to know: it is not waited for as values are. */
const IDENTITY_ATTEMPTS_MAX = 2;

/** What a start would have taken: fallbacks are followed where the store before is down. */
function asStarted(
  plan: Plan,
  wanted: readonly WantedBound[],
  answers: ReadonlyMap<string, Said>,
): Answers {
  const given = new Map<string, Given>();
  for (const [key, question] of questionsOf(wanted.map(({ bound }) => bound))) {
    const taken = takenOf(question, answers);
    const from = taken === undefined ? undefined : question.levels[taken.level];
    if (taken === undefined || from === undefined) continue;
    const problem = leaseProblem(plan, from, taken.answer);
    const answer: Answer = problem === undefined ? taken.answer : { kind: 'failed', problem };
    given.set(key, { ...taken, answer });
  }
  return given;
}

function takenOf(question: Question, answers: ReadonlyMap<string, Said>): Given | undefined {
  let taken: Given | undefined;
  for (const [level, from] of question.levels.entries()) {
    const answer = answers.get(pathKey(from))?.answer;
    if (answer === undefined) return taken;
    taken = followed(taken, orLacking(question, { answer, level }), from);
    if (!isOpen(taken)) return taken;
  }
  return taken;
}

/** What every store is down for, the last good copy may have. */
async function orLastGood(
  asking: Asking,
  wanted: readonly WantedBound[],
  given: Answers,
): Promise<Answers> {
  const { lastGood } = asking.plan.policy;
  const isAnyDown = [...given.values()].some(({ answer }) => isDown(answer));
  if (lastGood === undefined || !isAnyDown) return given;
  const { fromCopy } = await import('./last-good.ts');
  const bounds = wanted.map(({ bound }) => bound);
  const { copied } = await fromCopy(asking, lastGood, { bounds, given });
  return new Map([...given, ...copied]);
}

/** What `run` would report of values; who we are and where we run is not asked here. */
function problemsIn(io: Io, { plan, wanted }: CheckInput, answers: Answers): BellhopError[] {
  const nowMs = io.clock.now();
  // Which task of a Job it would be is told at its start.
  const facts = { nowMs, ...(plan.index === undefined ? {} : { index: '0' }) };
  const environment = computeEnvironment({ plan, answers, inherited: apiServer(io), ...facts });
  const version = versionName(nowMs, 0);
  const files = computeDelivery({ plan, answers, environment, ...facts, version });
  // What a placement wants is told by where it is placed.
  const placed = new Set(boundsOf(plan.placements).map(({ bound }) => bound));
  const selected = wanted
    .filter(({ bound }) => !placed.has(bound))
    .map(({ bound, all }) => (all ? selectAll(answers, bound) : selectValue(answers, bound)))
    .filter((one) => one instanceof BellhopError);
  const all = [...environment.problems, ...files.problems, ...selected];
  return distinct(all);
}

function distinct(problems: readonly BellhopError[]): BellhopError[] {
  try {
    judge(problems);
    return [];
  } catch (error) {
    return [...problemsOf(error)];
  }
}
