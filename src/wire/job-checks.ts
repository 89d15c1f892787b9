import type { At } from './read.ts';
import { complain, integer, member, record, text } from './read.ts';

// What the API server refuses in a Job: k8s.io/kubernetes v1.33.13
// pkg/apis/batch/validation/validation.go (validateJobSpec), and what its fields can hold:
// k8s.io/api v0.33.13 batch/v1. A Job that no cluster takes must not start elsewhere.

const INT32 = { min: 0, max: 2 ** 31 - 1 };
/** Of int64 as much as is exact here. */
const INT64 = { min: 0, max: Number.MAX_SAFE_INTEGER };
/** Of an Indexed Job: maxParallelismForIndexedJob, maxFailedIndexesForIndexedJob. */
const INDEXED_MAX = 100_000;

/** The numbers of a Job's spec; 0 is a number for each of them. */
const NUMBERS = {
  parallelism: INT32,
  completions: INT32,
  activeDeadlineSeconds: INT64,
  backoffLimit: INT32,
  backoffLimitPerIndex: INT32,
  maxFailedIndexes: INT32,
  ttlSecondsAfterFinished: INT32,
} as const;
type Numbers = Partial<Record<keyof typeof NUMBERS, number>>;

/** Complains of what no Job can say of attempts, time and tasks; `at` is its spec. */
export function checkJob(at: At | undefined): void {
  if (record(at) === undefined || at === undefined) return;
  const numbers = numbersOf(at);
  checkMode(at, numbers);
  checkPod(at);
}

function numbersOf(at: At): Numbers {
  const read: Numbers = {};
  for (const name of Object.keys(NUMBERS) as (keyof Numbers)[]) {
    const number = integer(member(at, name), NUMBERS[name]);
    if (number !== undefined) read[name] = number;
  }
  return read;
}

const MODES = ['NonIndexed', 'Indexed'];

function checkMode(at: At, numbers: Numbers): void {
  const mode = member(at, 'completionMode');
  const written = text(mode);
  if (mode !== undefined && written !== undefined && !MODES.includes(written)) {
    complain(mode, `must be one of ${MODES.join(', ')}`);
  }
  if (mode?.value === 'Indexed') checkIndexed(at, numbers);
  else if (mode === undefined || written === 'NonIndexed') checkUnindexed(at);
  const failed = member(at, 'maxFailedIndexes');
  if (failed !== undefined && member(at, 'backoffLimitPerIndex') === undefined) {
    complain(at, 'backoffLimitPerIndex is required when maxFailedIndexes is specified');
  }
}

function checkIndexed(at: At, numbers: Numbers): void {
  const { completions, parallelism = 0, maxFailedIndexes = 0 } = numbers;
  if (member(at, 'completions') === undefined) {
    complain(at, 'completions is required when completion mode is Indexed');
  }
  if (parallelism > INDEXED_MAX) {
    const what = `must be less than or equal to ${INDEXED_MAX} when completion mode is Indexed`;
    complain(member(at, 'parallelism') ?? at, what);
  }
  const failed = member(at, 'maxFailedIndexes') ?? at;
  if (completions !== undefined && maxFailedIndexes > completions) {
    complain(failed, 'must be less than or equal to completions');
  }
  if (maxFailedIndexes > INDEXED_MAX)
    complain(failed, `must be less than or equal to ${INDEXED_MAX}`);
}

function checkUnindexed(at: At): void {
  for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes']) {
    const one = member(at, name);
    if (one !== undefined) complain(one, 'requires indexed completion mode');
  }
}

const POLICIES = ['OnFailure', 'Never'];

/**
 * Kubernetes also refuses a Job without a restartPolicy; it is let pass here, because nothing that
 * is delivered hangs on it.
 */
function checkPod(at: At): void {
  const template = member(at, 'template');
  const spec = template === undefined ? undefined : member(template, 'spec');
  if (spec === undefined) return;
  // An empty one is an absent one.
  const policy = member(spec, 'restartPolicy');
  const written = text(policy) ?? '';
  if (policy !== undefined && written !== '' && !POLICIES.includes(written)) {
    complain(policy, `must be one of ${POLICIES.join(', ')}`);
  }
  integer(member(spec, 'activeDeadlineSeconds'), { ...INT32, min: 1 });
}
