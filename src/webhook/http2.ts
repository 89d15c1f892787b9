// HTTP/2, only where `enableHTTP2` asks for it: the API server itself speaks HTTP/1.1 to webhooks
// (k8s.io/apiserver, pkg/util/webhook/client.go: NextProtos http/1.1). Loaded only then.
import http2 from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../core/io/types.ts';
import type { Handle } from './connection.ts';
import type { BodyRoom } from '../wire/http1.ts';

export interface Http2Setting {
  readonly handle: Handle;
  readonly room: BodyRoom;
  readonly clock: Pick<Clock, 'after'>;
  readonly bodyBytesMax: number;
  readonly discardBytesMax: number;
  readonly headBytesMax: number;
  readonly requestMsMax: number;
  readonly idleMsMax: number;
  readonly streamsMax: number;
}

export interface Http2 {
  /** Takes a connection whose client has chosen HTTP/2. */
  take(socket: Socket): void;
  /** Lets each client finish what it has begun, and begin nothing. */
  endAll(): void;
  size(): number;
}

export function openHttp2(setting: Http2Setting): Http2 {
  const sessions = new Set<ServerHttp2Session>();
  const server = http2.createServer({
    settings: {
      maxConcurrentStreams: setting.streamsMax,
      maxHeaderListSize: setting.headBytesMax,
      enablePush: false,
    },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => session.destroy());
    endWhenIdle(session, setting);
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    // The types of Bun have the parent class here.
    answer(stream as ServerHttp2Stream, headers, setting).catch(() => stream.close());
  });
  return {
    take: (socket) => {
      server.emit('connection', socket);
    },
    endAll: () => {
      for (const session of sessions) session.close();
    },
    size: () => sessions.size,
  };
}

/** Each stream begins the time anew; what is in flight is finished even then. */
function endWhenIdle(session: ServerHttp2Session, { clock, idleMsMax }: Http2Setting): void {
  let cancel = clock.after(idleMsMax, () => session.close());
  session.on('stream', () => {
    cancel();
    cancel = clock.after(idleMsMax, () => session.close());
  });
  session.on('close', () => cancel());
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders & Readonly<Record<string, unknown>>,
  setting: Http2Setting,
): Promise<void> {
  const cancel = setting.clock.after(setting.requestMsMax, () => stream.close());
  const body = await bodyOf(stream, setting).finally(cancel);
  const text = (name: string): string => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const type = text('content-type');
  const request = {
    method: text(':method'),
    target: text(':path'),
    headers: new Map(type === '' ? [] : [['content-type', type]]),
    keepAlive: true,
    body,
  };
  const made = await setting.handle(request);
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': made.status, 'content-type': made.contentType });
  stream.end(request.method === 'HEAD' ? undefined : made.text);
}

async function bodyOf(
  stream: ServerHttp2Stream,
  { room, bodyBytesMax, discardBytesMax }: Http2Setting,
): Promise<Uint8Array | 'too large'> {
  const parts: Buffer[] = [];
  let bytes = 0;
  let isTooLarge = false;
  let taken = 0;
  try {
    for await (const one of stream) {
      const part = one as Buffer;
      bytes += part.byteLength;
      if (bytes >= bodyBytesMax) isTooLarge = true;
      if (bytes > bodyBytesMax + discardBytesMax) throw new Error('a body without an end');
      if (isTooLarge) parts.length = 0;
      else if (!room.take(part.byteLength)) throw new Error('no room for a body now');
      else {
        taken += part.byteLength;
        parts.push(part);
      }
    }
    return isTooLarge ? 'too large' : Buffer.concat(parts);
  } finally {
    room.give(taken);
  }
}
