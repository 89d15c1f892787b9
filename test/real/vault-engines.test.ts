// Engines other than version 2 of KV, namespaces and TLS of a real OpenBao.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Answer } from '../../src/stores/_store.ts';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { faultProxy, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const [bao, secure, redis] = await Promise.all([
  realServer('openbao'),
  realServer('openbao-tls'),
  realServer('redis'),
]);
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-vault-'));
afterAll(() => rmSync(folder, { recursive: true }));
const skip = bao.missing !== undefined;
const admin = vaultAdmin(bao);

const open = (options: Record<string, unknown> = {}, env: Record<string, string> = bao.env) =>
  openReal({ kind: 'vault', ...options }, { env });

function factsOf(answer: Answer | undefined) {
  return answer?.kind === 'map' ? answer.facts : undefined;
}

describe.skipIf(skip)('version 1 of the KV engine', () => {
  test('gives every key, and its lease that is none is not told', async () => {
    const mount = await admin.mount('mounts', 'kv', { options: { version: '1' } });
    await admin.write(`${mount}/data/x`, { 'a?b': '<"&">', n: 1 });
    const opened = await open();
    const [there, gone] = await opened.fetch(`${mount}/data/x`, `${mount}/x`);
    expect(plain(there)).toEqual({ 'a?b': '<"&">', n: '1' });
    expect(factsOf(there)).toBeUndefined();
    expect(plain(gone)).toBe('absent: there is no such secret');
    const [versioned] = await opened.fetch({ path: `${mount}/data/x`, version: '1' });
    expect(plain(versioned)).toMatch(/^BH_ERR_SETTINGS: .*only version 2 of the KV engine/);
  });

  test('a mount that is declared wrongly is told, never taken for absence', async () => {
    const mount = await admin.mount('mounts', 'kv', { options: { version: '2' } });
    await admin.write(`${mount}/data/x`, { data: { k: 'v' } });
    const [answer] = await (await open({ mounts: { [mount]: 'kv1' } })).fetch(`${mount}/x`);
    expect(plain(answer)).toMatch(/^BH_ERR_SETTINGS: .*paths of this form/);
  });

  test('a mount that is not there is told, never taken for absence', async () => {
    const [asked] = await (await open()).fetch('nowhere/x');
    expect(plain(asked)).toMatch(/^BH_ERR_STORE_DENIED: .*mount of nowhere/);
    const [declared] = await (await open({ mounts: { nowhere: 'kv2' } })).fetch('nowhere/x');
    expect(plain(declared)).toMatch(/^BH_ERR_SETTINGS: .*HTTP 404, no handler for route/);
  });
});

