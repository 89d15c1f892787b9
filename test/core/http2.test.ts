// HTTP/2 where it is offered, HTTP/1.1 where it is not, and what a bad server makes of either.
import { afterEach, expect, test } from 'bun:test';
import type { AddressInfo } from 'node:net';
import http2 from 'node:http2';
import type { HttpRequest, Net } from '../../src/core/io/net-types.ts';
import { makeCertificates } from './_certificates.ts';
import type { H2Answer } from './_h2.ts';
import { data, ending, goAway, headers, lastData, listenH2, reset } from './_h2.ts';
import {
  answerOf,
  closeAll,
  listenPlain,
  listenTls,
  netWith,
  outcome,
  request,
} from './_servers.ts';

afterEach(closeAll);

const NEVER = new AbortController().signal;
const { authority, client, good } = makeCertificates();
const H1_ONLY = { cert: good.cert, key: good.key };

function h2Request(port: number, more: Partial<HttpRequest> = {}): HttpRequest {
  const tls = { ca: authority.cert };
  return request(`https://127.0.0.1:${port}/`, { protocol: 'h2', tls, ...more });
}

async function many(net: Net, sent: HttpRequest, count: number): Promise<Set<string>> {
  const all = Array.from({ length: count }, async () => await outcome(net.http(sent, NEVER)));
  return new Set(await Promise.all(all));
}

test('requests that begin at once share one connection, and say how they went', async () => {
  const { port, connections } = await listenH2(good, (socket, id) => socket.write(ending(id)));
  const net = netWith();
  expect(await many(net, h2Request(port), 50)).toEqual(new Set(['200 ']));
  expect(connections()).toBe(1);
  expect((await net.http(h2Request(port), NEVER)).protocol).toBe('h2');
});

test('requests given up one after another leave the one connection that says nothing', async () => {
  const silent = await listenPlain(() => undefined);
  const other = await listenPlain((socket) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });
  const net = netWith();
  const turns = Array.from({ length: 20 }, () => new AbortController());
  const all = turns.map(async ({ signal }) => outcome(net.http(h2Request(silent.port), signal)));
  for (const [index, turn] of turns.entries()) {
    turn.abort();
    expect(await all[index]).toBe('aborted');
    // Its way there and back gives what the abort has begun the time to be seen.
    await net.http(request(`http://127.0.0.1:${other.port}/`), NEVER);
  }
  await silent.ended;
  expect(silent.connections()).toBe(1);
});

test('one that is given up does not end the others of its connection', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const { port, connections } = await listenH2(good, (socket, id, count) => {
    if (count === 2) resolve();
    void left.then(() => socket.write(ending(id)));
  });
  const net = netWith();
  const first = new AbortController();
  const given = outcome(net.http(h2Request(port), first.signal));
  const others = many(net, h2Request(port), 2);
  await asked;
  first.abort();
  expect(await given).toBe('aborted');
  leave();
  expect(await others).toEqual(new Set(['200 ']));
  expect(connections()).toBe(1);
});

