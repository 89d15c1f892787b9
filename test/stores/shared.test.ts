// What stores of one start share, e.g. a login: who makes it, and whose failure it is.
import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { openBudget } from '../../src/core/budget.ts';
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import type { HttpAnswer, HttpRequest } from '../../src/core/io/net-types.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { openShared } from '../../src/stores/_shared.ts';
import { fakeIo } from '../support/fake-io.ts';
import { planWith } from '../support/real-store.ts';
import { simulation } from '../support/simulated.ts';

const DOWN_MS = 1000;
const VALUE = 'the value';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const json = (body: unknown): Partial<HttpAnswer> => ({
  status: 200,
  body: Buffer.from(JSON.stringify(body)),
});

/** One kind of store, and what its stores share. */
interface Row {
  readonly what: string;
  readonly options: StoreOptions;
  readonly path: string;
  readonly key?: string;
  readonly env?: readonly string[];
  /** The request that fails for the first second. */
  readonly isShared: (url: string) => boolean;
  readonly answer: (url: string, request: HttpRequest) => Partial<HttpAnswer>;
}

const login = json({ auth: { client_token: 'tok', lease_duration: 60 } });
const vaultAnswer = (url: string): Partial<HttpAnswer> => {
  if (url.includes('/login')) return login;
  if (url.includes('/mounts/')) return json({ data: { path: 'kv/', type: 'kv' } });
  return json({ data: { k: VALUE } });
};
const google = (data: unknown): Partial<HttpAnswer> => ({
  ...json(data),
  headers: { 'metadata-flavor': 'Google' },
});
const VAULT = { kind: 'vault', address: 'https://v.test', auth: { method: 'cert' } };
const CONFIDANT = { authKey: 'alias/a', to: 'confidant', from: 'me', region: 'us-east-1' };

const ROWS: readonly Row[] = [
  {
    what: 'a login of vault',
    options: { ...VAULT, mounts: { kv: 'kv1' } },
    path: 'kv/a',
    key: 'k',
    isShared: (url) => url.includes('/login'),
    answer: vaultAnswer,
  },
  {
    what: 'what vault says of a mount',
    options: VAULT,
    path: 'kv/a',
    key: 'k',
    isShared: (url) => url.includes('/mounts/'),
    answer: vaultAnswer,
  },
  {
    what: 'a token of Azure',
    options: { kind: 'azure-key-vault', url: 'https://k.test' },
    path: 'a',
    env: ['AZURE_TENANT_ID=t', 'AZURE_CLIENT_ID=c', 'AZURE_CLIENT_SECRET=s'],
    isShared: (url) => url.includes('oauth2'),
    answer: (url) => json(url.includes('oauth2') ? { access_token: 't' } : { value: VALUE }),
  },
  {
    what: 'a token of Google',
    options: { kind: 'gcp-secret-manager', project: 'p' },
    path: 'a',
    env: ['GCE_METADATA_HOST=meta.test'],
    isShared: (url) => url.includes('meta.test'),
    answer: (url) =>
      url.includes('meta.test')
        ? google({ access_token: 't' })
        : json({ payload: { data: base64(VALUE) } }),
  },
  {
    what: "the project of Google's machine",
    options: { kind: 'gcp-secret-manager' },
    path: 'a',
    env: ['GCE_METADATA_HOST=meta.test'],
    isShared: (url) => url.includes('project-id'),
    answer: (url) => {
      if (url.includes('project-id')) return { ...google({}), body: Buffer.from('p') };
      if (url.includes('meta.test')) return google({ access_token: 't' });
      return json({ payload: { data: base64(VALUE) } });
    },
  },
  {
    what: "Google's credentials in another store",
    options: { kind: 'gcp-secret-manager', project: 'p', auth: { credentials: 'c:user.json' } },
    path: 'a',
    isShared: (url) => url.includes('c.test'),
    answer: (url) => {
      if (url.includes('c.test')) {
        const secret = { client_id: 'i', client_secret: 's', refresh_token: 'r' };
        return json({ type: 'authorized_user', ...secret });
      }
      if (url.includes('oauth2')) return json({ access_token: 't' });
      return json({ payload: { data: base64(VALUE) } });
    },
  },
  {
    what: 'a token of etcd',
    options: { kind: 'etcd', endpoints: ['https://e.test'], user: 'u', password: 'env:PASSWORD' },
    path: 'a',
    env: ['PASSWORD=p'],
    isShared: (url) => url.includes('authenticate'),
    answer: (url) => {
      if (url.includes('authenticate')) return json({ token: 't' });
      const kvs = [{ key: base64('a'), value: base64(VALUE), mod_revision: '1' }];
      return json({ header: {}, count: '1', kvs });
    },
  },
  {
    what: 'a token of Confidant, which KMS makes',
    options: { kind: 'confidant', url: 'https://conf.test', ...CONFIDANT },
    path: 'svc',
    key: 'k',
    env: ['AWS_ACCESS_KEY_ID=a', 'AWS_SECRET_ACCESS_KEY=b'],
    isShared: (url) => url.includes('kms'),
    answer: (url) => {
      if (url.includes('kms')) return json({ CiphertextBlob: 'AAAA', KeyId: 'x' });
      const credentials = [{ id: 'c', name: 'c', credential_pairs: { k: VALUE } }];
      return json({ id: 'svc', enabled: true, credentials, blind_credentials: [] });
    },
  },
];

