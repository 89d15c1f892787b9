// What a snapshot takes along of a plan: enough for reasons, and never a literal.
import { describe, expect, test } from 'bun:test';
import { declaredOf } from '../../src/parity/declared.ts';
import { diff } from '../../src/parity/diff.ts';
import type { Declared, Snapshot } from '../../src/parity/types.ts';
import { planText, podText } from '../support/manifest.ts';
import { PROCESS, snapshot, value, variables } from './_snapshots.ts';

const FIELDS = { 'status.podIP': '10.0.0.1' };
const IP = '{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}';

function declared(container: string, more: Parameters<typeof planText>[1] = {}): Declared {
  const { plan, problems } = planText(podText(`image: i, ${container}`), {
    fields: FIELDS,
    ...more,
  });
  expect(problems).toEqual([]);
  return declaredOf(plan);
}

describe('no literal of the manifest is told', () => {
  const CANARY = 'kanarie-zQx7zQx7-7741';
  test.each([
    ['of a variable', `env: [{name: A, value: ${CANARY}}]`],
    [
      'around a reference to another variable',
      `env: [{name: A, value: x}, {name: B, value: "db://u:${CANARY}@$(A)/$$(A)"}]`,
    ],
    ['of an argument', `env: [{name: A, value: "$é"}], args: ["--key=${CANARY}", "é$é $(A)"]`],
  ])('%s', (_, container) => {
    expect(JSON.stringify(declared(container))).not.toContain(CANARY);
  });

  test('but the names that it refers to are', () => {
    const { variables: all } = declared(
      'env: [{name: A, value: x}, {name: B, value: "a$(A)$(C)"}]',
    );
    expect(all.map(({ from }) => from)).toEqual(['literal', 'literal with $(A) and $(C)']);
  });
});

describe('which arguments the cluster or an old kubelet decides', () => {
  const marks = (container: string, more: object = {}): unknown =>
    declared(container, more).arguments;

  test.each<[string, string, unknown]>([
    ['none, where nothing says so', 'command: [a], args: ["$(IP)"]', []],
    [
      'one that refers to a field of the cluster',
      `env: [${IP}], command: [a], args: ["$(IP)", b]`,
      [{ fromLast: 1, isClusters: true }],
    ],
    [
      'one that does so by another variable',
      `env: [${IP}, {name: U, value: "http://$(IP)"}], command: [a, "$(U)"]`,
      [{ fromLast: 0, isClusters: true }],
    ],
    ['one with an odd dollar', 'args: ["$é", b, c]', [{ fromLast: 2, hasOddDollar: true }]],
    [
      'one that refers to a variable with an odd dollar',
      'env: [{name: O, value: "$é"}, {name: P, value: "$(O)"}], args: ["$(P)"]',
      [{ fromLast: 0, hasOddDollar: true }],
    ],
  ])('%s', (_, container, expected) => {
    expect(marks(container)).toEqual(expected);
  });

  test('never one of the image: it is not expanded', () => {
    const image = { entrypoint: ['a', '$(IP)'], cmd: ['$é'] };
    expect(marks(`env: [${IP}]`, { image })).toEqual([]);
    expect(marks(`env: [${IP}], args: ["$(IP)"]`, { image })).toEqual([
      { fromLast: 0, isClusters: true },
    ]);
  });
});

describe('of the arguments', () => {
  const plan = declared(`env: [${IP}], command: [a, "$é", "$(IP)", "--lr=1"]`);
  const started = (...argv: string[]): Snapshot => ({
    ...snapshot({ process: { argv: argv.map(value), env: PROCESS.env } }),
    plan,
  });
  const here = started('a', '$é', '10.0.0.1', '--lr=1');
  const told = (other: Snapshot): string[] =>
    diff(here, other).differences.map(({ name, rule, group }) => `${name} ${rule ?? group}`);

  test.each<[string, Snapshot, string[]]>([
    [
      'only those that the plan marks are explained',
      started('a', '$Ã', '10.9.9.9', '--lr=2'),
      ['1 odd-dollar', '2 cluster-fields', '3 must-not-differ'],
    ],
    [
      'none is where one side has more of them',
      started('a', '$é', '10.0.0.1', '--lr=1', 'x'),
      ['4 must-not-differ'],
    ],
  ])('%s', (_, other, expected) => {
    expect(told(other)).toEqual(expected);
  });

  test('the plan may have a recorder in front of the program', () => {
    const argv = ['bellhop', 'snapshot', '--', 'a'].map((one) => `"${one}"`).join(', ');
    const recorded = declared(`env: [${IP}], command: [${argv}], args: ["$(IP)", b]`);
    const [one, other] = [started('a', '10.0.0.1', 'b'), started('a', '10.9.9.9', 'c')];
    const found = diff({ ...one, plan: recorded }, { ...other, plan: recorded }).differences;
    expect(found.map(({ rule }) => rule)).toEqual(['cluster-fields', undefined]);
  });

  test('a variable that refers to one with an odd dollar is explained as that one is', () => {
    const odd = declared('env: [{name: O, value: "$é"}, {name: P, value: "x$(O)"}]');
    const one = { ...snapshot({ process: { env: variables({ P: 'x$é' }) } }), plan: odd };
    const other = snapshot({ process: { env: variables({ P: 'x$Ã' }) } });
    expect(diff(one, other).differences.map(({ rule }) => rule)).toEqual(['odd-dollar']);
  });
});