for (const streams of [10, 100]) {
  test(`300 requests to a server that takes ${streams} at once all succeed`, async () => {
    let most = 0;
    const settings = { maxConcurrentStreams: streams };
    const server = http2.createSecureServer({ ...H1_ONLY, settings });
    server.on('session', (session) => {
      let own = 0;
      session.on('stream', (stream) => {
        most = Math.max(most, ++own);
        stream.on('close', () => own--);
        stream.respond({ ':status': 200 });
        stream.end('hi');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await many(netWith(), h2Request(port), 300)).toEqual(new Set(['200 hi']));
    expect(most).toBeLessThanOrEqual(streams);
    server.close();
  });
}

const [NO_ERROR, INTERNAL, REFUSED] = [0, 2, 7];

const OUTCOMES: readonly (readonly [string, H2Answer, RegExp])[] = [
  ['an answer', (s, id) => s.write(Buffer.concat([headers(id), lastData(id, 'hi')])), /^200 hi$/],
  ['a reset stream', (s, id) => s.write(reset(id, INTERNAL)), /^reset \(HTTP2StreamReset\)$/],
  ['a stream refused for ever', (s, id) => s.write(reset(id, REFUSED)), /^reset \(HTTP2Refused/],
  ['a stream refused once', (s, id, n) => s.write(n ? ending(id) : reset(id, REFUSED)), /^200 $/],
  ['a server that goes away', (s) => s.write(goAway(0, INTERNAL)), /^reset \(HTTP2GoAway\)$/],
  ['one that goes before it looked', (s, id, n) => s.write(n ? ending(id) : away()), /^200 $/],
  ['an end', (s) => s.end(), /^reset \(ECONNRESET\)$/],
  ['a dying connection', (s) => s.destroy(), /^reset \(ECONNRESET\)$/],
  ['an end in a body', inBody((s) => s.end()), /^(cut off|reset) \(ECONNRESET\)$/],
  [
    'a stream reset in a body',
    inBody((s, id) => s.write(reset(id, NO_ERROR))),
    /^(cut off|reset) \(HTTP2/,
  ],
  ['frames that are none', (s) => s.write('HTTP/1.1 200 OK\r\n\r\n'), /^reset \(HTTP2FrameSize/],
  ['data before headers', (s, id) => s.write(lastData(id, 'x')), /^reset \(HTTP2Protocol/],
];

function away(): Buffer {
  return goAway(0, NO_ERROR);
}

/** Half a body, and then this. */
function inBody(then: H2Answer): H2Answer {
  return (socket, id, count) => {
    const half = Buffer.concat([headers(id), data(id, 'abc')]);
    socket.write(half, () => setImmediate(() => then(socket, id, count)));
  };
}

for (const [name, answer, expected] of OUTCOMES) {
  test(`${name}: ${expected.source}`, async () => {
    const { port } = await listenH2(good, answer);
    expect(await outcome(netWith().http(h2Request(port), NEVER))).toMatch(expected);
  });
}

test('a connection that dies with 50 requests ends all of them, and the retry is served', async () => {
  const { port, connections } = await listenH2(good, (socket, id, count) => {
    if (count === 49) socket.destroy();
    else if (count > 49) socket.write(ending(id));
  });
  const net = netWith();
  expect(await many(net, h2Request(port), 50)).toEqual(new Set(['reset (ECONNRESET)']));
  expect(await many(net, h2Request(port, { fresh: true }), 50)).toEqual(new Set(['200 ']));
  expect(connections()).toBe(2);
});

test('a fresh request leaves a connection that has gone silent', async () => {
  const arrived = Promise.withResolvers<void>();
  const { port, connections } = await listenH2(good, (socket, id, count) => {
    if (count === 1) arrived.resolve();
    else socket.write(ending(id));
  });
  const net = netWith();
  await net.http(h2Request(port), NEVER);
  const stop = new AbortController();
  const hanging = outcome(net.http(h2Request(port), stop.signal));
  await arrived.promise;
  stop.abort();
  expect(await hanging).toBe('aborted');
  expect(await outcome(net.http(h2Request(port, { fresh: true }), NEVER))).toBe('200 ');
  expect(connections()).toBe(2);
});

test('the connection that a fresh request opened serves those that come later', async () => {
  const { port, connections } = await listenH2(good, (socket, id, count) => {
    if (count === 0) socket.destroy();
    else socket.write(ending(id));
  });
  const net = netWith();
  expect(await outcome(net.http(h2Request(port), NEVER))).toMatch(/^reset/);
  for (let asked = 0; asked < 5; asked += 1) {
    expect(await outcome(net.http(h2Request(port, { fresh: true }), NEVER))).toBe('200 ');
  }
  expect(connections()).toBe(2);
});

for (const [name, options] of [
  ['chooses no protocol', H1_ONLY],
  ['takes only HTTP/1.1', { ...H1_ONLY, ALPNProtocols: ['http/1.1'] }],
] as const) {
  test(`a server that ${name} is asked by HTTP/1.1, and that is remembered`, async () => {
    const { port } = await listenTls(options, (socket) => socket.write(answerOf('hi')));
    const net = netWith();
    const answers = await Promise.all([1, 2].map(() => net.http(h2Request(port), NEVER)));
    expect(answers.map(({ protocol }) => protocol)).toEqual(['h1', 'h1']);
    let handshakes = 0;
    const counted = await listenTls(options, (socket) => socket.write(answerOf('hi')));
    await net.http(h2Request(counted.port), NEVER);
    handshakes = counted.connections();
    await net.http(h2Request(counted.port), NEVER);
    expect(counted.connections()).toBe(handshakes);
  });
}

test('a handshake that fails for another reason is not taken for missing HTTP/2', async () => {
  let wantsClient = true;
  const options = { ...H1_ONLY, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  const both = { ...options, ALPNProtocols: ['h2', 'http/1.1'] };
  const { port } = await listenTls(both, (socket) => {
    wantsClient = false;
    socket.destroy();
  });
  const net = netWith();
  expect(await outcome(net.http(h2Request(port), NEVER))).toStartWith('handshake (');
  expect(wantsClient).toBe(true);
  const { cert, key } = client;
  const sent = h2Request(port, { tls: { ca: authority.cert, cert, key } });
  expect(await outcome(net.http(sent, NEVER))).toMatch(/^reset/);
});

test('after frames that cannot be followed, the retry goes by HTTP/1.1', async () => {
  const options = { ...H1_ONLY, ALPNProtocols: ['h2', 'http/1.1'] };
  const { port } = await listenTls(options, (socket) => socket.write(answerOf('hi')));
  const net = netWith();
  expect(await outcome(net.http(h2Request(port), NEVER))).toMatch(/^reset \(HTTP2/);
  expect((await net.http(h2Request(port), NEVER)).protocol).toBe('h1');
});

test('a server that resets streams until it is asked by HTTP/1.1 is asked so, and remembered', async () => {
  const HTTP_1_1_REQUIRED = 13;
  const asked: string[] = [];
  const { port } = await listenH2(
    good,
    (socket, id) => {
      asked.push('h2');
      socket.write(reset(id, HTTP_1_1_REQUIRED));
    },
    (socket) => {
      asked.push('h1');
      socket.write(answerOf('hi'));
    },
  );
  const net = netWith();
  for (const _ of [1, 2]) {
    expect(await net.http(h2Request(port), NEVER)).toMatchObject({ status: 200, protocol: 'h1' });
  }
  expect(asked).toEqual(['h2', 'h1', 'h1']);
});

test('a server that resets streams and has no HTTP/1.1 is tried by that once', async () => {
  const { port } = await listenH2(good, (socket, id) => socket.write(reset(id, 2)));
  const net = netWith();
  for (const _ of [1, 2, 3]) {
    expect(await outcome(net.http(h2Request(port), NEVER))).toBe('reset (HTTP2StreamReset)');
  }
});

test('without TLS, HTTP/2 is not tried', async () => {
  const { port } = await listenTls(H1_ONLY, () => undefined);
  const sent = { ...h2Request(port), url: `http://127.0.0.1:${port}/` };
  expect(await outcome(netWith().http(sent, NEVER))).not.toContain('HTTP2');
});

test('an abort in a stream ends that request alone', async () => {
  const stop = new AbortController();
  const later: (() => void)[] = [];
  const { port } = await listenH2(good, (socket, id) => {
    socket.write(headers(id));
    later.push(() => socket.write(lastData(id, 'hi')));
    if (later.length === 2) stop.abort();
  });
  const net = netWith();
  const [first, second] = [NEVER, stop.signal].map((signal) =>
    outcome(net.http(h2Request(port), signal)),
  );
  expect(await second).toBe('aborted');
  for (const finish of later) finish();
  expect(await first).toBe('200 hi');
});
