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
  const runs = wanted(input);
  const { running = {} } = input.target;
  const retries = retriesOf(input, running, runs);
  const time = timeOf(input, running, runs);
  const tasks = placed(input, running.tasks, runs.completions);
  const parallel = placed(input, running.parallel, runs.parallelism);
  const brought: Readonly<Record<Saying, boolean>> = {
    retries: retries.isThere,
    attemptTime: time.isThere && !time.isShared,
    jobTime: time.isThere,
    completions: tasks.isThere,
    // One task is one at a time.
    parallelism: parallel.isThere || !tasks.isThere,
  };
  const isSeveral = tasks.isThere && runs.completions !== undefined;
  return {
    needs: {
      ...(retries.amount === undefined ? {} : { retries: retries.amount }),
      ...(time.amount === undefined ? {} : { secondsMax: time.amount }),
      ...(time.amount !== undefined && time.isOfAttempt ? { isOfAttempt: true } : {}),
      ...(tasks.amount === undefined ? {} : { tasks: tasks.amount }),
      ...(parallel.amount === undefined ? {} : { parallel: parallel.amount }),
    },
    left: input.left.filter(({ says }) => says === undefined || !brought[says]),
    hints: [
      ...nearlyRetries(input, { amount: retries.amount, isSeveral }),
      ...nearlyTime(input, { runs, amount: time.amount, isSeveral }),
    ],
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

/** The shorter of both times ends nothing that Kubernetes would have let run. */
function timeOf(
  input: RunInput,
  { time: field }: Running,
  runs: Runs,
): Placed & { readonly isOfAttempt: boolean; readonly isShared: boolean } {
  const isShared = field?.shared !== undefined && isGiven(input, field.shared);
  const { jobSecondsMax } = runs;
  const attemptSecondsMax = isShared ? undefined : runs.attemptSecondsMax;
  const said = [attemptSecondsMax, jobSecondsMax].filter((one) => one !== undefined);
  const amount = said.length === 0 ? undefined : Math.min(...said);
  const isOfAttempt = field?.of === 'attempt' && amount === attemptSecondsMax;
  const own = placed(input, field, amount);
  return { ...own, isOfAttempt, isShared: isShared && own.amount !== undefined };
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

function whereOf({ left }: RunInput, says: Saying): string {
  return left.find((one) => one.says === says)?.where ?? '';
}

const OF_EACH = 'backoffLimitPerIndex';

function nearlyRetries(
  input: RunInput,
  { amount = 0, isSeveral }: { readonly amount: number | undefined; readonly isSeveral: boolean },
): string[] {
  if (amount === 0 || !isSeveral || input.runs.retriesBy === OF_EACH) return [];
  const where = whereOf(input, 'retries');
  return [
    `${where}: ${input.target.name} counts the failures of each task, Kubernetes those of all together: it may start them more often`,
  ];
}

function nearlyTime(
  input: RunInput,
  of: { readonly runs: Runs; readonly amount: number | undefined; readonly isSeveral: boolean },
): string[] {
  const { runs, amount, isSeveral } = of;
  const isOfEach = input.target.running?.time?.of === 'attempt';
  const isSaid = amount !== undefined && runs.jobSecondsMax !== undefined;
  if (!isSaid || !isOfEach || (runs.retries === 0 && !isSeveral)) return [];
  const where = whereOf(input, 'jobTime');
  return [
    `${where}: ${input.target.name} limits each attempt of each task, Kubernetes all of them together: the job may take longer`,
  ];
}
