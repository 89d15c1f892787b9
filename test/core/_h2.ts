// An HTTP/2 server made of bytes, so that it can do what no server library lets one do.
import type { Socket } from 'node:net';
import type { Pair } from './_certificates.ts';
import type { Listener } from './_servers.ts';
import { listenTls } from './_servers.ts';

const HEADER_BYTES = 9;
const PREFACE_BYTES = 24;
const PREFACE_START = Buffer.from('PRI');
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
/** `:status: 200` of HPACK's static table (RFC 7541, appendix A, index 8). */
const STATUS_200 = Buffer.from([0x88]);

function frame(
  kind: keyof typeof TYPE,
  id: number,
  rest: { flags?: number; body?: Buffer },
): Buffer {
  const body = rest.body ?? Buffer.alloc(0);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = TYPE[kind];
  header[4] = rest.flags ?? 0;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, body]);
}

function words(...values: readonly number[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    }),
  );
}

export const headers = (id: number): Buffer =>
  frame('headers', id, { flags: END_HEADERS, body: STATUS_200 });
export const ending = (id: number): Buffer =>
  frame('headers', id, { flags: END_HEADERS | END_STREAM, body: STATUS_200 });
export const data = (id: number, text: string): Buffer =>
  frame('data', id, { body: Buffer.from(text) });
export const lastData = (id: number, text: string): Buffer =>
  frame('data', id, { flags: END_STREAM, body: Buffer.from(text) });
/** RST_STREAM; the codes are those of RFC 9113, section 7. */
export const reset = (id: number, code: number): Buffer =>
  frame('reset', id, { body: words(code) });
/** GOAWAY: streams above `last` were not looked at. */
export const goAway = (last: number, code: number): Buffer =>
  frame('goAway', 0, { body: words(last, code) });

/** Called with the stream of each request, and how many requests came before it. */
export type H2Answer = (socket: Socket, stream: number, count: number) => void;

/** Speaks HTTP/1.1 too where `plain` is what it answers to that. */
export async function listenH2(
  { cert, key }: Pair,
  answer: H2Answer,
  plain?: (socket: Socket) => void,
): Promise<Listener> {
  const ALPNProtocols = plain === undefined ? ['h2'] : ['h2', 'http/1.1'];
  const unread = new WeakMap<Socket, Buffer>();
  let count = 0;
  return await listenTls({ cert, key, ALPNProtocols }, (socket, _count, piece) => {
    const before = unread.get(socket);
    if (before === undefined && !piece.subarray(0, 3).equals(PREFACE_START)) return plain?.(socket);
    if (before === undefined) socket.write(frame('settings', 0, {}));
    let bytes =
      before === undefined ? piece.subarray(PREFACE_BYTES) : Buffer.concat([before, piece]);
    while (bytes.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      const [kind, flags, id] = [bytes[3], bytes[4] ?? 0, bytes.readUInt32BE(5)];
      bytes = bytes.subarray(end);
      if (kind === TYPE.settings && (flags & ACK) === 0) {
        socket.write(frame('settings', 0, { flags: ACK }));
      }
      if (kind === TYPE.headers) answer(socket, id, count++);
    }
    unread.set(socket, bytes);
  });
}
