// What is sent to whom while an image is looked up, and what of the answers is believed.
import { describe, expect, test } from 'bun:test';
import { openSystem } from '../../src/core/io/system.ts';
import type { HttpAnswer, HttpRequest } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { RegistryHost } from '../../src/webhook/registry-places.ts';
import { openRegistrySession } from '../../src/webhook/registry-session.ts';
import { readImageName } from '../../src/wire/image-name.ts';

const { io } = openSystem();
const CANARY = 'canary-4e1a';
const LOGIN = { username: 'u', password: CANARY };
const HOST = 'registry.example';
const bytes = Buffer.from('{"config":{}}');
const digest = `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`;
const ELSEWHERE = 'https://bucket.storage.example/blob?signature=1';

type Answering = (request: HttpRequest) => Partial<HttpAnswer> | NetError;

/** A session whose network is this; all that was sent. */
function sessionOf(answering: Answering, host: RegistryHost = {}) {
  const sent: HttpRequest[] = [];
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    sent.push(request);
    const answer = answering(request);
    if (answer instanceof NetError) throw answer;
    return Promise.resolve({
      status: 200,
      headers: {},
      body: new Uint8Array(),
      protocol: 'h1',
      ...answer,
    });
  };
  const image = readImageName(`${HOST}/team/app:1`) ?? expect.unreachable();
  const session = openRegistrySession({
    io: { ...io, net: { ...io.net, http } },
    image,
    host,
    ca: 'PEM',
    logins: async () => [LOGIN],
    msMax: 3000,
    signal: new AbortController().signal,
  });
  const proofs = (): readonly string[] => {
    return sent.map(
      ({ url, headers }) => `${new URL(url).host} ${headers['authorization'] ?? '-'}`,
    );
  };
  return { ...session, sent, proofs };
}

const failure = async (work: Promise<unknown>): Promise<string> => {
  return work.then(
    () => 'none',
    (error: Error) => error.message,
  );
};

const BASIC = `Basic ${btoa(`u:${CANARY}`)}`;
const wantsLogin = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };

/** Asks for a login, and then leads elsewhere. */
const leading =
  (to: string): Answering =>
  ({ url, headers }) => {
    if (url === ELSEWHERE) return { body: bytes };
    if (headers['authorization'] === undefined) return wantsLogin;
    return { status: 307, headers: { location: to } };
  };

describe('a redirection', () => {
  test('is followed without the login, and without the authority of the registry', async () => {
    const session = sessionOf(leading(ELSEWHERE));
    expect(await session.blob(digest)).toEqual(bytes);
    expect(session.proofs()).toEqual([`${HOST} -`, `${HOST} ${BASIC}`, 'bucket.storage.example -']);
    expect(session.sent.map(({ tls }) => tls?.ca)).toEqual(['PEM', 'PEM', undefined]);
  });

  test.each([
    ['http://bucket.storage.example/blob', 'bucket.storage.example'],
    ['https://169.254.169.254/latest/meta-data', '169.254.169.254'],
    ['https://kubernetes.default.svc/api/v1/secrets', 'kubernetes.default.svc'],
    ['http://[', 'nowhere'],
  ])('to %s is not followed', async (to, where) => {
    const session = sessionOf(leading(to));
    expect(await failure(session.blob(digest))).toContain(
      `it leads to ${where}, where bellhop does not`,
    );
    expect(session.sent).toHaveLength(2);
  });

  test('that has no end is left', async () => {
    const session = sessionOf(() => ({ status: 302, headers: { location: '/again' } }));
    expect(await failure(session.blob(digest))).toContain('it leads elsewhere more than 3 times');
    expect(session.sent).toHaveLength(4);
  });
});

describe('a token', () => {
  const bearer = `Bearer realm="https://tokens.example/t?x=1",service="s",scope="repository:other/secret:pull,push"`;
  const byToken =
    (token: Partial<HttpAnswer>): Answering =>
    ({ url, headers }) => {
      if (url.startsWith('https://tokens.example/')) return token;
      if (headers['authorization'] === 'Bearer abc') return { body: bytes };
      return { status: 401, headers: { 'www-authenticate': bearer } };
    };
  const tokenHosts = ['tokens.example'];

  test('is for this repository, whatever the registry asks for', async () => {
    const session = sessionOf(byToken({ body: Buffer.from('{"token":"abc"}') }), { tokenHosts });
    expect(await session.blob(digest)).toEqual(bytes);
    const { url = '' } = session.sent[1] ?? {};
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      x: '1',
      service: 's',
      scope: 'repository:team/app:pull',
    });
    expect(session.proofs()[1]).toBe(`tokens.example ${BASIC}`);
  });

  test('is tried without the login at last, and then it is told; never the login', async () => {
    const session = sessionOf(byToken({ status: 401 }), { tokenHosts });
    const told = await failure(session.blob(digest));
    expect(told).toBe('HTTP 401: it is not there, or may not be read with the login that is known');
    expect(session.proofs()).toEqual([`${HOST} -`, `tokens.example ${BASIC}`, 'tokens.example -']);
  });

  test.each([['{"token":"a\\r\\nb"}'], ['{}'], ['x'], ['{"token":7}']])(
    'that is none is not sent: %s',
    async (text) => {
      const session = sessionOf(byToken({ body: Buffer.from(text) }), { tokenHosts });
      expect(await failure(session.blob(digest))).toContain('tokens.example gave no token');
    },
  );

  test('from elsewhere is not asked for', async () => {
    const session = sessionOf(byToken({}));
    expect(await failure(session.blob(digest))).toContain(
      'is not one of tokenHosts of webhook.registry',
    );
    expect(session.proofs()).toEqual([`${HOST} -`]);
  });
});

describe('an answer', () => {
  test.each([
    ['other bytes than the digest says', () => ({ body: Buffer.from('{}') }), 'is something else'],
    ['none there', () => ({ status: 404 }), 'there is no such image'],
    [
      'a status of no use',
      () => ({ status: 451 }),
      'registry registry.example, GET of team/app: HTTP 451',
    ],
    ['a failure, again and again', () => ({ status: 503 }), 'given up after 3 attempts: HTTP 503'],
    ['too large', () => new NetError('too large', 'over 4194304 bytes'), 'over 4194304 bytes'],
    ['no login that is known', () => ({ status: 401, headers: {} }), 'does not say how to log in'],
    [
      'no login of ours',
      () => ({ status: 401, headers: { 'www-authenticate': 'Negotiate' } }),
      'HTTP 401',
    ],
  ] as const)('%s: refused', async (_, answering: Answering, words) => {
    const session = sessionOf(answering);
    const told = await failure(session.blob(digest));
    expect(told).toContain(words);
    expect(told).not.toContain(CANARY);
  });

  test('says what a tag stands for; where it does not, its bytes do', async () => {
    const said = sessionOf(() => ({ headers: { 'docker-content-digest': digest } }));
    expect(await said.digestOf('1')).toBe(digest);
    expect(said.sent.map(({ method }) => method)).toEqual(['HEAD']);
    const silent = sessionOf(({ method }) => (method === 'HEAD' ? {} : { body: bytes }));
    expect(await silent.digestOf('1')).toBe(digest);
  });
});
