// Values of a real OpenBao through the store, as `run` asks for them.
import { beforeAll, describe, expect, test } from 'bun:test';
import type { Answer } from '../../src/stores/_store.ts';
import { openReal } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import { faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const bao = await realServer('openbao');
const skip = bao.missing !== undefined;
const admin = vaultAdmin(bao);
const CANARY = `canary-${crypto.randomUUID()}`;

const open = (options: Record<string, unknown> = {}, env: Record<string, string> = bao.env) =>
  openReal({ kind: 'vault', ...options }, { env });

/** Names of the one folder of this run. */
const root = unique('vault-test');
const at = (name: string): string => `secret/${root}/${name}`;
const put = async (name: string, data: Record<string, unknown>): Promise<void> => {
  await admin.write(`secret/data/${root}/${name}`, { data });
};

const ODD: Record<string, string> = {
  quotes: `"it's" <b>&amp;</b>`,
  lines: 'one\r\ntwo\n\n',
  'not a name': 'ÄÖ 🔑 \u2028',
  nul: 'a\0b',
  empty: '',
  long: 'x'.repeat(64 * 1024),
};

beforeAll(async () => {
  if (skip) return;
  await put('there', { password: CANARY });
});

describe.skipIf(skip)('version 2 of the KV engine', () => {
  test('gives every key, strings as they are', async () => {
    await put('odd', ODD);
    const [answer] = await (await open()).fetch(at('odd'));
    expect(plain(answer)).toEqual(ODD);
  });

  test('gives other JSON as its source text without spaces', async () => {
    await put('json', { n: 12, t: true, o: { b: [1, { c: 'd' }] }, nothing: null });
    const [answer] = await (await open()).fetch(at('json'));
    expect(plain(answer)).toEqual({
      n: '12',
      t: 'true',
      o: '{"b":[1,{"c":"d"}]}',
      nothing: 'null',
    });
  });

  test('gives a value of 640 KiB exactly', async () => {
    const big = Buffer.from(crypto.getRandomValues(new Uint8Array(64 * 1024)))
      .toString('hex')
      .repeat(5);
    await put('big', { big });
    const [answer] = await (await open()).fetch(at('big'));
    expect(plain(answer)).toEqual({ big });
  });

  test('takes names with blanks, #, ?, % and letters of any language', async () => {
    const name = 'a b#c?d=e%2F/Größe+&';
    await admin.write(`secret/data/${root}/${name.split('/').map(encodeURIComponent).join('/')}`, {
      data: { k: 'v' },
    });
    const [answer] = await (await open()).fetch(at(name));
    expect(plain(answer)).toEqual({ k: 'v' });
  });

  test('gives the version that was asked for, and tells which one it gave', async () => {
    await put('versions', { k: 'first' });
    await put('versions', { k: 'second' });
    const path = at('versions');
    const opened = await open();
    const [one, latest, none] = await opened.fetch({ path, version: '1' }, path, {
      path,
      version: '9',
    });
    expect([plain(one), factsOf(one)]).toEqual([{ k: 'first' }, { version: '1' }]);
    expect([plain(latest), factsOf(latest)]).toEqual([{ k: 'second' }, { version: '2' }]);
    expect(plain(none)).toBe('absent: there is no such version');
  });

  test('says of a deleted and of a destroyed version what became of it', async () => {
    await put('gone', { k: 'v' });
    await put('gone', { k: 'v' });
    await admin.write(`secret/delete/${root}/gone`, { versions: [1] });
    await admin.write(`secret/destroy/${root}/gone`, { versions: [2] });
    const path = at('gone');
    const opened = await open();
    const answers = await opened.fetch({ path, version: '1' }, path);
    expect(answers.map(plain)).toEqual([
      'absent: version 1 was deleted',
      'absent: version 2 was destroyed',
    ]);
  });

  test('takes the path of the API too', async () => {
    const [answer] = await (await open()).fetch(`secret/data/${root}/there`, `/${at('there')}`);
    expect(plain(answer)).toEqual({ password: CANARY });
  });

  test('gives what is there, what is not and what is wrong in the order asked', async () => {
    const opened = await open();
    const answers = await opened.fetch(at('none'), at('there'), 'secret/../x', at('there'), {
      path: at('there'),
      version: 'x',
    });
    expect(answers.map(plain)).toEqual([
      'absent: there is no such secret',
      { password: CANARY },
      expect.stringMatching(/^BH_ERR_SETTINGS: .*a path is MOUNT\/NAME/),
      { password: CANARY },
      expect.stringMatching(/^BH_ERR_SETTINGS: .*a version is a number from 1/),
    ]);
  });
});

function factsOf(answer: Answer | undefined) {
  return answer?.kind === 'map' ? answer.facts : undefined;
}

describe.skipIf(skip)('the fewest requests', () => {
  const counted = async (options: Record<string, unknown>, paths: readonly string[]) => {
    await using server = await faultServer({ upstream: { url: bao.get('VAULT_ADDR') } });
    const opened = await open(options, { ...bao.env, VAULT_ADDR: server.url });
    const answers = await opened.fetch(...paths);
    return { answers, seen: server.requests.map(({ method, path }) => `${method} ${path}`) };
  };

  test.each([1, 2, 200])('%p paths are as many requests, and one for the mount', async (count) => {
    const paths = Array.from({ length: count }, (_, n) => at(n % 2 === 0 ? 'there' : `no-${n}`));
    const distinct = new Set(paths);
    const { seen, answers } = await counted({}, paths);
    expect(seen.length).toBe(distinct.size + 1);
    expect(seen[0]).toBe(`GET /v1/sys/internal/ui/mounts/${at('there')}`);
    expect(answers.map(({ kind }) => kind)).toEqual(
      paths.map((_, n) => (n % 2 === 0 ? 'map' : 'absent')),
    );
  });

  test('a mount that the options name is not asked about', async () => {
    const { seen } = await counted({ mounts: { secret: 'kv2' } }, [at('there')]);
    expect(seen).toEqual([`GET /v1/secret/data/${root}/there`]);
  });
});

describe.skipIf(skip)('rights', () => {
  test('one path that is denied leaves the others', async () => {
    const name = await admin.policy(`path "secret/data/${root}/there" { capabilities = ["read"] }`);
    const opened = await open({}, { ...bao.env, VAULT_TOKEN: await admin.token([name]) });
    const [there, other] = await opened.fetch(at('there'), at('odd'));
    expect(plain(there)).toEqual({ password: CANARY });
    expect(plain(other)).toMatch(/^BH_ERR_STORE_DENIED: store mine, .*may not be read: HTTP 403/);
    const help = other?.kind === 'failed' ? other.problem.help : '';
    expect(help).toContain(`path "secret/data/${root}/odd" { capabilities = ["read"] }`);
  });

  test('a mount that may not be seen leaves the paths of others', async () => {
    const folder = unique('deep');
    for (const mount of ['one', 'two']) {
      await admin.write(`sys/mounts/${folder}/${mount}`, {
        type: 'kv',
        options: { version: mount === 'one' ? '1' : '2' },
      });
    }
    await admin.write(`${folder}/one/x`, { k: 'one' });
    await admin.write(`${folder}/two/data/x`, { data: { k: 'two' } });
    const both = await (await open()).fetch(`${folder}/one/x`, `${folder}/two/x`);
    expect(both.map(plain)).toEqual([{ k: 'one' }, { k: 'two' }]);
    const name = await admin.policy(`path "${folder}/two/*" { capabilities = ["read"] }`);
    const opened = await open({}, { ...bao.env, VAULT_TOKEN: await admin.token([name]) });
    const [one, two, three] = await opened.fetch(
      `${folder}/one/x`,
      `${folder}/two/x`,
      `${folder}/one/y`,
    );
    expect(plain(two)).toEqual({ k: 'two' });
    expect(plain(one)).toMatch(/^BH_ERR_STORE_DENIED: .*mount of /);
    expect(plain(three)).toMatch(/^BH_ERR_STORE_DENIED: .*mount of /);
  });

  test.each([
    ['a token that the server does not know', { VAULT_TOKEN: `s.${CANARY}` }],
    ['no token at all', { VAULT_TOKEN: '' }],
    ['a token that no header can have', { VAULT_TOKEN: `${CANARY}\u00e4` }],
  ])('%s is BH_ERR_CREDENTIALS, and is not told', async (_, env) => {
    const opened = await open({}, { ...bao.env, ...env });
    const work = opened.fetch(at('there'));
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(await wordsOf(work)).not.toContain(CANARY);
  });

  test('identity is the display name and the policies', async () => {
    const { store } = await open();
    expect(await store.identity?.()).toBe('token (policies: root)');
  });
});
