// Each server of the kit is what its README.md says: one good answer, and the refusals that tell.
// Those of AWS are in servers-aws.test.ts.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { RealServer, ServerName } from './_servers.ts';
import { realServer } from './_servers.ts';

const SERVERS: readonly ServerName[] = [
  'openbao',
  'openbao-tls',
  'gsm',
  'akv',
  'etcd',
  'etcd-tls',
  'redis',
  'redis-tls',
  'consul',
  'registry',
  'statsd-exporter',
];
const there = new Map(
  await Promise.all(SERVERS.map(async (n) => [n, await realServer(n)] as const)),
);
/** Part of every name, so that runs do not meet in a server that stays. */
const RUN = Math.random().toString(36).slice(2, 8);

function on(name: ServerName, claims: (server: RealServer) => void): void {
  const server = there.get(name);
  if (server === undefined) throw new Error(`${name} was not started`);
  describe.skipIf(server.missing !== undefined)(name, () => claims(server));
}

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const post = (body: object): { method: string; body: string } => ({
  method: 'POST',
  body: JSON.stringify(body),
});
const trusting = (server: RealServer, variable: string): { tls: { ca: string } } => ({
  tls: { ca: readFileSync(server.get(variable), 'utf8') },
});

for (const name of ['openbao', 'openbao-tls'] as const) {
  on(name, (server) => {
    const call = (path: string, token: string, more: object = {}): Promise<Response> => {
      const trust = name === 'openbao' ? {} : trusting(server, 'VAULT_CACERT');
      const headers = { 'x-vault-token': token };
      return fetch(`${server.get('VAULT_ADDR')}/v1/${path}`, { ...more, ...trust, headers });
    };
    test('keeps and gives values, knows what is missing, refuses a bad token', async () => {
      await call(`secret/data/${RUN}`, 'root', post({ data: { k: 'q"\n' } }));
      const answer = await call(`secret/data/${RUN}`, 'root');
      expect(await answer.json()).toMatchObject({ data: { data: { k: 'q"\n' } } });
      expect((await call(`secret/data/no${RUN}`, 'root')).status).toBe(404);
      expect((await call(`secret/data/${RUN}`, 'x')).status).toBe(403);
    });
  });
}

on('openbao-tls', (server) => {
  test('is trusted by nobody without its authority', async () => {
    const answer = fetch(`${server.get('VAULT_ADDR')}/v1/sys/health`);
    const outcome = await answer.then(() => 'trusted', String);
    expect(outcome).toMatch(/certificate/);
  });
});

on('gsm', (server) => {
  const secrets = `${server.get('GSM_ENDPOINT')}/v1/projects/testbed/secrets`;
  const authorized = { headers: { authorization: `Bearer ${server.get('GSM_TOKEN')}` } };
  test('gives the latest version with its checksum, knows what is missing, wants a token', async () => {
    await fetch(`${secrets}?secretId=s${RUN}`, { ...post({}), ...authorized });
    const payload = { data: b64('123456789') };
    await fetch(`${secrets}/s${RUN}:addVersion`, { ...post({ payload }), ...authorized });
    const answer = await fetch(`${secrets}/s${RUN}/versions/latest:access`, authorized);
    expect(await answer.json()).toEqual({
      name: `projects/123456789012/secrets/s${RUN}/versions/1`,
      payload: { ...payload, dataCrc32c: String(0xe3069283) },
    });
    const missing = await fetch(`${secrets}/no${RUN}/versions/latest:access`, authorized);
    expect(await missing.json()).toMatchObject({ error: { status: 'NOT_FOUND' } });
    expect((await fetch(`${secrets}/s${RUN}`)).status).toBe(401);
  });
});

on('akv', (server) => {
  test('gives values to a token of its identity endpoint, and a challenge to nobody', async () => {
    const trust = trusting(server, 'NODE_EXTRA_CA_CERTS');
    const resource = 'https://vault.azure.net';
    const issuer = `${server.get('IDENTITY_ENDPOINT')}?api-version=2019-08-01&resource=${resource}`;
    const headers = { 'x-identity-header': server.get('IDENTITY_HEADER') };
    const issued = (await (await fetch(issuer, { headers })).json()) as { access_token: string };
    const authorized = { headers: { authorization: `Bearer ${issued.access_token}` } };
    const url = `${server.get('AKV_URL')}/secrets/S${RUN}?api-version=7.4`;
    const body = JSON.stringify({ value: 'q"\n€' });
    await fetch(url, { method: 'PUT', body, ...trust, ...authorized });
    const answer = await fetch(url, { ...trust, ...authorized });
    expect(await answer.json()).toMatchObject({ value: 'q"\n€' });
    expect((await fetch(url, trust)).headers.get('www-authenticate')).toContain(resource);
    const missing = await fetch(url.replace('/S', '/no'), { ...trust, ...authorized });
    expect(await missing.json()).toMatchObject({ error: { code: 'SecretNotFound' } });
  });
});

on('etcd', (server) => {
  test('a missing key has no kvs at all', async () => {
    const url = `${server.get('ETCD_ENDPOINT')}/v3/kv`;
    await fetch(`${url}/put`, post({ key: b64(`k/${RUN}`), value: b64('v') }));
    const read = async (key: string): Promise<unknown> =>
      (await fetch(`${url}/range`, post({ key: b64(key) }))).json();
    expect(await read(`k/${RUN}`)).toMatchObject({ kvs: [{ value: b64('v') }] });
    expect(await read(`no/${RUN}`)).not.toHaveProperty('kvs');
  });
});