/** What becomes of bound values where what is shared is down for a second. */
async function startOf(
  row: Pick<Row, 'isShared' | 'answer' | 'env'>,
  stores: Readonly<Record<string, StoreOptions>>,
  bounds: readonly Bound[],
): Promise<readonly unknown[]> {
  await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  const world = simulation();
  const net = world.net((request, nowMs) => {
    const { url } = request;
    if (url.includes('b.test')) {
      return { afterMs: 10, answer: { body: Buffer.from('from the fallback') } };
    }
    const isDown = row.isShared(url) && nowMs < DOWN_MS;
    return { afterMs: 10, answer: isDown ? { status: 503 } : row.answer(url, request) };
  });
  const random = (count: number) => Uint8Array.from({ length: count }, () => world.random() * 256);
  const fake = fakeIo({ env: row.env ?? [] });
  const io = { ...fake, net, clock: world.clock, crypto: CRYPTOGRAPHY, random };
  const fallback = { kind: 'http', url: 'https://b.test' };
  const credentials = { kind: 'http', url: 'https://c.test' };
  const all = { ...stores, b: fallback, c: credentials, env: { kind: 'env' } };
  const plan = planWith(bounds, all, DEFAULT_POLICY);
  const budget = openBudget(world.clock, 10_000);
  const { answers } = await world.run(gather(plan, { io, objects: [], budget }));
  return bounds.map((bound) => {
    const value = selectValue(answers, bound);
    if (value instanceof BellhopError) return value.message;
    return value === 'absent' ? value : new TextDecoder().decode(value.reveal());
  });
}

describe('a store that gives up early, for it has a fallback', () => {
  test.each(ROWS)('leaves the store that shares $what its own time', async (row) => {
    const { path, options } = row;
    const key = row.key === undefined ? {} : { key: row.key };
    const fallback = [{ store: 'b', path: 'y' }];
    const values = await startOf(row, { v1: options, v2: options }, [
      { reference: { store: 'v1', path, ...key }, fallbacks: fallback, called: 'with' },
      { reference: { store: 'v2', path, ...key }, called: 'without' },
    ]);
    expect(values).toEqual(['from the fallback', VALUE]);
  });

  test('leaves itself its own time where another store asks it for a credential', async () => {
    const isShared = (url: string): boolean => url.includes('c.test');
    const answer = (url: string): Partial<HttpAnswer> => {
      return { body: Buffer.from(url.includes('v2.test') ? VALUE : 'token') };
    };
    const v1 = { kind: 'http', url: 'https://v1.test', bearer: 'c:token' };
    const v2 = { kind: 'http', url: 'https://v2.test', bearer: 'v1:token' };
    const values = await startOf({ isShared, answer }, { v1, v2 }, [
      {
        reference: { store: 'v1', path: 'a' },
        fallbacks: [{ store: 'b', path: 'y' }],
        called: 'with',
      },
      { reference: { store: 'v2', path: 'a' }, called: 'without' },
    ]);
    expect(values).toEqual(['from the fallback', VALUE]);
  });
});

const byKind = (kind: string): Row => {
  const row = ROWS.find(({ options }) => options['kind'] === kind);
  if (row === undefined) throw new Error(`there is no row of ${kind}`);
  return row;
};

