// The worlds of Google, Azure (stubs) and Kubernetes (an API server, where its binary is).
import { afterAll } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import type { RealServer } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import type { MaybeWorld, World } from './_world.ts';
import { CANARY, RUN, WRONG } from './_world.ts';
import { slug, worldOf } from './_worlds-aws.ts';

/** A metadata server that gives out tokens that nobody takes; the address of it. */
function wrongTokens(): string {
  const facts = { access_token: WRONG, token_type: 'Bearer', resource: 'x' };
  const token = {
    ...facts,
    expires_in: 3600,
    expires_on: `${Math.floor(Date.now() / 1000) + 3600}`,
  };
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => Response.json(token, { headers: { 'metadata-flavor': 'Google' } }),
  });
  afterAll(async () => server.stop(true));
  return server.url.host;
}

async function secretManager(server: RealServer): Promise<World> {
  const endpoint = server.get('GSM_ENDPOINT');
  const headers = { authorization: 'Bearer testbed' };
  const api = async (at: string, body: object): Promise<void> => {
    const url = `${endpoint}/v1/projects/testbed/secrets${at}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
  };
  const add = async (name: string, bytes: Uint8Array): Promise<void> => {
    const data = Buffer.from(bytes).toString('base64');
    await api(`/${name}:addVersion`, { payload: { data } });
  };
  const put: World['put'] = async (name, bytes) => {
    await api(`?secretId=${slug(name)}`, { replication: { automatic: {} } });
    await add(slug(name), bytes);
    return { path: slug(name) };
  };
  const env = {
    GCE_METADATA_HOST: server.get('GCE_METADATA_HOST'),
    GOOGLE_CLOUD_PROJECT: 'testbed',
  };
  return {
    home: { options: { endpoint }, env },
    auth: 'metadata server',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => slug(`gone-${n}`),
    put,
    cannotHold: [],
    versions: async () => {
      const { path: name } = await put('versions', Buffer.from('one'));
      await add(name, Buffer.from('two'));
      return { path: name, one: '1', two: '2', none: '9' };
    },
    remote: {
      at: (url) => ({ options: { endpoint: url }, env }),
      speaks: 'http',
      wrong: { options: { endpoint }, env: { ...env, GCE_METADATA_HOST: wrongTokens() } },
      // A token of the stub begins so.
      secrets: ['ya29.'],
    },
  };
}

/** A token of the managed identity that akv plays. */
async function managedToken(metadata: string, audience: string): Promise<string> {
  const query = `api-version=2018-02-01&resource=${encodeURIComponent(audience)}`;
  const at = `${metadata}/metadata/identity/oauth2/token?${query}`;
  const given = await fetch(at, { headers: { metadata: 'true' } });
  return ((await given.json()) as { access_token: string }).access_token;
}

/** How a store of Azure is reached: by the managed identity, over TLS. */
function azureAccess(server: {
  readonly url: string;
  readonly metadata: string;
  readonly token: string;
  readonly caFile: string;
}): Pick<World, 'home' | 'auth' | 'remote'> {
  const { url, metadata, token } = server;
  const env = { SSL_CERT_FILE: server.caFile, AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata };
  const wrong = { ...env, AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://${wrongTokens()}` };
  return {
    home: { options: { url }, env },
    auth: 'managed-identity',
    remote: {
      at: (address, caFile) => ({
        options: { url: address },
        env: { ...env, SSL_CERT_FILE: caFile },
      }),
      speaks: 'https',
      wrong: { options: { url }, env: wrong },
      // A token of the stub begins so.
      secrets: [token.slice(0, 12)],
    },
  };
}

async function keyVault(server: RealServer): Promise<World> {
  const url = server.get('AKV_URL');
  const metadata = server.get('AZURE_POD_IDENTITY_AUTHORITY_HOST');
  const token = await managedToken(metadata, 'https://vault.azure.net');
  const tls = { ca: readFileSync(server.get('SSL_CERT_FILE'), 'utf8') };
  const write = async (name: string, value: string): Promise<string> => {
    const answer = await fetch(`${url}/secrets/${name}?api-version=7.4`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ value }),
      tls,
    });
    if (!answer.ok) throw new Error(`PUT ${name}: ${answer.status}`);
    return ((await answer.json()) as { id: string }).id.replace(/.*\//, '');
  };
  const put: World['put'] = async (name, bytes) => {
    await write(slug(name), bytes.toString());
    return { path: slug(name) };
  };
  return {
    ...azureAccess({ url, metadata, token, caFile: server.get('SSL_CERT_FILE') }),
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => slug(`gone-${n}`),
    put,
    cannotHold: ['not UTF-8'],
    versions: async () => {
      const name = slug('versions');
      const [one, two] = [await write(name, 'one'), await write(name, 'two')];
      return { path: name, one, two, none: 'f'.repeat(32) };
    },
  };
}

