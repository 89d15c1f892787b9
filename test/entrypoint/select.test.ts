import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { Sealed } from '../../src/core/sealed.ts';
import type { Given } from '../../src/entrypoint/answers.ts';
import { answerKey } from '../../src/entrypoint/answers.ts';
import type { Selected, SelectedAll } from '../../src/entrypoint/select.ts';
import { selectAll, selectValue } from '../../src/entrypoint/select.ts';
import type { Bound } from '../../src/plan/types.ts';
import type { Answer } from '../../src/stores/_store.ts';

const CANARY = 'canary-7f3a';
const sealed = (text: string, binary = false): Sealed =>
  new Sealed(new TextEncoder().encode(text), { binary });
const map = (entries: Record<string, Sealed>): Answer => ({
  kind: 'map',
  entries: new Map(Object.entries(entries)),
});
const value = (text: string): Answer => ({ kind: 'value', value: sealed(text) });

const ANSWERS = new Map<string, Given>(
  Object.entries({
    map: map({
      a: sealed('1'),
      b: sealed(CANARY),
      deep: sealed(`{"x":"${CANARY}","n":1.0}`),
      bin: sealed(CANARY, true),
    }),
    latin: map({ a: sealed(CANARY), b: new Sealed(Uint8Array.of(0xff)) }),
    empty: map({}),
    json: value(`{"a":"one","n":9007199254740993,"o":{"x":"${CANARY}"},"z":null}`),
    text: value(CANARY),
    broken: value(`{"password":"${CANARY}",}`),
    absent: { kind: 'absent', what: 'the store says that it does not exist' } satisfies Answer,
    down: {
      kind: 'failed',
      problem: new BellhopError('BH_ERR_BUG', { where: ['store v'], what: 'is down' }),
    } satisfies Answer,
    many: map(
      Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n + 10}`, sealed(CANARY)])),
    ),
  }).map(([path, answer]) => [
    answerKey({ reference: { store: 'v', path }, called: '' }),
    { answer, level: 0 },
  ]),
);

type Way = { readonly key?: string } & Partial<Omit<Bound, 'reference' | 'called'>>;
const bound = (path: string, { key, ...way }: Way = {}): Bound => ({
  reference: { store: 'v', path, ...(key === undefined ? {} : { key }) },
  called: 'secret s',
  ...way,
});

function told(selected: Selected | SelectedAll): string {
  if (selected === 'absent') return 'absent';
  if (selected instanceof BellhopError) {
    expect(selected.message).not.toContain(CANARY);
    return `${selected.code} ${selected.message}`;
  }
  const open = (one: Sealed): string => new TextDecoder().decode(one.reveal());
  return selected instanceof Sealed
    ? open(selected)
    : [...selected].map(([key, one]) => `${key}=${open(one)}`).join(' ');
}

describe('one value', () => {
  test.each<[string, Way, string]>([
    ['text', {}, CANARY],
    ['map', { key: 'a' }, '1'],
    ['map', { member: 'a' }, '1'],
    ['map', { key: 'deep', member: 'n' }, '1.0'],
    ['json', { key: 'a' }, 'one'],
    ['json', { member: 'n' }, '9007199254740993'],
    ['json', { key: 'o' }, `{"x":"${CANARY}"}`],
    ['json', { key: 'o', member: 'x' }, CANARY],
    ['json', { key: 'z' }, 'null'],
    ['json', {}, `{"a":"one","n":9007199254740993,"o":{"x":"${CANARY}"},"z":null}`],
    [
      'map',
      {},
      'BH_ERR_VALUE secret s, v:map: it is many values, one key must be named; keys there: a, b, bin, deep',
    ],
    [
      'map',
      { member: 'x' },
      'BH_ERR_MISSING secret s, v:map: it has no key x; keys there: a, b, bin, deep',
    ],
    [
      'map',
      { member: 'toString' },
      'BH_ERR_MISSING secret s, v:map: it has no key toString; keys there: a, b, bin, deep',
    ],
    [
      'json',
      { member: '__proto__' },
      'BH_ERR_MISSING secret s, v:json: it has no key __proto__; keys there: a, n, o, z',
    ],
    ['empty', { member: 'x' }, 'BH_ERR_MISSING secret s, v:empty: it has no key x; it has no keys'],
    [
      'many',
      { key: 'x' },
      'BH_ERR_MISSING secret s, v:many#x: it has no key x; keys there: k10, k11, k12, k13, k14, k15, k16, k17, k18, k19, k20, k21, k22, k23, k24, k25, k26, k27, k28, k29 … (30)',
    ],
    [
      'text',
      { key: 'x' },
      'BH_ERR_VALUE secret s, v:text#x: it has no key x: its value is not a JSON object',
    ],
    // A broken value is not an absent one: neither optional nor default covers it.
    [
      'text',
      { member: 'x', optional: true },
      'BH_ERR_VALUE secret s, v:text: it has no key x: its value is not a JSON object',
    ],
    [
      'broken',
      { key: 'password', default: 'd', defaultOn: 'outage' },
      'BH_ERR_VALUE secret s, v:broken#password: it has no key password: its value is not a JSON object',
    ],
    [
      'json',
      { key: 'a', member: 'x', optional: true },
      'BH_ERR_VALUE secret s, v:json#a: it has no key x: its value is not a JSON object',
    ],
    ['map', { member: 'x', optional: true }, 'absent'],
    ['map', { member: 'x', default: 'd' }, 'd'],
    ['map', { member: 'x', optional: true, default: '' }, ''],
    ['absent', {}, 'BH_ERR_MISSING secret s, v:absent: the store says that it does not exist'],
    ['absent', { optional: true }, 'absent'],
    ['absent', { default: 'd' }, 'd'],
    // An outage is not absence: neither optional nor default covers it.
    ['down', { optional: true, default: 'd' }, 'BH_ERR_BUG secret s, v:down, store v: is down'],
    ['map', { member: 'bin' }, CANARY],
    [
      'map',
      { member: 'bin', textOnly: true },
      'BH_ERR_MISSING secret s, v:map: it is not text (binaryData)',
    ],
    ['map', { member: 'bin', textOnly: true, optional: true }, 'absent'],
  ])('%s by %o is %s', (path, way, wanted) => {
    expect(told(selectValue(ANSWERS, bound(path, way)))).toBe(wanted);
  });
});

describe('all keys', () => {
  test.each<[string, Way, string]>([
    ['map', {}, `a=1 b=${CANARY} deep={"x":"${CANARY}","n":1.0} bin=${CANARY}`],
    ['map', { textOnly: true }, `a=1 b=${CANARY} deep={"x":"${CANARY}","n":1.0}`],
    // ConfigMap values that are not UTF-8 count as binaryData.
    ['latin', { textOnly: true }, `a=${CANARY}`],
    ['map', { key: 'deep' }, `x=${CANARY} n=1.0`],
    ['json', { key: 'o' }, `x=${CANARY}`],
    ['empty', {}, ''],
    [
      'text',
      {},
      'BH_ERR_VALUE secret s, v:text: its value is not a JSON object, so it has no keys',
    ],
    [
      'json',
      { key: 'a' },
      'BH_ERR_VALUE secret s, v:json#a: its value is not a JSON object, so it has no keys',
    ],
    ['absent', {}, 'BH_ERR_MISSING secret s, v:absent: the store says that it does not exist'],
    ['absent', { optional: true }, 'absent'],
    ['down', { optional: true }, 'BH_ERR_BUG secret s, v:down, store v: is down'],
  ])('%s by %o is %s', (path, way, wanted) => {
    expect(told(selectAll(ANSWERS, bound(path, way)))).toBe(wanted);
  });
});
