// Keys of a real etcd through the store, as `run` asks for them.
import { beforeAll, describe, expect, test } from 'bun:test';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { answerOf, faultProxy, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';

const [server, secure] = await Promise.all([realServer('etcd'), realServer('etcd-tls')]);
const skip = server.missing !== undefined;
const CANARY = `canary-${crypto.randomUUID()}`;
const root = `app/test-${crypto.randomUUID().slice(0, 8)}`;
const at = (name: string): string => `${root}/${name}`;
const env = { ETCDCTL_ENDPOINTS: server.get('ETCD_ENDPOINT') };

const open = (options: Record<string, unknown> = {}, variables: Record<string, string> = env) =>
  openReal({ kind: 'etcd', ...options }, { env: variables, stores: { e: { kind: 'env' } } });

const base64 = (data: string | Uint8Array): string => Buffer.from(data).toString('base64');

/** Asks the plain server. */
async function admin(path: string, body: unknown): Promise<{ header: { revision: string } }> {
  const url = `${server.get('ETCD_ENDPOINT')}/v3/${path}`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { header: { revision: string } };
}

/** Writes; the revision that it makes. */
async function put(name: string, value: string | Uint8Array): Promise<string> {
  const done = await admin('kv/put', { key: base64(at(name)), value: base64(value) });
  return done.header.revision;
}

const ODD: Record<string, string | Uint8Array> = {
  quotes: `"it's" <b>&amp;</b>`,
  lines: 'one\r\ntwo\n\n',
  'a b#c?d=e%2F+&<>/../x//y': 'ÄÖ 🔑 \u2028',
  binary: Uint8Array.from({ length: 256 }, (_, n) => n),
  empty: '',
  long: 'x'.repeat(1024 * 1024),
};

beforeAll(async () => {
  if (!skip) await put('there', CANARY);
});

describe.skipIf(skip)('keys', () => {
  test('give their bytes exactly, whatever they are and are called, auth: none', async () => {
    for (const [name, value] of Object.entries(ODD)) await put(`odd/${name}`, value);
    const answers = await (await open()).fetch(
      ...Object.keys(ODD).map((name) => at(`odd/${name}`)),
    );
    const want = Object.values(ODD).map((one) => {
      return typeof one === 'string' ? one : `bytes:${base64(one)}`;
    });
    expect(answers.map(plain)).toEqual(want);
  });

  test('are given in the order asked, also twice, and absent where they are not there', async () => {
    await put('f/a', '1');
    await put('f/b/c', '2');
    await put('f/', 'its own');
    await put('f0', 'behind it');
    const paths = [at('none'), at('there'), at('f/'), at('nothing/'), at('there')];
    const answers = await (await open()).fetch(...paths);
    expect(answers.map(plain)).toEqual([
      'absent: there is no such key',
      CANARY,
      { a: '1', 'b/c': '2' },
      'absent: there is no key below it',
      CANARY,
    ]);
  });

  test('are read at a revision, and tell at which they changed', async () => {
    const first = await put('v', 'first');
    const second = await put('v', 'second');
    const opened = await open();
    const path = at('v');
    const answers = await opened.fetch(path, { path, version: first }, { path, version: second });
    expect(answers.map(plain)).toEqual(['second', 'first', 'second']);
    expect(answers[1]).toMatchObject({ facts: { version: first } });
    const [folder] = await opened.fetch({ path: `${root}/`, version: String(Number(first) - 1) });
    expect(plain(folder)).not.toHaveProperty('v');
  });

  test('at a revision that is gone, to come or none are told, never absent', async () => {
    const old = await put('w', '1');
    const now = await put('w', '2');
    await admin('kv/compaction', { revision: now });
    const opened = await open();
    const path = at('w');
    const later = String(Number(now) + 100_000);
    const answers = await opened.fetch(
      { path, version: old },
      { path, version: later },
      { path, version: 'x' },
    );
    expect(answers.map(plain)).toEqual([
      expect.stringMatching(/^BH_ERR_SETTINGS: .*etcd has compacted its history/),
      expect.stringMatching(/^BH_ERR_SETTINGS: .*still to come/),
      expect.stringMatching(/^BH_ERR_SETTINGS: .*a number from 1/),
    ]);
  });
});

describe.skipIf(skip)('the fewest requests', () => {
  test.each([
    [1, 1],
    [128, 1],
    [129, 2],
    [200, 2],
  ])('%p paths are %p', async (count, requests) => {
    await using counting = await faultServer({ upstream: { url: server.get('ETCD_ENDPOINT') } });
    const opened = await open({ endpoints: [counting.url] });
    const paths = Array.from({ length: count }, (_, n) => (n === 0 ? at('there') : at(`no-${n}`)));
    const answers = await opened.fetch(...paths);
    expect(plain(answers[0])).toBe(CANARY);
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(count - 1);
    expect(counting.requests.length).toBe(requests);
  });

  test('a server that takes fewer at once is asked by halves', async () => {
    await using small = await faultServer({ upstream: { url: server.get('ETCD_ENDPOINT') } });
    const message = 'etcdserver: too many operations in txn request';
    const answer = answerOf(400, { error: message, message, code: 3 });
    const tooMany = ({ body }: { body: Buffer }) => String(body).split('request_range').length > 5;
    small.always({ kind: 'answer', answer }, tooMany);
    const opened = await open({ endpoints: [small.url] });
    const answers = await opened.fetch(
      ...Array.from({ length: 9 }, (_, n) => at(n === 8 ? 'there' : `n${n}`)),
    );
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(8);
    expect(plain(answers[8])).toBe(CANARY);
  });
});

describe.skipIf(secure.missing !== undefined)('users, over TLS', () => {
  const tls = { ETCDCTL_CACERT: secure.env['SSL_CERT_FILE'] ?? '' };
  const endpoint = secure.get('ETCD_ENDPOINT');
  const base = { ...tls, ETCDCTL_ENDPOINTS: endpoint };
  const post = async (path: string, body: unknown, token = ''): Promise<Record<string, string>> => {
    const ca = await Bun.file(tls.ETCDCTL_CACERT).text();
    const headers: Record<string, string> = token === '' ? {} : { authorization: token };
    const sent = { method: 'POST', headers, body: JSON.stringify(body), tls: { ca } };
    const answer = await fetch(`${endpoint}/v3/${path}`, sent);
    expect(answer.status).toBe(200);
    return (await answer.json()) as Record<string, string>;
  };
  beforeAll(async () => {
    if (secure.missing !== undefined) return;
    const [name = '', password = ''] = secure.get('ETCD_ROOT').split(':');
    const { token } = await post('auth/authenticate', { name, password });
    for (const key of [at('there'), 'other']) {
      await post('kv/put', { key: base64(key), value: base64(CANARY) }, token);
    }
  });
  const [user = '', password = ''] = secure.get('ETCD_READER').split(':');

  test('a password comes from a reference, a file or ETCDCTL_USER, auth: password', async () => {
    const file = `${process.env['TMPDIR'] ?? '/tmp'}/bellhop-etcd-${crypto.randomUUID()}`;
    await Bun.write(file, `${password}\n`);
    for (const [options, variables] of [
      [
        { user, password: 'e:P' },
        { ETCDCTL_USER: 'root:bad', P: password },
      ],
      [{ user, passwordFile: file }, {}],
      [{}, { ETCDCTL_USER: `${user}:${password}` }],
      [{}, { ETCDCTL_USER: user, ETCDCTL_PASSWORD: password }],
      [
        { ca: tls.ETCDCTL_CACERT, endpoints: [endpoint.replace('https://', '')] },
        {
          ETCDCTL_USER: secure.get('ETCD_READER'),
        },
      ],
    ] as const) {
      const opened = await open(options, { ...base, ...variables });
      expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
    }
    await Bun.file(file).delete();
  });

  test('one path that is denied leaves the others', async () => {
    const opened = await open({}, { ...base, ETCDCTL_USER: `${user}:${password}` });
    const answers = await opened.fetch(at('there'), 'other', at('none'), 'else/', `${root}/`);
    expect(answers.map(plain)).toEqual([
      CANARY,
      expect.stringMatching(/^BH_ERR_STORE_DENIED: store mine, other: it may not be read/),
      'absent: there is no such key',
      expect.stringMatching(/^BH_ERR_STORE_DENIED: store mine, else\/: it may not be read/),
      { there: CANARY },
    ]);
  });

  test.each([
    ['a wrong password', { ETCDCTL_USER: `${user}:${CANARY}` }, 'is wrong'],
    ['a user without a password', { ETCDCTL_USER: user }, 'there is no password'],
    ['no user where one is wanted', {}, 'none is given'],
  ])('%s is BH_ERR_CREDENTIALS, and is not told', async (_, variables, words) => {
    const work = (await open({}, { ...base, ...variables })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(await wordsOf(work)).toContain(words);
    expect(await wordsOf(work)).not.toContain(CANARY);
  });

  test('a token that ends in the middle is replaced by one login for all', async () => {
    const opened = await open({}, { ...base, ETCDCTL_USER: `${user}:${password}` });
    await opened.fetch(at('there'));
    const [name = '', rootPassword = ''] = secure.get('ETCD_ROOT').split(':');
    const { token } = await post('auth/authenticate', { name, password: rootPassword });
    // Setting a password, even the same one, ends the user's tokens.
    await post('auth/user/changepw', { name: user, password }, token);
    const answers = await opened.fetch(
      ...Array.from({ length: 300 }, (_, n) => at(n === 0 ? 'there' : `n${n}`)),
    );
    expect(plain(answers[0])).toBe(CANARY);
    const logins = opened.trace.spans().filter(({ name: called }) => called === 'authenticate');
    expect(logins.filter(({ kind }) => kind === 'credentials').length).toBe(2);
  });

  test('identity is the user and the roles', async () => {
    const { store } = await open({}, { ...base, ETCDCTL_USER: `${user}:${password}` });
    expect(await store.identity?.()).toBe('user reader (roles: reader)');
  });

  test('an authority that nobody trusts is refused', async () => {
    const work = (await open({}, { ETCDCTL_ENDPOINTS: endpoint })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_STORE');
    expect(await wordsOf(work)).toContain('certificate (unknown authority)');
  });
});

describe.skipIf(skip)('the way to it', () => {
  test('the next endpoint is asked where one is down, and kept', async () => {
    await using down = await faultProxy(server.get('ETCD_ENDPOINT'));
    await down.set({ reset: true });
    await using counting = await faultServer({ upstream: { url: server.get('ETCD_ENDPOINT') } });
    const opened = await open({ endpoints: [down.url, counting.url] });
    expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
    const { accepted } = await down.counts();
    expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
    expect((await down.counts()).accepted).toBe(accepted);
    expect(counting.requests.length).toBe(2);
  });

  test('a user where authentication is off is let in, as by etcdctl', async () => {
    const opened = await open({}, { ...env, ETCDCTL_USER: 'me:secret' });
    expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
  });

  test.each([
    [{}, {}, 'no endpoints'],
    [{ endpoints: ['unix:///run/etcd'] }, {}, 'must be http(s)://'],
    [{ endpoints: ['e:2379'] }, { ETCDCTL_INSECURE_SKIP_TLS_VERIFY: '1' }, 'SKIP_TLS_VERIFY'],
  ])('settings that cannot be right: %j %j', async (options, variables, words) => {
    const work = open(options, variables).then((opened) => opened.fetch('x'));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain(words);
  });

  test.each([
    ['no leader', answerOf(503, { message: 'etcdserver: no leader', code: 14 })],
    ['a limit', answerOf(429, { message: 'etcdserver: too many requests', code: 8 })],
    ['a page', answerOf(200, '<html>', 'text/html')],
    ['a body that was cut', answerOf(200, '{"header": {"cluster_id": "1"')],
    ['an answer without its header', answerOf(200, {})],
    ['fewer keys than it says', answerOf(200, { header: {}, count: '1' })],
  ])('%s is asked again', async (_, answer) => {
    await using faulty = await faultServer({ upstream: { url: server.get('ETCD_ENDPOINT') } });
    faulty.next({ kind: 'answer', answer });
    const opened = await open({ endpoints: [faulty.url] });
    expect(plain((await opened.fetch(at('there')))[0])).toBe(CANARY);
    expect(faulty.requests.length).toBe(2);
  });

  test('a token that has ended stays a refusal where no new one is to be had', async () => {
    const ended = answerOf(401, { message: 'etcdserver: invalid auth token', code: 16 });
    const logins = [answerOf(200, { token: 't' })];
    await using faulty = await faultServer({
      answer: ({ path }) => {
        if (!path.endsWith('/authenticate')) return ended;
        return logins.pop() ?? answerOf(503, { message: 'etcdserver: no leader', code: 14 });
      },
    });
    const options = { kind: 'etcd', endpoints: [faulty.url], user: 'u', password: 'e:P' };
    const around = { env: { P: 'p' }, stores: { e: { kind: 'env' } }, startMsMax: 500 };
    expect(await codeOf((await openReal(options, around)).fetch('x'))).toBe('BH_ERR_CREDENTIALS');
  });

  test('a server without the gateway is told', async () => {
    await using other = await faultServer({
      answer: () => answerOf(404, 'Not Found', 'text/plain'),
    });
    const work = (await open({ endpoints: [other.url] })).fetch('x');
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain('no JSON gateway');
  });
});
