// Connections of bytes over real sockets.
import { afterEach, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import process from 'node:process';
import type { ConnectRequest, Connection } from '../../src/core/io/net-types.ts';
import { closedPort } from '../support/ports.ts';
import { makeCertificates } from './_certificates.ts';
import { closeAll, listenPlain, listenTls, netWith } from './_servers.ts';

afterEach(closeAll);

const unhandled: unknown[] = [];
process.on('unhandledRejection', (why) => unhandled.push(why));

const NEVER = new AbortController().signal;
const CANARY = 'canary-51';
const MIB = 1024 * 1024;
const certificates = makeCertificates();
const { authority, otherAuthority, client, good } = certificates;

async function connect(port: number, more: Partial<ConnectRequest> = {}): Promise<Connection> {
  return await netWith().connect({ host: '127.0.0.1', port, ...more }, NEVER);
}

/** What the work fails with. */
async function failure(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing failed',
    (why: unknown) => (why as Error).message,
  );
}

async function readAll(connection: Connection): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one piece after another is what it tests
    const piece = await connection.read();
    if (piece === undefined) return Buffer.concat(pieces);
    pieces.push(piece);
  }
}

const echo = (socket: Socket, _count: number, piece: Buffer): unknown => socket.write(piece);

test('bytes go out and come back, and after the end nothing comes, for ever', async () => {
  const { port } = await listenPlain((socket, _count, piece) => socket.end(piece));
  const connection = await connect(port);
  connection.write(Buffer.from([0, 255, 10]));
  expect(await readAll(connection)).toEqual(Buffer.from([0, 255, 10]));
  expect(await connection.read()).toBeUndefined();
  connection.close();
  connection.write(Buffer.from('late'));
});

for (const [name, tls] of [
  ['plain', undefined],
  ['TLS', { ca: authority.cert }],
] as const) {
  test(`32 MiB go both ways, ${name}, whatever the sockets take at once`, async () => {
    const { port } = tls === undefined ? await listenPlain(echo) : await listenTls(good, echo);
    const connection = await connect(port, tls === undefined ? {} : { tls });
    const sent = Buffer.alloc(
      32 * MIB,
      Uint8Array.from({ length: 251 }, (_, index) => index),
    );
    for (let at = 0; at < sent.length; at += MIB) connection.write(sent.subarray(at, at + MIB));
    const pieces: Uint8Array[] = [];
    for (let count = 0; count < sent.length; count += pieces.at(-1)?.byteLength ?? 0) {
      // oxlint-disable-next-line no-await-in-loop -- one piece after another is what it tests
      pieces.push((await connection.read()) ?? new Uint8Array(0));
    }
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
    connection.close();
  });
}

test('what nobody reads stays with the server', async () => {
  const { promise: writing, resolve: wrote } = Promise.withResolvers<Socket>();
  const { port } = await listenPlain((socket) => {
    socket.end(Buffer.alloc(64 * MIB));
    wrote(socket);
  });
  const connection = await connect(port);
  connection.write(Buffer.from('go'));
  const socket = await writing;
  const other = await connect((await listenPlain(echo)).port);
  for (let round = 0; round < 300; round++) {
    other.write(Buffer.from('x'));
    // oxlint-disable-next-line no-await-in-loop -- each is a turn of the loop that moves bytes
    await other.read();
  }
  expect(socket.writableLength).toBeGreaterThan(32 * MIB);
  expect((await readAll(connection)).byteLength).toBe(64 * MIB);
  other.close();
});

type Kind = 'good' | 'expired' | 'notYetValid' | 'otherName';

