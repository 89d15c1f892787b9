import { expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import { leaseProblem } from '../../src/entrypoint/leases.ts';
import { oneOf } from '../../src/entrypoint/select.ts';
import type { Policy } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { planWith } from '../support/real-store.ts';

const reference = { store: 'v', path: 'database/creds/app' };

function told(leaseMs: number | undefined, policy: Partial<Policy>): string {
  const facts = leaseMs === undefined ? {} : { facts: { leaseMs } };
  const answer = { kind: 'value' as const, value: new Sealed(Buffer.from('canary')), ...facts };
  const plan = planWith([], {}, { ...DEFAULT_POLICY, ...policy });
  const problem = leaseProblem(plan, reference, answer);
  return problem === undefined ? 'fine' : `${problem.code} ${problem.message}`;
}

test.each([
  [3600_000, { jobSecondsMax: 3600 }, 'fine'],
  [undefined, { jobSecondsMax: 3600 }, 'fine'],
  [1000, {}, 'fine'],
  [1000, { jobSecondsMax: 3600, shortLease: 'allow' as const }, 'fine'],
  [0, {}, 'fine'],
  [
    0,
    { jobSecondsMax: 3600 },
    'BH_ERR_LEASE store v: is lent, for no time or for one that the store does not say, and the job may take 3600 s',
  ],
  [
    3_599_999,
    { jobSecondsMax: 3600 },
    'BH_ERR_LEASE store v: is lent for 3599 s, and the job may take 3600 s',
  ],
])('a lease of %p ms under %p: %s', (leaseMs, policy, wanted) => {
  expect(told(leaseMs, policy)).toBe(wanted);
});

test('the report names the reference once', () => {
  const plan = planWith([], {}, { ...DEFAULT_POLICY, jobSecondsMax: 10 });
  const value = new Sealed(Buffer.from('canary'));
  const problem = leaseProblem(plan, reference, { kind: 'value', value, facts: { leaseMs: 1000 } });
  expect(problem).toBeDefined();
  if (problem === undefined) return;
  const bound = { reference, called: 'lent' };
  const given = { answer: { kind: 'failed' as const, problem }, level: 0 };
  expect(oneOf(given, bound)).toMatchObject({
    message: `lent, v:database/creds/app, ${problem.message}`,
    where: ['lent', 'v:database/creds/app', 'store v'],
  });
});

test('an absent value has no lease', () => {
  const plan = planWith([], {}, { ...DEFAULT_POLICY, jobSecondsMax: 1 });
  expect(leaseProblem(plan, reference, { kind: 'absent', what: 'none' })).toBeUndefined();
});
