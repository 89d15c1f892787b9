// What a real kubelet gave 190 pods, and those that random pods led to, and what `bellhop run`
// gives: a test per vector and mode. What they come to is kept for docs/parity.md.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { judgeAll, type Verdict } from './judge.ts';
import { keepOffline } from './record.ts';
import { type Base, removeBase } from './rootfs.ts';
import { MODES } from './run.ts';
import { DIST, PARALLEL_MAX, baseFor } from './setting.ts';
import { GOLDEN, LIVE, readVectors } from './vectors.ts';

const ALL_MS_MAX = 600_000;
const vectors = [...readVectors(GOLDEN), ...readVectors(LIVE)];
const made = baseFor('kubelet vectors');

describe.skipIf(made === undefined)('as the kubelet', () => {
  const base = made as Base;
  const verdicts = new Map<string, Verdict>();

  beforeAll(async () => {
    const work = vectors.flatMap((vector) =>
      MODES.map((mode) => ({ vector, court: { base, dist: DIST, mode } })),
    );
    const all = await judgeAll(work, PARALLEL_MAX);
    for (const verdict of all) verdicts.set(`${verdict.mode} ${verdict.vector.id}`, verdict);
    keepOffline(all);
  }, ALL_MS_MAX);

  afterAll(() => removeBase(base));

  describe.each([...MODES])('%s', (mode) => {
    for (const { id, description } of vectors) {
      test(`${id}: ${description}`, () => {
        expect(verdicts.get(`${mode} ${id}`)?.differences).toEqual([]);
      });
    }
  });
});
