// Keys of a real Redis through the store, as `run` asks for them.
import { beforeAll, describe, expect, test } from 'bun:test';
import { RedisClient } from 'bun';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { faultProxy } from './_faults.ts';
import { realServer } from './_servers.ts';
import { stubServer } from './_tcp-stub.ts';

const [server, secure] = await Promise.all([realServer('redis'), realServer('redis-tls')]);
const skip = server.missing !== undefined;
const CANARY = `canary-${crypto.randomUUID()}`;
const root = `app:test-${crypto.randomUUID().slice(0, 8)}`;
const at = (name: string): string => `${root}:${name}`;
const { hostname, port, password } = new URL(skip ? 'redis://x:y@z' : server.get('REDIS_URL'));
const plainUrl = `redis://${hostname}:${port}`;

const open = (options: Record<string, unknown> = {}, env: Record<string, string> = server.env) =>
  openReal({ kind: 'redis', ...options }, { env, stores: { e: { kind: 'env' } } });

/** Sends one command by Bun's own client, which this repository does not use elsewhere. */
async function admin(command: string, ...words: readonly string[]): Promise<unknown> {
  const client = new RedisClient(server.get('REDIS_URL'));
  const done: unknown = await client.send(command, [...words]);
  client.close();
  return done;
}

const ODD: Record<string, string> = {
  quotes: `"it's" <b>&amp;</b>`,
  lines: 'one\r\ntwo\n\n$-1\r\n',
  'a b#c?d=e%2F+&\r\n': 'ÄÖ 🔑 \u2028',
  nul: 'a\0b',
  empty: '',
  long: 'x'.repeat(4 * 1024 * 1024),
};

beforeAll(async () => {
  if (!skip) await admin('SET', at('there'), CANARY);
});

