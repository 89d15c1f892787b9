import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import type { Cluster } from '../../src/stores/_kube-config.ts';
import { clusterOf, loadKubeConfig } from '../../src/stores/_kube-config.ts';
import { openRouted, problemIn, thrownBy } from '../support/routed-store.ts';
import { fakeIo } from '../support/fake-io.ts';

const CANARY = 'canary-66d1';
const b64 = (text: string): string => Buffer.from(text).toString('base64');

function clusterIn(files: Readonly<Record<string, string>>, context?: string): Cluster {
  const { fs } = fakeIo({ files });
  const config = loadKubeConfig(fs, ['/a/config', '/b/config', '/c/none']);
  return clusterOf(config, fs, { context, withUser: true });
}

const BASE = `
apiVersion: v1
kind: Config
current-context: x
contexts:
- name: x
  context: { cluster: c, user: u, namespace: team }
- name: other
  context: { cluster: d }
clusters:
- name: c
  cluster: { server: 'https://c:6443/', certificate-authority: pki/ca.crt }
- name: d
  cluster: { server: 'https://d/k8s/clusters/d', certificate-authority-data: ${b64('CA D')}, tls-server-name: e }
users:
- name: u
  user: { tokenFile: token, token: ${CANARY} }
`;
const FILES = { '/a/config': BASE, '/a/pki/ca.crt': 'CA C' };

test('a context is its server, authorities, user and namespace; paths start from the file', () => {
  expect(clusterIn(FILES)).toEqual({
    url: 'https://c:6443',
    ca: 'CA C',
    token: { file: '/a/token' },
    namespace: 'team',
  });
});

test('another context by its name, without a user', () => {
  expect(clusterIn(FILES, 'other')).toEqual({
    url: 'https://d/k8s/clusters/d',
    ca: 'CA D',
    serverName: 'e',
  });
});

test('of several files the first to name something counts, whatever holds the rest', () => {
  const first =
    'current-context: other\nclusters:\n- name: d\n  cluster: { server: "https://first" }';
  const files = { '/a/config': first, '/b/config': BASE, '/b/pki/ca.crt': 'CA C' };
  expect(clusterIn(files)).toEqual({ url: 'https://first' });
  expect(clusterIn(files, 'x')).toMatchObject({ token: { file: '/b/token' } });
});

test('JSON is YAML', () => {
  const cluster = { server: 'https://j' };
  const json = {
    'current-context': 'j',
    contexts: [{ name: 'j', context: { cluster: 'j' } }],
    clusters: [{ name: 'j', cluster }],
  };
  expect(clusterIn({ '/a/config': JSON.stringify(json) })).toEqual({ url: 'https://j' });
});

const user = (text: string): string => BASE.replace(/user: \{ tokenFile.*/, `user: { ${text} }`);
const cluster = (text: string): string =>
  BASE.replace("server: 'https://c:6443/'", `server: 'https://c', ${text}`);

const UNUSABLE: readonly (readonly [string, string, string])[] = [
  ['no such user', BASE.replace('user: u', 'user: v'), 'there is no user v'],
  ['no such cluster', BASE.replace('cluster: c,', 'cluster: z,'), 'cluster is not there'],
  ['no such context', BASE.replace('current-context: x', 'current-context: z'), 'no such context'],
  ['no context', BASE.replace('current-context: x', ''), 'no current-context'],
  ['no TLS', BASE.replace('https://c:6443/', 'http://c'), 'https://'],
  ['no verification', cluster('insecure-skip-tls-verify: true'), 'insecure-skip-tls-verify'],
  ['a proxy', cluster('proxy-url: "http://p"'), 'proxy-url'],
  ['a plug-in', user(`exec: { command: aws, args: [${CANARY}] }`), 'exec is not supported'],
  ['an old plug-in', user(`auth-provider: { name: ${CANARY} }`), 'auth-provider'],
  ['a password', user(`username: u, password: ${CANARY}`), 'username'],
  ['acting as another', user('as: other'), 'as is not supported'],
  ['a key alone', user(`client-key-data: ${b64(CANARY)}`), 'certificate'],
  ['no Base64', user(`client-key-data: '${CANARY}%'`), 'no Base64'],
  ['a file that is not there', user('client-certificate: none'), '/a/none cannot be read (ENOENT)'],
  ['no YAML', `a: [${CANARY}`, 'no YAML'],
  ['a list', `- ${CANARY}`, 'not a mapping'],
];

describe('cannot be used, and says why without a secret', () => {
  test.each([...UNUSABLE])('%s', (_, text, why) => {
    let thrown: unknown;
    try {
      clusterIn({ ...FILES, '/a/config': text });
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof BellhopError)) throw new Error('it was taken');
    expect(thrown.code).toBe('BH_ERR_CREDENTIALS');
    expect(thrown.message).toContain(why);
    expect(thrown.message).not.toContain(CANARY);
  });
});

