// Profile `flyte`: every recorded answer of Flyte's own webhook (test/golden/flyte).
import { describe, expect, test } from 'bun:test';
import { check } from './_judge.ts';
import { runVector } from './_run.ts';
import { mutateFiles, vectorsOf } from './_vectors.ts';

const FLYTE = { profile: 'flyte' };

describe.each(mutateFiles().map((file) => [file] as const))('%s', (file) => {
  test.each(vectorsOf(file).map((one) => [one.id, one] as const))('%s', async (_, vector) => {
    if (vector.id.endsWith('/empty-prefix')) {
      expect(runVector(vector, FLYTE)).rejects.toThrow('secretEnvVarPrefix');
      return;
    }
    check(vector, await runVector(vector, FLYTE));
  });
});

describe('compat: v1, flytepropeller', () => {
  const vectors = vectorsOf('v1-mutate.json').map((one) => [one.id, one] as const);
  test.each(vectors)('%s', async (_, vector) => {
    const ran = await runVector(vector, { ...FLYTE, compat: 'v1' });
    // What version 1 swallows, so that the pod starts without its secret, is denied.
    if (vector.stand === 'option') expect(ran.decision.kind).toBe('denied');
    else check(vector, ran);
  });
});
