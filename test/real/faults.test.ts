// Each fault of the fault server does what it says: seen with plain sockets and plain fetch.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import tls from 'node:tls';
import { awsCall, keyOf } from './_aws-call.ts';
import type { Fault } from './_faults.ts';
import {
  FAULTS,
  answerOf,
  certificates,
  faultServer,
  halfOf,
  tokenBucket,
  tooMany,
} from './_faults.ts';
import { bodyOf, hear, lengthOf, turn } from './_hear.ts';
import { realServer } from './_servers.ts';

const RIGHT = JSON.stringify({ values: [1, 2, 3, 4, 5] });
const server = await faultServer({ answer: () => answerOf(200, RIGHT) });
afterAll(() => server.close());
beforeEach(() => server.clear());

describe('faults of HTTP', () => {
  test('none: the answer, and the connection stays', async () => {
    const heard = await hear(server.port, (text) => bodyOf(text).length === RIGHT.length);
    expect(heard.end).toBe('open');
    expect(heard.text).toStartWith('HTTP/1.1 200 ');
    expect(bodyOf(heard.text)).toBe(RIGHT);
  });

  test('a hang before the headers: no byte until it is closed', async () => {
    await using own = await faultServer();
    own.always(FAULTS.hangBeforeHeaders);
    const heard = hear(own.port);
    while (own.requests.length === 0) await turn();
    await own.close();
    expect((await heard).text).toBe('');
  });

  test('a hang after the headers: the right headers, and no body', async () => {
    await using own = await faultServer({ answer: () => answerOf(200, RIGHT) });
    own.always(FAULTS.hangAfterHeaders);
    const heard = await hear(own.port, (text) => text.endsWith('\r\n\r\n'));
    expect(lengthOf(heard.text)).toBe(RIGHT.length);
    expect(heard.end).toBe('open');
  });

  test('a reset: ECONNRESET', async () => {
    server.next(FAULTS.reset);
    expect(await hear(server.port)).toEqual({ text: '', end: 'ECONNRESET' });
  });

  test.each([
    ['whole', RIGHT.length],
    ['sent', RIGHT.length >> 1],
  ] as const)('a body cut in half, the length of the %s declared', async (declared, length) => {
    server.next({ kind: 'truncate', declared });
    const { text, end } = await hear(server.port);
    expect([lengthOf(text), bodyOf(text)]).toEqual([length, RIGHT.slice(0, RIGHT.length >> 1)]);
    expect(end).toBe('end');
  });

  test('a trickle: the headers, then byte after byte', async () => {
    server.next({ kind: 'trickle', everyMs: 1 });
    let pieces = 0;
    const { text } = await hear(server.port, (heard) => {
      pieces += 1;
      return bodyOf(heard) === RIGHT;
    });
    expect(bodyOf(text)).toBe(RIGHT);
    expect(pieces).toBeGreaterThan(1);
  });

  interface Claim {
    readonly what: string;
    readonly fault: Fault;
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body?: string;
  }
  const html = { 'content-type': 'text/html' };
  const CLAIMS: readonly Claim[] = [
    { what: 'a page', fault: FAULTS.loginPage, headers: html, body: '<html>log in</html>' },
    { what: 'a wrong type', fault: { kind: 'content-type', type: 'text/html' }, headers: html },
    {
      what: '429',
      fault: FAULTS.throttled,
      status: 429,
      headers: { 'retry-after': null },
      body: '{}',
    },
    {
      what: '429 for a second',
      fault: FAULTS.throttledForASecond,
      status: 429,
      headers: { 'retry-after': '1' },
      body: '{}',
    },
    { what: '500', fault: FAULTS.serverError, status: 500, body: '{}' },
    { what: 'a delay', fault: { kind: 'delay', ms: 1 } },
    {
      what: 'half a batch',
      fault: { kind: 'edit', edit: halfOf('values') },
      body: '{"values":[1,2,3]}',
    },
  ];
  test.each([...CLAIMS])('$what, once, then fine', async ({ fault, status, headers, body }) => {
    server.next(fault);
    const answer = await fetch(server.url);
    expect(answer.status).toBe(status ?? 200);
    for (const [name, value] of Object.entries(headers ?? {})) {
      expect(answer.headers.get(name)).toBe(value);
    }
    expect(await answer.text()).toBe(body ?? RIGHT);
    expect(await (await fetch(server.url)).text()).toBe(RIGHT);
  });
});

