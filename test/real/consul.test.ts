// Keys of a real Consul through the store, as `run` asks for them.
import { beforeAll, describe, expect, test } from 'bun:test';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { answerOf, certificates, faultProxy, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';

const server = await realServer('consul');
const skip = server.missing !== undefined;
const CANARY = `canary-${crypto.randomUUID()}`;
const root = `test-${crypto.randomUUID().slice(0, 8)}`;
const at = (name: string): string => `${root}/${name}`;

const open = (options: Record<string, unknown> = {}, env: Record<string, string> = server.env) =>
  openReal({ kind: 'consul', ...options }, { env, stores: { e: { kind: 'env' } } });

async function admin(path: string, body: string | Uint8Array): Promise<Record<string, string>> {
  const headers = { 'x-consul-token': server.get('CONSUL_HTTP_TOKEN') };
  const url = `${server.get('CONSUL_HTTP_ADDR')}/v1/${path}`;
  const answer = await fetch(url, { method: 'PUT', headers, body: Buffer.from(body) });
  expect(answer.status).toBe(200);
  return path.startsWith('kv/') ? {} : ((await answer.json()) as Record<string, string>);
}
const put = (name: string, value: string | Uint8Array) =>
  admin(`kv/${at(name).split('/').map(encodeURIComponent).join('/')}`, value);

/** A token that may do what the rules say. */
async function token(rules: string): Promise<string> {
  const policy = { Name: `p-${crypto.randomUUID()}`, Rules: rules };
  const { ID: id } = await admin('acl/policy', JSON.stringify(policy));
  const made = await admin('acl/token', JSON.stringify({ Policies: [{ ID: id }] }));
  return made['SecretID'] ?? '';
}

const ODD: Record<string, string | Uint8Array> = {
  quotes: `"it's" <b>&amp;</b>`,
  lines: 'one\r\ntwo\n\n',
  'a b#c?d=e%2F+&<>': 'ÄÖ 🔑 \u2028',
  binary: Uint8Array.from({ length: 256 }, (_, n) => n),
  empty: '',
  long: 'x'.repeat(512 * 1024),
};

beforeAll(async () => {
  if (skip) return;
  await put('there', CANARY);
});

describe.skipIf(skip)('keys', () => {
  test('give their bytes exactly, whatever they are and are called', async () => {
    for (const [name, value] of Object.entries(ODD)) await put(`odd/${name}`, value);
    const answers = await (await open()).fetch(
      ...Object.keys(ODD).map((name) => at(`odd/${name}`)),
    );
    const want = Object.values(ODD).map((one) =>
      typeof one === 'string' ? one : `bytes:${Buffer.from(one).toString('base64')}`,
    );
    expect(answers.map(plain)).toEqual(want);
  });

  test('are given in the order asked, also twice, and absent where they are not there', async () => {
    const paths = [at('none'), at('there'), at('nothing/'), at('there')];
    const answers = await (await open()).fetch(...paths);
    expect(answers.map(plain)).toEqual([
      'absent: there is no such key',
      CANARY,
      'absent: there is no key below it',
      CANARY,
    ]);
  });

  test('tell the index of their last change as version', async () => {
    const [answer] = await (await open()).fetch(at('there'));
    expect(answer).toMatchObject({ facts: { version: expect.stringMatching(/^\d+$/) } });
  });

  test('below a folder are a map, names as they stand below it', async () => {
    for (const name of ['f/a', 'f/b/c', 'f/', 'fx']) await put(name, name);
    const [folder] = await (await open()).fetch(at('f/'));
    expect(plain(folder)).toEqual({ a: 'f/a', 'b/c': 'f/b/c' });
  });
});

describe.skipIf(skip)('the fewest requests', () => {
  test.each([
    [1, 1],
    [128, 1],
    [129, 2],
    [200, 2],
  ])('%p keys are %p', async (count, requests) => {
    await using counting = await faultServer({ upstream: { url: server.get('CONSUL_HTTP_ADDR') } });
    const opened = await open({}, { ...server.env, CONSUL_HTTP_ADDR: counting.url });
    const paths = Array.from({ length: count }, (_, n) => (n === 0 ? at('there') : at(`no-${n}`)));
    const answers = await opened.fetch(...paths);
    expect(plain(answers[0])).toBe(CANARY);
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(count - 1);
    expect(counting.requests.length).toBe(requests);
  });

  test('a Consul before 1.14 is asked by `get`, and once more without what is not there', async () => {
    await using old = await faultServer({ upstream: { url: server.get('CONSUL_HTTP_ADDR') } });
    const errors = [{ OpIndex: 0, What: 'unknown KV operation: get-or-empty' }];
    const answer = answerOf(409, { Results: null, Errors: errors });
    old.always({ kind: 'answer', answer }, (one) => one.body.includes('get-or-empty'));
    const reader = await token(`key "${at('there')}" { policy = "read" }
      key_prefix "${at('none')}" { policy = "read" }`);
    const env = { CONSUL_HTTP_ADDR: old.url, CONSUL_HTTP_TOKEN: reader };
    const answers = await (await open({}, env)).fetch(at('none'), at('there'), at('odd/quotes'));
    expect(answers.map(plain)).toEqual([
      'absent: there is no such key',
      CANARY,
      expect.stringMatching(/^BH_ERR_STORE_DENIED/),
    ]);
    expect(old.requests.length).toBe(3);
  });
});

describe('a Consul before 1.14, whose keys go while they are read', () => {
  const Value = Buffer.from('v').toString('base64');
  const failing = (errors: readonly (readonly [number, string])[]) => {
    const Errors = errors.map(([OpIndex, What]) => ({ OpIndex, What }));
    return answerOf(409, { Results: null, Errors });
  };

  test('is asked until it has what is left; what went is absent', async () => {
    const there = new Set(['b', 'c', 'd']);
    await using old = await faultServer({
      answer: ({ body }) => {
        if (body.includes('get-or-empty')) return failing([[0, 'unknown KV operation']]);
        const keys = [...String(body).matchAll(/"Key":"(.)"/g)].map(([, key]) => key ?? '');
        const gone = keys.flatMap((key, n) =>
          there.has(key) ? [] : [[n, `key "${key}" doesn't exist`] as const],
        );
        there.delete([...there][0] ?? '');
        if (gone.length > 0) return failing(gone);
        const facts = { Value, CreateIndex: 1, ModifyIndex: 2 };
        return answerOf(200, { Results: keys.map((Key) => ({ KV: { Key, ...facts } })) });
      },
    });
    const opened = await open({}, { CONSUL_HTTP_ADDR: old.url });
    const absent = 'absent: there is no such key';
    const all = await opened.fetch('a', 'b', 'c', 'd');
    expect(all.map(plain)).toEqual([absent, absent, absent, absent]);
    there.add('a').add('b').add('c').add('d');
    const some = await opened.fetch('z', 'a', 'b', 'd');
    expect(some.map(plain)).toEqual([absent, absent, absent, 'v']);
  });

  test('and says what makes no sense, is an outage, asked no more', async () => {
    const strange = failing([[7, `key "x" doesn't exist`]]);
    await using old = await faultServer({ answer: () => strange });
    const work = (await open({}, { CONSUL_HTTP_ADDR: old.url })).fetch('a', 'b');
    expect(await codeOf(work)).toBe('BH_ERR_STORE');
    expect(old.requests.length).toBe(2);
  });
});

describe.skipIf(skip)('rights', () => {
  test('one key that is denied leaves the others, and is never absent', async () => {
    await put('f2/open', 'o');
    await put('f2/shut', 's');
    const reader = await token(`key "${at('there')}" { policy = "read" }
      key "${at('f2/open')}" { policy = "read" }`);
    const env = { ...server.env, CONSUL_HTTP_TOKEN: reader };
    const answers = await (await open({}, env)).fetch(
      at('there'),
      at('none'),
      at('f2/'),
      at('f2/open'),
    );
    expect(answers.map(plain)).toEqual([
      CANARY,
      expect.stringMatching(/^BH_ERR_STORE_DENIED: .*none: it may not be read/),
      expect.stringMatching(/^BH_ERR_STORE_DENIED: .*some keys below it may not be read/),
      'o',
    ]);
    const [, none] = answers;
    const help = none?.kind === 'failed' ? none.problem.help : '';
    expect(help).toContain(`key "${at('none')}" { policy = "read" }`);
  });

  test('the anonymous token reads what it may, auth: none', async () => {
    await put('open', CANARY);
    const rules = `key "${at('open')}" { policy = "read" }`;
    const policy = { Name: `p-${crypto.randomUUID()}`, Rules: rules };
    const { ID: id } = await admin('acl/policy', JSON.stringify(policy));
    const anonymous = 'acl/token/00000000-0000-0000-0000-000000000002';
    await admin(anonymous, JSON.stringify({ Policies: [{ ID: id }] }));
    const { CONSUL_HTTP_TOKEN: _, ...env } = server.env;
    expect((await (await open({}, env)).fetch(at('open'))).map(plain)).toEqual([CANARY]);
    await admin(anonymous, JSON.stringify({ Policies: [] }));
  });

  test('nothing is absent for nobody: without a token a shut folder is denied', async () => {
    const { CONSUL_HTTP_TOKEN: _, ...env } = server.env;
    const answers = await (await open({}, env)).fetch(at('there'), at('f2/'));
    expect(answers.map(plain)).toEqual([
      expect.stringMatching(/^BH_ERR_STORE_DENIED/),
      expect.stringMatching(/^BH_ERR_STORE_DENIED/),
    ]);
    const { store } = await open({}, env);
    expect(await store.identity?.()).toBe('the anonymous token');
  });

  test.each([
    ['a token that is not known', { CONSUL_HTTP_TOKEN: CANARY }],
    ['a token that no header can have', { CONSUL_HTTP_TOKEN: `${CANARY} ä` }],
    ['a file that is not there', { CONSUL_HTTP_TOKEN_FILE: '/nowhere' }],
  ])('%s is BH_ERR_CREDENTIALS, and is not told', async (_, env) => {
    const work = (await open({}, { ...server.env, ...env })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(await wordsOf(work)).not.toContain(CANARY);
  });

  test('the token comes from a reference, a file or a variable, in this order', async () => {
    const { CONSUL_HTTP_TOKEN: good = '', ...env } = server.env;
    const file = `${process.env['TMPDIR'] ?? '/tmp'}/bellhop-consul-${crypto.randomUUID()}`;
    await Bun.write(file, `${good}\n`);
    const bad = { ...env, CONSUL_HTTP_TOKEN: 'bad' };
    for (const [options, variables] of [
      [{ token: 'e:T' }, { ...bad, T: good, CONSUL_HTTP_TOKEN_FILE: '/nowhere' }],
      [{ tokenFile: file }, { ...bad, CONSUL_HTTP_TOKEN_FILE: '/nowhere' }],
      [{}, { ...bad, CONSUL_HTTP_TOKEN_FILE: file }],
    ] as const) {
      expect(plain((await (await open(options, variables)).fetch(at('there')))[0])).toBe(CANARY);
    }
    await Bun.file(file).delete();
  });

  test('identity is the accessor and the policies', async () => {
    const { store } = await open();
    expect(await store.identity?.()).toMatch(
      /^token [-0-9a-f]{36} \(policies: global-management\)$/,
    );
  });
});

describe.skipIf(skip)('the way to it', () => {
  test('TLS is verified by CONSUL_CACERT; CONSUL_HTTP_SSL is for addresses without a scheme', async () => {
    await using proxy = await faultProxy(server.get('CONSUL_HTTP_ADDR'), certificates().good);
    const { host } = new URL(proxy.url);
    const { caFile } = certificates();
    const env = { ...server.env, CONSUL_HTTP_ADDR: host, CONSUL_HTTP_SSL: 'true' };
    const trusted = await open({}, { ...env, CONSUL_CACERT: caFile });
    expect(plain((await trusted.fetch(at('there')))[0])).toBe(CANARY);
    const work = (await open({}, env)).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_STORE');
    expect(await wordsOf(work)).toContain('certificate (unknown authority)');
  });

  test('a datacenter that is not there is told at once', async () => {
    const work = (await open({ datacenter: 'nowhere' })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain('datacenter');
  });

  test('namespace and partition go along with each key (no Enterprise here to heed them)', async () => {
    await using seen = await faultServer({ upstream: { url: server.get('CONSUL_HTTP_ADDR') } });
    const env = { ...server.env, CONSUL_HTTP_ADDR: seen.url, CONSUL_PARTITION: 'p' };
    await (await open({ namespace: 'team' }, env)).fetch(at('there'));
    const [{ KV: operation }] = JSON.parse(String(seen.requests[0]?.body)) as [{ KV: object }];
    expect(operation).toMatchObject({ Namespace: 'team', Partition: 'p' });
  });

  test.each([
    [{}, {}, 'no address'],
    [{ address: 'unix:///run/consul.sock' }, {}, 'sockets are not supported'],
    [{ address: 'ftp://c' }, {}, 'must be http(s)://'],
    [{ address: 'c:8500' }, { CONSUL_HTTP_SSL_VERIFY: 'false' }, 'CONSUL_HTTP_SSL_VERIFY'],
    [{ address: 'c:8500', key: '/dev/null' }, {}, 'belong together'],
  ])('settings that cannot be right: %j %j', async (options, env, words) => {
    const work = open(options, env).then((opened) => opened.fetch('x'));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain(words);
  });

  test.each([
    ['no leader', answerOf(500, 'No cluster leader', 'text/plain')],
    ['a limit', answerOf(429, 'Your IP is issuing too many concurrent connections', 'text/plain')],
    ['a page', answerOf(200, '<html>', 'text/html')],
    ['a body that was cut', answerOf(200, '{"Results": [{"KV": {"Key"', 'application/json')],
    ['a value that is no base 64', answerOf(200, { Results: [{ KV: { Key: 'x', Value: '?' } }] })],
  ])('%s is asked again', async (_, answer) => {
    await using faulty = await faultServer({ upstream: { url: server.get('CONSUL_HTTP_ADDR') } });
    faulty.next({ kind: 'answer', answer });
    const opened = await open({}, { ...server.env, CONSUL_HTTP_ADDR: faulty.url });
    expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
    expect(faulty.requests.length).toBe(2);
  });
});
