// The store `http` against servers of its own: what it asks, and what each answer becomes.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type { Answer } from '../../src/stores/_store.ts';
import type { Surroundings } from '../support/real-store.ts';
import { openReal } from '../support/real-store.ts';
import { shown as shownAnswer } from '../support/shown.ts';
import { FAULTS, answerOf, certificates, faultServer, tooMany } from './_faults.ts';
import type { HttpAnswer } from './_http-bytes.ts';

const CANARY = 'canary-7b1e';
const BYTES = Buffer.concat([
  Buffer.from('q"\'<>&\r\n\0€'),
  Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
  Buffer.alloc(65_536, 'x'),
]);

function bytes(body: Buffer, type = 'application/octet-stream'): HttpAnswer {
  return { status: 200, headers: { 'content-type': type }, body };
}

const elsewhere = await faultServer();

/** What the server has, by path and query. */
const THERE: Readonly<Record<string, HttpAnswer>> = {
  '/v1/there': bytes(Buffer.from(CANARY)),
  '/v1/bytes': bytes(BYTES),
  '/v1/empty': bytes(Buffer.alloc(0)),
  '/v1/db.json': answerOf(200, '{"n": 1.0, "s": "a"}', 'text/plain'),
  '/v1/db': answerOf(200, '{"n": 1.0}', 'application/problem+json; charset=utf-8'),
  '/v1/app.env': bytes(Buffer.from('A=1\nexport B="two\\nlines"\n')),
  '/v1/page.html': answerOf(200, '<html>a template</html>', 'text/html'),
  '/v1/login': answerOf(200, `<html>${CANARY}</html>`, 'text/html'),
  '/v1/login.json': answerOf(200, `<html>${CANARY}</html>`, 'text/html'),
  '/v1/unnamed-page': bytes(Buffer.from(`\n <!DOCTYPE html><title>${CANARY}`)),
  '/v1/old.json': answerOf(200, '{"a":1}', 'text/html'),
  '/v1/cut.json': answerOf(200, '{"a":1', 'application/json'),
  '/v1/prose.env': answerOf(200, `${CANARY} is no variable`, 'text/plain'),
  '/v1/packed': { ...bytes(Buffer.from('x')), headers: { 'content-encoding': 'gzip' } },
  '/v1/none': { status: 204, headers: {}, body: Buffer.alloc(0) },
  '/v1/part': { ...bytes(Buffer.from('x')), status: 206 },
  '/v1/moved': { status: 301, headers: { location: '/v1/there' }, body: Buffer.alloc(0) },
  '/v1/twice': { status: 302, headers: { location: '/v1/moved' }, body: Buffer.alloc(0) },
  '/v1/away': {
    status: 302,
    headers: { location: `${elsewhere.url}/?${CANARY}` },
    body: Buffer.alloc(0),
  },
  '/v1/gone': answerOf(410, CANARY),
  '/v1/not-here': answerOf(404, `<html>${CANARY}</html>`, 'text/plain'),
  '/v1/not-here.html': answerOf(404, `${CANARY}`, 'text/html; charset=utf-8'),
  '/v1/gone-page': answerOf(410, `<!doctype html>${CANARY}`, 'text/html'),
  '/v1/no-route': answerOf(404, '{"message":"no Route matched"}', 'application/json'),
  '/v1/denied': answerOf(403, CANARY),
  '/v1/unknown-me': answerOf(401, CANARY),
  '/v1/bad': answerOf(400, CANARY),
};

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-http-'));
const server = await faultServer({
  answer: ({ path: asked }) => THERE[asked] ?? answerOf(404, CANARY),
});
beforeEach(() => server.clear());
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all([server.close(), elsewhere.close()]);
});

/** As tests compare it, and no problem has told a value. */
function shown(answer: Answer | undefined): unknown {
  if (answer?.kind === 'failed') expect(answer.problem.message).not.toContain(CANARY);
  return shownAnswer(answer);
}

async function ask(paths: readonly string[], options: object = {}, around: Surroundings = {}) {
  const mine = { kind: 'http', url: `${server.url}/v1/`, ...options };
  const opened = await openReal(mine, { attemptsMax: 2, ...around });
  return (await opened.fetch(...paths)).map(shown);
}

