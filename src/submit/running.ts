import type { Left, Saying } from '../plan/left.ts';
import type { RunNeeds } from '../plan/needs.ts';
import type { Runs } from '../plan/runs.ts';
import type { JsonObject, Node } from '../targets/_caps.ts';
import { isObject } from '../targets/_caps.ts';
import type { Field, Running } from '../targets/_running.ts';
import type { Target } from '../targets/_target.ts';

// What a manifest says of attempts, time and tasks, as far as the target's own fields mean the
// same. What the user gives there counts, what the job can do without is not asked for.

/** What is decided by. */
export interface RunInput {
  readonly target: Target;
  readonly runs: Runs;
  readonly left: readonly Left[];
  readonly given: (operation: string) => JsonObject;
  readonly without: readonly string[];
  /** How many the container asks for. */
  readonly gpus?: number | undefined;
}

/** What the request is told, and what is to be told the user. */
export interface Run {
  readonly needs: RunNeeds;
  /** Without what the request, or the user's own fields, bring. */
  readonly left: readonly Left[];
  /** Sentences on what is brought, and means only nearly the same. */
  readonly hints: readonly string[];
}

/** Divides what a manifest says between the request and the user. Pure. */
export function runOf(input: RunInput): Run {
  const all = allOf(input);
  const brought = broughtOf(input, all);
  return {
    needs: needsOf(all),
    left: input.left.filter(({ says }) => says === undefined || !brought[says]),
    hints: [
      ...nearlyRetries(input, all),
      ...nearlyTime(input, all),
      ...lastTime(input, all),
      ...gpuTime(input, all),
    ],
  };
}

/** Everything on its way. */
interface All {
  /** Without what the job can do without. */
  readonly runs: Runs;
  readonly retries: Placed;
  readonly time: PlacedTime;
  readonly tasks: Placed;
  readonly parallel: Placed;
  readonly isSeveral: boolean;
}

function allOf(input: RunInput): All {
  const runs = wanted(input);
  const { running = {} } = input.target;
  const tasks = placed(input, running.tasks, runs.completions);
  const parallelism = startsNone(input) ? undefined : runs.parallelism;
  return {
    runs,
    retries: retriesOf(input, running, runs),
    time: timeOf(input, running, runs),
    tasks,
    parallel: placed(input, running.parallel, parallelism),
    isSeveral: tasks.isThere && runs.completions !== undefined,
  };
}

/** No platform has a job of which nothing is started. */
function startsNone({ runs }: RunInput): boolean {
  return runs.parallelism === 0;
}

function needsOf({ retries, time, tasks, parallel }: All): RunNeeds {
  const needs = {
    retries: retries.amount,
    secondsMax: time.amount,
    isOfAttempt: time.isOfAttempt ? true : undefined,
    tasks: tasks.amount,
    parallel: parallel.amount,
  };
  return Object.fromEntries(Object.entries(needs).filter(([, one]) => one !== undefined));
}

function broughtOf(input: RunInput, all: All): Readonly<Record<Saying, boolean>> {
  const { runs, retries, time, tasks, parallel, isSeveral } = all;
  return {
    // One task that is never started again is what a platform does that is told nothing.
    retries: retries.isThere || (runs.retries === 0 && !isSeveral),
    attemptTime: time.isThere && !time.isShared,
    jobTime: time.isThere,
    completions: tasks.isThere,
    // One task is one at a time.
    parallelism: parallel.isThere || (!tasks.isThere && !startsNone(input)),
  };
}

/** The words by which a job does without what the manifest says. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  attemptSecondsMax: ['activeDeadlineSeconds'],
  jobSecondsMax: ['activeDeadlineSeconds'],
  completions: ['completions'],
  parallelism: ['completions', 'parallelism'],
};

/** What the manifest says, but for what the job can do without. */
function wanted({ runs, without }: RunInput): Runs {
  const kept = Object.entries(runs).filter(([name]) => {
    const words = name === 'retries' ? [runs.retriesBy ?? ''] : (WORDS[name] ?? []);
    return !words.some((word) => without.includes(word));
  });
  return Object.fromEntries(kept) as Runs;
}

/** One number on its way: what is rendered, and whether the platform is told at all. */
interface Placed {
  readonly amount?: number | undefined;
  readonly isThere: boolean;
}

function placed(input: RunInput, field: Field | undefined, amount: number | undefined): Placed {
  if (field === undefined) return { isThere: false };
  if (isGiven(input, field)) return { isThere: true };
  return amount === undefined ? { isThere: false } : { amount, isThere: true };
}

function retriesOf(input: RunInput, { retries: field }: Running, { retries }: Runs): Placed {
  const isOver = field?.max !== undefined && retries !== undefined && retries > field.max;
  // Only that it never happens can be said there: what else the user says is no number of retries.
  return isOver ? { isThere: false } : placed(input, field, retries);
}

