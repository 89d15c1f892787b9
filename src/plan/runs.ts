import { isRecord, nodeAt } from '../wire/read.ts';
import { givenIndex } from './completion-index.ts';
import type { Path } from '../wire/read.ts';

// How often, how long and how many times a manifest lets its program run: batch/v1 and core/v1 of
// k8s.io/api v0.33.13. What it does not say stays as the platform has it; a Job that says how many
// pods it has runs them one after another, where it does not say otherwise
// (k8s.io/kubernetes v1.33.13 pkg/apis/batch/v1/defaults.go).

/** What the manifest says; a member is absent where it says nothing. */
export interface Runs {
  /** How often a program that failed is started again. */
  readonly retries?: number;
  /** The field that says so; `backoffLimitPerIndex` counts for each task, others for all. */
  readonly retriesBy?: 'restartPolicy' | 'backoffLimit' | 'backoffLimitPerIndex';
  /** Seconds that one pod may take. */
  readonly attemptSecondsMax?: number;
  /** Seconds that all pods of the Job may take together. */
  readonly jobSecondsMax?: number;
  /** How many pods have to succeed, where that is more than one. */
  readonly completions?: number;
  /** How many of them run at the same time, where those are fewer; 0 where none is started. */
  readonly parallelism?: number;
  /** Where it says that each of them has an index. */
  readonly indexAt?: Path;
}

/** What runs pods, as far as it matters here. */
interface Runner {
  readonly kind: string;
  readonly place: { readonly value: unknown };
}

/** Where the Job's own fields stand in a document; undefined where nothing of it is a Job. */
export function jobPathOf({ kind }: Pick<Runner, 'kind'>): Path | undefined {
  if (kind === 'Job') return ['spec'];
  return kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec'] : undefined;
}

/** What a workload says, with the pod or template in it. Pure. */
export function runsOf(workload: Runner, template: unknown): Runs {
  const path = jobPathOf(workload);
  const attemptSecondsMax = above(0, nodeAt(template, ['spec', 'activeDeadlineSeconds']));
  const ofPod = attemptSecondsMax === undefined ? {} : { attemptSecondsMax };
  if (path !== undefined) return { ...ofPod, ...ofJob(nodeAt(workload.place.value, path), path) };
  // What is to run for ever, or until it succeeds, is nothing that a job on a platform can be told.
  const isOnce = nodeAt(template, ['spec', 'restartPolicy']) === 'Never';
  return { ...ofPod, ...(isOnce ? { retries: 0, retriesBy: 'restartPolicy' } : {}) };
}

/** The same of a document; a pod whose index is given with the fields is one by itself. */
export function runsIn(
  workload: Runner & { readonly template: Path },
  fields: ReadonlyMap<string, string>,
): Runs {
  const runs = runsOf(workload, nodeAt(workload.place.value, workload.template));
  if (runs.indexAt === undefined || givenIndex(fields) === undefined) return runs;
  const { completions: _, parallelism: __, ...alone } = runs;
  return alone;
}

function ofJob(written: unknown, path: Path): Runs {
  const spec = isRecord(written) ? written : {};
  const ofEach = above(-1, spec['backoffLimitPerIndex']);
  const retries = ofEach ?? above(-1, spec['backoffLimit']);
  const retriesBy = ofEach === undefined ? 'backoffLimit' : 'backoffLimitPerIndex';
  const jobSecondsMax = above(0, spec['activeDeadlineSeconds']);
  const completions = above(1, spec['completions']);
  const parallelism = above(-1, spec['parallelism']) ?? 1;
  const isFewer = completions !== undefined && parallelism < completions;
  return {
    ...(retries === undefined ? {} : { retries, retriesBy }),
    ...(jobSecondsMax === undefined ? {} : { jobSecondsMax }),
    ...(completions === undefined ? {} : { completions }),
    ...(isFewer ? { parallelism } : {}),
    ...(spec['completionMode'] === 'Indexed' ? { indexAt: [...path, 'completionMode'] } : {}),
  };
}

function above(least: number, written: unknown): number | undefined {
  const isOne = typeof written === 'number' && Number.isSafeInteger(written) && written > least;
  return isOne ? written : undefined;
}
