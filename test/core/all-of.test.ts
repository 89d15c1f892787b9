import { expect, test } from 'bun:test';
import { allOf } from '../../src/core/all-of.ts';

test('gives what all give, in their order', async () => {
  expect(await allOf([Promise.resolve('a'), 2, Promise.resolve(undefined)])).toEqual([
    'a',
    2,
    undefined,
  ]);
});

test('tells the first of the list, whichever fails first', async () => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const early = Promise.reject(new Error('second'));
  const all = allOf([late, early]);
  await early.catch(() => reject(new Error('first')));
  expect(String(await all.catch((error: unknown) => error))).toBe('Error: first');
});
