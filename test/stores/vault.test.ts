// What no OpenBao can be brought to answer here: standbys, sealed nodes, limits, foreign servers.
import { describe, expect, test } from 'bun:test';
import vault from '../../src/stores/vault.ts';
import { codeOf, plain, wordsOf } from '../real/_answers.ts';
import type { HttpAnswer } from '../real/_faults.ts';
import { FAULTS, answerOf, certificates, faultServer } from '../real/_faults.ts';
import type { Bound } from '../../src/plan/types.ts';
import { gatherReal, openReal } from '../support/real-store.ts';

const TOKEN = `canary-${crypto.randomUUID()}`;
const ENV = { VAULT_TOKEN: TOKEN };
const SECRET = answerOf(200, {
  lease_id: '',
  data: { data: { k: 'v' }, metadata: { version: 1 } },
});

const open = (address: string, more: Record<string, unknown> = {}) =>
  openReal(
    { kind: 'vault', address, mounts: { secret: 'kv2' }, ...more },
    { env: ENV, startMsMax: 4000 },
  );

const redirect = (status: number, location: string): HttpAnswer => {
  const answer = answerOf(status, '');
  return { ...answer, headers: { ...answer.headers, location } };
};

describe('a standby that sends us to the active node', () => {
  test.each([301, 302, 307, 308])('is followed, and then asked no more: %p', async (status) => {
    await using active = await faultServer({ answer: () => SECRET });
    await using standby = await faultServer({
      answer: ({ path }) => redirect(status, `${active.url}${path}`),
    });
    const opened = await open(standby.url);
    expect(plain((await opened.fetch('secret/x'))[0])).toEqual({ k: 'v' });
    expect(plain((await opened.fetch('secret/y'))[0])).toEqual({ k: 'v' });
    expect(standby.requests.length).toBe(1);
    expect(active.requests.map(({ path }) => path)).toEqual([
      '/v1/secret/data/x',
      '/v1/secret/data/y',
    ]);
    expect(active.requests[0]?.headers['x-vault-token']).toBe(TOKEN);
  });

  test('by another scheme, to another path, to nowhere or in a circle is not followed', async () => {
    await using other = await faultServer({ answer: () => SECRET });
    const secure = await faultServer({ tls: certificates().good });
    const ways = [
      redirect(307, `${secure.url}/v1/secret/data/x`),
      redirect(307, `${other.url}/login`),
      redirect(307, `${other.url}/v1/secret/data/x`.replace('//', '//u:p@')),
      redirect(302, 'http://['),
      answerOf(307, ''),
    ];
    for (const way of ways) {
      await using standby = await faultServer({ answer: () => way });
      expect(await codeOf((await open(standby.url)).fetch('secret/x'))).toBe('BH_ERR_SETTINGS');
    }
    expect([other.requests, secure.requests]).toEqual([[], []]);
    await using circle = await faultServer({ answer: ({ path }) => redirect(307, path) });
    const work = (await open(circle.url)).fetch('secret/x');
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).not.toContain(TOKEN);
    await secure.close();
  });
});

describe('an answer that may be another one soon', () => {
  test.each([
    ['a node that is not up to date', answerOf(412, { errors: ['x'] })],
    ['a standby', answerOf(472, {})],
    ['a standby of another kind', answerOf(473, {})],
    ['a sealed node', answerOf(503, { errors: ['Vault is sealed'] })],
    ['a fault of the server', answerOf(500, { errors: ['internal error'] })],
    ['a gateway without its server', answerOf(502, '<html>', 'text/html')],
    ['a page where JSON should be', answerOf(200, '<html>log in</html>', 'text/html')],
    ['a body that was cut', answerOf(200, '{"data": {"data": {"k": "v')],
    ['a limit', answerOf(429, { errors: ['request path "x": rate limit quota exceeded'] })],
  ])('%s is asked again', async (_, answer) => {
    await using server = await faultServer({ answer: () => SECRET });
    server.next({ kind: 'answer', answer });
    const opened = await open(server.url);
    expect(plain((await opened.fetch('secret/x'))[0])).toEqual({ k: 'v' });
    expect(server.requests.length).toBe(2);
  });

  test('a limit that names a time is obeyed', async () => {
    await using server = await faultServer({ answer: () => SECRET });
    server.next(FAULTS.throttledForASecond);
    const opened = await open(server.url);
    await opened.fetch('secret/x');
    const [first, second] = server.requests.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(990);
  });
});

