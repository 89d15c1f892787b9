import { describe, expect, test } from 'bun:test';
import type { Io } from '../../src/core/io/types.ts';
import { spread } from '../../src/entrypoint/spread.ts';
import { fakeIo } from '../support/fake-io.ts';

/** How long a start waits that is given this time and this chance (of 2^32). */
async function waited(written: string | undefined, chance: number): Promise<number> {
  let total = 0;
  const random = (): Uint8Array => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, chance);
    return bytes;
  };
  const after = (ms: number, work: () => void): (() => void) => {
    total += ms;
    queueMicrotask(work);
    return () => undefined;
  };
  const clock = { now: () => 0, monotonicMs: () => 0, after };
  await spread({ ...fakeIo({}), clock, random } as Io, written);
  return total;
}

describe('containers that start together ask at different times', () => {
  test.each([
    ['2000', 2 ** 31, 1000],
    ['2000', 0, 0],
    ['2000', 2 ** 32 - 1, 2000],
    ['3600000', 2 ** 31, 2500],
    ['-5', 2 ** 31, 0],
    ['x', 2 ** 31, 0],
    [undefined, 2 ** 31, 0],
  ])('of %s ms, by the chance %d', async (written, chance, expected) => {
    expect(Math.round(await waited(written, chance))).toBe(expected);
  });
});
