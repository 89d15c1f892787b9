// Values that Embedded keeps are forgotten when Flyte's secret service says so: the real process,
// and a store of AWS whose value changes.
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { awsCall, keyOf } from '../real/_aws-call.ts';
import { realServer } from '../real/_servers.ts';
import { CANARY, call, folder } from './_call.ts';
import type { Hook } from './_hook.ts';
import { startHook } from './_hook.ts';

const moto = await realServer('moto');
const PROJECT = `p-${crypto.randomUUID().slice(0, 8)}`;
const LABELS = { organization: 'flyte', domain: 'dev', project: PROJECT };
const ID = `u__org__flyte__domain__dev__project__${PROJECT}__key__token`;
const TOKEN = `${CANARY}-that-nobody-guesses`;
const tokenFile = path.join(folder, 'invalidation-token');
writeFileSync(tokenFile, `${TOKEN}\n`);
const EMBEDDED = {
  profile: 'flyte',
  secretManagerTypes: ['Embedded'],
  embeddedSecretManagerConfig: { type: 'AWS' },
};

const secret = { group: '', groupVersion: '', key: 'token', mountRequirement: 1, envVar: 'TOKEN' };
const ANNOTATIONS = { 'flyte.secrets/s0': encodeSecret(secret) };

async function store(action: 'CreateSecret' | 'PutSecretValue', value: string): Promise<void> {
  const named = action === 'CreateSecret' ? { Name: ID } : { SecretId: ID };
  const answer = await awsCall({
    service: 'secretsmanager',
    url: `${moto.get('AWS_ENDPOINT_URL')}/`,
    target: `secretsmanager.${action}`,
    body: { ...named, SecretString: value },
    key: keyOf(moto),
  });
  if (!answer.ok) throw new Error(`${action}: ${answer.status}`);
}

const hooks: Hook[] = [];
afterAll(async () => {
  for (const hook of hooks) await hook.end();
});
async function hookWith(cacheInvalidation: object): Promise<Hook> {
  const hook = await startHook({ ...EMBEDDED, cacheInvalidation }, moto.env);
  hooks.push(hook);
  return hook;
}

/** The value that a pod is given, by its number. */
async function given(hook: Hook): Promise<string | undefined> {
  const { patch } = await hook.review(ANNOTATIONS, LABELS);
  return /"value":"canary-7d1f3b-(\d)"/.exec(patch)?.[1];
}
const BODY = JSON.stringify({ org: 'flyte', domain: 'dev', project: PROJECT, name: 'token' });

async function forget(url: string, init: BunFetchRequestInit = {}): Promise<string> {
  const answer = await fetch(`${url}/invalidate-secret`, { method: 'POST', body: BODY, ...init });
  return `${answer.status} ${(await answer.text()).trim()}`.trim();
}

describe.skipIf(moto.missing !== undefined)('a value that has changed', () => {
  test('is given after a call to forget the old one, as Flyte makes it', async () => {
    await store('CreateSecret', `${CANARY}-1`);
    const hook = await hookWith({ authentication: 'none' });
    const url = `http://localhost:${hook.ports.invalidationPort}`;
    expect(await given(hook)).toBe('1');
    await store('PutSecretValue', `${CANARY}-2`);
    expect(await given(hook)).toBe('1');
    expect(await forget(url, { headers: { 'content-type': 'application/json' } })).toBe('200');
    expect(await given(hook)).toBe('2');
    const metrics = await fetch(`http://localhost:${hook.ports.statusPort}/metrics`);
    const text = await metrics.text();
    expect(text).toContain('\nbellhop_webhook_cache_invalidations_total{result="done"} 1\n');
    expect(text).toContain('\nbellhop_webhook_certificate_faults 0\n');
    expect(await hook.end()).toBe(0);
    expect(hook.said()).toContain('"what":"value forgotten","organization":"flyte"');
    expect(hook.said() + text).not.toContain(CANARY);
  });

  test('by who has the token, which comes by TLS, and may change', async () => {
    const hook = await hookWith({ authentication: 'token', tokenFile });
    const url = `https://localhost:${hook.ports.invalidationPort}`;
    const by = (token: string): BunFetchRequestInit => ({
      headers: { authorization: `Bearer ${token}` },
      tls: { ca: hook.ca },
    });
    expect(await given(hook)).toBe('2');
    await store('PutSecretValue', `${CANARY}-3`);
    expect(await forget(url, { tls: { ca: hook.ca } })).toBe('401 a bearer token is needed');
    expect(await forget(url, by('another'))).toBe('401 a bearer token is needed');
    expect(await given(hook)).toBe('2');
    expect(await forget(url, by(TOKEN))).toBe('200');
    expect(await given(hook)).toBe('3');
    writeFileSync(tokenFile, 'another-one-that-is-long');
    expect(await forget(url, by(TOKEN))).toBe('401 a bearer token is needed');
    expect(await forget(url, by('another-one-that-is-long'))).toBe('200');
    expect(await hook.end()).toBe(0);
    expect(hook.said()).not.toContain(CANARY);
  });
});

describe('the settings say who may, or it does not start', () => {
  test.each([
    ['a token file that is not there', { authentication: 'token', tokenFile: '/nowhere' }, 78],
    ['a token file that is not named', { authentication: 'token' }, 78],
    ['users with a token', { authentication: 'token', tokenFile, users: ['x'] }, 78],
    ['users of no cluster', { authentication: 'kubernetes', users: ['x'] }, 64],
  ])('%s', (_, cacheInvalidation, code) => {
    const file = path.join(folder, 'invalidation.yaml');
    const webhook = { certificates: 'files', certDir: '/nowhere', cacheInvalidation };
    writeFileSync(file, JSON.stringify({ apiVersion: 'bellhop/v1', webhook }));
    const ended = call(['webhook', '-c', file, '--no-cluster']);
    expect([ended.code, ended.err.includes('webhook.cacheInvalidation')]).toEqual([code, true]);
  });

  test("Flyte's port alone opens none, and that is said", async () => {
    const hook = await startHook({ cacheInvalidationPort: 9444 }, {});
    expect(hook.ports.invalidationPort).toBeUndefined();
    expect(await hook.end()).toBe(0);
    expect(hook.said()).toContain('webhook.cacheInvalidationPort has no effect');
  });
});
