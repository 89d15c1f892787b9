// `webhook.pull.variables: secret` with real stores: OpenBao, and AWS Secrets Manager by MiniStack,
// which checks signatures. The cluster is in memory.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { annotationsOf } from '../support/flyte-annotations.ts';
import { skipVisibly } from '../support/need.ts';
import { memoryCluster } from '../webhook/_memory-api.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { Answer } from './_hook.ts';
import { openHook } from './_hook.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const bao = await realServer('openbao');
const aws = await realServer('ministack');
const redis = await realServer('redis');
const lacks = [bao.missing, aws.missing].filter((one) => one !== undefined);
if (lacks.length > 0) skipVisibly('variables that the webhook fetches', lacks);

const CANARY = `canary-${crypto.randomUUID()}`;
const ROOT = unique('hook');
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-webhook-variables-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function podOf(secrets: readonly Partial<FlyteSecret>[]): object {
  const containers = [{ name: 'c', image: 'registry.example/only-the-image-knows' }];
  const metadata = { name: 'p', annotations: annotationsOf(secrets) };
  return { kind: 'Pod', metadata, spec: { containers } };
}

interface Asked extends Answer {
  /** What Secrets beside pods hold by now. */
  readonly values: readonly string[];
}

/** A webhook with this identity at the stores; it lives for as many pods as are asked about. */
async function hookOf(
  token: string,
  more: { readonly all?: object; readonly [setting: string]: unknown } = {},
  env: Readonly<Record<string, string>> = {},
) {
  const cluster = memoryCluster();
  const config = path.join(folder, `${unique('b')}.json`);
  const { all: others, ...own } = more;
  const webhook = {
    secretManagerTypes: ['Vault', 'AWS'],
    pull: { image: 'b:1', variables: 'secret' },
    valueSecrets: { namespaces: ['team'] },
    allow: [{ name: 'team', namespaces: ['team'] }],
    ...own,
  };
  const copies = { kind: 'file', folder };
  const stores = { bao: { kind: 'vault' }, sm: { kind: 'aws-secrets-manager' }, copies };
  writeFileSync(config, JSON.stringify({ apiVersion: 'bellhop/v1', stores, webhook, ...others }));
  const variables = { ...bao.env, ...aws.env, ...env, VAULT_TOKEN: token };
  const hooking = { config, canary: CANARY, cache: 'stores', env: variables, cluster } as const;
  const hook = await openHook(hooking);
  const ask = async (secrets: readonly Partial<FlyteSecret>[], dryRun = false): Promise<Asked> => {
    const answer = await hook.ask(podOf(secrets), { namespace: 'team', dryRun });
    const values = [...cluster.objects.values()].flatMap(({ type, data }) => {
      if (type !== 'bellhop/values') return [];
      return Object.values(data as Readonly<Record<string, string>>).map((one) => atob(one));
    });
    return { ...answer, values };
  };
  return { ask, results: hook.results };
}

const ofVault = (key: string) => ({ group: `secret/${ROOT}/db`, key });
const OF_AWS = { group: ROOT, key: 'api' };