describe('what a path gives', () => {
  test.each([
    ['there', CANARY],
    ['/there', CANARY],
    ['bytes', BYTES.toString('latin1')],
    ['empty', ''],
    ['db.json', '{"n": 1.0, "s": "a"}'],
    ['db', '{"n": 1.0}'],
    ['app.env', { A: '1', B: 'two\nlines' }],
    ['page.html', '<html>a template</html>'],
    ['nosuch', 'absent'],
    ['gone', 'absent'],
    ['no-route', 'absent'],
    ['not-here', 'BH_ERR_SETTINGS'],
    ['not-here.html', 'BH_ERR_SETTINGS'],
    ['gone-page', 'BH_ERR_SETTINGS'],
    ['moved', CANARY],
    ['denied', 'BH_ERR_STORE_DENIED'],
    ['unknown-me', 'BH_ERR_CREDENTIALS'],
    ['bad', 'BH_ERR_SETTINGS'],
    ['../other', 'BH_ERR_SETTINGS'],
    ['a/./b', 'BH_ERR_SETTINGS'],
  ])('%s', async (wanted, expected) => {
    expect(await ask([wanted])).toEqual([expected]);
  });

  test.each([
    ['login', 'a login page'],
    ['login.json', 'a login page where JSON is wanted'],
    ['unnamed-page', 'a page without its type'],
    ['old.json', 'JSON that says it is a page'],
    ['prose.env', 'prose where variables are wanted'],
    ['packed', 'a packed body'],
    ['none', '204'],
    ['part', '206'],
    ['away', 'a redirect to another server'],
    ['twice', 'a second redirect'],
  ])('%s is never a value: %s', async (wanted) => {
    expect(await ask([wanted])).toEqual(['BH_ERR_STORE_ANSWER']);
    expect(server.requests.length).toBe(wanted === 'twice' ? 2 : 1);
  });

  test('JSON that was cut off is asked for again, then given up', async () => {
    expect(await ask(['cut.json'])).toEqual(['BH_ERR_STORE']);
    expect(server.requests.length).toBe(2);
    expect(await ask(['old.json'], { format: 'json' })).toEqual(['{"a":1}']);
    expect(await ask(['app.env'], { format: 'text' })).toEqual(['A=1\nexport B="two\\nlines"\n']);
  });

  test('an odd path is percent-encoded once, its query too', async () => {
    expect(await ask(['a b%2Fc/é:%?env=p%26q&x'])).toEqual(['absent']);
    expect(server.requests[0]?.path).toBe('/v1/a%20b%252Fc/%C3%A9%3A%25?env=p%2526q&x');
  });

  test('answers come in the order asked; a path that is named twice is asked once', async () => {
    const paths = ['nosuch', 'there', 'denied', 'db.json', 'there', 'nosuch'];
    expect(await ask(paths)).toEqual([
      'absent',
      CANARY,
      'BH_ERR_STORE_DENIED',
      '{"n": 1.0, "s": "a"}',
      CANARY,
      'absent',
    ]);
    expect(server.requests.length).toBe(4);
  });

  test('200 paths are 200 requests and their few hedges, 16 at a time', async () => {
    const paths = Array.from({ length: 200 }, (_, n) => `n${n}`);
    expect(new Set(await ask(paths))).toEqual(new Set(['absent']));
    expect(new Set(server.requests.map((one) => one.path)).size).toBe(200);
    expect(server.requests.length).toBeLessThanOrEqual(210);
    expect(server.peak).toBeLessThanOrEqual(26);
  });
});

describe('trouble', () => {
  test.each(['reset', 'serverError', 'unavailable', 'cutSeen', 'throttled'] as const)(
    '%s once: the next attempt gives the value',
    async (name) => {
      server.next(FAULTS[name]);
      expect(await ask(['there'])).toEqual([CANARY]);
      expect(server.requests.length).toBe(2);
    },
  );
  test('Retry-After is waited for, and where it is longer than the time left not even that', async () => {
    server.next({ kind: 'answer', answer: tooMany({ retryAfter: '3600' }) });
    expect(await ask(['there'])).toEqual(['BH_ERR_STORE']);
    expect(server.requests.length).toBe(1);
  });
});

