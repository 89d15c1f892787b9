// Requests of HTTP/1.1 and 1.0 (RFC 9112) out of the bytes of a connection, strict where two
// readers could disagree. Pure: what arrives goes in, requests come out.

/** What a reader keeps at most. */
export interface HttpLimits {
  /** Request line and headers; more is status 431. */
  readonly headBytesMax: number;
  /** A body of this size or more is read past, not kept. */
  readonly bodyBytesMax: number;
  /** What is read past of such a body, before the connection is given up. */
  readonly discardBytesMax: number;
}

/** What all bodies that are being read may take together, in bytes. */
export interface BodyRoom {
  /** False where there is no room for so many more. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

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
  | { readonly kind: 'bad'; readonly status: 400 | 417 | 431 | 501 | 503 | 505; readonly what: string };

export interface HttpReader {
  /** Takes what arrived; it may be changed by the giver afterwards. */
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

class HttpProblem extends Error {
  readonly status: 400 | 417 | 431 | 501 | 503 | 505;
  constructor(status: HttpProblem['status'], what: string) {
    super(what);
    this.status = status;
  }
}

const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
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
    const text = waiting.latin1Slice(0, end);
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
      const more = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      // `next` copies what it keeps; until then the pieces stand in the giver's memory.
      waiting = waiting.byteLength === 0 ? more : Buffer.concat([waiting, more]);
    },
    waitingBytes: () => waiting.byteLength,
    next() {
      if (failed !== undefined) return bad(failed);
      try {
        const next = step();
        if (next.kind !== 'request') waiting = Buffer.from(waiting);
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
const FIELD = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;

function headOf(text: string): Head {
  const lines = text.split('\r\n');
  const line = REQUEST_LINE.exec(lines[0] ?? '');
  if (line === null) throw new HttpProblem(400, 'the first line is no request');
  const [, method = '', target = '', major, minor] = line;
  if (major !== '1') throw new HttpProblem(505, 'HTTP/1.1 is spoken here');
  const headers = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) {
    const field = FIELD.exec(lines[index] ?? '');
    if (field === null) throw new HttpProblem(400, `line ${index + 1} of the head is no header`);
    const name = (field[1] ?? '').toLowerCase();
    const before = headers.get(name);
    const value = field[2] ?? '';
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const isOld = minor === '0';
  if (!isOld && !/^[^,]*$/.test(headers.get('host') ?? ',')) {
    throw new HttpProblem(400, 'one header Host is needed');
  }
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  const says = (word: string): boolean => connection.split(/[ \t]*,[ \t]*/).includes(word);
  return {
    method,
    target,
    headers,
    keepAlive: isOld ? says('keep-alive') : !says('close'),
    length: lengthOf(headers, isOld),
    expectsContinue: !isOld && expectsContinue(headers.get('expect')),
  };
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

/** One body on its way. */
interface BodyReader {
  /** Takes of the bytes what belongs to the body. */
  read(bytes: Buffer): { readonly rest: Buffer; readonly isWhole: boolean };
  /** The whole body; what comes after is not counted any more. */
  take(): Uint8Array | 'too large';
  drop(): void;
}

function openBody(length: number | 'chunked', limits: HttpLimits, room: BodyRoom): BodyReader {
  const kept = openKept(limits, room);
  if (length !== 'chunked') {
    if (length >= limits.bodyBytesMax) kept.tooLarge();
    let left = length;
    return {
      read(bytes) {
        const part = bytes.subarray(0, left);
        kept.add(part);
        left -= part.byteLength;
        return { rest: bytes.subarray(part.byteLength), isWhole: left === 0 };
      },
      take: kept.take,
      drop: kept.drop,
    };
  }
  return { read: chunks(kept), take: kept.take, drop: kept.drop };
}

const CHUNK_LINE_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 4096;

/** RFC 9112, 7.1: sizes in hexadecimal, each before its bytes; extensions and trailers are dropped. */
function chunks(kept: Kept): BodyReader['read'] {
  let left = 0;
  let trailerBytes = 0;
  let at: 'size' | 'data' | 'end of data' | 'trailer' = 'size';
  const line = (bytes: Buffer, from: number): { text: string; next: number } | undefined => {
    const end = bytes.indexOf(CRLF, from);
    const isLong = (end < 0 ? bytes.byteLength : end) - from > CHUNK_LINE_BYTES_MAX;
    if (isLong) throw new HttpProblem(400, 'a chunk with a line that is too long');
    return end < 0 ? undefined : { text: bytes.latin1Slice(from, end), next: end + 2 };
  };
  const afterLine = (text: string): boolean => {
    if (at === 'trailer') {
      trailerBytes += text.length;
      if (trailerBytes > TRAILER_BYTES_MAX) throw new HttpProblem(400, 'trailers are too long');
      return text === '';
    }
    if (at === 'end of data') {
      if (text !== '') throw new HttpProblem(400, 'a chunk is longer than it says');
      at = 'size';
      return false;
    }
    const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;|$)/.exec(text)?.[1];
    if (size === undefined) throw new HttpProblem(400, 'a chunk without its size');
    left = Number.parseInt(size, 16);
    at = left === 0 ? 'trailer' : 'data';
    return false;
  };
  return (bytes) => {
    let from = 0;
    for (;;) {
      if (at === 'data') {
        const part = bytes.subarray(from, from + left);
        kept.add(part);
        from += part.byteLength;
        left -= part.byteLength;
        if (left > 0) return { rest: bytes.subarray(from), isWhole: false };
        at = 'end of data';
      }
      const read = line(bytes, from);
      if (read === undefined) return { rest: bytes.subarray(from), isWhole: false };
      from = read.next;
      if (afterLine(read.text)) return { rest: bytes.subarray(from), isWhole: true };
    }
  };
}

/** The bytes of a body that are kept. */
interface Kept {
  add(part: Buffer): void;
  tooLarge(): void;
  take(): Uint8Array | 'too large';
  drop(): void;
}

function openKept(limits: HttpLimits, room: BodyRoom): Kept {
  let bytes = EMPTY;
  let size = 0;
  let discarded = 0;
  let isTooLarge = false;
  const drop = (): void => {
    room.give(bytes.byteLength);
    bytes = EMPTY;
  };
  const grow = (needed: number): void => {
    const capacity = Math.min(Math.max(needed, 2 * bytes.byteLength), limits.bodyBytesMax);
    if (!room.take(capacity - bytes.byteLength)) {
      drop();
      throw new HttpProblem(503, 'no room for a body now');
    }
    const larger = Buffer.allocUnsafeSlow(capacity);
    larger.set(bytes.subarray(0, size));
    bytes = larger;
  };
  const discard = (count: number): void => {
    discarded += count;
    if (discarded > limits.discardBytesMax) throw new HttpProblem(400, 'a body without an end');
  };
  const tooLarge = (): void => {
    isTooLarge = true;
    drop();
  };
  return {
    add(part) {
      if (isTooLarge) return discard(part.byteLength);
      if (size + part.byteLength >= limits.bodyBytesMax) return tooLarge();
      if (part.byteLength === 0) return undefined;
      if (size + part.byteLength > bytes.byteLength) grow(size + part.byteLength);
      bytes.set(part, size);
      size += part.byteLength;
      return undefined;
    },
    tooLarge,
    take() {
      if (isTooLarge) return 'too large';
      const whole = bytes.subarray(0, size);
      room.give(bytes.byteLength);
      return whole;
    },
    drop,
  };
}
