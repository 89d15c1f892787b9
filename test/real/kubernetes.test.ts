// The store against a real API server (etcd and kube-apiserver, no node).
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Surroundings } from '../support/real-store.ts';
import type { Routed, Routing } from '../support/routed-store.ts';
import { json, openRouted, problemIn, shown, thrownBy } from '../support/routed-store.ts';
import type { ApiServer } from './_kube-apiserver.ts';
import { startApiServer } from './_kube-apiserver.ts';

const started = await startApiServer();
const missing = 'missing' in started;
const CANARY = 'canary-a8f0';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-kube-test-'));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (!missing) await started.stop();
});

function server(): ApiServer {
  if ('missing' in started) throw new Error(started.missing);
  return started;
}

const b64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const NS = '/api/v1/namespaces';
const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces/team/';

async function create(at: string, kind: string, body: object): Promise<void> {
  const apiVersion = at.startsWith('/apis/rbac') ? 'rbac.authorization.k8s.io/v1' : 'v1';
  await server().admin('POST', at, { apiVersion, kind, ...body });
}

async function secret(name: string, data: Record<string, string>): Promise<void> {
  await create(`${NS}/team/secrets`, 'Secret', { metadata: { name }, data });
}

/** A token of the service account team/reader. */
async function tokenOf(): Promise<string> {
  const answer = await server().admin('POST', `${NS}/team/serviceaccounts/reader/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  return (answer as { status?: { token?: string } }).status?.token ?? '';
}

const ODD: Readonly<Record<string, Uint8Array>> = {
  quotes: Buffer.from('"<>&\'\\'),
  lines: Buffer.from('a\r\nb\n\n'),
  nul: Buffer.from('a\0b'),
  'non-ascii': Buffer.from('ü – 🎉'),
  'not-utf8': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  empty: Buffer.of(),
  big: Buffer.alloc(900 * 1024, 0xe9),
};

function file(name: string, content: string): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

let tokenFile = '';
async function open(
  more: object = {},
  around: Surroundings = {},
  routing?: Routing,
): Promise<Routed> {
  const { url, files } = server();
  const auth = { tokenFile };
  const options = { kind: 'kubernetes', url, ca: files.ca, namespace: 'team', auth, ...more };
  return openRouted(options, around, routing);
}

function kubeconfig(user: object, cluster: object = {}): string {
  const { url, files } = server();
  const data = { 'certificate-authority-data': b64(readFileSync(files.ca)) };
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: url, ...data, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'team' } }],
    'current-context': 'x',
  });
}

describe.skipIf(missing)('kubernetes', () => {
  beforeAll(async () => {
    for (const name of ['team', 'other']) await create(NS, 'Namespace', { metadata: { name } });
    await secret('db', { user: b64('app'), password: b64(CANARY) });
    await secret('odd', Object.fromEntries(Object.entries(ODD).map(([k, v]) => [k, b64(v)])));
    await create(`${NS}/team/secrets`, 'Secret', { metadata: { name: 'none' } });
    await secret('hidden', { a: b64(CANARY) });
    await create(`${NS}/team/configmaps`, 'ConfigMap', {
      metadata: { name: 'settings' },
      data: { b: 'text\n', a: 'ü' },
      binaryData: { bin: b64(ODD['not-utf8'] ?? '') },
    });
    await create(`${NS}/team/serviceaccounts`, 'ServiceAccount', { metadata: { name: 'reader' } });
    const secrets = [
      'db',
      'odd',
      'none',
      'gone',
      ...Array.from({ length: 200 }, (_, i) => `n${i}`),
    ];
    const rule = (resource: string, resourceNames: string[]) => {
      return { apiGroups: [''], resources: [resource], verbs: ['get'], resourceNames };
    };
    const rules = [rule('secrets', secrets), rule('configmaps', ['settings'])];
    await create(`${RBAC}roles`, 'Role', { metadata: { name: 'reader' }, rules });
    await create(`${RBAC}rolebindings`, 'RoleBinding', {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'team' }],
    });
    tokenFile = file('token', `${await tokenOf()}\n`);
  });

  test('a Secret and a ConfigMap are their keys, in the order of the question', async () => {
    const { fetch: ask, requests } = await open();
    const answers = await ask('secret/team/db', 'configmap/settings', 'secret/gone', 'secret/db');
    expect(answers.map(shown)).toEqual([
      { password: CANARY, user: 'app' },
      { a: Buffer.from('ü').toString('latin1'), b: 'text\n', bin: '\xff\xfe\0\x80' },
      { absent: 'there is no such object' },
      { password: CANARY, user: 'app' },
    ]);
    expect(requests).toHaveLength(3);
    const [, settings] = answers;
    const binary = settings?.kind === 'map' ? [...settings.entries] : [];
    expect(binary.map(([key, { binary: isBinary }]) => [key, isBinary])).toEqual([
      ['a', false],
      ['b', false],
      ['bin', true],
    ]);
  });

  test('gives the bytes as they are, and no keys where there are none', async () => {
    const { fetch: ask } = await open();
    const [odd, none] = await ask('secret/odd', 'secret/none');
    const expected = Object.entries(ODD).map(([k, v]) => [k, Buffer.from(v).toString('latin1')]);
    expect(shown(odd)).toEqual(Object.fromEntries(expected));
    expect(none?.kind === 'map' && none.entries.size).toBe(0);
  });

  test('what a Role does not allow is denied in the words of the server, and alone', async () => {
    const { fetch: ask } = await open();
    const [hidden, other, there] = await ask('secret/hidden', 'secret/other/db', 'secret/db');
    for (const one of [hidden, other]) {
      expect(problemIn(one).code).toBe('BH_ERR_STORE_DENIED');
      expect(problemIn(one).message).toContain('system:serviceaccount:team:reader');
      expect(problemIn(one).message).not.toContain(CANARY);
    }
    expect(there?.kind).toBe('map');
  });

  test('200 objects are 200 requests', async () => {
    const { fetch: ask, trace, requests } = await open();
    const answers = await ask(...Array.from({ length: 200 }, (_, i) => `secret/n${i}`));
    expect(answers.every(({ kind }) => kind === 'absent')).toBe(true);
    expect(trace.spans().filter(({ kind }) => kind === 'call')).toHaveLength(200);
    expect(new Set(requests.map(({ protocol }) => protocol))).toEqual(new Set(['h2']));
  });

  test('a token that has ended is read again from its file', async () => {
    const own = file('ending', `${await tokenOf()}x`);
    const { fetch: ask, requests } = await open({ auth: { tokenFile: own } }, {}, (request) => {
      file('ending', readFileSync(tokenFile, 'utf8'));
      return request;
    });
    expect((await ask('secret/db'))[0]?.kind).toBe('map');
    expect(requests).toHaveLength(2);
  });

  test('a token that is never taken is a problem of credentials, and shown nowhere', async () => {
    const { fetch: ask } = await open({ auth: { tokenFile: file('bad', CANARY) } });
    const problem = problemIn((await ask('secret/db'))[0]);
    expect(problem.code).toBe('BH_ERR_CREDENTIALS');
    expect(problem.message).not.toContain(CANARY);
  });

  test('throttling by text, outages and other answers are waited out', async () => {
    const answers = [
      { answer: { status: 429, headers: { 'retry-after': '0' }, body: Buffer.from('Too many') } },
      json(503, { kind: 'Status', reason: 'ServiceUnavailable' }),
      { answer: { status: 200, body: Buffer.from('<html>') } },
      json(410, { kind: 'Status', reason: 'Expired' }),
      json(200, { kind: 'Secret', metadata: { name: 'else' } }),
    ];
    const opened = await open({}, { startMsMax: 5000 }, (request) => answers.shift() ?? request);
    expect((await opened.fetch('secret/db'))[0]?.kind).toBe('map');
    expect(answers).toEqual([]);
  });

  test('who we are is what the server takes us for', async () => {
    const { store } = await open();
    expect(await store.identity?.()).toBe('system:serviceaccount:team:reader');
  });

  test('a path of the server that is not its root is not absence', async () => {
    const { url, files } = server();
    const user = {
      'client-certificate-data': b64(readFileSync(files.cert)),
      'client-key-data': b64(readFileSync(files.key)),
    };
    const config = file('astray', kubeconfig(user, { server: `${url}/api` }));
    const opened = await openRouted({ kind: 'kubernetes', kubeconfig: config }, {});
    expect(problemIn((await opened.fetch('secret/gone'))[0]).code).toBe('BH_ERR_SETTINGS');
  });

  test('in a pod: its variables, token and namespace, auth: service account', async () => {
    const account = '/var/run/secrets/kubernetes.io/serviceaccount';
    const files: Readonly<Record<string, string>> = {
      [`${account}/token`]: readFileSync(tokenFile, 'utf8'),
      [`${account}/ca.crt`]: readFileSync(server().files.ca, 'utf8'),
      [`${account}/namespace`]: 'team',
    };
    const io = { fs: { read: (name: string) => Buffer.from(files[name] ?? '') } } as never;
    const { port } = new URL(server().url);
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port };
    const { fetch: ask } = await openRouted({ kind: 'kubernetes' }, { env, io });
    expect((await ask('secret/db'))[0]?.kind).toBe('map');
  });

  test('certificate as data and as files, token, token file, auth: kubeconfig', async () => {
    const { files } = server();
    const token = readFileSync(tokenFile, 'utf8').trim();
    writeFileSync(path.join(folder, 'admin.crt'), readFileSync(files.cert));
    writeFileSync(path.join(folder, 'admin.key'), readFileSync(files.key));
    const data = {
      'client-certificate-data': b64(readFileSync(files.cert)),
      'client-key-data': b64(readFileSync(files.key)),
    };
    const paths = { 'client-certificate': 'admin.crt', 'client-key': 'admin.key' };
    const users: readonly (readonly [object, string])[] = [
      [data, 'admin'],
      [paths, 'admin'],
      [{ token }, 'system:serviceaccount:team:reader'],
      [{ tokenFile: 'token' }, 'system:serviceaccount:team:reader'],
    ];
    for (const [user, who] of users) {
      const config = file('config', kubeconfig(user));
      const opened = await openRouted({ kind: 'kubernetes', kubeconfig: config }, {});
      expect((await opened.fetch('secret/db'))[0]?.kind).toBe('map');
      expect(await opened.store.identity?.()).toBe(who);
    }
  });

  test('a given one wins over a user that cannot be used, auth: token', async () => {
    const config = file('exec', kubeconfig({ exec: { command: 'aws' } }));
    const stores = { env: { kind: 'env' } };
    const env = { KUBECONFIG: config, T: readFileSync(tokenFile, 'utf8') };
    const options = { kind: 'kubernetes', auth: { token: 'env:T' } };
    const { store } = await openRouted(options, { env, stores });
    expect(await store.identity?.()).toBe('system:serviceaccount:team:reader');
    const problem = await thrownBy(
      (await openRouted({ kind: 'kubernetes' }, { env })).fetch('secret/db'),
    );
    expect([problem.code, problem.what]).toEqual(['BH_ERR_CREDENTIALS', 'exec is not supported']);
  });

  test('the name in tls-server-name is the one that is checked', async () => {
    const token = readFileSync(tokenFile, 'utf8').trim();
    for (const [name, kind] of [
      ['kubernetes.default.svc', 'map'],
      ['evil.example', 'failed'],
    ]) {
      const config = file('sni', kubeconfig({ token }, { 'tls-server-name': name }));
      const opened = await openRouted({ kind: 'kubernetes', kubeconfig: config }, {});
      expect((await opened.fetch('secret/db'))[0]?.kind).toBe(kind as never);
    }
  });
});
