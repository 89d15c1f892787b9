// HTTP as it goes over real sockets: what is asked, what comes back, and every way to fail.
import { afterEach, expect, test } from 'bun:test';
import process from 'node:process';
import { closedPort } from '../support/ports.ts';
import type { Answer } from './_servers.ts';
import { answerOf, closeAll, listenPlain, netWith, outcome, request } from './_servers.ts';

afterEach(closeAll);

const unhandled: unknown[] = [];
process.on('unhandledRejection', (why) => unhandled.push(why));

const NEVER = new AbortController().signal;
const CANARY = 'canary-3f9c';
const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

const OUTCOMES: readonly (readonly [string, Answer, string])[] = [
  ['an answer with a length', (s) => s.write(answerOf('hi')), '200 hi'],
  ['an answer in chunks', (s) => s.write(`${CHUNKED}2\r\nhi\r\n0\r\n\r\n`), '200 hi'],
  ['an empty answer', (s) => s.write(answerOf('')), '200 '],
  ['204, which has no body', (s) => s.write('HTTP/1.1 204 No\r\n\r\n'), '204 '],
  ['304 with the length of what it stands for', notModified, '304 '],
  ['a redirect', (s) => s.write(answerOf('', 'HTTP/1.1 302 F\r\nlocation: http://x/')), '302 '],
  ['a refusal', (s) => s.write(answerOf('no', 'HTTP/1.1 401 No')), '401 no'],
  ['100 before the answer', (s) => s.write(`HTTP/1.1 100 C\r\n\r\n${answerOf('hi')}`), '200 hi'],
  ['a compressed body, as it is', (s) => s.write(compressed()), '200 \x1f\x8b'],
  ['a failure whose body ends with the connection', untilEnd('500 No'), '500 abc'],
  [
    'a value that ends with the connection',
    untilEnd('200 OK'),
    'protocol (a body without a length)',
  ],
  ['an end before an answer', (s) => s.end(), 'reset (ECONNRESET)'],
  ['a reset before an answer', (s) => s.resetAndDestroy(), 'reset (ECONNRESET)'],
  ['an end in the headers', (s) => s.end(`${HEAD}a: b`), 'reset (ECONNRESET)'],
  ['an end in the body', cut('content-length: 9\r\n\r\nabc'), 'cut off (ECONNRESET)'],
  ['an end in a chunk', cut('transfer-encoding: chunked\r\n\r\n9\r\nabc'), 'cut off (ECONNRESET)'],
  [
    'an end after a chunk',
    cut('transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'),
    'cut off (ECONNRESET)',
  ],
  [
    'two lengths',
    cut('content-length: 3\r\ncontent-length: 4\r\n\r\nabcd'),
    'protocol (InvalidContentLength)',
  ],
  [
    'a length that is no number',
    cut('content-length: z\r\n\r\nabcd'),
    'protocol (InvalidContentLength)',
  ],
  [
    'chunks beside a length that is short',
    cut(
      `content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n7d1\r\n${'x'.repeat(2001)}\r\n0\r\n\r\n`,
    ),
    'too large (over 1000 bytes)',
  ],
  [
    'a length over the limit',
    cut('content-length: 1001\r\n\r\nabc'),
    'too large (over 1000 bytes)',
  ],
];

function notModified(socket: Parameters<Answer>[0]): void {
  socket.write('HTTP/1.1 304 Not\r\ncontent-length: 9\r\n\r\n');
}

function compressed(): Buffer {
  const head = Buffer.from(`${HEAD}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n`);
  return Buffer.concat([head, Buffer.from([0x1f, 0x8b])]);
}

function untilEnd(status: string): Answer {
  return (socket) => socket.end(`HTTP/1.1 ${status}\r\n\r\nabc`);
}

function cut(rest: string): Answer {
  return (socket) => socket.end(`${HEAD}${rest}`);
}

for (const [name, answer, expected] of OUTCOMES) {
  test(`${name}: ${expected.trim()}`, async () => {
    const { port } = await listenPlain(answer);
    const url = `http://127.0.0.1:${port}/p?q=${CANARY}`;
    const sent = request(url, { headers: { 'x-token': CANARY }, bodyBytesMax: 1000 });
    expect(await outcome(netWith().http(sent, NEVER))).toBe(expected);
  });
}

