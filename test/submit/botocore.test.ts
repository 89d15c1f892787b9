import { describe, expect, test } from 'bun:test';
import { prepare } from '../../src/submit/prepare.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { Request } from '../../src/targets/_target.ts';
import { complaints, moto } from './_botocore.ts';
import { randomRequests } from './_pods.ts';
import { inputFor } from './_submission.ts';

const PODS = 25;

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
      const made = randomRequests(target, PODS);
      requests.push(...made.filter(({ send }) => send.by.startsWith('aws')));
    }
    const said = await complaints(requests);
    expect(said).toHaveLength(requests.length);
    expect(requests.length).toBeGreaterThan(PODS * 5);
    expect(said.flat()).toEqual([]);
  }, 60_000);
});