on('etcd-tls', (server) => {
  test('a reader reads below app/, nothing else, and nobody reads', async () => {
    const trust = trusting(server, 'SSL_CERT_FILE');
    const url = `${server.get('ETCD_ENDPOINT')}/v3`;
    const [name, password] = server.get('ETCD_READER').split(':');
    const login = await fetch(`${url}/auth/authenticate`, {
      ...post({ name, password }),
      ...trust,
    });
    const { token } = (await login.json()) as { token: string };
    const read = (key: string, headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/kv/range`, { ...post({ key: b64(key) }), ...trust, headers });
    expect((await read('app/x', { authorization: token })).status).toBe(200);
    expect((await read('other', { authorization: token })).status).toBe(403);
    expect((await read('app/x', {})).ok).toBe(false);
  });
});

/** Sends lines to Redis and gives so many bytes of its answer. */
function redis(server: RealServer, lines: readonly string[], bytes: number): Promise<string> {
  const { hostname: host, port, protocol } = new URL(server.get('REDIS_URL'));
  const to = { host, port: Number(port) };
  return new Promise((done, fail) => {
    let said = '';
    const isTls = protocol === 'rediss:';
    const send = (): void => void socket.write(lines.map((line) => `${line}\r\n`).join(''));
    const socket: net.Socket = isTls
      ? tls.connect({ ...to, ca: readFileSync(server.get('SSL_CERT_FILE')) }, send)
      : net.connect(to, send);
    socket.on('error', fail).on('data', (piece) => {
      said += String(piece);
      if (said.length < bytes) return;
      socket.destroy();
      done(said.slice(0, bytes));
    });
  });
}

on('redis', (server) => {
  test('wants its password, and answers a missing key with nil', async () => {
    expect(await redis(server, ['GET x'], 7)).toBe('-NOAUTH');
    const { password } = new URL(server.get('REDIS_URL'));
    const lines = [`AUTH ${password}`, `SET k${RUN} v`, `MGET k${RUN} no${RUN}`];
    expect(await redis(server, lines, 26)).toBe('+OK\r\n+OK\r\n*2\r\n$1\r\nv\r\n$-1\r\n');
  });
});

on('redis-tls', (server) => {
  test('lets app at keys app:* and at nothing else, and nobody in', async () => {
    expect(await redis(server, ['GET app:x'], 7)).toBe('-NOAUTH');
    const { username, password } = new URL(server.get('REDIS_URL'));
    const lines = [`AUTH ${username} ${password}`, `GET app:no${RUN}`, 'GET other'];
    expect(await redis(server, lines, 17)).toBe('+OK\r\n$-1\r\n-NOPERM');
  });
});

on('consul', (server) => {
  test('gives all below a key, knows what is missing, refuses nobody and a bad token', async () => {
    const call = (path: string, token: string, more: object = {}): Promise<Response> => {
      const headers = token === '' ? {} : { 'x-consul-token': token };
      return fetch(`${server.get('CONSUL_HTTP_ADDR')}/v1/kv/${RUN}${path}`, { ...more, headers });
    };
    const token = server.get('CONSUL_HTTP_TOKEN');
    await call('/a', token, { method: 'PUT', body: 'v' });
    expect(await (await call('?recurse', token)).json()).toMatchObject([{ Value: b64('v') }]);
    expect((await call('/no', token)).status).toBe(404);
    expect((await call('/a', '')).status).toBe(403);
    expect((await call('/a', '00000000-0000-0000-0000-000000000000')).status).toBe(403);
  });
});

on('registry', (server) => {
  test('wants its password, and checks digests', async () => {
    const [user, password] = [server.get('REGISTRY_USER'), server.get('REGISTRY_PASSWORD')];
    const trust = trusting(server, 'REGISTRY_CA');
    const call = (path: string, word: string, more: object = {}): Promise<Response> => {
      const headers = { authorization: `Basic ${btoa(`${user}:${word}`)}` };
      const url = new URL(path, `https://${server.get('REGISTRY_HOST')}`);
      return fetch(url, { ...more, ...trust, headers });
    };
    expect((await call('/v2/', password)).status).toBe(200);
    expect((await call('/v2/', 'x')).status).toBe(401);
    expect((await call(`/v2/no${RUN}/manifests/1`, password)).status).toBe(404);
    const begun = await call(`/v2/${RUN}/blobs/uploads/`, password, { method: 'POST' });
    const at = new URL(begun.headers.get('location') ?? '');
    at.searchParams.set('digest', `sha256:${'0'.repeat(64)}`);
    expect((await call(at.href, password, { method: 'PUT', body: 'x' })).status).toBe(400);
  });
});

on('statsd-exporter', (server) => {
  test('counts what arrives', async () => {
    const to = { host: server.get('STATSD_HOST'), port: Number(server.get('STATSD_PORT')) };
    // It reads TCP lines and answers nothing: it has counted once it shows the counter.
    const socket = net.connect(to, () => socket.end(`app.req${RUN}:3|c|#env:prod\n`));
    const wanted = `app_req${RUN}{env="prod"} 3`;
    let seen = '';
    const end = performance.now() + 20_000;
    while (!seen.includes(wanted) && performance.now() < end) {
      seen = await (await fetch(server.get('STATSD_METRICS_URL'))).text();
    }
    expect(seen.split('\n')).toContain(wanted);
  }, 30_000);
});
