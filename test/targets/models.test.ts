import { describe, expect, test } from 'bun:test';
import { modelCaps, modelsIn, moved, versionOf } from '../../scripts/caps.ts';
import type { ModelFacts } from '../../scripts/caps.ts';
import { PYTHON_ENV, noBotocore } from '../support/botocore.ts';

const caps = await modelCaps();
const missing = await noBotocore();

describe('caps that are read from service models', () => {
  test('name one version of botocore, and a member each', () => {
    expect(versionOf(caps)).toBe('1.44.5');
    expect(caps.length).toBeGreaterThan(50);
    for (const { cap } of caps) expect(cap.source).toContain('botocore 1.44.5');
  });

  test('a number or a pattern that moved is told, with both', () => {
    const [limit] = caps.filter(({ cap }) => cap.kind === 'limit');
    const [form] = caps.filter(({ cap }) => cap.kind === 'form');
    if (limit === undefined || form === undefined) expect.unreachable();
    const facts: ModelFacts = { max: 7, min: 0, pattern: 'x' };
    expect(moved([limit, form], { [limit.model]: facts, [form.model]: facts })).toEqual([
      expect.stringMatching(/: max is 7, the target says \d+$/),
      expect.stringMatching(/: pattern is x, the target says /),
    ]);
    expect(moved([limit], {})).toEqual([expect.stringContaining('the model does not have it')]);
  });

  test.skipIf(missing !== undefined)(
    'are those of that botocore',
    async () => {
      const models = [...new Set(caps.map(({ model }) => model))];
      const { version, members } = await modelsIn(PYTHON_ENV.PYTHONPATH, models);
      expect(version).toBe('1.44.5');
      expect(moved(caps, members)).toEqual([]);
    },
    30_000,
  );
});