describe('an answer that is none of Vault', () => {
  test.each([
    ['a 404 of something else', answerOf(404, { message: 'no route' }), 'BH_ERR_SETTINGS'],
    ['a 404 without a body', answerOf(404, ''), 'BH_ERR_SETTINGS'],
    ['a 401', answerOf(401, {}), 'BH_ERR_CREDENTIALS'],
    ['a 404 with a reason', answerOf(404, { errors: ['no handler'] }), 'BH_ERR_SETTINGS'],
    ['200 without data', answerOf(200, { data: { data: null } }), 'BH_ERR_STORE_ANSWER'],
    ['200 with a list', answerOf(200, { data: { data: [1] } }), 'BH_ERR_STORE_ANSWER'],
    ['400', answerOf(400, { errors: [`bad ${TOKEN}`] }), 'BH_ERR_SETTINGS'],
    ['403 with our token in it', answerOf(403, { errors: [TOKEN] }), 'BH_ERR_STORE_DENIED'],
  ])('%s: never absence, and never repeated with what we sent', async (_, answer, code) => {
    await using server = await faultServer({ answer: () => answer });
    const work = (await open(server.url)).fetch('secret/x');
    expect(await codeOf(work)).toBe(code);
    expect(await wordsOf(work)).not.toContain(TOKEN);
  });

  test('a mount whose name does not fit the path is told', async () => {
    const answer = answerOf(200, { data: { path: 'other/', type: 'kv' } });
    await using server = await faultServer({ answer: () => answer });
    const work = (await open(server.url, { mounts: {} })).fetch('secret/x', 'secret/y');
    expect(await codeOf(work)).toBe('BH_ERR_STORE_ANSWER');
    expect(server.requests.length).toBe(1);
  });

  test('a mount that cannot be asked about is the failure of its paths, asked once', async () => {
    await using server = await faultServer({ answer: () => answerOf(404, { errors: [] }) });
    const work = (await open(server.url, { mounts: {} })).fetch('secret/x', 'secret/y/z');
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(server.requests.length).toBe(1);
  });
});

describe('settings that cannot be right', () => {
  const failing = async (options: Record<string, unknown>, env: Record<string, string> = ENV) => {
    const work = openReal({ kind: 'vault', ...options }, { env });
    await work.then(
      () => expect('opened').toBe('refused'),
      (error: unknown) => expect(error).toMatchObject({ code: 'BH_ERR_SETTINGS' }),
    );
    return work.then(
      () => '',
      (error: unknown) => String(error),
    );
  };

  test.each(['1', 't', 'true', 'TRUE', 'yes'])('VAULT_SKIP_VERIFY=%p is refused', async (value) => {
    const said = await failing({ address: 'https://v.test' }, { ...ENV, VAULT_SKIP_VERIFY: value });
    expect(said).toContain('VAULT_SKIP_VERIFY');
  });

  test.each(['0', 'f', 'false', 'FALSE'])(
    'VAULT_SKIP_VERIFY=%p asks for nothing',
    async (value) => {
      const env = { ...ENV, VAULT_SKIP_VERIFY: value };
      expect(await openReal({ kind: 'vault', address: 'https://v.test' }, { env })).toBeDefined();
    },
  );

  test.each([
    [{}, 'no address'],
    [{ address: 'v.test:8200' }, 'must be http(s)://'],
    [{ address: 'unix:///run/agent.sock' }, 'must be http(s)://'],
    [{ address: 'https://user:secret@v.test' }, 'has a password in it'],
    [{ address: 'https://user@v.test' }, 'has more in it than an address'],
    [{ address: 'https://v.test', mounts: { secret: '2' } }, 'must be kv2, kv1 or other'],
    [{ address: 'https://v.test', cert: '/dev/null' }, 'belong together'],
    [{ address: 'https://v.test', auth: { method: 'github' } }, 'must be one of'],
  ])('%j is refused', async (options, words) => {
    expect(await failing(options)).toContain(words);
  });
});

