// Every way of logging in to a real OpenBao, and what is told where it fails.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { certificates, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const bao = await realServer('openbao');
const skip = bao.missing !== undefined;
const admin = vaultAdmin(bao);
const CANARY = `canary-${crypto.randomUUID()}`;
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-vault-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with a credential, as agents and kubelets write it. */
function file(name: string, content: string): string {
  const whole = path.join(folder, name);
  writeFileSync(whole, content, { mode: 0o600 });
  return whole;
}

const secret = `secret/${unique('vault-login')}`;
const GIVEN = { k: CANARY };
let policy = '';

beforeAll(async () => {
  if (skip) return;
  await admin.write(secret.replace('/', '/data/'), { data: GIVEN });
  policy = await admin.policy(
    `path "${secret.replace('/', '/data/')}*" { capabilities = ["read"] }`,
  );
});

/** The store without a token of its own; `secrets` are variables, read as a store named `e`. */
async function open(
  auth: Record<string, unknown>,
  env: Record<string, string> = {},
  address = bao.get('VAULT_ADDR'),
) {
  const options = { kind: 'vault', address, auth };
  return openReal(options, { env, stores: { e: { kind: 'env' } } });
}

async function reads(auth: Record<string, unknown>, env: Record<string, string> = {}) {
  const [answer] = await (await open(auth, env)).fetch(secret);
  expect(plain(answer)).toEqual(GIVEN);
}

async function isRefused(
  auth: Record<string, unknown>,
  env: Record<string, string>,
  code = 'BH_ERR_CREDENTIALS',
) {
  const work = (await open(auth, env)).fetch(secret);
  const words = await wordsOf(work);
  expect(await codeOf(work)).toBe(code);
  for (const value of [...Object.values(env), CANARY]) expect(words).not.toContain(value);
  return words;
}

describe.skipIf(skip)('a token', () => {
  test('comes from a reference, a file, VAULT_TOKEN or ~/.vault-token, in this order, auth: token', async () => {
    const token = await admin.token([policy]);
    file('.vault-token', `${token}\n`);
    const bad = { VAULT_TOKEN: `s.bad${CANARY}` };
    await reads({ token: 'e:T' }, { ...bad, T: token });
    await reads({ tokenFile: file('token', `${token}\n`) }, bad);
    await reads({}, { VAULT_TOKEN: token, HOME: '/nowhere' });
    await reads({}, { HOME: folder });
  });

  test('is read again where the server does not know it any more', async () => {
    const tokenFile = file('sink', await admin.token([policy]));
    const opened = await open({ tokenFile });
    expect(plain((await opened.fetch(secret))[0])).toEqual(GIVEN);
    const first = await admin.read('auth/token/lookup-self');
    expect(first.data?.['policies']).toEqual(['root']);
    await admin.write('auth/token/revoke', { token: await Bun.file(tokenFile).text() });
    file('sink', await admin.token([policy]));
    expect(plain((await opened.fetch(secret))[0])).toEqual(GIVEN);
  });

  test('that was wrapped is unwrapped, once, auth: wrapped', async () => {
    const wrapped = await admin.write('auth/token/create', { policies: [policy] }, true);
    const env = { VAULT_TOKEN: wrapped.wrap_info?.token ?? '' };
    await reads({ method: 'wrapped' }, env);
    expect(await isRefused({ method: 'wrapped' }, env)).toContain('somebody else did');
  });
});

describe.skipIf(skip)('AppRole', () => {
  let mount = '';
  let roleId = '';
  const secretId = async (wrap = false) => {
    const reply = await admin.write(`auth/${mount}/role/app/secret-id`, {}, wrap);
    return wrap ? (reply.wrap_info?.token ?? '') : String(reply.data?.['secret_id']);
  };
  beforeAll(async () => {
    if (skip) return;
    mount = await admin.mount('auth', 'approle');
    await admin.write(`auth/${mount}/role/app`, { token_policies: [policy], token_ttl: '10m' });
    roleId = String((await admin.read(`auth/${mount}/role/app/role-id`)).data?.['role_id']);
  });
  const auth = (more: Record<string, unknown>) => ({
    method: 'approle',
    mount,
    roleId: 'e:ROLE',
    secretId: 'e:SECRET',
    ...more,
  });

  test('takes role id and secret id from references, auth: approle', async () => {
    await reads(auth({}), { ROLE: roleId, SECRET: await secretId() });
  });

  test('takes them from files, auth: approle', async () => {
    const files = { roleIdFile: file('role', roleId), secretIdFile: file('id', await secretId()) };
    await reads({ method: 'approle', mount, ...files });
  });

  test('unwraps a wrapped secret id, and keeps what was in it for the next login, auth: approle', async () => {
    const env = { ROLE: roleId, SECRET: await secretId(true) };
    const opened = await open(auth({ secretIdWrapped: true }), env);
    expect(plain((await opened.fetch(secret))[0])).toEqual(GIVEN);
    await admin.write(`sys/leases/revoke-prefix/auth/${mount}/login`);
    expect(plain((await opened.fetch(secret))[0])).toEqual(GIVEN);
    await isRefused(auth({ secretIdWrapped: true }), env);
  });

  test('a token that ends in the middle is replaced by one login for all', async () => {
    const env = { ROLE: roleId, SECRET: await secretId() };
    await using server = await faultServer({ upstream: { url: bao.get('VAULT_ADDR') } });
    const opened = await open(auth({}), env, server.url);
    const paths = Array.from({ length: 50 }, (_, n) => `${secret}${n === 0 ? '' : `/${n}`}`);
    await opened.fetch(...paths);
    await admin.write(`sys/leases/revoke-prefix/auth/${mount}/login`);
    server.clear();
    const answers = await opened.fetch(...paths);
    expect(plain(answers[0])).toEqual(GIVEN);
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(49);
    expect(server.requests.filter((one) => one.path.endsWith('/login')).length).toBe(1);
  });

  test('a denied path does not ask for a new token', async () => {
    const env = { ROLE: roleId, SECRET: await secretId() };
    await using server = await faultServer({ upstream: { url: bao.get('VAULT_ADDR') } });
    const opened = await open(auth({}), env, server.url);
    expect(await codeOf(opened.fetch('secret/elsewhere'))).toBe('BH_ERR_STORE_DENIED');
    expect(server.requests.map((one) => one.path)).toEqual([
      `/v1/auth/${mount}/login`,
      '/v1/sys/internal/ui/mounts/secret/elsewhere',
      '/v1/secret/data/elsewhere',
    ]);
  });

  test('a wrong secret id is refused, and told without it', async () => {
    const words = await isRefused(auth({}), { ROLE: roleId, SECRET: `wrong-${CANARY}` });
    expect(words).toContain('HTTP 400');
  });

  test('a way of logging in that is not there is told', async () => {
    const env = { ROLE: roleId, SECRET: await secretId() };
    const words = await isRefused(auth({ mount: 'nowhere' }), env);
    expect(words).toContain('login at auth/nowhere');
    expect(words).toContain('where it is mounted');
  });
});