describe('who we are', () => {
  const env = { TOKEN: `${CANARY}\n`, PASSWORD: `ü:${CANARY}\n`, BAD: `${CANARY}\u0001` };
  const around: Surroundings = { env, stores: { vars: { kind: 'env' } } };
  const sent = (name: string): string | undefined => server.requests[0]?.headers[name];

  test('a bearer token, without the line end of its file, auth: bearer', async () => {
    await ask(['there'], { bearer: 'vars:TOKEN' }, around);
    expect(sent('authorization')).toBe(`Bearer ${CANARY}`);
  });
  test('a user and a password, auth: basic', async () => {
    await ask(['there'], { basic: { user: 'ada', password: 'vars:PASSWORD' } }, around);
    const pair = Buffer.from(`ada:ü:${CANARY}`).toString('base64');
    expect(sent('authorization')).toBe(`Basic ${pair}`);
  });
  test('headers, plain and from a store, auth: secretHeaders', async () => {
    const options = {
      headers: { Accept: 'x/y', 'X-Team': ' a ' },
      secretHeaders: { 'X-API-Key': 'vars:TOKEN' },
    };
    await ask(['there'], options, around);
    expect([sent('accept'), sent('x-team'), sent('x-api-key')]).toEqual(['x/y', 'a', CANARY]);
    expect(sent('accept-encoding')).toBe('identity');
  });
  test('a redirect inside of the server keeps them, one to another server gets nothing', async () => {
    await ask(['moved'], { bearer: 'vars:TOKEN' }, around);
    expect(server.requests.map((one) => one.headers['authorization'])).toEqual(
      Array.from({ length: 2 }, () => `Bearer ${CANARY}`),
    );
    expect(await ask(['away'], { bearer: 'vars:TOKEN' }, around)).toEqual(['BH_ERR_STORE_ANSWER']);
    expect(elsewhere.requests).toEqual([]);
  });
  test.each([
    ['bearer', { bearer: 'vars:BAD' }],
    ['a header', { secretHeaders: { 'x-a': 'vars:BAD' } }],
  ])('%s that no header can hold: BH_ERR_CREDENTIALS, and nothing is sent', async (_, options) => {
    expect(await ask(['there'], options, around)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(server.requests).toEqual([]);
  });
  test('a credential that is not there: BH_ERR_CREDENTIALS', async () => {
    expect(await ask(['there'], { bearer: 'vars:NOSUCH' }, around)).toEqual(['BH_ERR_CREDENTIALS']);
  });
});

describe('options', () => {
  test.each([
    ['url', { url: 'ftp://h/' }],
    ['url with a user', { url: `http://u:${CANARY}@127.0.0.1/` }],
    ['url with a query', { url: 'http://127.0.0.1/?a=1' }],
    ['a credential in the open', { headers: { Authorization: CANARY } }],
    ['a cookie in the open', { headers: { cookie: CANARY } }],
    ['a key in the open', { headers: { 'X-Api-Key': CANARY } }],
    ['a token in the open', { headers: { 'X-Auth-Token': CANARY } }],
    ['a literal token', { bearer: CANARY }],
    ['a header of the connection', { headers: { Host: 'other' } }],
    ['a name that is none', { headers: { 'a b': 'c' } }],
    ['a value that is none', { headers: { 'x-a': `a\r\nb: ${CANARY}` } }],
    ['both', { bearer: 'a:b', basic: { user: 'u', password: 'a:b' } }],
    ['half a certificate', { cert: '/x.pem' }],
  ])('%s: BH_ERR_SETTINGS', async (_, options) => {
    const opened = openReal({ kind: 'http', url: server.url, ...options });
    const problem = await opened.catch((error: unknown) => error);
    expect(problem).toHaveProperty('code', 'BH_ERR_SETTINGS');
    expect(String((problem as Error).message)).not.toContain(CANARY);
  });
});

describe('TLS', () => {
  test('an authority of one’s own; without it the answer is BH_ERR_STORE', async () => {
    await using safe = await faultServer({
      tls: certificates().good,
      answer: () => bytes(Buffer.from(CANARY)),
    });
    const options = { url: safe.url, ca: certificates().caFile };
    expect(await ask(['there'], options)).toEqual([CANARY]);
    expect(await ask(['there'], { url: safe.url })).toEqual(['BH_ERR_STORE']);
    expect(ask(['there'], { ...options, ca: '/nosuch' })).rejects.toThrow('ENOENT');
  });

  test('a server that wants a certificate gets ours, auth: cert', async () => {
    const [cert, key] = [path.join(folder, 'c.pem'), path.join(folder, 'c.key')];
    const words = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
    ];
    Bun.spawnSync(['openssl', ...words, '-subj', '/CN=ada', '-keyout', key, '-out', cert]);
    const { good, caFile } = certificates();
    const strict = tls.createServer(
      { key: good.key, cert: good.certificate, requestCert: true, ca: await Bun.file(cert).text() },
      (socket) => {
        const { subject } = socket.getPeerCertificate();
        const name = String(subject.CN);
        socket.on('error', () => undefined);
        socket.once('data', () =>
          socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`),
        );
      },
    );
    await new Promise<void>((done) => void strict.listen(0, '127.0.0.1', done));
    const { port } = strict.address() as { port: number };
    const url = `https://localhost:${port}`;
    expect(await ask(['who'], { url, ca: caFile, cert, key })).toEqual(['ada']);
    expect(await ask(['who'], { url, ca: caFile })).toEqual(['BH_ERR_STORE']);
    writeFileSync(key, 'no key');
    expect(await ask(['who'], { url, ca: caFile, cert, key })).toEqual(['BH_ERR_SETTINGS']);
    strict.close();
  });
});