test('a body cut off after the headers were read is cut off, and not reset', async () => {
  const { port } = await listenPlain((socket) => {
    socket.write(`${CHUNKED}3\r\nabc\r\n`, () => socket.resetAndDestroy());
  });
  const sent = request(`http://127.0.0.1:${port}/`);
  expect(await outcome(netWith().http(sent, NEVER))).toMatch(/^(cut off|reset) \(ECONNRESET\)$/);
});

test('a body without an end is read to the limit, and its connection closed', async () => {
  const endless: Answer = (socket) => {
    const more = (): unknown => !socket.destroyed && socket.write(piece, () => setImmediate(more));
    const piece = `400\r\n${'x'.repeat(0x400)}\r\n`;
    socket.write(CHUNKED);
    more();
  };
  const { port, ended } = await listenPlain(endless);
  const sent = request(`http://127.0.0.1:${port}/`, { bodyBytesMax: 100_000 });
  expect(await outcome(netWith().http(sent, NEVER))).toBe('too large (over 100000 bytes)');
  await ended;
});

test('a port without listener refuses; names are not found; addresses are not reached', async () => {
  const of = async (url: string): Promise<string> =>
    await outcome(netWith().http(request(url), NEVER));
  expect(await of(`http://127.0.0.1:${await closedPort()}/`)).toBe('refused (ECONNREFUSED)');
  expect(await of('http://bellhop.invalid/')).toMatch(/^name not (found|resolved) \(E\w+\)$/);
  expect(await of('http://255.255.255.255/')).toMatch(/^unreachable \(E(NETUNREACH|ACCES)\)$/);
});

test('what is sent has the headers given, and no others that a server could mind', async () => {
  const { port, received } = await listenPlain((socket) => socket.write(answerOf('')));
  const headers = { authorization: 'AWS4 x', 'content-type': 'application/x-amz-json-1.1' };
  const sent = request(`http://127.0.0.1:${port}/a%2Fb?c=d+e`, {
    method: 'POST',
    headers,
    body: '{}',
  });
  await netWith().http(sent, NEVER);
  const [head = '', body] = received().split('\r\n\r\n');
  const [line, ...fields] = head.split('\r\n');
  expect(line).toBe('POST /a%2Fb?c=d+e HTTP/1.1');
  expect(body).toBe('{}');
  expect(fields.map((field) => field.toLowerCase()).toSorted()).toEqual([
    'accept: */*',
    'authorization: aws4 x',
    'connection: keep-alive',
    'content-length: 2',
    'content-type: application/x-amz-json-1.1',
    `host: 127.0.0.1:${port}`,
    'user-agent: bellhop',
  ]);
});

test('a cookie that was set is never sent back', async () => {
  const answer = answerOf('', 'HTTP/1.1 200 OK\r\nset-cookie: a=b');
  const { port, received } = await listenPlain((socket) => socket.write(answer));
  const net = netWith();
  const sent = request(`http://127.0.0.1:${port}/`);
  expect((await net.http(sent, NEVER)).headers).toEqual({
    'content-length': '0',
    'set-cookie': 'a=b',
  });
  await net.http(sent, NEVER);
  expect(received().toLowerCase()).not.toContain('cookie');
});

test('what cannot be sent is a failure without its words', async () => {
  const net = netWith();
  const wrong = [
    request('no url'),
    request(`ftp://127.0.0.1/${CANARY}`),
    request('http://127.0.0.1:1/', { headers: { a: `${CANARY}\n${CANARY}` } }),
    request('http://127.0.0.1:1/', { headers: { a: `${CANARY}\u20ac` } }),
    request('http://127.0.0.1:1/', { headers: { [`${CANARY} b`]: 'c' } }),
  ];
  for (const one of wrong) {
    expect(await outcome(net.http(one, NEVER))).toMatch(
      /^(protocol \(no URL\)|header \(a\)|header \(with an odd name\))$/,
    );
  }
});

test('connections are used again, but for what wants a fresh one', async () => {
  const { port, connections } = await listenPlain((socket) => socket.write(answerOf('')));
  const net = netWith();
  const sent = request(`http://127.0.0.1:${port}/`);
  const counted: number[] = [];
  for (const fresh of [false, false, true, false, true, true]) {
    await net.http(fresh ? { ...sent, fresh } : sent, NEVER);
    counted.push(connections());
  }
  expect(counted).toEqual([1, 1, 2, 2, 3, 4]);
});

