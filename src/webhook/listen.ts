// Ports that are listened on: TLS with a certificate that changes, and plain. Bun.serve cannot
// change its certificate; node:tls in Bun can, and costs no more (docs/decisions/0007).
import net from 'node:net';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { BellhopError } from '../core/errors.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { Connection, Wire } from './connection.ts';

/** Where to listen; port 0 is any free one. */
export interface Address {
  /** An address of this machine; `::` is all of them, IPv4 too. */
  readonly host: string;
  /** Where the machine does not have the first one: `0.0.0.0` for a kernel without IPv6. */
  readonly orHost?: string;
  readonly port: number;
}

export interface ListenSetting {
  readonly address: Address;
  /** More at the same time are closed at once. */
  readonly connectionsMax: number;
  readonly open: (wire: Wire) => Connection;
}

export interface TlsSetting extends ListenSetting {
  readonly certificates: CertificateSource;
  readonly handshakeMsMax: number;
  /** Told of each new certificate; of one that cannot be used, that the one before stays. */
  readonly onNewCertificate: (isUsed: boolean) => void;
  /** Takes connections that have chosen HTTP/2, where it is offered. */
  readonly http2?: (socket: Socket) => void;
}

export interface Listening {
  readonly port: number;
  readonly connections: ReadonlySet<Connection>;
  /** Takes no new connection from here on; those that are open stay. */
  stop(): void;
  /** Ends all connections, whatever they do. */
  destroy(): void;
}

/** From the first byte to a connection that may be used. */
export const HANDSHAKE_MS_MAX = 10_000;

/** TLS 1.2 with forward secrecy and AEAD only; the suites of 1.3 are all so. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Listens by TLS 1.3 and 1.2. Each new connection has the certificate that is current then.
 * Rejects with BellhopError.
 */
export async function listenTls(setting: TlsSetting): Promise<Listening> {
  const { certificates, http2 } = setting;
  const context = (): tls.TlsOptions => {
    const { certPem, keyPem } = certificates.current();
    return { cert: certPem, key: keyPem, minVersion: 'TLSv1.2', ciphers: CIPHERS };
  };
  const ALPNProtocols = http2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'];
  const own = { ALPNProtocols, handshakeTimeout: setting.handshakeMsMax };
  const sockets = new Set<Socket>();
  const connections = new Set<Connection>();
  const server = openServer(() => tls.createServer({ ...context(), ...own }));
  const raw = countRaw(server, setting.connectionsMax);
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    keep(sockets, socket);
    if (http2 !== undefined && socket.alpnProtocol === 'h2') http2(socket);
    else attach(socket, connections, setting);
  });
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  const stopListening = certificates.onChange(() => {
    let isUsed = true;
    try {
      server.setSecureContext({ ...context(), ...own });
    } catch {
      isUsed = false;
    }
    setting.onNewCertificate(isUsed);
  });
  return await listening(server, setting.address, {
    connections,
    destroy: () => {
      for (const socket of [...sockets, ...raw]) socket.destroy();
    },
    onStop: stopListening,
  });
}

/** Listens without TLS. Rejects with BellhopError. */
export async function listenPlain(setting: ListenSetting): Promise<Listening> {
  const connections = new Set<Connection>();
  const server = net.createServer((socket) => attach(socket, connections, setting));
  const raw = countRaw(server, setting.connectionsMax);
  return await listening(server, setting.address, {
    connections,
    destroy: () => {
      for (const socket of raw) socket.destroy();
    },
    onStop: () => undefined,
  });
}

function openServer(open: () => tls.Server): tls.Server {
  try {
    return open();
  } catch {
    // What TLS says of a key may quote it.
    const what = 'the certificate and its key cannot be used';
    throw new BellhopError('BH_ERR_SETTINGS', { where: ['webhook'], what });
  }
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
}

/** Connections before their handshake count too. */
function countRaw(server: net.Server, connectionsMax: number): ReadonlySet<Socket> {
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    if (raw.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    keep(raw, socket);
  });
  return raw;
}

function attach(socket: Socket, connections: Set<Connection>, setting: ListenSetting): void {
  socket.setNoDelay(true);
  const connection = setting.open({
    write: (text) => socket.write(text),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
  });
  connections.add(connection);
  socket.on('data', (bytes) => {
    if (typeof bytes !== 'string') connection.received(bytes);
  });
  socket.on('drain', () => connection.drained());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    connections.delete(connection);
    connection.closed();
  });
}

interface Ending {
  readonly connections: ReadonlySet<Connection>;
  readonly destroy: () => void;
  readonly onStop: () => void;
}

async function listening(server: net.Server, at: Address, ending: Ending): Promise<Listening> {
  let code = await listenAt(server, at.host, at.port);
  if (at.orHost !== undefined && NOT_HERE.has(code)) {
    code = await listenAt(server, at.orHost, at.port);
  }
  if (code !== '') {
    ending.onStop();
    const what = `cannot be listened on (${code})`;
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`${at.host}:${at.port}`], what });
  }
  server.on('error', () => undefined);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : at.port;
  const stop = (): void => {
    ending.onStop();
    server.close();
  };
  return { port, connections: ending.connections, stop, destroy: ending.destroy };
}

const BACKLOG = 1024;
const NOT_HERE: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** Empty where it listens, else the errno's name. */
async function listenAt(server: net.Server, host: string, port: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const fail = (error: Error & { readonly code?: unknown }): void => {
    resolve(typeof error.code === 'string' ? error.code : 'unknown reason');
  };
  server.once('error', fail);
  server.listen({ host, port, backlog: BACKLOG }, () => resolve(''));
  const code = await promise;
  server.off('error', fail);
  return code;
}
