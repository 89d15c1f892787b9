// The rights that `plan -o iam` prints, put into a real OpenBao: they are enough for what the plan
// reads, and for nothing else; `check` is who looks.
import { beforeAll, describe, expect, test } from 'bun:test';
import { rightsDocuments } from '../../src/cli/rights-text.ts';
import { check } from '../../src/entrypoint/check.ts';
import { inputOfPlan } from '../../src/entrypoint/check-input.ts';
import { rightsOf } from '../../src/entrypoint/rights.ts';
import type { Bound, Plan } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { planWith, realIo } from '../support/real-store.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const bao = await realServer('openbao');
const skip = bao.missing !== undefined;
const admin = vaultAdmin(bao);
const CANARY = `canary-${crypto.randomUUID()}`;
const root = unique('rights-test');
const paths = ['db', 'api'].map((name) => `secret/${root}/${name}`);

const bound = (path: string): Bound => ({
  reference: { store: 'v', path, key: 'k' },
  called: path,
});
const planOf = (all: readonly string[], more: Record<string, unknown> = {}): Plan => {
  return planWith(all.map(bound), { v: { kind: 'vault', ...more } }, DEFAULT_POLICY);
};

beforeAll(async () => {
  if (skip) return;
  for (const name of ['db', 'api', 'other']) {
    await admin.write(`secret/data/${root}/${name}`, { data: { k: CANARY } });
  }
});

/** A token that may do what the plan's policy says. */
async function tokenFor(plan: Plan): Promise<string> {
  const { vault = '' } = rightsDocuments(await rightsOf(plan), 'x');
  return admin.token([await admin.policy(vault)]);
}

async function states(plan: Plan, token: string) {
  const io = realIo({ ...bao.env, VAULT_TOKEN: token });
  const { report } = await check(io, inputOfPlan(plan, []));
  expect(JSON.stringify(report)).not.toContain(CANARY);
  return report;
}

describe.skipIf(skip)('the policy of a plan in a real OpenBao', () => {
  test.each([
    ['where the engine is declared', { mounts: { secret: 'kv2' } }],
    ['where the engine has to be found out', {}],
  ])('lets it read everything that it needs, %s', async (_, options) => {
    const plan = planOf(paths, options);
    const report = await states(plan, await tokenFor(plan));
    expect(report.problems).toEqual([]);
    expect(report.references.map(({ state }) => state)).toEqual(['present', 'present']);
  });

  test('and nothing else', async () => {
    const token = await tokenFor(planOf(paths, { mounts: { secret: 'kv2' } }));
    const other = planOf([...paths, `secret/${root}/other`], { mounts: { secret: 'kv2' } });
    const report = await states(other, token);
    expect(report.references.map(({ state }) => state)).toEqual(['present', 'present', 'denied']);
    expect(report.exit).toBe(77);
  });
});
