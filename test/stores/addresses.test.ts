// Addresses that options give: nothing in them is a credential, and nothing leads elsewhere.
import { describe, expect, test } from 'bun:test';
import type { StoreOptions } from '../../src/plan/types.ts';
import { objectUrl } from '../../src/stores/_aws-s3.ts';
import { addressFault, plainAddress } from '../../src/stores/_address.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { optionProblems } from '../../src/stores/_options.ts';
import { codeOf, wordsOf } from '../real/_answers.ts';
import { openRouted } from '../support/routed-store.ts';

const CANARY = `canary-${crypto.randomUUID()}`;
const ENV = {
  AWS_ACCESS_KEY_ID: 'a',
  AWS_SECRET_ACCESS_KEY: 'b',
  AZURE_TENANT_ID: 't',
  AZURE_CLIENT_ID: 'c',
  AZURE_CLIENT_SECRET: 's',
  GCE_METADATA_HOST: 'meta.test',
  TOKEN: 'token',
  VAULT_TOKEN: 'token',
};
const KUBE_AUTH = { token: 'e:TOKEN' };
const CONFIDANT = { authKey: 'alias/a', to: 'c', from: 'me', region: 'us-east-1' };

/** What a store of this address is, and what it is asked for. */
const STORES: Readonly<Record<string, (url: string) => readonly [StoreOptions, string]>> = {
  'aws-secrets-manager': (url) => [
    { kind: 'aws-secrets-manager', region: 'us-east-1', endpoint: url },
    'x',
  ],
  s3: (url) => [{ kind: 's3', region: 'us-east-1', endpoint: url }, 'b/x'],
  'gcp-secret-manager': (url) => [{ kind: 'gcp-secret-manager', project: 'p', endpoint: url }, 'x'],
  gcs: (url) => [{ kind: 'gcs', endpoint: url }, 'bucket/x'],
  'azure-blob': (url) => [{ kind: 'azure-blob', url }, 'container/x'],
  'azure-key-vault': (url) => [{ kind: 'azure-key-vault', url }, 'x'],
  'the login of azure-key-vault': (url) => [
    { kind: 'azure-key-vault', vault: 'v', auth: { authority: url } },
    'x',
  ],
  kubernetes: (url) => [{ kind: 'kubernetes', url, auth: KUBE_AUTH }, 'secret/n/x'],
  vault: (url) => [{ kind: 'vault', address: url, mounts: { kv: 'kv1' } }, 'kv/x'],
  consul: (url) => [{ kind: 'consul', address: url }, 'x'],
  etcd: (url) => [{ kind: 'etcd', endpoints: [url] }, 'x'],
  confidant: (url) => [{ kind: 'confidant', url, ...CONFIDANT }, 'x'],
  http: (url) => [{ kind: 'http', url }, 'x'],
};

const WRONG: Readonly<Record<string, string>> = {
  'a user and a password': `https://me:${CANARY}@a.test`,
  'a password alone': `https://:${CANARY}@a.test`,
  'a user alone': `https://${CANARY}@a.test`,
  'a query': `https://a.test/?token=${CANARY}`,
  'a fragment': `https://a.test/#${CANARY}`,
  'another scheme': 'ftp://a.test',
};

describe.each(Object.entries(STORES))('an address of %s', (_, store) => {
  test.each(Object.entries(WRONG))('with %s is BH_ERR_SETTINGS', async (_what, url) => {
    const sent: string[] = [];
    const [options, path] = store(url);
    const work = openRouted(
      options,
      { env: ENV, stores: { e: { kind: 'env' } }, startMsMax: 1000 },
      (request) => {
        sent.push(request.url);
        return { answer: { status: 500 } };
      },
    ).then(async (opened) => opened.fetch(path));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).not.toContain(CANARY);
    expect(sent).toEqual([]);
  });
});