describe.skipIf(skip)('keys', () => {
  test('give their bytes exactly, whatever they are and are called', async () => {
    for (const [name, value] of Object.entries(ODD)) await admin('SET', at(`odd:${name}`), value);
    await admin('SETBIT', at('binary'), '0', '1');
    const names = [...Object.keys(ODD).map((name) => at(`odd:${name}`)), at('binary')];
    const answers = await (await open()).fetch(...names);
    expect(answers.map(plain)).toEqual([...Object.values(ODD), 'bytes:gA==']);
  });

  test('that are hashes are maps; in the order asked, also twice, and absent', async () => {
    await admin('HSET', at('hash'), 'user', 'u', 'pass word', ODD['quotes'] ?? '', 'empty', '');
    const answers = await (await open()).fetch(at('none'), at('hash'), at('there'), at('hash'));
    const hash = { user: 'u', 'pass word': ODD['quotes'], empty: '' };
    expect(answers.map(plain)).toEqual(['absent: there is no such key', hash, CANARY, hash]);
  });

  test('that are lists are told, and leave the others', async () => {
    await admin('RPUSH', at('list'), 'x');
    const answers = await (await open()).fetch(at('list'), at('there'));
    expect(answers.map(plain)).toEqual([
      expect.stringMatching(/^BH_ERR_VALUE: .*neither a string nor a hash/),
      CANARY,
    ]);
  });

  test('are read in the database of the URL, or of the option', async () => {
    const client = new RedisClient(`${server.get('REDIS_URL')}/7`);
    await client.set(at('seven'), 'seven');
    client.close();
    const env = { REDIS_URL: `${server.get('REDIS_URL')}/7` };
    expect(plain((await (await open({}, env)).fetch(at('seven')))[0])).toBe('seven');
    expect(plain((await (await open({ db: 7 })).fetch(at('seven')))[0])).toBe('seven');
    expect(plain((await (await open()).fetch(at('seven')))[0])).toContain('absent');
    const work = (await open({ db: 99 })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
  });
});

describe.skipIf(skip)('the fewest connections and round trips', () => {
  test.each([
    [1, 1],
    [200, 1],
    [1001, 2],
  ])('%p keys take %p connections', async (count, connections) => {
    await using proxy = await faultProxy(`${hostname}:${port}`);
    const opened = await open(
      { url: `redis://127.0.0.1:${proxy.port}`, password: 'e:P' },
      { P: password },
    );
    const paths = Array.from({ length: count }, (_, n) => (n === 0 ? at('there') : at(`no-${n}`)));
    const answers = await opened.fetch(...paths);
    expect(plain(answers[0])).toBe(CANARY);
    expect(answers.filter(({ kind }) => kind === 'absent').length).toBe(count - 1);
    expect((await proxy.counts()).accepted).toBe(connections);
  });

  test('logging in, choosing the database and reading are one round trip', async () => {
    const said: string[] = [];
    const answers = '+OK\r\n+OK\r\n$1\r\nv\r\n$-1\r\n';
    await using stub = await stubServer((text, socket) => {
      said.push(text);
      socket.write(answers);
    });
    const env = { REDIS_URL: `redis://me:pw@127.0.0.1:${stub.port}/3` };
    const got = await (await open({}, env)).fetch('a', 'b');
    expect(got.map(plain)).toEqual(['v', 'absent: there is no such key']);
    expect(said).toEqual([
      '*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n' +
        '*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n',
    ]);
  });
});

describe.skipIf(skip)('who may read', () => {
  test('a password comes from a reference, a file, REDIS_URL or REDISCLI_AUTH, auth: password', async () => {
    const file = `${process.env['TMPDIR'] ?? '/tmp'}/bellhop-redis-${crypto.randomUUID()}`;
    await Bun.write(file, `${password}\n`);
    for (const [options, env] of [
      [
        { url: plainUrl, password: 'e:P' },
        { P: password, REDISCLI_AUTH: 'bad' },
      ],
      [{ url: plainUrl, passwordFile: file }, { REDISCLI_AUTH: 'bad' }],
      [{}, { REDIS_URL: server.get('REDIS_URL'), REDISCLI_AUTH: 'bad' }],
      [{}, { REDIS_URL: plainUrl, REDISCLI_AUTH: password }],
      [{ url: plainUrl, user: 'default' }, { REDISCLI_AUTH: password }],
    ] as const) {
      expect(plain((await (await open(options, env)).fetch(at('there')))[0])).toBe(CANARY);
    }
    await Bun.file(file).delete();
  });

  test.each([
    ['a wrong password', { REDIS_URL: plainUrl, REDISCLI_AUTH: CANARY }, 'is wrong'],
    ['no password where one is wanted', { REDIS_URL: plainUrl }, 'none is given'],
    [
      'a user without a password',
      { REDIS_URL: plainUrl.replace('//', '//me@') },
      'for the user me',
    ],
  ])('%s is BH_ERR_CREDENTIALS, and is not told', async (_, env, words) => {
    const work = (await open({}, env)).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(await wordsOf(work)).toContain(words);
    expect(await wordsOf(work)).not.toContain(CANARY);
  });

  test('a server that wants no password is read without one, auth: none', async () => {
    await admin('ACL', 'SETUSER', 'default', 'nopass');
    const answers = await (await open({}, { REDIS_URL: plainUrl })).fetch(at('there'));
    await admin('ACL', 'SETUSER', 'default', 'resetpass', `>${password}`);
    expect(answers.map(plain)).toEqual([CANARY]);
  });

  test('identity is the user', async () => {
    const { store } = await open();
    expect(await store.identity?.()).toBe('user default');
  });
});

describe.skipIf(secure.missing !== undefined)('users, over TLS', () => {
  const ca = secure.env['SSL_CERT_FILE'];

  test('one key that is denied leaves the others', async () => {
    const client = new RedisClient(secure.get('REDIS_URL'), { tls: { ca: Bun.file(ca ?? '') } });
    await client.set(at('there'), CANARY);
    client.close();
    const opened = await open({ ca }, secure.env);
    const answers = await opened.fetch(at('there'), 'other', at('none'));
    expect(answers.map(plain)).toEqual([
      CANARY,
      expect.stringMatching(/^BH_ERR_STORE_DENIED: store mine, other: it may not be read/),
      'absent: there is no such key',
    ]);
    expect(await opened.store.identity?.()).toBe('user app');
  });

  test('the authority is that of `ca`, or of SSL_CERT_FILE, or none', async () => {
    const opened = await open({}, secure.env);
    expect((await opened.fetch(at('none')))[0]?.kind).toBe('absent');
    const work = (await open({}, { REDIS_URL: secure.get('REDIS_URL') })).fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_STORE');
    expect(await wordsOf(work)).toContain('unknown authority');
    const named = (await open({ ca, serverName: 'elsewhere.example' }, secure.env)).fetch('x');
    expect(await wordsOf(named)).toContain('certificate');
  });
});

describe('answers', () => {
  const error = async (text: string, more: Record<string, string> = {}) => {
    let asked = 0;
    await using stub = await stubServer((_, socket) => {
      asked += 1;
      socket.end(asked === 1 ? `-${text}\r\n` : '$1\r\nv\r\n');
    });
    const env = { REDIS_URL: `redis://127.0.0.1:${stub.port}`, ...more };
    const opened = await open({}, env);
    const work = opened.fetch('x');
    const [code, words] = [await codeOf(work), await wordsOf(work)];
    return { code, words, asked };
  };

  test.each([
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script',
    'MASTERDOWN Link with MASTER is down',
    'CLUSTERDOWN The cluster is down',
    'ERR max number of clients reached',
  ])('%s: asked again', async (text) => {
    expect(await error(text)).toMatchObject({ code: undefined, asked: 2 });
  });

  test.each([
    ['MOVED 3999 127.0.0.1:6381', 'BH_ERR_SETTINGS', 'Redis Cluster'],
    ['DENIED Redis is running in protected mode', 'BH_ERR_CREDENTIALS', 'protected mode'],
    ['NOPERM this user has no permissions', 'BH_ERR_STORE_DENIED', 'may not be read'],
    ["ERR unknown command 'GET'", 'BH_ERR_SETTINGS', 'says ERR'],
  ])('%s: %s', async (text, code, words) => {
    const got = await error(text);
    expect(got).toMatchObject({ code, asked: 1 });
    expect(got.words).toContain(words);
  });

  test.each([
    `ERR unknown command 'AUTH', with args beginning with: '${CANARY}'`,
    'ERR AUTH <password> called without any password configured for the default user',
    'ERR invalid password',
  ])('to AUTH: %s: BH_ERR_CREDENTIALS, and the password is not told', async (text) => {
    const got = await error(text, { REDISCLI_AUTH: CANARY });
    expect(got.code).toBe('BH_ERR_CREDENTIALS');
    expect(got.words).not.toContain(CANARY);
  });

  test.each(['HTTP/1.1 400 Bad Request\r\n\r\n', '$5\r\nab', ''])(
    'what is no RESP, or cut off, is asked again: %j',
    async (text) => {
      let asked = 0;
      await using stub = await stubServer((_, socket) => {
        asked += 1;
        socket.end(asked === 1 ? text : '$1\r\nv\r\n');
      });
      const opened = await open({}, { REDIS_URL: `redis://127.0.0.1:${stub.port}` });
      expect(plain((await opened.fetch('x'))[0])).toBe('v');
    },
  );

  test.each([
    [{}, {}, 'no address'],
    [{ url: 'http://r' }, {}, 'must be redis[s]://'],
    [{ url: 'unix:///run/redis.sock' }, {}, 'must be redis[s]://'],
    [{ url: 'redis://r/a' }, {}, 'must be redis[s]://'],
    [{ url: `redis://:${CANARY}@r` }, {}, 'has a password in it'],
    [{}, { REDIS_URL: `rediss://:${CANARY}@r?ssl_cert_reqs=none` }, 'behind `?`'],
    [{}, { REDIS_URL: 'redis://a:%@r' }, 'percent-encoded'],
    [{ url: 'redis://r', serverName: 'x' }, {}, 'not rediss://'],
  ])('settings that cannot be right: %#', async (options, env, words) => {
    const work = open(options, env).then((opened) => opened.fetch('x'));
    expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
    expect(await wordsOf(work)).toContain(words);
    expect(await wordsOf(work)).not.toContain(CANARY);
  });
});
