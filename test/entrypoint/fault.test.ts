import { afterAll, expect, test } from 'bun:test';
import { skipVisibly } from '../support/need.ts';
import { inRoom, missingForRoom, removeBundles } from './_enter.ts';
import type { LoopResult } from './_loops.ts';

const missing = missingForRoom();
if (missing !== undefined) skipVisibly('fault loop', [missing]);
const TIMEOUT_MS = 120_000;
/** Fewer would mean that the pod lost a part of what delivery can do. */
const OPERATIONS_MIN = 250;

for (const strategy of ['mounts', 'links']) {
  for (const errno of ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EMFILE']) {
    test.skipIf(missing !== undefined)(
      `${strategy}: whichever operation fails with ${errno}, all is there or nothing`,
      async () => {
        const seen = await inRoom<LoopResult>('_loops', ['faults', strategy, errno]);
        expect(seen.wrong).toEqual([]);
        expect(seen.operations).toBeGreaterThan(OPERATIONS_MIN);
      },
      TIMEOUT_MS,
    );
  }
  for (const [kind, what] of [
    ['1', 'the first step of undoing'],
    ['2', 'the second step of undoing'],
    ['5', 'the fifth step of undoing'],
    ['all', 'everything after it'],
  ] as const) {
    test.skipIf(missing !== undefined)(
      `${strategy}: where ${what} fails too, the next start delivers as if nothing had been`,
      async () => {
        const seen = await inRoom<LoopResult>('_loops', ['double', strategy, kind]);
        expect(seen.wrong).toEqual([]);
        expect(seen.operations).toBeGreaterThan(OPERATIONS_MIN);
      },
      TIMEOUT_MS,
    );
  }
}

afterAll(removeBundles);
