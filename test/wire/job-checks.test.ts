// What no cluster takes of a Job is refused, and what one takes is not: k8s.io/kubernetes v1.33.13
// pkg/apis/batch/validation.
import { expect, test } from 'bun:test';
import { podOf, readDeclaration } from '../../src/plan/declaration.ts';

/** What is wrong with a Job or CronJob of this spec and this pod. */
function wrongWith(kind: 'Job' | 'CronJob', spec: object, pod: object = {}): string[] {
  const containers = [{ name: 'c', image: 'i:1', command: ['python', 'train.py'] }];
  const template = { spec: { restartPolicy: 'Never', containers, ...pod } };
  const job = { ...spec, template };
  const value = {
    apiVersion: 'batch/v1',
    kind,
    metadata: { name: 'j' },
    spec: kind === 'Job' ? job : { schedule: '@daily', jobTemplate: { spec: job } },
  };
  const source = { name: 'job.yaml', locate: () => ({ line: 1, column: 1 }) };
  const { workloads } = readDeclaration([{ value, source }]);
  const [workload = expect.unreachable()] = workloads;
  podOf(workload);
  return workload.place.problems.map(({ code, where, what }) => {
    return `${code} ${where.at(-1)}: ${what}`;
  });
}

const INDEXED = { completionMode: 'Indexed', completions: 3 };
const RANGE = 'must be between 0 and 2147483647';
const NUMBER = 'must be a whole number';
const PER_INDEX = 'backoffLimitPerIndex';

const REFUSED: readonly (readonly [object, object, string])[] = [
  [{ completionMode: 'indexed' }, {}, 'spec.completionMode: must be one of NonIndexed, Indexed'],
  [{ completionMode: '' }, {}, 'spec.completionMode: must be one of NonIndexed, Indexed'],
  [{ completionMode: true }, {}, 'spec.completionMode: must be a string, is a boolean'],
  [
    { completionMode: 'Indexed' },
    {},
    'spec: completions is required when completion mode is Indexed',
  ],
  [
    { completionMode: 'Indexed', completions: null },
    {},
    'spec: completions is required when completion mode is Indexed',
  ],
  [
    { ...INDEXED, parallelism: 100_001 },
    {},
    'spec.parallelism: must be less than or equal to 100000 when completion mode is Indexed',
  ],
  [{ [PER_INDEX]: 1 }, {}, `spec.${PER_INDEX}: requires indexed completion mode`],
  [
    { [PER_INDEX]: 0, completionMode: 'NonIndexed' },
    {},
    `spec.${PER_INDEX}: requires indexed completion mode`,
  ],
  [
    { ...INDEXED, completions: 200_000, [PER_INDEX]: 1, maxFailedIndexes: 100_001 },
    {},
    'spec.maxFailedIndexes: must be less than or equal to 100000',
  ],
  [
    { ...INDEXED, maxFailedIndexes: 1 },
    {},
    'spec: backoffLimitPerIndex is required when maxFailedIndexes is specified',
  ],
  [
    { ...INDEXED, [PER_INDEX]: 1, maxFailedIndexes: 4 },
    {},
    'spec.maxFailedIndexes: must be less than or equal to completions',
  ],
  [{}, { restartPolicy: 'Always' }, 'restartPolicy: must be one of OnFailure, Never'],
  [{}, { restartPolicy: 'Bogus' }, 'restartPolicy: must be one of OnFailure, Never'],
  [{}, { restartPolicy: 1 }, 'restartPolicy: must be a string, is a number'],
  ...['backoffLimit', 'completions', 'parallelism', 'ttlSecondsAfterFinished'].flatMap((name) => {
    return [
      [{ [name]: '3' }, {}, `spec.${name}: ${NUMBER}, is a string`],
      [{ [name]: 1.5 }, {}, `spec.${name}: ${NUMBER}`],
      [{ [name]: -1 }, {}, `spec.${name}: ${RANGE}`],
      [{ [name]: 2 ** 31 }, {}, `spec.${name}: ${RANGE}`],
    ] as const;
  }),
  [{ activeDeadlineSeconds: -1 }, {}, 'spec.activeDeadlineSeconds: must be between 0 and'],
  [{ activeDeadlineSeconds: '60' }, {}, `spec.activeDeadlineSeconds: ${NUMBER}, is a string`],
  [{}, { activeDeadlineSeconds: 0 }, 'activeDeadlineSeconds: must be between 1 and 2147483647'],
  [{}, { activeDeadlineSeconds: '60' }, `activeDeadlineSeconds: ${NUMBER}, is a string`],
];

test.each([...REFUSED])('%j with a pod of %j is refused', (spec, pod, wanted) => {
  const [problem, ...more] = wrongWith('Job', spec, pod);
  expect([problem, more]).toEqual([expect.stringContaining(wanted), []]);
  expect(problem).toStartWith('BH_ERR_POD_INVALID spec');
  const ofCron = wrongWith('CronJob', spec, pod);
  expect(ofCron).toEqual([expect.stringContaining(`spec.jobTemplate.spec`)]);
});

const TAKEN: readonly (readonly [object, object])[] = [
  [{}, {}],
  [{}, { restartPolicy: 'OnFailure' }],
  [{ completionMode: null, completions: null, backoffLimit: null }, {}],
  [{ completionMode: 'NonIndexed' }, {}],
  [INDEXED, { restartPolicy: 'OnFailure' }],
  [{ ...INDEXED, [PER_INDEX]: 1 }, { restartPolicy: 'OnFailure' }],
  [{ ...INDEXED, completions: 0 }, {}],
  [{ ...INDEXED, [PER_INDEX]: 0, maxFailedIndexes: 3 }, {}],
  [{ backoffLimit: 0, parallelism: 0, completions: 0, activeDeadlineSeconds: 0 }, {}],
  [{ backoffLimit: 2 ** 31 - 1, activeDeadlineSeconds: 2 ** 31 }, {}],
  [{ parallelism: 100_001 }, {}],
  [{ newer: 'x' }, { activeDeadlineSeconds: 1 }],
];

test.each([...TAKEN])('%j with a pod of %j is taken', (spec, pod) => {
  expect(wrongWith('Job', spec, pod)).toEqual([]);
});

test('all at once', () => {
  const spec = { completionMode: 'indexed', backoffLimit: '3', parallelism: -1 };
  expect(wrongWith('Job', spec, { restartPolicy: 'Always' })).toHaveLength(4);
});
