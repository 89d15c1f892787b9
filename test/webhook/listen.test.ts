import { afterEach, describe, expect, test } from 'bun:test';
import net from 'node:net';
import type { Connection } from '../../src/webhook/connection.ts';
import type { Listening } from '../../src/webhook/listen.ts';
import { listenPlain, listenTls } from '../../src/webhook/listen.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { swappable } from './_server.ts';

const made = makeCertificates();
const address = { host: '127.0.0.1', port: 0 };
const all: Listening[] = [];
const deaf: Connection = {
  received: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
  sweep: () => undefined,
  endIfIdle: () => undefined,
};

afterEach(() => {
  for (const one of all.splice(0)) {
    one.stop();
    one.destroy();
  }
});

async function tlsPort(more: {
  connectionsMax?: number;
  handshakeMsMax?: number;
}): Promise<number> {
  const listening = await listenTls({
    address,
    connectionsMax: 10,
    handshakeMsMax: 60_000,
    certificates: swappable(made.good),
    onNewCertificate: () => undefined,
    open: () => deaf,
    ...more,
  });
  all.push(listening);
  return listening.port;
}

/** Resolves when the server has closed the connection. */
async function closed(port: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve('closed'));
  return await promise;
}

async function connected(port: number): Promise<net.Socket> {
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const socket = net.connect({ host: '127.0.0.1', port }, () => resolve(socket));
  socket.on('error', () => undefined);
  return await promise;
}

describe('connections are limited', () => {
  test('one that never begins its handshake is closed', async () => {
    expect(await closed(await tlsPort({ handshakeMsMax: 30 }))).toBe('closed');
  });
  test('more than so many are closed at once, also before their handshake', async () => {
    const port = await tlsPort({ connectionsMax: 2 });
    const open = [await connected(port), await connected(port)];
    expect(await closed(port)).toBe('closed');
    expect(open.map((socket) => socket.destroyed)).toEqual([false, false]);
    for (const socket of open) socket.destroy();
  });
});

test('an address that this machine does not have gives way to the other one', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
  const both = { host: '192.0.2.1', orHost: '127.0.0.1', port: 0 };
  const listening = await listenPlain({ address: both, connectionsMax: 1, open: () => deaf });
  all.push(listening);
  const socket = await connected(listening.port);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

describe('what cannot be listened on is said', () => {
  test('a port that is taken', async () => {
    const first = await listenPlain({ address, connectionsMax: 1, open: () => deaf });
    all.push(first);
    const again = listenPlain({
      address: { ...address, port: first.port },
      connectionsMax: 1,
      open: () => deaf,
    });
    const error: unknown = await again.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'BH_ERR_SETTINGS',
      message: `127.0.0.1:${first.port}: cannot be listened on (EADDRINUSE)`,
    });
  });
  test("a key that is not the certificate's, without a piece of it", async () => {
    const certificates = swappable({ cert: made.good.cert, key: made.client.key });
    const setting = { address, connectionsMax: 1, handshakeMsMax: 1, open: () => deaf };
    const opening = listenTls({ ...setting, certificates, onNewCertificate: () => undefined });
    const error: unknown = await opening.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'BH_ERR_SETTINGS',
      message: 'webhook: the certificate and its key cannot be used',
    });
  });
});
