import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import { barePlan } from '../../src/plan/bare.ts';
import type { BundledObject } from '../../src/plan/bundle.ts';
import { bundleDigest, isBundle, printBundle, readBundle } from '../../src/plan/bundle.ts';
import { planDigest, printPlan } from '../../src/plan/document.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';

const origin = { name: 'p', namespace: 'n', container: 'c' };
const plan = barePlan({ origin, stores: {}, policy: DEFAULT_POLICY, placements: [] });
const objects = fc.array(
  fc.record({
    name: fc.string({ maxLength: 8 }),
    namespace: fc.string({ maxLength: 8 }),
    values: fc.array(
      fc.record({
        key: fc.string({ maxLength: 8 }),
        bytes: fc.uint8Array(),
        isBinary: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  }),
  { maxLength: 4 },
);
const CANARY = 'canary-38c1e2';
const SAMPLE: BundledObject = {
  name: 'c',
  namespace: 'n',
  values: [{ key: 'k', bytes: Buffer.from(CANARY), isBinary: false }],
};

function problemOf(bytes: Uint8Array, expected?: string): string {
  try {
    const by = 'BELLHOP_PLAN_DIGEST';
    readBundle(bytes, 'here', expected === undefined ? undefined : { digest: expected, by });
    return 'read';
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    expect(Bun.inspect(error)).not.toContain(CANARY);
    return `${error.code}: ${error.message}`;
  }
}

describe('a bundle', () => {
  test('gives back the plan and every value, byte for byte', () => {
    fc.assert(
      fc.property(objects, (all) => {
        const bytes = printBundle({ plan, objects: all });
        expect(isBundle(bytes)).toBe(true);
        const read = readBundle(bytes, 'here', { digest: bundleDigest(bytes), by: 'its digest' });
        expect(planDigest(read.plan)).toBe(planDigest(plan));
        const back = read.objects.map(({ kind, name, namespace, entries }) => {
          expect(kind).toBe('ConfigMap');
          const values = [...entries].map(([key, value]) => [
            key,
            [...value.reveal()],
            value.binary,
          ]);
          return [name, namespace, values];
        });
        const given = all.map(({ name, namespace, values }) => {
          const last = new Map(values.map((one) => [one.key, one]));
          const kept = [...last.values()].map(({ key, bytes: b, isBinary }) => [
            key,
            [...b],
            isBinary,
          ]);
          return [name, namespace, kept];
        });
        expect(back).toEqual(given as typeof back);
      }),
      { numRuns: 100 },
    );
  });

  test('is the same bytes for the same content', () => {
    const [a, b] = [0, 1].map(() => printBundle({ plan, objects: [SAMPLE] }));
    expect(bundleDigest(a ?? new Uint8Array())).toBe(bundleDigest(b ?? new Uint8Array()));
  });

  test('is told from a plan of its own', () => {
    expect(isBundle(Buffer.from(printPlan(plan)))).toBe(false);
  });

  test('cut off at any byte is refused, and says nothing of what it holds', () => {
    const whole = printBundle({ plan, objects: [SAMPLE] });
    for (let length = 0; length < whole.byteLength; length += 1) {
      expect(problemOf(whole.subarray(0, length))).toStartWith('BH_ERR_PLAN: here: ');
    }
    expect(problemOf(Buffer.concat([whole, Buffer.from('x')]))).toContain('is cut off');
  });

  test('of another digest is refused', () => {
    const whole = printBundle({ plan, objects: [SAMPLE] });
    expect(problemOf(whole, `sha256:${'0'.repeat(64)}`)).toContain('is another bundle');
    const changed = Uint8Array.from(whole);
    changed[whole.byteLength - 1] = 0x21;
    expect(problemOf(changed, bundleDigest(whole))).toContain('is another bundle');
  });

  test('of a version that is not known is refused', () => {
    const text = Buffer.from(printBundle({ plan, objects: [] })).toString();
    const newer = Buffer.from(text.replace('bundle/v1', 'bundle/v9'));
    expect(problemOf(newer)).toContain('a version that this bellhop does not read');
  });
});
