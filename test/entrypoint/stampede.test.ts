import { expect, test } from 'bun:test';
import { NetError } from '../../src/core/io/net-types.ts';
import type { FleetResult } from './_fleet.ts';
import { awsAnswer, awsQuotas, brownout, fleet, references } from './_fleet.ts';

// 1,000 starts in the same moment, on a clock that jumps. The bars are the design's.
const STARTS = 1000;
const SM = { sm: { kind: 'aws-secrets-manager' } };
const SSM = { ssm: { kind: 'aws-ssm' } };
const TEST_MS_MAX = 120_000;

/** The most requests in 10 ms after the first moment, as a share of the fleet. */
function crowd({ byTenMs }: FleetResult): number {
  const later = [...byTenMs].filter(([slot]) => slot > 5).map(([, count]) => count);
  return Math.max(0, ...later) / STARTS;
}

test.each([1, 10, 20])(
  'all have their %p secrets in 5 s under the quotas of AWS Secrets Manager',
  async (count) => {
    const react = awsQuotas();
    const bounds = references('sm', count);
    const result = await fleet({ starts: STARTS, bounds, stores: SM, startMsMax: 5000, react });
    expect(result.failures.slice(0, 3)).toEqual([]);
    expect(result.succeeded).toBe(STARTS);
    console.log(
      `  Secrets Manager, ${count} each: ${result.requests} requests, ${result.lastMs} ms`,
    );
  },
  TEST_MS_MAX,
);

test(
  'all have their 10 parameters in 60 s at 40 requests/s of SSM, by at most 3 x the least',
  async () => {
    const react = awsQuotas();
    const bounds = references('ssm', 10);
    const result = await fleet({ starts: STARTS, bounds, stores: SSM, startMsMax: 60_000, react });
    console.log(`  SSM: ${result.requests} requests, ${Math.round(result.lastMs)} ms`);
    expect(result.failures.slice(0, 3)).toEqual([]);
    expect(result.requests).toBeLessThanOrEqual(3 * STARTS);
    // Nobody comes back together: in no 10 ms more than a fiftieth of the fleet.
    expect(crowd(result)).toBeLessThan(0.02);
  },
  TEST_MS_MAX,
);

test(
  'all have their 10 secrets in 5 s while 30 % of the requests fail or take 2 s',
  async () => {
    const result = await fleet({
      starts: STARTS,
      bounds: references('sm', 10),
      stores: SM,
      startMsMax: 5000,
      react: (request, _, world) => {
        return brownout(world, awsAnswer(request, request.headers['x-amz-target'] ?? ''));
      },
    });
    console.log(`  brownout: ${result.requests} requests, ${Math.round(result.lastMs)} ms`);
    expect(result.failures.slice(0, 3)).toEqual([]);
  },
  TEST_MS_MAX,
);

test.each(['hangs', 'refuses'])(
  'all have their 10 secrets in 5 s while the first store %s and a fallback is declared',
  async (way) => {
    const result = await fleet({
      starts: STARTS,
      bounds: references('sm', 10, 'ssm'),
      stores: { ...SM, ...SSM },
      startMsMax: 5000,
      react: (request) => {
        const target = request.headers['x-amz-target'] ?? '';
        if (target.startsWith('AmazonSSM')) return awsAnswer(request, target);
        return way === 'hangs' ? 'hang' : { afterMs: 1, error: new NetError('refused', '') };
      },
    });
    expect(result.failures.slice(0, 3)).toEqual([]);
    expect(result.lastMs).toBeLessThanOrEqual(5000);
  },
  TEST_MS_MAX,
);
