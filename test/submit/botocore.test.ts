import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Placement } from '../../src/plan/types.ts';
import { prepare } from '../../src/submit/prepare.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { Request } from '../../src/targets/_target.ts';
import { complaints, moto } from './_botocore.ts';
import { COMMAND, inputFor, literal } from './_submission.ts';

const PODS = 25;
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

describe.skipIf(moto.missing !== undefined)('botocore and its service models', () => {
  test('a request over a cap is complained of', async () => {
    const target = (await ALL_TARGETS['sagemaker-training']?.())?.default ?? expect.unreachable();
    const [request] = prepare(inputFor(target, {})).split.requests;
    if (request === undefined) expect.unreachable();
    const over = { ...request, input: { ...request.input, Environment: { A: 'w'.repeat(513) } } };
    const wrong = { ...request, input: { ...request.input, RoleArn: 5 } };
    const [good, long, bad] = await complaints([request, over, wrong]);
    expect([good, long?.length, bad?.length]).toEqual([[], 1, 1]);
  });

  test(`every request of every target is accepted, for ${PODS} random pods each`, async () => {
    const requests: Request[] = [];
    for (const load of Object.values(ALL_TARGETS)) {
      const { default: target } = await load();
      for (const pod of fc.sample(pods, PODS)) {
        const { placements } = pod;
        const given = pod.parameters === undefined ? {} : { parameters: pod.parameters };
        const made = prepare(inputFor(target, { placements, ...given }));
        expect(made.split.breaches).toEqual([]);
        requests.push(...made.split.requests.filter(({ send }) => send.by !== 'command'));
      }
    }
    const said = await complaints(requests);
    expect(said).toHaveLength(requests.length);
    expect(requests.length).toBeGreaterThan(PODS * 5);
    expect(said.flat()).toEqual([]);
  }, 60_000);
});
