// Variables of the vendors' own clients: each means here what it means there, or is refused.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { codeOf, plain, wordsOf } from '../real/_answers.ts';
import { answerOf, certificates, faultServer } from '../real/_faults.ts';
import { openReal } from '../support/real-store.ts';

const CANARY = `canary-${crypto.randomUUID()}`;
const root = mkdtempSync(path.join(tmpdir(), 'bellhop-variables-'));
afterAll(() => rmSync(root, { recursive: true }));

const { ca, caFile } = certificates();
const kv = {
  Key: 'x',
  Value: Buffer.from('v').toString('base64'),
  CreateIndex: 1,
  ModifyIndex: 1,
};
const SAID: Readonly<Record<string, unknown>> = {
  vault: { data: { k: 'v' } },
  consul: { Results: [{ KV: kv }] },
};

/** A folder of these files; `-> x` is a link. */
function folder(files: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(path.join(root, 'f'));
  for (const [name, content] of Object.entries(files)) {
    const at = path.join(made, name);
    mkdirSync(path.dirname(at), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), at);
    else writeFileSync(at, content);
  }
  return made;
}

const open = (kind: string, address: string, env: Record<string, string>) => {
  const options = kind === 'vault' ? { mounts: { kv: 'kv1' } } : {};
  const places = { VAULT_ADDR: address, VAULT_TOKEN: 't', CONSUL_HTTP_ADDR: address };
  return openReal({ kind, ...options }, { env: { ...places, ...env }, startMsMax: 3000 });
};
const PATHS: Readonly<Record<string, string>> = { vault: 'kv/x', consul: 'x' };
const VALUES: Readonly<Record<string, unknown>> = { vault: { k: 'v' }, consul: 'v' };
const FOLDERS = ['VAULT_CAPATH', 'CONSUL_CAPATH'] as const;

describe.each(FOLDERS)('%s', (variable) => {
  const kind = variable.slice(0, variable.indexOf('_')).toLowerCase();
  const said = SAID[kind];
  const fetched = async (env: Record<string, string>) => {
    await using server = await faultServer({
      tls: certificates().good,
      answer: () => answerOf(200, said),
    });
    const work = open(kind, server.url, env).then((opened) => opened.fetch(PATHS[kind] ?? ''));
    return {
      code: await codeOf(work),
      words: await wordsOf(work),
      answers: await work.catch(none),
    };
  };
  const none = () => [];

  test.each([
    ['a file', { 'ca.pem': ca }],
    ['some files, also below', { README: 'about', 'more/ca.pem': ca }],
    ['a mounted ConfigMap', { 'ca.pem': '-> ..data/ca.pem', '..1/ca.pem': ca, '..data': '-> ..1' }],
  ])('names a folder of authorities: %s', async (_, files) => {
    const { answers } = await fetched({ [variable]: folder(files) });
    expect(answers.map(plain)).toEqual([VALUES[kind]]);
  });

  test('counts behind the file', async () => {
    const file = variable.replace('CAPATH', 'CACERT');
    const { answers } = await fetched({ [variable]: '/nowhere', [file]: caFile });
    expect(answers.map(plain)).toEqual([VALUES[kind]]);
  });

  test.each([
    ['is not there', '/nowhere', 'ENOENT'],
    ['is empty', folder({}), 'no authority'],
    ['holds something else', folder({ x: 'text' }), 'no authority'],
  ])('that %s is BH_ERR_SETTINGS', async (_, at, words) => {
    const got = await fetched({ [variable]: at });
    expect(got.code).toBe('BH_ERR_SETTINGS');
    expect(got.words).toContain(words);
  });
});

describe('CONSUL_HTTP_AUTH', () => {
  test.each([
    ['me:pass:word', 'me:pass:word'],
    ['me', 'me:'],
    ['mé:Ä', 'mé:Ä'],
  ])('%s is who we are to what stands before Consul, beside the token', async (given, sent) => {
    await using server = await faultServer({ answer: () => answerOf(200, SAID['consul']) });
    const env = { CONSUL_HTTP_AUTH: given, CONSUL_HTTP_TOKEN: 'tok' };
    const opened = await open('consul', server.url, env);
    expect((await opened.fetch('x')).map(plain)).toEqual(['v']);
    const { authorization, 'x-consul-token': token } = server.requests[0]?.headers ?? {};
    expect(authorization).toBe(`Basic ${Buffer.from(sent).toString('base64')}`);
    expect(token).toBe('tok');
  });

  test('that is refused is named, and not told', async () => {
    await using server = await faultServer({ answer: () => answerOf(401, 'Unauthorized') });
    const opened = await open('consul', server.url, { CONSUL_HTTP_AUTH: `me:${CANARY}` });
    const work = opened.fetch('x');
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(await wordsOf(work)).toContain('CONSUL_HTTP_AUTH');
    expect(await wordsOf(work)).not.toContain(CANARY);
  });
});

test.each(['VAULT_PROXY_ADDR', 'VAULT_HTTP_PROXY'])('%s is refused, not ignored', async (name) => {
  const work = open('vault', 'http://v.test', { [name]: `http://u:${CANARY}@proxy` }).then(
    (opened) => opened.fetch('kv/x'),
  );
  expect(await codeOf(work)).toBe('BH_ERR_SETTINGS');
  expect(await wordsOf(work)).toContain(name);
  expect(await wordsOf(work)).toContain('HTTPS_PROXY');
  expect(await wordsOf(work)).not.toContain(CANARY);
});