/** A key pair, and JWTs of it. */
async function issuer() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = await crypto.subtle.exportKey('spki', pair.publicKey);
  const base64 = Buffer.from(der).toString('base64');
  const pem = `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
  const part = (data: object): string => Buffer.from(JSON.stringify(data)).toString('base64url');
  return {
    pem,
    sign: async (claims: object): Promise<string> => {
      const now = Math.floor(Date.now() / 1000);
      const all = { iat: now, nbf: now - 10, exp: now + 600, ...claims };
      const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(all)}`;
      const how = { name: 'ECDSA', hash: 'SHA-256' };
      const bytes = await crypto.subtle.sign(how, pair.privateKey, Buffer.from(text));
      return `${text}.${Buffer.from(bytes).toString('base64url')}`;
    },
  };
}

describe.skipIf(skip)('JWTs', () => {
  test('of an issuer: from a variable, a file or a reference, auth: jwt', async () => {
    const { pem, sign } = await issuer();
    const mount = await admin.mount('auth', 'jwt');
    await admin.write(`auth/${mount}/config`, { jwt_validation_pubkeys: [pem] });
    const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['bao'] };
    await admin.write(`auth/${mount}/role/job`, { ...role, token_policies: [policy] });
    const jwt = await sign({ sub: 'me', aud: 'bao' });
    const auth = { method: 'jwt', mount, role: 'job' };
    await reads({ ...auth, jwtVariable: 'MY_JWT' }, { MY_JWT: jwt });
    await reads({ ...auth, jwtFile: file('jwt', `${jwt}\n`) });
    await reads({ ...auth, jwt: 'e:J' }, { J: jwt });
    const other = await sign({ sub: 'me', aud: CANARY });
    await isRefused({ ...auth, jwt: 'e:J' }, { J: other });
    await isRefused({ ...auth, jwtVariable: 'NOT_THERE' }, {});
  });

  test('of a service account: the server asks the cluster, auth: kubernetes', async () => {
    const { sign } = await issuer();
    const name = 'system:serviceaccount:ml:trainer';
    using cluster = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) => {
        const review = (await request.json()) as { spec: { audiences?: string[] } };
        const { audiences } = review.spec;
        const user = { username: name, uid: 'u', groups: [] };
        const status = { authenticated: true, user, ...(audiences ? { audiences } : {}) };
        return Response.json({ ...review, status });
      },
    });
    const mount = await admin.mount('auth', 'kubernetes');
    await admin.write(`auth/${mount}/config`, {
      kubernetes_host: cluster.url.origin,
      token_reviewer_jwt: 'reviewer',
      disable_local_ca_jwt: true,
      kubernetes_ca_cert: certificates().ca,
    });
    await admin.write(`auth/${mount}/role/trainer`, {
      bound_service_account_names: ['trainer'],
      bound_service_account_namespaces: ['ml'],
      token_policies: [policy],
    });
    const serviceaccount = { name: 'trainer', uid: 'u' };
    const jwt = await sign({
      sub: name,
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io': { namespace: 'ml', serviceaccount },
      'kubernetes.io/serviceaccount/namespace': 'ml',
      'kubernetes.io/serviceaccount/service-account.name': 'trainer',
      'kubernetes.io/serviceaccount/service-account.uid': 'u',
    });
    const auth = { method: 'kubernetes', mount, role: 'trainer' };
    const jwtFile = file('sa', jwt);
    await reads({ ...auth, jwtFile });
    expect(await isRefused({ ...auth, jwtFile, role: 'other' }, {})).toContain('HTTP 400');
    const missing = await isRefused({ ...auth, jwtFile: `${folder}/none` }, {});
    expect(missing).toContain('(ENOENT)');
  });

  test.each(['kubernetes'])('%s needs a role', async (method) => {
    expect(await isRefused({ method, jwtFile: file('j', 'x') }, {}, 'BH_ERR_SETTINGS')).toContain(
      'role',
    );
  });
});