describe('which requests meet a fault', () => {
  const status = async (path: string): Promise<number> => (await fetch(server.url + path)).status;

  test('those that match, so many, the first fault first', async () => {
    server.next(FAULTS.serverError, { match: /^GET \/a\b/, times: 2 });
    server.always(FAULTS.unavailable, ({ path }) => path === '/b');
    const met = [];
    for (const path of ['/a', '/b', '/c', '/a?x', '/a', '/b']) met.push(await status(path));
    expect(met).toEqual([500, 503, 200, 500, 200, 503]);
    expect(server.requests.map(({ struck }) => struck)).toEqual(
      met.map((one) => (one === 200 ? undefined : 'answer')),
    );
  });

  test('those over a quota get its words', async () => {
    let nowMs = 0;
    await using own = await faultServer({ nowMs: () => nowMs });
    own.quota({ perSecond: 2, throttled: tooMany({ body: { __type: 'ThrottlingException' } }) });
    const burst = async (): Promise<string[]> =>
      await Promise.all([1, 2, 3].map(async () => (await fetch(own.url)).text()));
    expect((await burst()).filter((text) => text.includes('Throttling'))).toHaveLength(1);
    nowMs += 500;
    expect((await burst()).filter((text) => text === '{}')).toHaveLength(1);
    expect(own.requests.filter(({ struck }) => struck === 'quota')).toHaveLength(3);
  });

  test('a bucket never holds more than its burst', () => {
    let nowMs = 0;
    const passes = tokenBucket({ perSecond: 10, burst: 1 }, () => nowMs);
    expect([passes(), passes()]).toEqual([true, false]);
    nowMs += 10_000;
    expect([passes(), passes()]).toEqual([true, false]);
  });

  test('requests at the same time are counted', async () => {
    server.next({ kind: 'delay', ms: 20 }, { times: 3 });
    await Promise.all([1, 2, 3].map(() => fetch(server.url)));
    expect(server.peak).toBe(3);
  });

  test('a body of chunks arrives whole', async () => {
    const body = new ReadableStream({
      async start(stream) {
        for (const piece of ['one', 'two']) {
          stream.enqueue(new TextEncoder().encode(piece));
          await turn();
        }
        stream.close();
      },
    });
    await fetch(server.url, { method: 'POST', body });
    expect(String(server.requests[0]?.body)).toBe('onetwo');
  });
});

describe('certificates', () => {
  const { ca, good, expired, otherAuthority, otherName } = certificates();
  const why = async (certificate: typeof good): Promise<string | undefined> => {
    await using own = await faultServer({ tls: certificate });
    return await new Promise((done) => {
      const to = { host: '127.0.0.1', port: own.port, servername: 'localhost', ca };
      const socket = tls.connect(to, () => {
        socket.destroy();
        done(undefined);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
  };
  test.each([
    ['right', good, undefined],
    ['expired', expired, 'CERT_HAS_EXPIRED'],
    ['of another authority', otherAuthority, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['of another name', otherName, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('%s', async (_, certificate, code) => expect(await why(certificate)).toBe(code));

  test('a server with the right one answers', async () => {
    await using own = await faultServer({ tls: good, answer: () => answerOf(200, RIGHT) });
    expect(await (await fetch(own.url, { tls: { ca } })).text()).toBe(RIGHT);
  });
});

const bucketServer = await realServer('rclone-s3');
test.skipIf(bucketServer.missing !== undefined)('signatures stay right behind it', async () => {
  const upstream = { url: bucketServer.get('AWS_ENDPOINT_URL_S3') };
  await using own = await faultServer({ upstream });
  const bucket = `${own.url}/b${Math.random().toString(36).slice(2, 8)}`;
  const key = keyOf(bucketServer);
  const call = { service: 's3', method: 'PUT', key } as const;
  expect((await awsCall({ ...call, url: bucket })).status).toBe(200);
  expect((await awsCall({ ...call, url: `${bucket}/o`, body: 'välue' })).status).toBe(200);
  expect(await (await awsCall({ ...call, method: 'GET', url: `${bucket}/o` })).text()).toBe(
    'välue',
  );
  const wrong = await awsCall({ ...call, url: bucket, key: { ...key, secret: 'wrong' } });
  expect(wrong.status).toBe(403);
});
