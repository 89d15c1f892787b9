// Waiting that ends; a rejection that nobody has seen would end the process.
import { afterAll, describe, expect, test } from 'bun:test';
import { untilAborted } from '../../src/webhook/until-aborted.ts';

const unhandled: unknown[] = [];
const note = (why: unknown): void => void unhandled.push(why);
process.on('unhandledRejection', note);
afterAll(() => void process.off('unhandledRejection', note));

/** Rejections that nobody has seen are told before it. */
const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work that fails after nobody waits for it any more is nobody’s', () => {
  test.each([
    ['with a signal that was aborted before', true],
    ['with one that is aborted meanwhile', false],
  ])('%s', async (_, isBefore) => {
    const late = new AbortController();
    const { promise: work, reject } = Promise.withResolvers<never>();
    if (isBefore) late.abort();
    const waiting = untilAborted(work, late.signal);
    late.abort();
    expect(await waiting).toBe('late');
    reject(new Error('canary'));
    await nextTurn();
    await nextTurn();
    expect(unhandled).toEqual([]);
  });
});

test('what fails in time is told to who waits', async () => {
  const failing = untilAborted(Promise.reject(new Error('no')), new AbortController().signal);
  expect(await failing.catch((error: unknown) => error)).toEqual(new Error('no'));
});