test('a fresh request does not wait for what hangs on an old connection', async () => {
  const { port } = await listenPlain((socket, count) => {
    if (count > 0) socket.write(answerOf('second'));
  });
  const net = netWith();
  const stop = new AbortController();
  const sent = request(`http://127.0.0.1:${port}/`);
  const hanging = outcome(net.http(sent, stop.signal));
  expect(await outcome(net.http({ ...sent, fresh: true }, NEVER))).toMatch(/^200 second$/);
  stop.abort();
  expect(await hanging).toBe('aborted');
});

for (const [method, expected] of [
  ['GET', /^200 second$/],
  ['PUT', /^200 second$/],
  ['POST', /^reset \(ECONNRESET\)$/],
] as const) {
  test(`a kept connection that the server had closed: ${method} ${expected.source}`, async () => {
    const { port } = await listenPlain((socket, count) => {
      if (count === 0) socket.write(answerOf('first'));
      else if (count === 1) socket.destroy();
      else socket.write(answerOf('second'));
    });
    const net = netWith();
    const sent = request(`http://127.0.0.1:${port}/`, { method });
    expect(await outcome(net.http(sent, NEVER))).toBe('200 first');
    expect(await outcome(net.http(sent, NEVER))).toMatch(expected);
  });
}

const HANGING: readonly (readonly [string, string, Answer])[] = [
  ['in the handshake', 'https', () => undefined],
  ['before the answer', 'http', () => undefined],
  ['in the headers', 'http', (socket) => socket.write(HEAD)],
  ['in a body with a length', 'http', (s) => s.write(`${HEAD}content-length: 9\r\n\r\nabc`)],
  ['in a body of chunks', 'http', (socket) => socket.write(`${CHUNKED}3\r\nabc\r\n`)],
];

for (const [name, scheme, answer] of HANGING) {
  test(`an abort ${name} ends the request and its connection`, async () => {
    const stop = new AbortController();
    const { port, ended } = await listenPlain((socket, count, piece) => {
      answer(socket, count, piece);
      setImmediate(() => stop.abort());
    });
    const sent = request(`${scheme}://127.0.0.1:${port}/`);
    expect(await outcome(netWith().http(sent, stop.signal))).toBe('aborted');
    await ended;
  });
}

test('300 requests that hang end with their signal, also those that have not begun', async () => {
  const stop = new AbortController();
  const { port } = await listenPlain((_socket, count) => {
    // Bun 1.4.5 has 256 requests under way at most (BUN_CONFIG_MAX_HTTP_REQUESTS).
    if (count === 255) stop.abort();
  });
  const net = netWith();
  const sent = request(`http://127.0.0.1:${port}/`);
  const all = Array.from({ length: 300 }, async () => await outcome(net.http(sent, stop.signal)));
  expect(new Set(await Promise.all(all))).toEqual(new Set(['aborted']));
});

test('an aborted signal and one that aborts at once open nothing that lasts', async () => {
  const { port } = await listenPlain((socket) => socket.write(answerOf('')));
  const sent = request(`http://127.0.0.1:${port}/`);
  expect(await outcome(netWith().http(sent, AbortSignal.abort()))).toBe('aborted');
  const stop = new AbortController();
  const work = outcome(netWith().http(sent, stop.signal));
  stop.abort();
  expect(await work).toBe('aborted');
});

test('a name is looked up ahead, and a name that is none harms nothing', async () => {
  const { port } = await listenPlain((socket) => socket.write(answerOf('')));
  const net = netWith();
  const url = `http://localhost:${port}/`;
  const { totalCount: before } = Bun.dns.getCacheStats();
  net.warm({ url, proxy: 'environment', protocol: 'h1' });
  net.warm({ url: 'http://bellhop.invalid/', proxy: 'environment', protocol: 'h2' });
  net.warm({ url: 'no url', proxy: 'environment', protocol: 'h2' });
  expect(Bun.dns.getCacheStats().totalCount).toBe(before + 2);
  expect(await outcome(net.http(request(url), NEVER))).toBe('200 ');
});

test('nothing of all this left a rejection that nobody took', () => {
  expect(unhandled).toEqual([]);
});
