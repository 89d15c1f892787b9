import { afterAll, expect, test } from 'bun:test';
import { skipVisibly } from '../support/need.ts';
import { inRoom, missingForRoom, removeBundles } from './_enter.ts';
import type { LoopResult } from './_loops.ts';

const missing = missingForRoom();
if (missing !== undefined) skipVisibly('fault loop', [missing]);
const TIMEOUT_MS = 300_000;
/** Fewer would mean that the pod lost a part of what delivery can do. */
const OPERATIONS_MIN = 250;

const LOOPS = [
  ...['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EMFILE'].map((errno) => ({
    words: ['faults', errno],
    says: `whichever operation fails with ${errno}, all is there or nothing`,
  })),
  {
    words: ['double', '1'],
    says: 'where undoing fails once too, the next start delivers as if nothing had been',
  },
  {
    words: ['double', 'all'],
    says: 'where all undoing fails too, the next start delivers as if nothing had been',
  },
];

/** Each strategy's loops one after another, both strategies at once. */
const strategies = missing === undefined ? ['mounts', 'links'] : [];
for (const strategy of strategies) {
  let before: Promise<unknown> = Promise.resolve();
  for (const { words, says } of LOOPS) {
    const [loop = '', ...rest] = words;
    const seen = before.then(() => inRoom<LoopResult>('_loops', [loop, strategy, ...rest]));
    before = seen.catch(() => {});
    test(
      `${strategy}: ${says}`,
      async () => {
        const { wrong, operations } = await seen;
        expect(wrong).toEqual([]);
        expect(operations).toBeGreaterThan(OPERATIONS_MIN);
      },
      TIMEOUT_MS,
    );
  }
}

afterAll(removeBundles);
