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
    const given = (more: object): Request => ({
      ...request,
      input: { ...request.input, ...more },
    });
    const tag = (Value: string): Request => given({ Tags: [{ Key: 'k', Value }] });
    const wrong = [
      given({ Environment: { A: 'w'.repeat(513) } }),
      given({ RoleArn: 5 }),
      given({ EnableNetworkIsolation: 'no' }),
      given({ StoppingCondition: { MaxRuntimeInSeconds: 0 } }),
      given({ InputDataConfig: [] }),
      given({ RetryStrategy: { MaximumRetryAttempts: 31 } }),
      given({ DebugHookConfig: { S3OutputPath: 'http://b/o' } }),
      given({ OutputDataConfig: { S3OutputPath: 's3://b/o', CompressionType: 'ZIP' } }),
      tag('#'),
    ];
    // Letters, blanks and digits of any script, by the properties of Unicode.
    expect(complaints([request, tag('ü \u3000٣ 語')])).toEqual([[], []]);
    expect(complaints(wrong).map((one) => one.length > 0)).toEqual(wrong.map(() => true));
  });

  test(`every request of every target is accepted, for ${PODS} random pods each`, async () => {
    const requests: Request[] = [];
    for (const load of Object.values(ALL_TARGETS)) {
      const { default: target } = await load();
      const made = randomRequests(target, PODS);
      requests.push(...made.filter(({ send }) => send.by.startsWith('aws')));
    }
    const said = complaints(requests);
    expect(said).toHaveLength(requests.length);
    expect(requests.length).toBeGreaterThan(PODS * 5);
    expect(said.flat()).toEqual([]);
  }, 60_000);
});
