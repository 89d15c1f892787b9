// The worlds of OpenBao, Consul, etcd, Redis, and of any server of HTTP.
import { afterAll } from 'bun:test';
import { RedisClient } from 'bun';
import { readFileSync } from 'node:fs';
import type { RealServer } from '../real/_servers.ts';
import { vaultAdmin } from '../real/_vault.ts';
import type { World } from './_world.ts';
import { CANARY, RUN, WRONG } from './_world.ts';
import { slug, worldOf } from './_worlds-aws.ts';

async function vault(server: RealServer): Promise<World> {
  const admin = vaultAdmin(server);
  const write = async (path: string, text: string): Promise<void> => {
    await admin.write(`secret/data/${path}`, { data: { k: text } });
  };
  const put: World['put'] = async (name, bytes) => {
    await write(slug(name), bytes.toString());
    return { path: `secret/${slug(name)}`, member: 'k' };
  };
  const rule = `path "secret/data/${RUN}-*" { capabilities = ["read"] }`;
  const token = await admin.token([await admin.policy(rule)]);
  const env = { VAULT_ADDR: server.get('VAULT_ADDR'), VAULT_TOKEN: token };
  const options = { mounts: { secret: 'kv2' } };
  return {
    home: { options, env },
    auth: 'token',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `secret/${slug(`gone-${n}`)}`,
    put,
    cannotHold: ['not UTF-8'],
    versions: async () => {
      for (const text of ['one', 'two']) await write(slug('versions'), text);
      return { path: `secret/${slug('versions')}`, member: 'k', one: '1', two: '2', none: '9' };
    },
    remote: {
      at: (url) => ({ options: { ...options, address: url }, env }),
      speaks: 'http',
      wrong: { options, env: { ...env, VAULT_TOKEN: WRONG } },
      secrets: [token],
    },
  };
}

async function consul(server: RealServer): Promise<World> {
  const token = server.get('CONSUL_HTTP_TOKEN');
  const put: World['put'] = async (name, bytes) => {
    const answer = await fetch(`${server.get('CONSUL_HTTP_ADDR')}/v1/kv/${slug(name)}`, {
      method: 'PUT',
      headers: { 'x-consul-token': token },
      body: Buffer.from(bytes),
    });
    if (!answer.ok) throw new Error(`PUT ${name}: ${answer.status}`);
    return { path: slug(name) };
  };
  const env = { ...server.env };
  return {
    home: { options: {}, env },
    auth: 'token',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => slug(`gone-${n}`),
    put,
    cannotHold: [],
    remote: {
      at: (url) => ({ options: { address: url }, env }),
      speaks: 'http',
      wrong: { options: {}, env: { ...env, CONSUL_HTTP_TOKEN: WRONG } },
      secrets: [token],
    },
  };
}

/** With TLS, users and roles; the reader may read below `app/`. */
async function etcd(server: RealServer): Promise<World> {
  const url = server.get('ETCD_ENDPOINT');
  const tls = { ca: readFileSync(server.get('SSL_CERT_FILE'), 'utf8') };
  const post = async (at: string, body: object, token?: string): Promise<EtcdAnswer> => {
    const answer = await fetch(`${url}/v3/${at}`, {
      method: 'POST',
      body: JSON.stringify(body),
      tls,
      ...(token === undefined ? {} : { headers: { authorization: token } }),
    });
    if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as EtcdAnswer;
  };
  const [name, password] = server.get('ETCD_ROOT').split(':');
  const { token } = await post('auth/authenticate', { name, password });
  const b64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
  const write = async (key: string, value: Uint8Array | string): Promise<string> => {
    const written = await post('kv/put', { key: b64(key), value: b64(value) }, token);
    return written.header?.revision ?? '';
  };
  const put: World['put'] = async (what, bytes) => {
    const key = `app/${slug(what)}`;
    await write(key, bytes);
    return { path: key };
  };
  const [user, readerPassword = ''] = server.get('ETCD_READER').split(':');
  const options = { endpoints: [url], ca: server.get('SSL_CERT_FILE'), user, password: 'env:P' };
  const env = { P: readerPassword };
  return {
    home: { options, env },
    writer: { options: { ...options, user: name }, env: { P: password ?? '' } },
    auth: 'password',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `app/${slug(`gone-${n}`)}`,
    put,
    cannotHold: [],
    versions: async () => {
      const key = `app/${slug('versions')}`;
      const [one, two] = [await write(key, 'one'), await write(key, 'two')];
      return { path: key, one, two, none: '1' };
    },
    remote: {
      at: (address, ca) => ({ options: { ...options, endpoints: [address], ca }, env }),
      speaks: 'https',
      wrong: { options, env: { P: WRONG } },
      secrets: [readerPassword],
    },
  };
}

interface EtcdAnswer {
  readonly token?: string;
  readonly header?: { readonly revision?: string };
}

async function redis(server: RealServer): Promise<World> {
  const { hostname, port, password } = new URL(server.get('REDIS_URL'));
  const client = new RedisClient(server.get('REDIS_URL'));
  afterAll(() => client.close());
  const put: World['put'] = async (name, bytes) => {
    await client.set(slug(name), bytes);
    return { path: slug(name) };
  };
  const options = { password: 'env:P' };
  const [url, env] = [`redis://${hostname}:${port}`, { P: password }];
  return {
    home: { options: { ...options, url }, env },
    auth: 'password',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => slug(`gone-${n}`),
    put,
    cannotHold: [],
    remote: {
      at: (address) => ({ options: { ...options, url: address }, env }),
      speaks: 'tcp',
      wrong: { options: { ...options, url }, env: { P: WRONG } },
      secrets: [password],
    },
  };
}

/** A server of our own that wants a token. */
async function http(): Promise<World> {
  const contents = new Map<string, Uint8Array>();
  const token = `right-${RUN}`;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      if (request.headers.get('authorization') !== `Bearer ${token}`) {
        return new Response('', { status: 401 });
      }
      const name = new URL(request.url).pathname.slice(1);
      if (request.method === 'PUT') {
        contents.set(name, new Uint8Array(await request.arrayBuffer()));
        return new Response('', { status: 201 });
      }
      const found = contents.get(name);
      const type = { 'content-type': 'application/octet-stream' };
      if (found === undefined) return new Response('', { status: 404 });
      return new Response(Buffer.from(found), { headers: type });
    },
  });
  afterAll(async () => server.stop(true));
  const put: World['put'] = async (name, bytes) => {
    contents.set(slug(name), bytes);
    return { path: slug(name) };
  };
  const options = { url: server.url.href, bearer: 'env:TOKEN' };
  const env = { TOKEN: token };
  return {
    home: { options, env },
    auth: 'bearer',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `gone-${n}`,
    put,
    cannotHold: [],
    remote: {
      at: (url) => ({ options: { ...options, url }, env }),
      speaks: 'http',
      wrong: { options, env: { TOKEN: WRONG } },
      secrets: [token],
    },
  };
}

export const SERVER_WORLDS = {
  vault: async () => worldOf('openbao', vault),
  consul: async () => worldOf('consul', consul),
  etcd: async () => worldOf('etcd-tls', etcd),
  redis: async () => worldOf('redis', redis),
  http,
};