describe('what is lent', () => {
  const lent = (duration: string): HttpAnswer =>
    answerOf(200, `{"lease_id": "db/x/1", "lease_duration": ${duration}, "data": {"p": "v"}}`);

  test.each([
    ['60', 60_000],
    ['60.5', 60_500],
    ['0', 0],
    ['"60"', 0],
    ['"1h"', 0],
    ['true', 0],
    ['null', 0],
    ['1e400', 0],
    ['-1', 0],
  ])(
    'a lease_duration of %s is a lease of %p ms: what cannot be read is none that lasts',
    async (...row) => {
      const [duration, leaseMs] = row;
      await using server = await faultServer({ answer: () => lent(duration) });
      const opened = await open(server.url, { mounts: { db: 'other' } });
      expect(await opened.fetch('db/x')).toMatchObject([{ kind: 'map', facts: { leaseMs } }]);
    },
  );

  test('a duration without a lease is none', async () => {
    const answer = answerOf(200, { lease_id: '', lease_duration: 'x', data: { p: 'v' } });
    await using server = await faultServer({ answer: () => answer });
    const [read] = await (await open(server.url, { mounts: { db: 'other' } })).fetch('db/x');
    expect(read).not.toHaveProperty('facts');
  });
});

describe('two stores of one server and one login', () => {
  const stores = (url: string, more: object = {}) => {
    const one = { kind: 'vault', address: url, mounts: { db: 'other' } };
    return { one, two: { ...one, ...more } };
  };
  const bound = (store: string, at: string): Bound => {
    return { reference: { store, path: at }, called: `${store} ${at}` };
  };
  const gathered = async (url: string, more: object = {}) => {
    const wanted = [bound('one', 'db/creds/app'), bound('two', 'db/creds/app')];
    const { answers } = await gatherReal(wanted, {
      stores: { ...stores(url, more), e: { kind: 'env' } },
      env: { ...ENV, OTHER: 'x' },
      startMsMax: 4000,
    });
    return [...answers.values()].map(({ answer }) => plain(answer));
  };
  const lending = () => {
    let users = 0;
    return faultServer({
      answer: () =>
        answerOf(200, { lease_id: 'l', lease_duration: 60, data: { user: `${++users}` } }),
    });
  };

  test('are lent the same thing once', async () => {
    await using server = await lending();
    expect(await gathered(server.url)).toEqual([{ user: '1' }, { user: '1' }]);
    expect(server.requests.length).toBe(1);
  });

  test('with another login each is lent its own', async () => {
    await using server = await lending();
    const users = await gathered(server.url, { auth: { method: 'token', token: 'e:OTHER' } });
    expect(users.length).toBe(2);
    expect(users[0]).not.toEqual(users[1]);
  });
});

test('rights name the paths as policies have them', () => {
  const options = { mounts: { 'team/kv': 'kv2', db: 'other', pki: 'other' }, write: ['pki/issue'] };
  const wanted = [
    'team/kv/a/b',
    '/team/kv/data/c',
    'db/creds/app?x=1',
    'pki/issue/web?cn=x',
    'm/x',
  ];
  const rights = vault.rights?.(
    options,
    wanted.map((path) => ({ path })),
  );
  const read = (path: string) => ({ system: 'vault', path, capabilities: ['read'] });
  expect(rights).toEqual([
    read('team/kv/data/a/b'),
    read('team/kv/data/c'),
    read('db/creds/app'),
    { system: 'vault', path: 'pki/issue/web', capabilities: ['update'] },
    read('m/data/x'),
    read('m/x'),
  ] as typeof rights);
});