test('whatever stands in a file, it is taken or refused, never a crash', () => {
  const value = fc.json();
  fc.assert(
    fc.property(value, value, (a, b) => {
      const text = `current-context: x\ncontexts: ${a}\nclusters: ${b}`;
      try {
        clusterIn({ '/a/config': text });
      } catch (error) {
        expect(error).toBeInstanceOf(BellhopError);
      }
    }),
  );
});

describe('where the API server is found', () => {
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  const all: Readonly<Record<string, string>> = {
    '/home/.kube/config': BASE.replaceAll('c:6443/', 'home').replace('pki/ca.crt', '/ca'),
    '/named': BASE.replaceAll('c:6443/', 'named').replace('pki/ca.crt', '/ca'),
    '/option': BASE.replaceAll('c:6443/', 'option').replace('pki/ca.crt', '/ca'),
    '/ca': 'CA',
    '/home/.kube/token': 't',
    '/token': 't',
    [`${account}/token`]: 't',
  };
  const POD = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const HOME = { HOME: '/home' };
  const NAMED = { KUBECONFIG: '/none:/named' };
  test.each([
    ['https://option', { kubeconfig: '/option' }, { ...POD, ...HOME, ...NAMED }],
    ['https://named', {}, { ...POD, ...HOME, ...NAMED }],
    ['https://[fd00::1]:443', {}, { ...POD, ...HOME }],
    ['https://home', {}, HOME],
    ['https://home', { context: 'x' }, { ...POD, ...HOME }],
    ['https://url', { url: 'https://url/' }, { ...POD, ...NAMED }],
  ])('%s by options %p', async (server, options, env) => {
    const io = { fs: fakeIo({ files: all }).fs };
    const around = { env: env as Record<string, string>, io };
    const opened = await openRouted({ kind: 'kubernetes', ...options }, around, () => ({
      answer: { body: Buffer.from('{"kind":"Secret","metadata":{"name":"s"}}') },
    }));
    expect((await opened.fetch('secret/ns/s'))[0]?.kind).toBe('map');
    expect(opened.requests[0]?.url).toBe(`${server}/api/v1/namespaces/ns/secrets/s`);
  });

  test.each([
    [{}, { KUBECONFIG: '/nope:/nor' }, ['/nope', '/nor']],
    [{ kubeconfig: '/nope' }, NAMED, ['/nope']],
    [{ context: 'x' }, { KUBECONFIG: '/nope' }, ['/nope']],
  ])('named files that are not there are named: %p %p', async (options, env, files) => {
    const io = { fs: fakeIo({ files: all }).fs };
    const around = { env: { ...POD, ...env } as Record<string, string>, io };
    const opened = await openRouted({ kind: 'kubernetes', ...options }, around);
    const { code, message } = await thrownBy(opened.fetch('secret/s'));
    const what = files.length === 1 ? 'no such file' : 'none of these files';
    const said = `kubeconfig ${files.join(':')}: there is ${what}`;
    expect([code, message.includes(said)]).toEqual(['BH_ERR_CREDENTIALS', true]);
  });

  test('nowhere: that is said, with what to do', async () => {
    const opened = await openRouted({ kind: 'kubernetes' }, { io: { fs: fakeIo({}).fs } });
    const problem = await thrownBy(opened.fetch('secret/s'));
    expect([problem.code, problem.help.includes('KUBECONFIG')]).toEqual([
      'BH_ERR_CREDENTIALS',
      true,
    ]);
  });

  test.each([
    'db',
    'secrets/a/b',
    'secret/a/b/c',
    'secret/A/b',
    'secret/a/',
    'secret/a/../b',
    'pod/x',
  ])('the path %s is refused without a request', async (path) => {
    const opened = await openRouted({ kind: 'kubernetes', url: 'https://url' }, {});
    expect(problemIn((await opened.fetch(path))[0]).code).toBe('BH_ERR_SETTINGS');
    expect(opened.requests).toEqual([]);
  });
});