describe.skipIf(lacks.length > 0)('the webhook fetches variables, by its own identity', () => {
  const admin = lacks.length > 0 ? undefined : vaultAdmin(bao);
  const put = async (data: object): Promise<void> => {
    await admin?.write(`secret/data/${ROOT}/db`, { data });
  };
  let reader = '';
  beforeAll(async () => {
    await put({ one: `${CANARY}-1`, two: `${CANARY}-2` });
    const at = `secret/data/${ROOT}/*`;
    const policy = await admin?.policy(`path "${at}" { capabilities = ["read"] }`);
    reader = (await admin?.token([policy ?? ''])) ?? '';
    const url = `${aws.get('AWS_ENDPOINT_URL')}/`;
    const target = 'secretsmanager.CreateSecret';
    const body = { Name: `${ROOT}:api`, SecretString: `${CANARY}-aws` };
    await awsCall({ service: 'secretsmanager', url, target, body, key: keyOf(aws) });
  });

  test('of two stores into one Secret; a path is asked for once, however many keys', async () => {
    const { ask, results } = await hookOf(reader);
    const asked = [ofVault('one'), ofVault('two'), { ...OF_AWS, envVar: 'API' }];
    const { allowed, values, patch } = await ask(asked);
    expect([allowed, values]).toEqual([true, [`${CANARY}-1`, `${CANARY}-2`, `${CANARY}-aws`]]);
    expect(patch).toContain('"name":"API"');
    expect(patch).not.toContain('command');
    // Vault says first that it has no mount like this: then it is the next one's.
    expect(results.filter((one) => one === 'miss')).toHaveLength(2);
    const again = await ask(asked);
    expect(again.patch).toBe(patch);
    expect(results.filter((one) => one === 'miss')).toHaveLength(2);
  });

  test('on a dry run: the same pod, and no Secret', async () => {
    const { ask } = await hookOf(reader);
    await ask([ofVault('one')]);
    const dry = await ask([ofVault('two')], true);
    expect([dry.allowed, dry.values]).toEqual([true, [`${CANARY}-1`]]);
  });

  test.each([
    [
      'a key that the path lacks',
      ofVault('three'),
      /Vault: it has no key three; keys there: one, two/,
    ],
    [
      'a path that is not there',
      { group: `secret/${ROOT}/none`, key: 'x' },
      /store bao says that there is none/,
    ],
    [
      'what its policy does not allow',
      { group: 'secret/elsewhere', key: 'x' },
      /Vault: read by the webhook, store bao, .*may not be read: HTTP 403/,
    ],
  ])('denied: %s', async (_, asked, words) => {
    const { ask } = await hookOf(reader, { secretManagerTypes: ['Vault'] });
    const { allowed, message, values } = await ask([asked]);
    expect([allowed, values]).toEqual([false, []]);
    expect(message).toMatch(words);
  });

  test('a value of KV version 1 has a time, and is not lent', async () => {
    const { ask } = await hookOf(bao.get('VAULT_TOKEN'), { secretManagerTypes: ['Vault'] });
    const name = await admin?.mount('mounts', 'kv', { options: { version: '1' } });
    await admin?.write(`${name}/plain`, { a: `${CANARY}-kv1`, ttl: '1h' });
    const { allowed, values } = await ask([{ group: `${name}/plain`, key: 'a' }]);
    expect([allowed, values]).toEqual([true, [`${CANARY}-kv1`]]);
  });

  test.skipIf(redis.missing !== undefined)(
    'what is lent is denied, for it would end before the Secret, and is made no second time',
    async () => {
      const mount = (await admin?.mount('mounts', 'database')) ?? '';
      const { hostname: host, port, password } = new URL(redis.get('REDIS_URL'));
      const plugin = { plugin_name: 'redis-database-plugin', username: 'default', password };
      const config = { ...plugin, host, port: Number(port), allowed_roles: '*' };
      await admin?.write(`${mount}/config/cache`, config);
      const role = { db_name: 'cache', creation_statements: '["+@read"]', default_ttl: '300s' };
      await admin?.write(`${mount}/roles/app`, role);
      const { ask, results } = await hookOf(bao.get('VAULT_TOKEN'));
      const asked = { group: `${mount}/creds/app`, key: 'password' };
      const first = await ask([asked]);
      const { allowed, values, message } = await ask([asked]);
      expect([first.allowed, allowed, values]).toEqual([false, false, []]);
      expect(message).toContain('Vault: its value is only lent');
      expect(results.filter((one) => one === 'hit')).not.toEqual([]);
      await admin?.write(`sys/leases/revoke-prefix/${mount}`);
    },
  );

  test('from a fallback where the store is down; what that lacks is denied', async () => {
    writeFileSync(path.join(folder, 'copies.json'), JSON.stringify({ one: `${CANARY}-copy` }));
    const down = { VAULT_ADDR: 'http://127.0.0.1:1' };
    const all = { policy: { fallback: { bao: [{ store: 'copies', path: 'copies.json' }] } } };
    const { ask } = await hookOf(reader, { secretManagerTypes: ['Vault'], all }, down);
    const there = await ask([ofVault('one')]);
    expect([there.allowed, there.values]).toEqual([true, [`${CANARY}-copy`]]);
    const lacking = await ask([ofVault('two')]);
    expect(lacking.allowed).toBe(false);
    expect(lacking.message).toMatch(/refused.*then copies:copies\.json#two: .*no key two/);
  });

  test('from fallbacks where the store hangs: for all variables of a pod at once, not in turn', async () => {
    using hanging = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: () => undefined },
    });
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) {
      const at = path.join(folder, 'hangs', name);
      mkdirSync(at, { recursive: true });
      writeFileSync(path.join(at, 'k'), `${CANARY}-${name}`);
    }
    const env = { VAULT_ADDR: `http://127.0.0.1:${hanging.port}` };
    const all = { policy: { fallback: { bao: ['copies'] } } };
    const { ask } = await hookOf(reader, { secretManagerTypes: ['Vault'], all }, env);
    const there = await ask(names.map((name) => ({ group: `hangs/${name}`, key: 'k' })));
    expect(there.message).toBe('');
    expect(there.values).toEqual(names.map((name) => `${CANARY}-${name}`));
  });

  test('once the right is given, pods are admitted that were denied, without a new start', async () => {
    const late = unique('late');
    const policy = (can: string): string => {
      return `path "secret/data/${late}" { capabilities = ["${can}"] }`;
    };
    const named = (await admin?.policy(policy('deny'))) ?? '';
    await admin?.write(`secret/data/${late}`, { data: { k: `${CANARY}-late` } });
    const { ask } = await hookOf((await admin?.token([named])) ?? '');
    const asked = { group: `secret/${late}`, key: 'k' };
    expect((await ask([asked])).allowed).toBe(false);
    await admin?.write(`sys/policies/acl/${named}`, { policy: policy('read') });
    expect(await ask([asked])).toMatchObject({ allowed: true, values: [`${CANARY}-late`] });
  });
});