describe.skipIf(skip)('engines that make what is asked for', () => {
  test.skipIf(redis.missing !== undefined)(
    'credentials that are lent: once, with the lease',
    async () => {
      const mount = await admin.mount('mounts', 'database');
      const { hostname, port, password } = new URL(redis.get('REDIS_URL'));
      await admin.write(`${mount}/config/cache`, {
        plugin_name: 'redis-database-plugin',
        host: hostname,
        port: Number(port),
        username: 'default',
        password,
        allowed_roles: '*',
      });
      const role = { db_name: 'cache', creation_statements: '["+@read"]', default_ttl: '300s' };
      await admin.write(`${mount}/roles/app`, role);
      await using server = await faultServer({ upstream: { url: bao.get('VAULT_ADDR') } });
      const opened = await open({}, { ...bao.env, VAULT_ADDR: server.url });
      const creds = `${mount}/creds/app`;
      const [lent, same, none] = await opened.fetch(creds, creds, `${mount}/creds/none`);
      expect(factsOf(lent)).toEqual({ leaseMs: 300_000 });
      expect(plain(lent)).toEqual({
        username: expect.stringContaining('APP'),
        password: expect.stringMatching(/.{20}/),
      });
      expect(same).toBe(lent);
      expect(plain(none)).toMatch(/^BH_ERR_SETTINGS: .*HTTP 400, unknown role/);
      expect(server.requests.filter((one) => one.path === `/v1/${creds}`).length).toBe(1);
      await admin.write(`sys/leases/revoke-prefix/${mount}`);
    },
  );

  test('a certificate, where the option `write` has its path', async () => {
    const mount = await admin.mount('mounts', 'pki');
    await admin.write(`${mount}/root/generate/internal`, { common_name: 'root', ttl: '700h' });
    await admin.write(`${mount}/roles/web`, { allow_any_name: true, max_ttl: '10h', ttl: '1h' });
    const issue = `${mount}/issue/web?common_name=app.example&ttl=10m`;
    const [answer] = await (await open({ write: [`${mount}/issue`] })).fetch(issue);
    expect(plain(answer)).toMatchObject({
      certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
      private_key: expect.stringContaining('PRIVATE KEY'),
      ca_chain: expect.stringMatching(/^\["-----BEGIN/),
      expiration: expect.stringMatching(/^\d+$/),
    });
    const [plainly] = await (await open()).fetch(issue);
    expect(plain(plainly)).toMatch(/^BH_ERR_SETTINGS: .*unsupported operation/);
    expect(plainly?.kind === 'failed' && plainly.problem.help).toContain('`write`');
  });

  test('a namespace is named by an option, VAULT_NAMESPACE or the path', async () => {
    const name = unique('team');
    await admin.write(`sys/namespaces/${name}`);
    const inside = vaultAdmin(bao, name);
    await inside.write('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
    await inside.write('secret/data/x', { data: { k: name } });
    const named = await open({ namespace: name });
    expect(plain((await named.fetch('secret/x'))[0])).toEqual({ k: name });
    const varied = await open({}, { ...bao.env, VAULT_NAMESPACE: name });
    expect(plain((await varied.fetch('secret/x'))[0])).toEqual({ k: name });
    expect(plain((await (await open()).fetch(`${name}/secret/x`))[0])).toEqual({ k: name });
    const [none] = await (await open({ namespace: 'nobody' })).fetch('secret/x');
    expect(plain(none)).toMatch(/^BH_ERR_SETTINGS: .*HTTP 404, namespace not found/);
  });
});

describe.skipIf(secure.missing !== undefined)('TLS', () => {
  const over = vaultAdmin(secure);
  const secret = `secret/${unique('vault-tls')}`;

  test('is verified by VAULT_CACERT, VAULT_CACERT_BYTES or `ca`, and goes by HTTP/2', async () => {
    await over.write(secret.replace('/', '/data/'), { data: { k: 'v' } });
    const { VAULT_CACERT: file = '', ...env } = secure.env;
    const pem = await Bun.file(file).text();
    for (const opened of [
      await open({}, secure.env),
      await open({}, { ...env, VAULT_CACERT_BYTES: pem, VAULT_CACERT: '/nowhere' }),
      await open({ ca: file }, { ...env, VAULT_CACERT: '/nowhere' }),
    ]) {
      expect(plain((await opened.fetch(secret))[0])).toEqual({ k: 'v' });
      const attempts = opened.trace.spans().filter(({ kind }) => kind === 'attempt');
      expect(JSON.stringify(attempts)).toContain('h2');
    }
  });

  test('200 paths go over a few connections', async () => {
    await using proxy = await faultProxy(secure.get('VAULT_ADDR'));
    const address = `https://localhost:${proxy.port}`;
    const opened = await open({ address }, secure.env);
    const paths = Array.from({ length: 200 }, (_, n) => `${secret}${n === 0 ? '' : `-${n}`}`);
    const answers = await opened.fetch(...paths);
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(199);
    expect((await proxy.counts()).accepted).toBeLessThan(4);
  });

  const { VAULT_CACERT: trusted = '', ...untrusted } = secure.env;
  test.each([
    ['an authority that nobody trusts', untrusted, 'BH_ERR_STORE unknown authority'],
    [
      'another name',
      { ...secure.env, VAULT_TLS_SERVER_NAME: 'elsewhere.example' },
      'BH_ERR_STORE wrong host name',
    ],
    [
      'a file that is not there',
      { ...untrusted, VAULT_CACERT: `${trusted}-not` },
      'BH_ERR_SETTINGS (ENOENT)',
    ],
  ])('%s is refused', async (_, env, says) => {
    const work = open({}, env).then((opened) => opened.fetch(secret));
    const [code = '', ...words] = says.split(' ');
    expect(await codeOf(work)).toBe(code);
    expect(await wordsOf(work)).toContain(words.join(' '));
  });

  test('an address that says http where the server speaks TLS is told at once', async () => {
    const address = secure.get('VAULT_ADDR').replace('https:', 'http:');
    const work = (await open({ address }, secure.env)).fetch(secret);
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain('write its address with https://');
  });

  test('a client certificate logs in, auth: cert', async () => {
    const { cert, key } = clientCertificate();
    const certificate = await Bun.file(cert).text();
    const mount = await over.mount('auth', 'cert');
    const policy = await over.policy('path "secret/data/*" { capabilities = ["read"] }');
    await over.write(`auth/${mount}/certs/app`, { certificate, token_policies: [policy] });
    await over.write(secret.replace('/', '/data/'), { data: { k: 'v' } });
    const { VAULT_TOKEN: _, ...env } = secure.env;
    const auth = { method: 'cert', mount, role: 'app' };
    const opened = await open({ cert, key, auth }, env);
    expect(plain((await opened.fetch(secret))[0])).toEqual({ k: 'v' });
    expect(await opened.store.identity?.()).toContain(`(policies: default, ${policy})`);
    const variables = { VAULT_CLIENT_CERT: cert, VAULT_CLIENT_KEY: key };
    const varied = await open({ auth }, { ...env, ...variables });
    expect(plain((await varied.fetch(secret))[0])).toEqual({ k: 'v' });
    expect(await codeOf((await open({ auth }, env)).fetch(secret))).toBe('BH_ERR_CREDENTIALS');
  });
});

/** A certificate that is trusted by being known. */
function clientCertificate() {
  const [key, cert] = [path.join(folder, 'client.key'), path.join(folder, 'client.pem')];
  const made = Bun.spawnSync(
    ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
      .concat(['-keyout', key, '-out', cert, '-days', '30', '-subj', '/CN=app'])
      .concat(['-addext', 'extendedKeyUsage=clientAuth', '-addext', 'basicConstraints=CA:FALSE']),
    { stderr: 'ignore' },
  );
  expect(made.exitCode).toBe(0);
  return { key, cert };
}