describe('what a plan would hold of a credential is found when it is made', () => {
  const { 'another scheme': _scheme, 'a user and a password': _both, ...more } = WRONG;
  const all = Object.entries(STORES).flatMap(([name, store]) => {
    return Object.entries(more).map(([what, url]) => [name, what, store(url)[0]] as const);
  });

  test.each(all)('%s: %s', async (_name, _what, { kind, ...options }) => {
    const specs = (await ALL_STORES[String(kind)]?.())?.default.options ?? {};
    const problems = optionProblems(specs, options, String(kind));
    expect(problems.map(({ what }) => what)).toEqual([expect.stringMatching(/^has (a|more)/)]);
    expect(JSON.stringify(problems)).not.toContain(CANARY);
  });

  test.each(['Authorization', 'x-api-key', 'PRIVATE-TOKEN', 'Cookie'])(
    'http: the header %s, whose name stands in the message and whose value does not',
    async (name) => {
      const specs = (await ALL_STORES['http']?.())?.default.options ?? {};
      const headers = { [name]: CANARY, 'x-tenant': 'team' };
      const problems = optionProblems(specs, { url: 'https://a.test', headers }, 'http');
      expect(problems.map(({ path }) => path)).toEqual([['headers', name]]);
      expect(JSON.stringify(problems)).not.toContain(CANARY);
    },
  );
});

describe('a password in an address is found when the plan is made', () => {
  test.each(Object.entries(STORES))('%s', async (_, store) => {
    const [{ kind, ...options }] = store(`https://me:${CANARY}@a.test`);
    const load = ALL_STORES[String(kind)];
    const specs = (await load?.())?.default.options ?? {};
    const problems = optionProblems(specs, options, String(kind));
    expect(problems.map(({ what }) => what)).toEqual([
      'has a password in it, which must be in another store',
    ]);
    const [{ kind: _kind, ...plain }] = store('https://a.test');
    expect(optionProblems(specs, plain, String(kind))).toEqual([]);
  });

  test.each([
    'redis://me@host/1',
    'https://[::1]:8200',
    'http://a/@b:c@d',
    'a:b@c',
    'https://a.test/?',
  ])('%s has none', (text) =>
    expect(optionProblems({ url: URL_SPEC }, { url: text }, 'x')).toEqual([]),
  );
});

const URL_SPEC = { type: 'text', help: '' } as const;

describe('a plain address', () => {
  test.each([
    ['https://a.test', 'https://a.test'],
    ['https://A.test:443/', 'https://a.test'],
    ['http://[::1]:8200/base/', 'http://[::1]:8200/base'],
    ['https://a.test/x//', 'https://a.test/x'],
    ['https://a.test?', 'https://a.test'],
    ['a.test:8200', undefined],
    ['https://', undefined],
    ['', undefined],
  ])('of %p is %p', (written, address) => expect(plainAddress(written)).toBe(address));
});

describe('what is no URL is told by its part, and not repeated', () => {
  test.each([
    ['https://localhost:99999', 'has a port that is none: it is a number up to 65535'],
    ['https://localhost:8a', 'has a port that is none: it is a number up to 65535'],
    ['https://[::1%lo]:8200', 'has an IPv6 address with a zone (%), which no URL can have'],
    ['https://[::g]/x', 'has a host that is no name and no address'],
    ['https://a b.test/', 'has a host that is no name and no address'],
    ['https://:1', 'has no host'],
    ['https://u:99999@a.test', undefined],
    ['https://a.test:1/x:99999', undefined],
    ['ftp://a.test', undefined],
    ['', undefined],
  ])('%p: %p', (written, fault) => expect(addressFault(written)).toBe(fault as string));

  test.each(['vault', 'http'])('by %s, as BH_ERR_SETTINGS', async (name) => {
    const [options, path] = STORES[name]?.('https://[::1%lo]:1') ?? [{ kind: '' }, ''];
    const work = openRouted(options, { env: ENV }, () => ({ answer: { status: 500 } })).then(
      async (opened) => opened.fetch(path),
    );
    expect(await wordsOf(work)).toContain('zone');
  });
});

describe("a bucket in the host's name", () => {
  const address = { url: 'https://s3.eu-west-1.amazonaws.com', region: 'eu-west-1' };
  const style = { address: { ...address, isConfigured: false }, pathStyle: false };
  test.each([
    ['my.bucket', 'https://my.bucket.s3.eu-west-1.amazonaws.com/x'],
    ['evil.example#', undefined],
    ['evil.example?', undefined],
    ['evil.example\\', undefined],
    ['me:pw@evil.example', undefined],
    ['evil.example:80', undefined],
    ['Upper', undefined],
    ['-a', undefined],
    ['a..b', undefined],
    ['a.', undefined],
    ['b'.repeat(64), undefined],
  ])('%j is %p', (bucket, url) => expect(objectUrl({ bucket, key: 'x' }, style)).toBe(url));
});