describe('servers behind one address that TLS tells apart by name', () => {
  test.each([
    ['vault', ['one.test', 'one.test'], 1],
    ['vault', ['one.test', 'two.test'], 2],
    ['etcd', ['one.test', 'one.test'], 1],
    ['etcd', ['one.test', 'two.test'], 2],
  ] as const)('%s: %p have %p logins', async (kind, [one, two], logins) => {
    const row = byKind(kind);
    const { path, options, env = [] } = row;
    const key = row.key === undefined ? {} : { key: row.key };
    let seen = 0;
    const answer: Row['answer'] = (url, request) => {
      if (row.isShared(url)) seen += 1;
      return row.answer(url, request);
    };
    const values = await startOf(
      { isShared: () => false, answer, env },
      { v1: { ...options, serverName: one }, v2: { ...options, serverName: two } },
      ['v1', 'v2'].map((store) => ({ reference: { store, path, ...key }, called: store })),
    );
    expect(values).toEqual([VALUE, VALUE]);
    expect(seen).toBe(logins);
  });
});

const outage = (what: string) => new BellhopError('BH_ERR_STORE', { where: [], what });
const refusal = new BellhopError('BH_ERR_CREDENTIALS', { where: [], what: 'no' });

/** Askers by name; each makes what its own list says, and the makings are counted. */
function askers(lists: Readonly<Record<string, readonly (string | Error)[]>>) {
  const made: string[] = [];
  const left = new Map(Object.entries(lists).map(([name, list]) => [name, [...list]]));
  const by = Object.fromEntries(Object.keys(lists).map((name) => [name, { name }]));
  const shared = openShared(async ({ name }: { name: string }) => {
    made.push(name);
    await Promise.resolve();
    const next = left.get(name)?.shift();
    if (typeof next === 'string') return next;
    throw next ?? new Error('nothing is left');
  });
  const get = async (name: string, ended?: string): Promise<string> => {
    const asker = by[name] ?? { name };
    const got = await shared
      .get(asker, (one) => one !== ended)
      .catch((error: unknown) => String(error instanceof BellhopError ? error.what : error));
    return got;
  };
  return { made, get, all: async (...names: string[]) => Promise.all(names.map((n) => get(n))) };
}

describe('something that is shared', () => {
  test('is made once for all who ask at the same time, and later', async () => {
    const { made, get, all } = askers({ a: ['one'], b: [] });
    expect(await all('a', 'b', 'a')).toEqual(['one', 'one', 'one']);
    expect([await get('b'), made]).toEqual(['one', ['a']]);
  });

  test('and is refused to one is refused to all', async () => {
    const { made, all } = askers({ a: [refusal], b: ['one'] });
    expect([await all('a', 'b'), made]).toEqual([['no', 'no'], ['a']]);
  });

  test('is tried by each in turn while it is down, once by each', async () => {
    const { made, get, all } = askers({ a: [outage('A')], b: [outage('B')], c: ['one'] });
    expect(await all('a', 'b', 'c', 'a')).toEqual(['A', 'B', 'one', 'A']);
    expect([await get('b'), made]).toEqual(['one', ['a', 'b', 'c']]);
  });

  test('and is down for all is told to each in its own words', async () => {
    const { made, get, all } = askers({ a: [outage('A')], b: [outage('B')] });
    expect(await all('a', 'b')).toEqual(['A', 'B']);
    expect([await get('a'), await get('b'), made]).toEqual(['A', 'B', ['a', 'b']]);
  });

  test('is made once more when it has ended, for all who find it so', async () => {
    const { made, get } = askers({ a: ['one', 'two'], b: ['three'] });
    await get('a');
    const found = await Promise.all([get('a', 'one'), get('b', 'one'), get('a', 'one')]);
    expect([found, await get('b', 'one'), made]).toEqual([
      ['two', 'two', 'two'],
      'two',
      ['a', 'a'],
    ]);
  });

  test('is made once more, not for ever, where the new one is the old one', async () => {
    const { made, get } = askers({ a: ['one', 'one'], b: [] });
    await get('a');
    expect(await Promise.all([get('a', 'one'), get('b', 'one')])).toEqual(['one', 'one']);
    expect(made).toEqual(['a', 'a']);
  });
});
