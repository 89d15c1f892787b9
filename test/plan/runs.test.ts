// What a manifest says of attempts, time and tasks.
import { describe, expect, test } from 'bun:test';
import { runsIn } from '../../src/plan/runs.ts';
import type { Runs } from '../../src/plan/runs.ts';

const NO_FIELDS = new Map<string, string>();
const INDEX = "metadata.labels['batch.kubernetes.io/job-completion-index']";

const workload = (kind: string, spec: object, pod: object = {}) => {
  const own = { ...spec, template: { spec: pod } };
  const isCron = kind === 'CronJob';
  const template = isCron ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
  const value = { kind, spec: isCron ? { jobTemplate: { spec: own } } : own };
  return { kind, place: { value }, template };
};

const OF_JOB: readonly (readonly [string, object, object, Runs])[] = [
  ['nothing is said of what is silent, not even the six retries of Kubernetes', {}, {}, {}],
  [
    'N retries are N more attempts',
    { backoffLimit: 3 },
    {},
    { retries: 3, retriesBy: 'backoffLimit' },
  ],
  ['none is one attempt', { backoffLimit: 0 }, {}, { retries: 0, retriesBy: 'backoffLimit' }],
  [
    'those of each index count for it alone',
    { backoffLimit: 9, backoffLimitPerIndex: 1 },
    {},
    { retries: 1, retriesBy: 'backoffLimitPerIndex' },
  ],
  ['the policy of a pod of a Job says no number', {}, { restartPolicy: 'OnFailure' }, {}],
  [
    'times of the pod and of all pods are told apart',
    { activeDeadlineSeconds: 900 },
    { activeDeadlineSeconds: 300 },
    { attemptSecondsMax: 300, jobSecondsMax: 900 },
  ],
  ['one completion is what every job has', { completions: 1, parallelism: 4 }, {}, {}],
  [
    'several run one after another, if nothing else is said',
    { completions: 3 },
    {},
    { completions: 3, parallelism: 1 },
  ],
  [
    'more at the same time than there are is all of them',
    { completions: 3, parallelism: 9 },
    {},
    { completions: 3 },
  ],
  [
    'none at the same time is none at all',
    { completions: 3, parallelism: 0 },
    {},
    { completions: 3, parallelism: 0 },
  ],
  ['without a number of completions there are no tasks', { parallelism: 4 }, {}, {}],
  [
    'what is no whole number says nothing',
    { completions: 2.5, backoffLimit: '3', activeDeadlineSeconds: -1 },
    {},
    {},
  ],
];

describe('a Job', () => {
  test.each([...OF_JOB])('%s', (...row) => {
    const [, spec, pod, expected] = row;
    expect(runsIn(workload('Job', spec, pod), NO_FIELDS)).toEqual(expected);
  });
  test('a CronJob says it of each of its Jobs', () => {
    const cron = workload('CronJob', {
      backoffLimit: 2,
      completions: 2,
      completionMode: 'Indexed',
    });
    expect(runsIn(cron, NO_FIELDS)).toEqual({
      retries: 2,
      retriesBy: 'backoffLimit',
      completions: 2,
      parallelism: 1,
      indexAt: ['spec', 'jobTemplate', 'spec', 'completionMode'],
    });
  });
  test('a pod whose index is given is one by itself', () => {
    const job = workload('Job', { completions: 4, parallelism: 2, completionMode: 'Indexed' });
    const runs = runsIn(job, new Map([[INDEX, '3']]));
    expect(runs).toEqual({ indexAt: ['spec', 'completionMode'] });
  });
});

const OF_PODS: readonly (readonly [string, object, Runs])[] = [
  [
    'never again is one attempt',
    { restartPolicy: 'Never' },
    { retries: 0, retriesBy: 'restartPolicy' },
  ],
  ['until it succeeds is no number', { restartPolicy: 'OnFailure' }, {}],
  ['for ever is no number', { restartPolicy: 'Always' }, {}],
  ['silence is no number', {}, {}],
  ['its time is that of an attempt', { activeDeadlineSeconds: 60 }, { attemptSecondsMax: 60 }],
];

describe('a Pod', () => {
  test.each([...OF_PODS])('%s', (_, spec, expected) => {
    const pod = { kind: 'Pod', place: { value: { kind: 'Pod', spec } }, template: [] };
    expect(runsIn(pod, NO_FIELDS)).toEqual(expected);
  });
});
