// Which secrets a platform is left to bring itself: those that it brings in the same shape.
import { expect, test } from 'bun:test';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { StoreOptions } from '../../src/plan/types.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';

const GSM: StoreOptions = { kind: 'gcp-secret-manager', project: 'p' };
const AKV: StoreOptions = { kind: 'azure-key-vault', vault: 'team' };
const RUN = { parent: 'projects/p/locations/r' };
const ID = '/subscriptions/s/identities/one';
const APP = { identity: { type: 'UserAssigned', userAssignedIdentities: { [ID]: {} } } };
const SYSTEM = { identity: { type: 'SystemAssigned' } };
const URL = 'https://team.vault.azure.net/secrets';

interface Row {
  readonly target: string;
  readonly says: string;
  readonly store: StoreOptions;
  readonly reference: { readonly path: string; readonly key?: string; readonly version?: string };
  readonly given: JsonObject;
  readonly from: string | undefined;
}

const run = (says: string, more: Partial<Row>): Row => {
  const reference = { path: 'db' };
  return {
    target: 'cloud-run-job',
    says,
    store: GSM,
    reference,
    given: RUN,
    from: undefined,
    ...more,
  };
};
const app = (says: string, more: Partial<Row>): Row => {
  return { ...run(says, {}), target: 'azure-container-apps-job', store: AKV, given: APP, ...more };
};

const SM: StoreOptions = { kind: 'aws-secrets-manager', region: 'us-east-1' };
const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf';
const PARAMETER = 'arn:aws:ssm:us-east-1:123456789012:parameter/prod/db';
const ID_OF_VERSION = '9d4cb84b-ad69-40c0-a0ab-cead3b967e96';
const ROLE = { executionRoleArn: 'arn:aws:iam::123456789012:role/e' };
const ecs = (says: string, more: Partial<Row>): Row => {
  return { ...run(says, {}), target: 'ecs', store: SM, given: ROLE, ...more };
};

const ROWS: readonly Row[] = [
  ecs('a secret by its ARN', { reference: { path: ARN }, from: ARN }),
  ecs('a stage of it', {
    reference: { path: ARN, version: 'AWSPREVIOUS' },
    from: `${ARN}::AWSPREVIOUS:`,
  }),
  ecs('a version of it', {
    reference: { path: ARN, version: ID_OF_VERSION },
    from: `${ARN}:::${ID_OF_VERSION}`,
  }),
  ecs('one key of it', { reference: { path: ARN, key: 'pass word' }, from: `${ARN}:pass word::` }),
  ecs('one key of a stage', {
    reference: { path: ARN, key: 'k', version: 'S' },
    from: `${ARN}:k:S:`,
  }),
  ecs('a key with a colon is not', { reference: { path: ARN, key: 'a:b' } }),
  ecs('one key of a secret by its name is not', { reference: { path: 'prod/db', key: 'k' } }),
  ecs('a parameter by its ARN', { reference: { path: PARAMETER }, from: PARAMETER }),
  ecs('a version of a parameter is not', { reference: { path: PARAMETER, version: '3' } }),
  ecs('one key of a parameter is not', { reference: { path: PARAMETER, key: 'k' } }),
  ecs('without an execution role it is not', { reference: { path: ARN }, given: {} }),
  {
    ...ecs('one key of it', { reference: { path: ARN, key: 'k' }, from: `${ARN}:k::` }),
    target: 'aws-batch',
    given: { containerProperties: ROLE },
  },
  run('a secret of the same project', { from: 'db/versions/latest' }),
  run('a version', { reference: { path: 'db', version: '7' }, from: 'db/versions/7' }),
  run('a secret of another project', {
    reference: { path: 'projects/q/secrets/db/versions/2' },
    from: 'projects/q/secrets/db/versions/2',
  }),
  run('one key of a secret is not', { reference: { path: 'db', key: 'k' } }),
  run('a regional secret is not', { reference: { path: 'projects/q/locations/l/secrets/db' } }),
  run('a secret of a project that nobody names is not', { store: { kind: 'gcp-secret-manager' } }),
  run('one read as somebody else is not', { store: { ...GSM, auth: { impersonate: 'x' } } }),
  run('another store is not', { store: { kind: 's3' } }),
  app('a secret of the vault', { from: `${ID} ${URL}/db` }),
  app('a version', { reference: { path: 'db', version: 'a1' }, from: `${ID} ${URL}/db/a1` }),
  app('by the identity of the job', { given: SYSTEM, from: `system ${URL}/db` }),
  app('without an identity it is not', { given: {} }),
  app('one key of a secret is not', { reference: { path: 'db', key: 'k' } }),
  app('another store is not', { store: { kind: 's3' } }),
];

test.each(ROWS.map((row) => [`${row.target}: ${row.says}`, row] as const))('%s', async (_, row) => {
  const load = ALL_TARGETS[row.target] ?? expect.unreachable();
  const { default: target } = await load();
  const reference = { store: 'x', ...row.reference };
  const wish = { name: 'DB', reference, store: row.store, given: () => row.given };
  expect(target.secret?.(wish)).toBe(row.from);
});