/** A bucket with versions, by its own API. */
async function cloudStorage(server: RealServer): Promise<World> {
  const endpoint = server.get('GCS_ENDPOINT');
  const gsm = await realServer('gsm');
  const headers = { authorization: 'Bearer testbed', 'content-type': 'application/octet-stream' };
  const api = async (at: string, body: string | Uint8Array): Promise<{ generation?: string }> => {
    const answer = await fetch(`${endpoint}${at}`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { generation?: string };
  };
  const bucket = `bucket-${crypto.randomUUID()}`;
  const settings = { name: bucket, versioning: { enabled: true } };
  await api('/storage/v1/b?project=testbed', JSON.stringify(settings));
  const write = async (name: string, bytes: Uint8Array) => {
    return api(`/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${slug(name)}`, bytes);
  };
  const put: World['put'] = async (name, bytes) => {
    await write(name, bytes);
    return { path: `${bucket}/${slug(name)}` };
  };
  const env = { GCE_METADATA_HOST: gsm.get('GCE_METADATA_HOST') };
  return {
    home: { options: { endpoint }, env },
    auth: 'metadata server',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `${bucket}/${slug(`gone-${n}`)}`,
    put,
    cannotHold: [],
    versions: async () => {
      const one = await write('versions', Buffer.from('one'));
      const two = await write('versions', Buffer.from('two'));
      const path = `${bucket}/${slug('versions')}`;
      return { path, one: `${one.generation}`, two: `${two.generation}`, none: '9' };
    },
    remote: {
      at: (url) => ({ options: { endpoint: url }, env }),
      speaks: 'http',
      wrong: { options: { endpoint }, env: { GCE_METADATA_HOST: wrongTokens() } },
      secrets: ['ya29.'],
    },
  };
}

/** Azurite has no versions of blobs. */
async function blobStorage(server: RealServer): Promise<World> {
  const url = server.get('AZURITE_URL');
  const akv = await realServer('akv');
  const metadata = akv.get('AZURE_POD_IDENTITY_AUTHORITY_HOST');
  const token = await managedToken(metadata, 'https://storage.azure.com');
  const tls = { ca: readFileSync(server.get('SSL_CERT_FILE'), 'utf8') };
  const container = `c-${crypto.randomUUID()}`;
  const send = async (where: string, headers: Record<string, string>, body?: Uint8Array) => {
    const answer = await fetch(`${url}/${where}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'x-ms-version': '2021-12-02', ...headers },
      ...(body === undefined ? {} : { body }),
      tls,
    });
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
  };
  await send(`${container}?restype=container`, {});
  const put: World['put'] = async (name, bytes) => {
    await send(`${container}/${slug(name)}`, { 'x-ms-blob-type': 'BlockBlob' }, bytes);
    return { path: `${container}/${slug(name)}` };
  };
  return {
    ...azureAccess({ url, metadata, token, caFile: server.get('SSL_CERT_FILE') }),
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `${container}/${slug(`gone-${n}`)}`,
    put,
    cannotHold: [],
  };
}

const RBAC = 'rbac.authorization.k8s.io';

/** The token of a service account that may read every Secret of its namespace. */
async function readerOf({ admin }: ApiServer, namespace: string): Promise<string> {
  const [core, rbac] = ['/api/v1', `/apis/${RBAC}/v1`].map((at) => `${at}/namespaces/${namespace}`);
  const metadata = { name: 'reader' };
  const role = { apiVersion: `${RBAC}/v1`, metadata };
  await admin('POST', `${core}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata,
  });
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
  await admin('POST', `${rbac}/roles`, { ...role, kind: 'Role', rules });
  await admin('POST', `${rbac}/rolebindings`, {
    ...role,
    kind: 'RoleBinding',
    roleRef: { apiGroup: RBAC, kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
  });
  const answer = await admin('POST', `${core}/serviceaccounts/reader/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  return (answer as { status?: { token?: string } }).status?.token ?? '';
}

async function kubernetes(): Promise<MaybeWorld> {
  const server = await startApiServer();
  if ('missing' in server) return server;
  afterAll(() => server.stop());
  const namespace = `contract-${RUN}`;
  const of = (kind: string, name: string, more: object = {}): object => {
    return { apiVersion: 'v1', kind, metadata: { name }, ...more };
  };
  await server.admin('POST', '/api/v1/namespaces', of('Namespace', namespace));
  const put: World['put'] = async (name, bytes) => {
    const data = { k: Buffer.from(bytes).toString('base64') };
    const at = `/api/v1/namespaces/${namespace}/secrets`;
    await server.admin('POST', at, of('Secret', slug(name), { data }));
    return { path: `secret/${slug(name)}`, member: 'k' };
  };
  const env = { TOKEN: await readerOf(server, namespace) };
  const auth = { token: 'env:TOKEN' };
  const options = { url: server.url, ca: server.files.ca, namespace, auth };
  return {
    home: { options, env },
    auth: 'token',
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `secret/${slug(`gone-${n}`)}`,
    put,
    cannotHold: [],
    remote: {
      at: (url, ca) => ({ options: { ...options, url, ca }, env }),
      speaks: 'https',
      wrong: { options, env: { TOKEN: WRONG } },
      secrets: [env.TOKEN],
    },
  };
}

export const CLOUD_WORLDS = {
  'azure-blob': async () => worldOf('azurite', blobStorage),
  'azure-key-vault': async () => worldOf('akv', keyVault),
  'gcp-secret-manager': async () => worldOf('gsm', secretManager),
  gcs: async () => worldOf('gcs', cloudStorage),
  kubernetes,
};
