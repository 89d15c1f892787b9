import { afterAll, expect, test } from 'bun:test';
import { skipVisibly } from '../support/need.ts';
import type { CaseResult } from './_case-kit.ts';
import { inRoom, missingForRoom, removeBundles } from './_enter.ts';

const missing = missingForRoom();
if (missing !== undefined) skipVisibly('restarts and attacks', [missing]);

const strategies = missing === undefined ? ['mounts', 'links'] : [];
const rooms = await Promise.all(
  strategies.map(async (strategy) => {
    return { strategy, results: await inRoom<CaseResult[]>('_cases', [strategy]) };
  }),
);

for (const { strategy, results } of rooms) {
  for (const { name, wrong } of results) {
    test(`${strategy}: ${name}`, () => {
      expect(wrong).toEqual([]);
    });
  }
}

afterAll(removeBundles);
