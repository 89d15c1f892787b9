// The store against the stub of Key Vault, Entra and the identity endpoints that
// @azure/keyvault-secrets 4.11.2 and @azure/identity 4.13.1 read.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Surroundings } from '../support/real-store.ts';
import type { Routed, Routing } from '../support/routed-store.ts';
import { json, openRouted, problemIn, shown, thrownBy } from '../support/routed-store.ts';
import { simulation } from '../support/simulated.ts';
import { realServer } from './_servers.ts';

const akv = await realServer('akv');
const RUN = Math.random().toString(36).slice(2, 8);
const CANARY = 'canary-3be1';
const name = (what: string): string => `${RUN}-${what}`;
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-akv-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tls = (): { ca: string } => ({ ca: readFileSync(akv.get('SSL_CERT_FILE'), 'utf8') });

async function api(method: string, at: string, body: object): Promise<{ id: string }> {
  const resource = encodeURIComponent('https://vault.azure.net');
  const url = `${akv.get('AZURE_POD_IDENTITY_AUTHORITY_HOST')}/metadata/identity/oauth2/token`;
  const query = `api-version=2018-02-01&resource=${resource}`;
  const given = await fetch(`${url}?${query}`, { headers: { metadata: 'true' } });
  const { access_token: token } = (await given.json()) as { access_token: string };
  const answer = await fetch(`${akv.get('AKV_URL')}/secrets/${at}?api-version=7.4`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    tls: tls(),
  });
  if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status}`);
  return (await answer.json()) as { id: string };
}

async function fault(what: object): Promise<void> {
  await fetch(`${akv.get('STUB_URL')}/faults`, { method: 'POST', body: JSON.stringify(what) });
}

const imds = (): Record<string, string> => ({
  SSL_CERT_FILE: akv.get('SSL_CERT_FILE'),
  AZURE_POD_IDENTITY_AUTHORITY_HOST: akv.get('AZURE_POD_IDENTITY_AUTHORITY_HOST'),
});

async function open(
  more: object = {},
  around: Surroundings = {},
  routing?: Routing,
): Promise<Routed> {
  const options = { kind: 'azure-key-vault', url: akv.get('AKV_URL'), ...more };
  return openRouted(options, { ...around, env: around.env ?? imds() }, routing);
}

const ODD: Readonly<Record<string, string>> = {
  quotes: '"<>&\'\\',
  lines: 'a\r\nb\n\n',
  nul: 'a\0b',
  nonascii: 'ü – 🎉',
  blank: ' ',
  json: '{"a": 1.0}',
  empty: '',
  long: 'x'.repeat(25 * 1024),
};

describe.skipIf(akv.missing !== undefined)('azure-key-vault', () => {
  let first = '';
  beforeAll(async () => {
    for (const [what, value] of Object.entries(ODD)) await api('PUT', name(what), { value });
    first = (await api('PUT', name('v'), { value: 'one' })).id.split('/').at(-1) ?? '';
    await api('PUT', name('v'), { value: 'two' });
  });
  afterEach(async () => {
    await fetch(`${akv.get('STUB_URL')}/faults`, { method: 'DELETE' });
  });

  test.each(Object.keys(ODD))('gives the text as it is: %s', async (what) => {
    const [answer] = await (await open()).fetch(name(what));
    expect(Buffer.from(String(shown(answer)), 'latin1').toString()).toBe(ODD[what] ?? '');
  });

  test('answers in the order of the question, each secret once asked, whatever its case', async () => {
    const { fetch: ask, requests } = await open();
    const answers = await ask(name('v'), name('gone'), name('json'), name('V'));
    expect(answers.map((one) => one.kind)).toEqual(['value', 'absent', 'value', 'value']);
    expect(shown(answers[3])).toBe('two');
    expect(requests.filter(({ url }) => url.includes('/secrets/'))).toHaveLength(3);
  });

  test('a version, the newest, the whole address with and without one', async () => {
    const whole = `${akv.get('AKV_URL')}/secrets/${name('v')}`;
    const { fetch: ask } = await open();
    const versioned = { path: name('v'), version: first };
    const answers = await ask(versioned, name('v'), whole, `${whole}/${first}`);
    expect(answers.map(shown)).toEqual(['one', 'two', 'two', 'one']);
    expect(answers[0]).toHaveProperty('facts.version', first);
  });

  test('a disabled secret is denied, one that has expired is given', async () => {
    await api('PUT', name('off'), { value: CANARY, attributes: { enabled: false } });
    await api('PUT', name('old'), { value: 'old', attributes: { exp: 1_000_000_000 } });
    const [off, old] = await (await open()).fetch(name('off'), name('old'));
    expect(shown(off)).toEqual({ failed: 'BH_ERR_STORE_DENIED', what: 'the secret is disabled' });
    expect(shown(old)).toBe('old');
  });

  test('a host that is no vault fails alone, and no token goes there', async () => {
    const { fetch: ask, requests } = await open();
    const [evil, value] = await ask('https://evil.example/secrets/s', name('v'));
    expect(problemIn(evil).code).toBe('BH_ERR_SETTINGS');
    expect(shown(value)).toBe('two');
    expect(requests.some(({ url }) => url.includes('evil'))).toBe(false);
  });

  test('100 secrets are 100 requests and one for the token', async () => {
    const { fetch: ask, trace } = await open();
    const answers = await ask(...Array.from({ length: 100 }, (_, i) => name(`none-${i}`)));
    expect(answers.every((one) => one.kind === 'absent')).toBe(true);
    expect(trace.spans().filter(({ kind }) => kind === 'call')).toHaveLength(100);
    expect(trace.spans().filter(({ kind }) => kind === 'credentials')).toHaveLength(1);
  });

  test('throttling and outages are waited out', async () => {
    await fault({ match: '/secrets/', kind: 'throttle', value: 0, times: 1 });
    await fault({ match: '/secrets/', kind: 'status', value: 503, times: 1 });
    await fault({ match: '/secrets/', kind: 'garbage', times: 1 });
    const { fetch: ask } = await open();
    expect(shown((await ask(name('v')))[0])).toBe('two');
  });

  test('a missing right to one of them fails that one', async () => {
    await fault({ match: name('json'), kind: 'status', value: 403 });
    const [denied, value] = await (await open()).fetch(name('json'), name('v'));
    expect([problemIn(denied).code, shown(value)]).toEqual(['BH_ERR_STORE_DENIED', 'two']);
    expect(problemIn(denied).help).toContain('Key Vault Secrets User');
  });

  test('a token that has ended is made anew; one that is never taken is told without it', async () => {
    for (const times of [2, Infinity]) {
      let left = times;
      const opened = await open({}, {}, (request) => {
        if (!request.url.includes('/secrets/') || left-- <= 0) return request;
        return { ...request, headers: { authorization: `Bearer ${CANARY}` } };
      });
      const [answer] = await opened.fetch(name('v'), name('json'));
      if (times === 2) expect(shown(answer)).toBe('two');
      else expect(problemIn(answer).code).toBe('BH_ERR_CREDENTIALS');
      expect(`${Bun.inspect(answer)}`).not.toContain(CANARY);
      const tokens = opened.requests.filter(({ url }) => url.includes('/metadata/'));
      expect(tokens).toHaveLength(2);
    }
  });

  type Way = () => { env: object; more?: object };
  const WAYS: readonly (readonly [string, string, Way])[] = [
    [
      'client-secret',
      '/oauth2/',
      () => ({ env: { ...application(), AZURE_CLIENT_SECRET: 'testbed' } }),
    ],
    [
      'client-secret',
      '/oauth2/',
      () => ({
        env: { ...application(), S: 'testbed\n' },
        more: { auth: { clientSecret: 'env:S' } },
      }),
    ],
    ['workload-identity', '/oauth2/', () => ({ env: { ...application(), ...federated() } })],
    [
      'managed-identity',
      '/msi/token',
      () => ({ env: variables('IDENTITY_ENDPOINT', 'IDENTITY_HEADER') }),
    ],
    [
      'managed-identity',
      '/metadata/',
      () => ({
        env: { ...imds(), ...application(), AZURE_CLIENT_SECRET: 'x' },
        more: { auth: { method: 'managed-identity' } },
      }),
    ],
  ];
  const variables = (...names: string[]): Record<string, string> =>
    Object.fromEntries(['SSL_CERT_FILE', ...names].map((one) => [one, akv.get(one)]));
  const application = (): object =>
    variables('AZURE_AUTHORITY_HOST', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID');
  const federated = (): object => {
    const token = path.join(folder, 'token');
    writeFileSync(token, 'federated\n');
    return { AZURE_FEDERATED_TOKEN_FILE: token };
  };
  test.each([...WAYS])('auth: %s, by %s', async (_, at, way) => {
    const { env, more } = way();
    const stores = { env: { kind: 'env' } };
    const opened = await open(more, { env: env as Record<string, string>, stores });
    expect(shown((await opened.fetch(name('v')))[0])).toBe('two');
    expect(opened.requests[0]?.url).toContain(at);
    expect(opened.requests[0]?.proxy).toBe(at === '/oauth2/' ? 'environment' : 'never');
  });

  test('a wrong secret is refused, and shown nowhere', async () => {
    const { SSL_CERT_FILE, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID } =
      akv.env as Record<string, string>;
    const env = {
      SSL_CERT_FILE,
      AZURE_AUTHORITY_HOST,
      AZURE_TENANT_ID,
      AZURE_CLIENT_ID,
      AZURE_CLIENT_SECRET: CANARY,
    };
    const [answer] = await (await open({}, { env: env as Record<string, string> })).fetch('s');
    const problem = problemIn(answer);
    expect(problem.code).toBe('BH_ERR_CREDENTIALS');
    expect(problem.message).toContain('AADSTS7000215');
    expect(problem.message).not.toContain(CANARY);
  });
});

describe('who we are to Azure, without a server', () => {
  const options = { kind: 'azure-key-vault', vault: 'team-a' };
  const application = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' };
  const fsWith = (files: Readonly<Record<string, string>>): never =>
    ({ fs: { read: (file: string) => Buffer.from(files[file] ?? '') } }) as never;

  test.each([
    ['https://login.microsoftonline.com', { vault: 'a' }, {}],
    ['https://login.chinacloudapi.cn', { url: 'https://a.vault.azure.cn' }, {}],
    ['https://login.microsoftonline.us', { url: 'https://a.vault.usgovcloudapi.net' }, {}],
    ['https://login.example', { vault: 'a' }, { AZURE_AUTHORITY_HOST: 'https://login.example/' }],
  ])('the secret goes to %s', async (authority, more, env) => {
    const all = { ...application, AZURE_CLIENT_SECRET: CANARY, ...env };
    const opened = await openRouted(
      { kind: 'azure-key-vault', ...more },
      { env: all },
      ({ url }) =>
        url.includes('oauth2') ? json(200, { access_token: 't' }) : json(200, { value: 'v' }),
    );
    expect(shown((await opened.fetch('s'))[0])).toBe('v');
    expect(opened.requests[0]?.url).toBe(`${authority}/t/oauth2/v2.0/token`);
    const vaultSuffix = new URL(opened.requests[1]?.url ?? '').hostname.slice('a.'.length);
    const { body } = opened.requests[0] ?? {};
    expect(new URLSearchParams(String(body)).get('scope')).toBe(`https://${vaultSuffix}/.default`);
  });

  test.each([
    ['a certificate', { ...application, AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem' }],
    ['Azure Arc', { IDENTITY_ENDPOINT: 'http://localhost:40342/x', IMDS_ENDPOINT: 'http://x' }],
    ['a token file that is not there', { ...application, AZURE_FEDERATED_TOKEN_FILE: '/none' }],
    ['no tenant', { AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: CANARY }],
  ])('%s is refused before any request', async (_, env) => {
    const opened = await openRouted(options, { env: env as Record<string, string> });
    expect(problemIn((await opened.fetch('s'))[0]).code).toBe('BH_ERR_CREDENTIALS');
    expect(opened.requests).toEqual([]);
  });

  test('on another cloud nothing is asked; where nobody knows, nobody answering is no identity', async () => {
    const nobody: Routing = () => new NetError('unreachable', '');
    const amazon = { '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n' };
    for (const [files, count] of [
      [amazon, 0],
      [{}, 1],
    ] as const) {
      const opened = await openRouted(options, { io: fsWith(files), attemptsMax: 1 }, nobody);
      expect(problemIn((await opened.fetch('s'))[0]).code).toBe('BH_ERR_CREDENTIALS');
      expect(opened.requests).toHaveLength(count);
    }
  });

  test('a network that swallows the request costs one second, and no more', async () => {
    const world = simulation();
    const { fs } = fsWith({}) as { fs: never };
    const opened = await openRouted(options, { io: { fs, clock: world.clock } }, () => 'hang');
    const [answer] = await world.run(opened.fetch('s'));
    expect([problemIn(answer).code, world.clock.monotonicMs()]).toEqual([
      'BH_ERR_CREDENTIALS',
      1000,
    ]);
  });

  test("on Azure's machines it is an outage", async () => {
    const tag = '7783-7084-3265-9085-8269-3286-77\n';
    const io = fsWith({ '/sys/class/dmi/id/chassis_asset_tag': tag });
    const around = { io, attemptsMax: 1 };
    const opened = await openRouted(options, around, () => new NetError('refused', ''));
    expect(problemIn((await opened.fetch('s'))[0]).code).toBe('BH_ERR_STORE');
  });

  test.each([
    { url: 'http://a.vault.azure.net' },
    { url: 'https://a.vault.azure.net/x' },
    { vault: 'a/b' },
    { vault: 'a.evil' },
    { vault: 'a', auth: { authority: 'http://login.example' } },
  ])('cannot be opened: %p', async (more) => {
    const problem = await thrownBy(openRouted({ kind: 'azure-key-vault', ...more }, {}));
    expect(problem.code).toBe('BH_ERR_SETTINGS');
  });
});
