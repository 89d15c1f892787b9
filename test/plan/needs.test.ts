import { expect, test } from 'bun:test';
import { needsOf } from '../../src/plan/needs.ts';

type Amounts = Readonly<Record<string, string>>;

const needs = (requests: Amounts, limits: Amounts) => {
  const resources = {
    requests: new Map(Object.entries(requests)),
    limits: new Map(Object.entries(limits)),
  };
  return needsOf({ resources, stdin: false, tty: false });
};

const ROWS: readonly (readonly [string, Amounts, Amounts, ReturnType<typeof needs>])[] = [
  [
    'memory is what the program may use: a platform ends what uses more',
    { memory: '1Gi' },
    { memory: '2Gi' },
    { memoryMiB: 2048 },
  ],
  ['without a limit it is what the pod requests', { memory: '1Gi' }, {}, { memoryMiB: 1024 }],
  ['a limit of 0 is none', { memory: '1Gi' }, { memory: '0' }, { memoryMiB: 1024 }],
  ['an amount of 0 asks for nothing', { cpu: '0', memory: '0' }, {}, {}],
  ['cpu is what the program is promised', { cpu: '250m' }, { cpu: '2' }, { cpus: 0.25 }],
  ['a limit alone is a promise', {}, { cpu: '2', memory: '1M' }, { cpus: 2, memoryMiB: 1 }],
];

test.each([...ROWS])('%s', (...row) => {
  const [, requests, limits, expected] = row;
  expect(needs(requests, limits)).toEqual(expected);
});
