// What fuzzing has found to be answered in a way of its own, tried again: test/webhook/fuzz.ts.
import { describe, expect, test } from 'bun:test';
import { bytesOf, ownWords, readCorpus } from './_corpus.ts';
import type { Kept } from './_corpus.ts';
import { judgeAnnotation, judged } from './_fuzzing.ts';
import { WAYS } from './_fuzzing-managers.ts';
import { judgeAgain } from './_fuzzing-again.ts';

const corpus = readCorpus();
const of = (way: Kept['way']): readonly Kept[] => corpus.filter((one) => one.way === way);
const named = (all: readonly Kept[]) => all.map((one) => [one.said, one] as const);

test('there are some of each way', () => {
  for (const way of [...WAYS, 'codec'] as const) expect(of(way).length).toBeGreaterThan(20);
});

describe('annotations', () => {
  test.each(named(of('codec')))('%s', (said, kept) => {
    expect(ownWords(judgeAnnotation(bytesOf(kept).toString()))).toBe(said);
  });
});

describe.each(WAYS)('reviews, decided by %s', (way) => {
  test.each(named(of(way)))('%s', async (said, kept) => {
    const body = bytesOf(kept);
    // Throws where there is no clean answer with the uid.
    const first = await judged(body, way);
    expect(first.outcome === 'refused').toBe(said.startsWith('refused'));
    const second = await judged(body, way);
    expect(second.text).toBe(first.text);
    if (first.outcome === 'patched') await judgeAgain(body, first.text, way);
  });
});
