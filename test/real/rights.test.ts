// The rights that `plan -o iam` prints, put into a real OpenBao: they are enough for what the plan
// reads, and for nothing else; `check` is who looks.
import { beforeAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { rightsDocuments } from '../../src/cli/rights-text.ts';
import type { CheckReport } from '../../src/entrypoint/check.ts';
import { check } from '../../src/entrypoint/check.ts';
import { inputOfPlan } from '../../src/entrypoint/check-input.ts';
import { rightsOf } from '../../src/entrypoint/rights.ts';
import type { Bound, Plan } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { call, folder } from '../cli/_call.ts';
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

describe.skipIf(skip)('what the store tells beside a value', () => {
  const file = `${folder}/versions-${root}.yaml`;
  beforeAll(() => {
    const env = `{ A: 'v:secret/${root}/db#k' }`;
    const text = `apiVersion: bellhop/v1\nstores: { v: { kind: vault } }\nenv: ${env}\n`;
    writeFileSync(file, text);
  });
  const of = (words: readonly string[]) => call([...words, '-c', file], bao.env);

  test('explain --fetch tells the version; without --fetch nothing is asked', () => {
    const fetched = of(['explain', '--fetch']);
    expect(fetched.out).toMatch(/\nREFERENCE +VERSION\nv:secret\/\S+\/db +1\n/);
    const { references } = JSON.parse(of(['explain', '--fetch', '-o', 'json']).out) as {
      references: unknown;
    };
    expect(references).toEqual([{ reference: `v:secret/${root}/db`, version: '1' }]);
    expect(of(['explain']).out).not.toContain('VERSION');
    expect(fetched.out + fetched.err).not.toContain(CANARY);
  });

  test('check tells version and identity', () => {
    const { code, out } = of(['check', '-o', 'json']);
    const { stores, references } = JSON.parse(out) as CheckReport;
    expect(code).toBe(0);
    expect(references).toMatchObject([{ state: 'present', version: '1' }]);
    expect(stores[0]?.identity).toContain('root');
    expect(out).not.toContain(CANARY);
  });
});
