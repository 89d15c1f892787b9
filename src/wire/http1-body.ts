// Bodies of HTTP/1.1 requests (RFC 9112, 6 and 7): kept up to a limit, read past from there on.

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

/** What a request is refused with where it cannot be read. */
export type HttpStatus = 400 | 417 | 431 | 501 | 503 | 505;

/** Why nothing more can be read of a connection. */
export class HttpProblem extends Error {
  readonly status: HttpStatus;
  constructor(status: HttpStatus, what: string) {
    super(what);
    this.status = status;
  }
}

const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');

/** One body on its way. */
export interface BodyReader {
  /** Takes of the bytes what belongs to the body. */
  read(bytes: Buffer): { readonly rest: Buffer; readonly isWhole: boolean };
  /** The whole body; what comes after is not counted any more. */
  take(): Uint8Array | 'too large';
  drop(): void;
}

/** A reader for a body of so many bytes; throws HttpProblem as it reads. */
export function openBody(
  length: number | 'chunked',
  limits: HttpLimits,
  room: BodyRoom,
): BodyReader {
  const kept = openKept(limits, room);
  if (length !== 'chunked') {
    if (length >= limits.bodyBytesMax) kept.tooLarge();
    let left = length;
    return {
      read(bytes) {
        const part = bytes.subarray(0, left);
        if (part.byteLength === length) kept.whole(part);
        else kept.add(part);
        left -= part.byteLength;
        return { rest: bytes.subarray(part.byteLength), isWhole: left === 0 };
      },
      take: () => kept.take(),
      drop: () => kept.drop(),
    };
  }
  return { read: chunks(kept), take: () => kept.take(), drop: () => kept.drop() };
}

const CHUNK_LINE_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 4096;

/** RFC 9112, 7.1: sizes in hexadecimal before the bytes; extensions and trailers are dropped. */
function chunks(kept: Kept): BodyReader['read'] {
  let left = 0;
  let trailerBytes = 0;
  let at: 'size' | 'data' | 'end of data' | 'trailer' = 'size';
  const line = (bytes: Buffer, from: number): { text: string; next: number } | undefined => {
    const end = bytes.indexOf(CRLF, from);
    const isLong = (end < 0 ? bytes.byteLength : end) - from > CHUNK_LINE_BYTES_MAX;
    if (isLong) throw new HttpProblem(400, 'a chunk with a line that is too long');
    return end < 0 ? undefined : { text: bytes.toString('latin1', from, end), next: end + 2 };
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
  /** The same for all of the body at once: nothing is copied. */
  whole(part: Buffer): void;
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
  const add = (part: Buffer): void => {
    if (isTooLarge) return discard(part.byteLength);
    if (size + part.byteLength >= limits.bodyBytesMax) return tooLarge();
    if (size + part.byteLength > bytes.byteLength) grow(size + part.byteLength);
    bytes.set(part, size);
    size += part.byteLength;
    return undefined;
  };
  let given: Buffer | undefined;
  return {
    add,
    whole(part) {
      if (isTooLarge) add(part);
      else given = part;
    },
    tooLarge,
    take() {
      if (isTooLarge) return 'too large';
      const whole = given ?? bytes.subarray(0, size);
      drop();
      return whole;
    },
    drop,
  };
}
