// Requests for random pods, with names, values and hyperparameters around every cap.
import { expect } from 'bun:test';
import fc from 'fast-check';
import type { Placement } from '../../src/plan/types.ts';
import { prepare } from '../../src/submit/prepare.ts';
import type { Request, Target } from '../../src/targets/_target.ts';
import { COMMAND, inputFor, literal } from './_submission.ts';

const names = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,600}$/),
  fc.constantFrom('my.key', 'a-b', 'AWS_BATCH_X', 'TZ'),
);
const texts = fc.oneof(
  fc.string({ maxLength: 600, unit: 'binary' }),
  fc.constantFrom('w'.repeat(512), 'é'.repeat(512), 'w'.repeat(2500), 'a\nb', ''),
);
const parameters = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 300 }), texts), {
  maxLength: 120,
  selector: ([name]) => name,
});
const pods = fc.record({
  placements: fc
    .array(fc.tuple(names, texts), { maxLength: 200 })
    .map((all): Placement[] => [COMMAND, ...all.map(([name, text]) => literal(name, text))]),
  parameters: parameters.map((all) =>
    all.length === 0 ? undefined : { parameters: all, isInPod: true },
  ),
});

/** All requests of so many pods; none breaks a cap. */
export function randomRequests(target: Target, count: number): readonly Request[] {
  const drawn = fc.sample(pods, { numRuns: count, seed: 20_261_122 });
  return drawn.flatMap(({ placements, parameters: wanted }) => {
    const given = wanted === undefined ? {} : { parameters: wanted };
    const { split } = prepare(inputFor(target, { placements, ...given }));
    expect(split.breaches).toEqual([]);
    return split.requests;
  });
}
