import { describe, expect, test } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import { barePlan } from '../../src/plan/bare.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { realIo } from '../support/real-store.ts';

/** What a store of AWS says that is asked where nobody listens. */
async function said(kind: string, env: Record<string, string>, region?: string): Promise<string> {
  let asked = 0;
  const platform = async () => {
    asked += 1;
    return region === undefined ? undefined : { region };
  };
  const io = realIo({ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y', ...env });
  const origin = { name: 'p', namespace: 'n', container: 'c' };
  const stores = { mine: { kind, endpoint: 'http://127.0.0.1:1' } };
  const plan = barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [] });
  const context = { io, objects: [], trace: NO_TRACE, made: new Map(), platform };
  const budget = openBudget(io.clock, 2000);
  const opening = { name: 'mine', budget, attemptsMax: 1, waiting: [] };
  const answers = openStore(plan, context, opening).then(async (store) => {
    return store.fetch([{ path: 'bucket/key' }]);
  });
  const what = await answers.then(
    ([one]) => (one?.kind === 'failed' ? one.problem.message : `${one?.kind}`),
    (error: unknown) => String(error),
  );
  budget.end();
  return `${asked}: ${what}`;
}

describe('a region that no variable says', () => {
  test('is the one that the platform tells', async () => {
    expect(await said('s3', {})).toMatch(/^1: .*no region is known/);
    expect(await said('s3', {}, 'eu-west-1')).toMatch(/^1: .*refused/);
  });
  test('is not looked for where a variable says it', async () => {
    expect(await said('s3', { AWS_REGION: 'us-east-1' }, 'eu-west-1')).toMatch(/^0: .*refused/);
  });
});
