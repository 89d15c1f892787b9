// The store `env`: variables on arrival, whatever bytes they have.
import { expect, test } from 'bun:test';
import env from '../../src/stores/env.ts';
import type { Answer, StoreContext } from '../../src/stores/_store.ts';
import { fakeIo } from '../support/fake-io.ts';
import { shown } from '../support/shown.ts';

/** Entries, one character a byte. */
const ENTRIES = [
  'APP_A=1',
  'APP_B=',
  'APP_=own name',
  'APP_A=2',
  'B\xff=no name',
  'B\xfe=no name',
  '\xc3\xa9=\xff\n"=x',
  '=odd',
  'none',
  'STAR*=star',
];

async function ask(...paths: readonly string[]): Promise<readonly Answer[]> {
  const context = { io: fakeIo({ env: ENTRIES }) } as unknown as StoreContext;
  return env.open({}, context).fetch(paths.map((path) => ({ path })));
}

test.each([
  ['APP_A', '2'],
  ['APP_B', ''],
  ['é', '\xff\n"=x'],
  ['B\ufffd', 'absent'],
  ['', 'absent'],
  ['none', 'absent'],
  ['STAR*', 'star'],
  ['APP_*', { A: '2', B: '' }],
  ['NO*', 'absent'],
])('%s', async (path, expected) => {
  expect((await ask(path)).map(shown)).toEqual([expected]);
});

test('`*` is all variables whose names are UTF-8', async () => {
  const [all] = (await ask('*')).map(shown);
  expect(Object.keys(all as object)).toEqual(['APP_A', 'APP_B', 'APP_', 'é', 'STAR*']);
});