const FAULTS: readonly (readonly [string, Kind, object, string])[] = [
  ['an expired certificate', 'expired', {}, 'certificate (expired)'],
  ['one of the future', 'notYetValid', {}, 'certificate (not yet valid)'],
  ['one for another name', 'otherName', {}, 'certificate (wrong host name)'],
  ['that name, asked for', 'otherName', { serverName: 'other.example' }, 'nothing failed'],
  ['another authority', 'good', { ca: otherAuthority.cert }, 'certificate (unknown authority)'],
  ['no authority', 'good', { ca: undefined }, 'certificate (unknown authority)'],
  [
    'rubbish for authorities',
    'good',
    { ca: 'x' },
    'certificate (the trusted authorities are no PEM certificates)',
  ],
  [
    'the key of another',
    'good',
    { cert: client.cert, key: good.key },
    'certificate (the client key is no PEM key of its certificate)',
  ],
];

for (const [name, kind, facts, expected] of FAULTS) {
  test(`TLS with ${name}: ${expected}`, async () => {
    const { port, received } = await listenTls(certificates[kind], echo);
    const tls = { ca: authority.cert, ...facts };
    const work = connect(port, { tls }).then(async (connection) => {
      connection.write(Buffer.from(CANARY));
      await connection.read();
      connection.close();
    });
    expect(await failure(work)).toBe(expected);
    expect(received()).toBe(expected === 'nothing failed' ? CANARY : '');
  });
}

test('a client certificate is shown, and its lack is a failure of the first read at the latest', async () => {
  const options = { ...good, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  const { port } = await listenTls(options, echo);
  const known = await connect(port, { tls: { ca: authority.cert, ...client } });
  known.write(Buffer.from('hi'));
  expect(await known.read()).toEqual(Uint8Array.from(Buffer.from('hi')));
  known.close();
  const work = connect(port, { tls: { ca: authority.cert } }).then((one) => one.read());
  expect(await failure(work)).toMatch(/^(handshake|reset) \(/);
});

test('no listener, no name, no TLS on the other side', async () => {
  expect(await failure(connect(await closedPort()))).toBe('refused (ECONNREFUSED)');
  const nowhere = netWith().connect({ host: 'bellhop.invalid', port: 1 }, NEVER);
  expect(await failure(nowhere)).toMatch(/^name not (found|resolved) \(E\w+\)$/);
  const { port } = await listenPlain((socket) => socket.end('no TLS'));
  expect(await failure(connect(port, { tls: {} }))).toMatch(/^(reset|handshake) \(/);
});

test('a reset is told after all that had come', async () => {
  const { port } = await listenPlain((socket) => socket.resetAndDestroy());
  const connection = await connect(port);
  connection.write(Buffer.from('x'));
  expect(await failure(connection.read())).toBe('reset (ECONNRESET)');
  expect(await failure(connection.read())).toBe('reset (ECONNRESET)');
});

test('an abort ends a handshake, a read and the connection', async () => {
  const silent = await listenPlain(() => stopHandshake.abort());
  const stopHandshake = new AbortController();
  const request = { host: '127.0.0.1', port: silent.port, tls: {} };
  expect(await failure(netWith().connect(request, stopHandshake.signal))).toBe('aborted');
  await silent.ended;
  const stop = new AbortController();
  const { port, ended } = await listenPlain(() => stop.abort());
  const connection = await netWith().connect({ host: '127.0.0.1', port }, stop.signal);
  connection.write(Buffer.from('x'));
  expect(await failure(connection.read())).toBe('aborted');
  await ended;
});

test('an abort before or while connecting fails, and leaves no connection', async () => {
  const { port, ended } = await listenPlain(echo);
  const request = { host: '127.0.0.1', port };
  expect(await failure(netWith().connect(request, AbortSignal.abort()))).toBe('aborted');
  const stop = new AbortController();
  const work = failure(netWith().connect(request, stop.signal));
  stop.abort();
  expect(await work).toBe('aborted');
  await ended;
});

test('close ends a read that waits, and the connection', async () => {
  const { port, ended } = await listenPlain(() => undefined);
  const connection = await connect(port);
  const waiting = connection.read();
  connection.close();
  expect(await waiting).toBeUndefined();
  await ended;
});

test('nothing of all this left a rejection that nobody took', () => {
  expect(unhandled).toEqual([]);
});
