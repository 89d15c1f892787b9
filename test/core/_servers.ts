// Real servers in this process that answer as badly as asked.
import type { AddressInfo, Server, Socket } from 'node:net';
import net from 'node:net';
import type { TlsOptions } from 'node:tls';
import tls from 'node:tls';
import { openNet } from '../../src/core/io/net.ts';
import { FILES } from '../../src/core/io/files.ts';
import type { HttpRequest, Net } from '../../src/core/io/net-types.ts';

export interface Listener {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  /** Everything that was received so far, one character a byte. */
  readonly received: () => string;
  /** Resolves when a connection of a client has ended. */
  readonly ended: Promise<void>;
}

/** Called with each piece that arrives, and how many came before it. */
export type Answer = (socket: Socket, count: number, piece: Buffer) => void;

const open = new Set<Server>();
const sockets = new Set<Socket>();

/** Ends every server and connection of the test. */
export function closeAll(): void {
  for (const socket of sockets) socket.destroy();
  for (const server of open) server.close();
  sockets.clear();
  open.clear();
}

export async function listenPlain(answer: Answer): Promise<Listener> {
  return await listen(net.createServer(), 'connection', answer);
}

export async function listenTls(options: TlsOptions, answer: Answer): Promise<Listener> {
  const server = tls.createServer(options);
  server.on('tlsClientError', () => undefined);
  return await listen(server, 'secureConnection', answer);
}

async function listen(server: Server, event: string, answer: Answer): Promise<Listener> {
  let connections = 0;
  let count = 0;
  const pieces: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  server.on(event, (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => end());
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece.toString('latin1'));
      answer(socket, count++, piece);
    });
  });
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, connections: () => connections, received: () => pieces.join(''), ended };
}

/** A whole HTTP/1.1 answer; the connection stays open. */
export function answerOf(body: string, head = 'HTTP/1.1 200 OK'): string {
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The network of a process that was started with these variables. */
export function netWith(variables: Readonly<Record<string, string>> = {}): Net {
  const env = Object.entries(variables).map(([name, value]) => Buffer.from(`${name}=${value}`));
  return openNet(FILES, { argv: [], env });
}

export function request(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  const base = { method: 'GET', headers: {}, proxy: 'environment', protocol: 'h1' } as const;
  return { ...base, url, bodyBytesMax: 1_000_000, ...more };
}

/** The reason and the detail of a failure, else `status body` of the answer. */
export async function outcome(
  work: Promise<{ status: number; body: Uint8Array }>,
): Promise<string> {
  try {
    const { status, body } = await work;
    return `${status} ${Buffer.from(body).toString('latin1')}`;
  } catch (error) {
    return (error as Error).message;
  }
}
