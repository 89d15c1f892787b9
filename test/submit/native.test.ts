// Which references of a plan are left to the platform, and what the plan has in their place.
import { expect, test } from 'bun:test';
import { barePlan } from '../../src/plan/bare.ts';
import type { Bound, Placement } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { nativeSecrets } from '../../src/submit/native.ts';
import ecs from '../../src/targets/ecs.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf';
const ROLE = { executionRoleArn: 'arn:aws:iam::123456789012:role/e' };

function natively(bound: Omit<Bound, 'called'>, keys: boolean) {
  const own: Bound = { called: 'secret db', ...bound };
  const source = { kind: 'value', bound: own } as const;
  const rule = 'spec.containers[0].env[0]';
  const one: Placement = { kind: 'variable', layer: 'env', name: 'DB', source, rule };
  const origin = { name: 'p', namespace: 'ns', container: 'c' };
  const stores = { sm: { kind: 'aws-secrets-manager', region: 'us-east-1' } };
  const plan = barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [one] });
  const of = { given: () => ROLE, allows: () => true, keys };
  const { plan: made, secrets } = nativeSecrets(plan, ecs, of);
  return { from: secrets.map((secret) => secret.from), placements: made.placements };
}

const sm = (more: object = {}) => ({ store: 'sm', path: ARN, ...more });

test.each([
  ['a whole secret', { reference: sm() }, false, [ARN]],
  ['a version of it', { reference: sm({ version: 'S' }) }, false, [`${ARN}::S:`]],
  ['one key of it', { reference: sm({ key: 'k' }) }, false, []],
  ['a key of the Secret that it stands for', { reference: sm(), member: 'k' }, false, []],
  ['one key of it, asked for', { reference: sm({ key: 'k' }) }, true, [`${ARN}:k::`]],
  ['a key of the Secret, asked for', { reference: sm(), member: 'k' }, true, [`${ARN}:k::`]],
  ['a key of a key', { reference: sm({ key: 'k' }), member: 'l' }, true, []],
  ['what may be missing', { reference: sm(), optional: true }, true, []],
] as const)('%s: %j, keys %j', (...row) => {
  const [, bound, keys, from] = row;
  const made = natively(bound, keys);
  expect(made.from).toEqual([...from]);
  const [placement] = made.placements;
  const source = placement?.kind === 'variable' ? placement.source : expect.unreachable();
  const own = { reference: { store: 'platform', path: 'DB' }, called: 'secret db' };
  const kept = { called: 'secret db', ...bound };
  expect(source).toEqual({ kind: 'value', bound: from.length === 0 ? kept : own } as never);
});