interface PlacedTime extends Placed {
  /** What the platform is told is the time of one attempt, and another may follow. */
  readonly isOfAttempt: boolean;
  readonly isShared: boolean;
}

/** The shorter of both times ends nothing that Kubernetes would have let run. */
function timeOf(input: RunInput, { time: field }: Running, runs: Runs): PlacedTime {
  const isShared = field?.shared !== undefined && isGiven(input, field.shared);
  const { jobSecondsMax } = runs;
  const attemptSecondsMax = isShared ? undefined : runs.attemptSecondsMax;
  const said = [attemptSecondsMax, jobSecondsMax].filter((one) => one !== undefined);
  const amount = said.length === 0 ? undefined : Math.min(...said);
  const own = placed(input, field, amount);
  const isOfAttempt = own.amount !== undefined && field?.of === 'attempt' && isFirst(runs, amount);
  return { ...own, isOfAttempt, isShared: isShared && own.amount !== undefined };
}

/** True where the pod's time is over before the Job's, whose clock began first. */
function isFirst({ attemptSecondsMax, jobSecondsMax }: Runs, amount: number | undefined): boolean {
  return amount === attemptSecondsMax && amount !== jobSecondsMax;
}

function isGiven({ given }: RunInput, field: Field): boolean {
  return [field, ...(field.or ?? [])].some(({ operation, at }) => {
    return firstAt(given(operation), at) !== undefined;
  });
}

/** What stands at a path, in the first element of each list: ours is the first. */
function firstAt(root: JsonObject, at: string): Node {
  return at.split('.').reduce<Node>((node, step) => {
    const name = step.replace(/\[\]$/, '');
    const next = isObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
    if (!step.endsWith('[]')) return next;
    return Array.isArray(next) ? (next[0] as Node) : undefined;
  }, root);
}

/** What says in a manifest what stands in a field of this place; undefined where nothing does. */
export function wordOf(
  { running = {} }: Target,
  operation: string,
  at: string,
): string | undefined {
  const { retries, time, tasks, parallel } = running;
  const fields = [
    ['backoffLimit', retries],
    ['activeDeadlineSeconds', time],
    ['completions', tasks],
    ['parallelism', parallel],
  ] as const;
  return fields.find(([, field]) => field?.operation === operation && field.at === at)?.[0];
}

function whereOf({ left }: Pick<RunInput, 'left'>, says: Saying): string {
  return left.find((one) => one.says === says)?.where ?? '';
}

const OF_EACH = 'backoffLimitPerIndex';

function nearlyRetries(input: RunInput, { retries, isSeveral }: All): string[] {
  const { amount } = retries;
  if (amount === undefined || !isSeveral || input.runs.retriesBy === OF_EACH) return [];
  const { name } = input.target;
  const said =
    amount === 0
      ? `${name} ends the task that failed, Kubernetes the whole Job: the others run all the same`
      : `${name} counts the failures of each task, Kubernetes those of all together: it may start them more often`;
  return [`${whereOf(input, 'retries')}: ${said}`];
}

function nearlyTime(input: RunInput, { runs, time, isSeveral }: All): string[] {
  const isOfEach = input.target.running?.time?.of === 'attempt';
  const isSaid = time.amount !== undefined && runs.jobSecondsMax !== undefined;
  if (!isSaid || !isOfEach || (runs.retries === 0 && !isSeveral)) return [];
  const where = whereOf(input, 'jobTime');
  return [
    `${where}: ${input.target.name} limits each attempt of each task, Kubernetes all of them together: the job may take longer`,
  ];
}

function lastTime({ target, left }: RunInput, { retries, time }: All): string[] {
  const isLast = target.running?.time?.isLast === true && time.isOfAttempt;
  if (!isLast || (retries.amount ?? 0) === 0) return [];
  const where = whereOf({ left }, 'attemptTime');
  return [
    `${where}: ${target.name} does not start again what took too long, Kubernetes does: it may run less often`,
  ];
}

function gpuTime({ target, left, gpus = 0 }: RunInput, { runs, time: { amount } }: All): string[] {
  const { gpuSecondsMax } = target.running?.time ?? {};
  const isOver = gpuSecondsMax !== undefined && amount !== undefined && amount > gpuSecondsMax;
  if (!isOver || gpus === 0) return [];
  const where = whereOf({ left }, amount === runs.attemptSecondsMax ? 'attemptTime' : 'jobTime');
  return [
    `${where}: ${target.name} is not sure to give ${amount} s to what has GPUs: more than ${gpuSecondsMax} s may be refused there`,
  ];
}
