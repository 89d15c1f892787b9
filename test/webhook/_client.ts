// A client of HTTP/1.1 over TLS that repeats nothing: what fails is told.
import tls from 'node:tls';
import type { TLSSocket } from 'node:tls';

export interface ClientAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface Client {
  /** Rejects where the connection ends without a whole answer. */
  send(request: string | Uint8Array): Promise<ClientAnswer>;
  /** The name in the certificate of the newest connection. */
  certificate(): string;
  close(): void;
}

export interface ClientSetting {
  readonly port: number;
  readonly ca: string | readonly string[];
  /** False: a connection for each request. */
  readonly keepAlive?: boolean;
  readonly more?: tls.ConnectionOptions;
}

/** Connections are kept until the server says `Connection: close`, or closes them when idle. */
export function openClient({ port, ca, keepAlive = true, more = {} }: ClientSetting): Client {
  let open: TLSSocket | undefined;
  let certificate = '';
  const connect = async (): Promise<TLSSocket> => {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const options = { host: '127.0.0.1', port, ca: [ca].flat(), servername: 'localhost', ...more };
    const socket = tls.connect(options, () => resolve(socket));
    socket.on('error', reject);
    socket.on('close', () => {
      if (open === socket) open = undefined;
    });
    await promise;
    certificate = socket.getPeerCertificate().fingerprint256;
    return socket;
  };
  return {
    async send(request) {
      const socket = (keepAlive ? open : undefined) ?? (await connect());
      open = socket;
      socket.write(request);
      const answer = await answerOf(socket);
      if (!keepAlive || /\r\nconnection: close\r\n/i.test(answer.head)) {
        open = undefined;
        socket.end();
      }
      return answer;
    },
    certificate: () => certificate,
    close() {
      open?.destroy();
      open = undefined;
    },
  };
}

async function answerOf(socket: TLSSocket): Promise<ClientAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientAnswer>();
  let text = '';
  const take = (bytes: Buffer): void => {
    text += bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = text.slice(0, end + 2);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const body = text.slice(end + 4);
    if (body.length < length) return;
    resolve({ status: Number(head.split(' ')[1]), head, body });
  };
  const fail = (): void => reject(new Error(`ended after ${text.length} bytes of an answer`));
  socket.on('data', take);
  socket.on('close', fail);
  socket.on('end', fail);
  try {
    return await promise;
  } finally {
    socket.off('data', take);
    socket.off('close', fail);
    socket.off('end', fail);
  }
}

/** A review as it is posted. */
export function posted(body: string | Uint8Array, target = '/mutate--v1-pod'): Buffer {
  const bytes = Buffer.from(body as string);
  const head =
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${bytes.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}
