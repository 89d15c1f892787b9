import { afterAll, expect, test } from 'bun:test';
import { skipVisibly } from '../support/need.ts';
import { inRoom, missingForRoom, removeBundles } from './_enter.ts';
import type { LoopResult } from './_loops.ts';

const missing = missingForRoom();
if (missing !== undefined) skipVisibly('kill loop', [missing]);
const TIMEOUT_MS = 300_000;
const OPERATIONS_MIN = 250;

const loops =
  missing === undefined
    ? ['mounts', 'links'].map((strategy) => ({
        strategy,
        seen: inRoom<LoopResult>('_loops', ['kills', strategy, '1', '1']),
      }))
    : [];

for (const { strategy, seen } of loops) {
  test(
    `${strategy}: after SIGKILL at any operation the next start delivers all and leaves no trace`,
    async () => {
      const { wrong, operations } = await seen;
      expect(wrong).toEqual([]);
      expect(operations).toBeGreaterThan(OPERATIONS_MIN);
    },
    TIMEOUT_MS,
  );
}

afterAll(removeBundles);
