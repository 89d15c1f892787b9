// Requests of HTTP/1.1 and 1.0 (RFC 9112) out of the bytes of a connection, strict where two
// readers could disagree. Pure: what arrives goes in, requests come out.
import type { BodyReader, BodyRoom, HttpLimits, HttpStatus } from './http1-body.ts';
import { HttpProblem, openBody } from './http1-body.ts';

export type { BodyRoom, HttpLimits };

export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** By lower-case names; several of one name are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether the client would go on by this connection. */
  readonly keepAlive: boolean;
  readonly body: Uint8Array | 'too large';
}

/** What comes next. */
export type HttpStep =
  /** More bytes are needed. `isIdle`: nothing of a request is there yet. */
  | { readonly kind: 'more'; readonly isIdle: boolean }
  /** The client waits for `100 Continue` before it sends the body. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'request'; readonly request: HttpRequest }
  /** Nothing more can be read of this connection. */
  | { readonly kind: 'bad'; readonly status: HttpStatus; readonly what: string };

export interface HttpReader {
  /** Takes what arrived; nobody may change these bytes from here on. */
  add(bytes: Uint8Array): void;
  /** Bytes that wait here and are part of no request yet. */
  waitingBytes(): number;
  next(): HttpStep;
  /** Gives back the room of a body that will not be read to its end. */
  drop(): void;
}

/** What the head says. */
interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
  readonly length: number | 'chunked';
  readonly expectsContinue: boolean;
}

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from('\r\n\r\n');

/** A reader for one connection. */
export function openHttpReader(limits: HttpLimits, room: BodyRoom): HttpReader {
  let waiting: Buffer = EMPTY;
  let head: Head | undefined;
  let body: BodyReader | undefined;
  let failed: HttpProblem | undefined;

  const beginBody = (read: Head): HttpStep | undefined => {
    head = read;
    body = openBody(read.length, limits, room);
    return read.expectsContinue && waiting.byteLength === 0 ? { kind: 'continue' } : undefined;
  };
  const readHead = (): HttpStep | undefined => {
    waiting = withoutBlankLines(waiting);
    const end = waiting.indexOf(HEAD_END);
    if (end > limits.headBytesMax || (end < 0 && waiting.byteLength > limits.headBytesMax)) {
      throw new HttpProblem(431, `a head of more than ${limits.headBytesMax} bytes`);
    }
    if (end < 0) return { kind: 'more', isIdle: waiting.byteLength === 0 };
    const text = waiting.toString('latin1', 0, end);
    waiting = waiting.subarray(end + HEAD_END.byteLength);
    return beginBody(headOf(text));
  };
  const step = (): HttpStep => {
    if (head === undefined || body === undefined) {
      const early = readHead();
      if (early !== undefined || head === undefined || body === undefined) {
        return early ?? { kind: 'more', isIdle: false };
      }
    }
    const read = body.read(waiting);
    waiting = read.rest;
    if (!read.isWhole) return { kind: 'more', isIdle: false };
    const { method, target, headers, keepAlive } = head;
    const whole: HttpRequest = { method, target, headers, keepAlive, body: body.take() };
    head = undefined;
    body = undefined;
    return { kind: 'request', request: whole };
  };
  return {
    add(bytes) {
      const more = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      waiting = waiting.byteLength === 0 ? more : Buffer.concat([waiting, more]);
    },
    waitingBytes: () => waiting.byteLength,
    next() {
      if (failed !== undefined) return bad(failed);
      try {
        const next = step();
        // A view of no bytes would keep the memory of what is behind it.
        if (waiting.byteLength === 0) waiting = EMPTY;
        return next;
      } catch (error) {
        if (!(error instanceof HttpProblem)) throw error;
        failed = error;
        return bad(failed);
      }
    },
    drop: () => body?.drop(),
  };
}

function bad({ status, message }: HttpProblem): HttpStep {
  return { kind: 'bad', status, what: message };
}

/** Some clients end a body with a line break that is not theirs (RFC 9112, 2.2). */
function withoutBlankLines(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  return start === 0 ? bytes : bytes.subarray(start);
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~\w]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/;
const FIELD =
  /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;

function headOf(text: string): Head {
  const lines = text.split('\r\n');
  const line = REQUEST_LINE.exec(lines[0] ?? '');
  if (line === null) throw new HttpProblem(400, 'the first line is no request');
  const [, method = '', target = '', major, minor] = line;
  if (major !== '1') throw new HttpProblem(505, 'HTTP/1.1 is spoken here');
  const headers = headersOf(lines);
  const isOld = minor === '0';
  if (!isOld && (headers.get('host') ?? ',').includes(',')) {
    throw new HttpProblem(400, 'one header Host is needed');
  }
  return {
    method,
    target,
    headers,
    keepAlive: isKept(headers.get('connection') ?? '', isOld),
    length: lengthOf(headers, isOld),
    expectsContinue: !isOld && expectsContinue(headers.get('expect')),
  };
}

/** Those after the first line. */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) {
    const field = FIELD.exec(lines[index] ?? '');
    if (field === null) throw new HttpProblem(400, `line ${index + 1} of the head is no header`);
    const name = (field[1] ?? '').toLowerCase();
    const before = headers.get(name);
    const value = field[2] ?? '';
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function isKept(connection: string, isOld: boolean): boolean {
  if (connection === '') return !isOld;
  const words = connection.toLowerCase().split(/[ \t]*,[ \t]*/);
  return isOld ? words.includes('keep-alive') : !words.includes('close');
}

function expectsContinue(expect: string | undefined): boolean {
  if (expect === undefined) return false;
  if (expect.toLowerCase() !== '100-continue') throw new HttpProblem(417, 'an unknown Expect');
  return true;
}

function lengthOf(headers: ReadonlyMap<string, string>, isOld: boolean): number | 'chunked' {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    if (length !== undefined || isOld) throw new HttpProblem(400, 'two lengths of one body');
    if (coding.toLowerCase() !== 'chunked') throw new HttpProblem(501, 'an unknown coding');
    return 'chunked';
  }
  if (length === undefined) return 0;
  if (!/^\d{1,15}$/.test(length)) throw new HttpProblem(400, 'Content-Length is no size');
  return Number(length);
}
