// RESP2, as Redis 7 speaks it (redis.io, "Redis serialization protocol specification"), and of
// RESP3 the nulls, numbers, booleans, bulk errors, maps and sets.

/** One answer. A map is a list of names and values in turn, as RESP2 has it. */
export type Reply =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly items: readonly Reply[] };

/** What a server may send; more is a RespLimitError, before it is kept. */
export interface RespLimits {
  /** Of one bulk string, and of a line. */
  readonly stringBytesMax: number;
  /** Of all that is read of one answer. */
  readonly replyBytesMax: number;
  /** Of one list. */
  readonly itemsMax: number;
  readonly depthMax: number;
}

/** The bytes are no RESP; what comes later cannot be read either. */
export class RespError extends Error {}

/** They are RESP, and more than the limits: another attempt would meet the same. */
export class RespLimitError extends RespError {}

const DEFAULTS: RespLimits = {
  stringBytesMax: 64 * 1024 * 1024,
  replyBytesMax: 128 * 1024 * 1024,
  itemsMax: 100_000,
  depthMax: 8,
};
const CR = 13;
const LF = 10;
const LINE_BYTES_MAX = 64 * 1024;

/** A command as its bytes: a list of bulk strings; text counts as UTF-8. */
export function encodeCommand(words: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Takes bytes as they come and gives every answer that is complete by now, in order. */
export interface RespDecoder {
  /** Throws a RespError; every byte is copied at most a few times, however it is cut. */
  push(bytes: Uint8Array): Reply[];
  /** Says whether bytes of an answer that has not ended were read. */
  isInside(): boolean;
}

export function respDecoder(options: Partial<RespLimits> = {}): RespDecoder {
  const limits = { ...DEFAULTS, ...options };
  const bytes = byteQueue(limits);
  const build = replyBuilder(limits);
  let bulk: { readonly size: number; readonly isError: boolean } | undefined;

  /** One step: undefined where bytes are missing for it, else whether an answer is complete. */
  function step(): Reply | 'more' | undefined {
    if (bulk !== undefined) {
      const content = bytes.take(bulk.size);
      if (content === undefined) return undefined;
      const { isError } = bulk;
      bulk = undefined;
      return build.add(isError ? { kind: 'error', text: textOf(content) } : bytesReply(content));
    }
    const line = bytes.takeLine();
    if (line === undefined) return undefined;
    const head = readHead(line, limits);
    if (head.kind === 'bulk') {
      bulk = head;
      return 'more';
    }
    return head.kind === 'items' ? build.open(head.count) : build.add(head);
  }

  return {
    push: (chunk) => {
      bytes.add(chunk);
      const complete: Reply[] = [];
      for (let reply = step(); reply !== undefined; reply = step()) {
        if (reply === 'more') continue;
        complete.push(reply);
        bytes.startReply();
      }
      return complete;
    },
    isInside: () => bytes.isInside(),
  };
}

function bytesReply(bytes: Uint8Array): Reply {
  return { kind: 'bytes', bytes };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

type Head =
  | Reply
  | { readonly kind: 'bulk'; readonly size: number; readonly isError: boolean }
  | { readonly kind: 'items'; readonly count: number };

/** What a line says, which is an answer or the start of one. */
function readHead(line: Uint8Array, limits: RespLimits): Head {
  const text = textOf(line.subarray(1));
  const type = String.fromCharCode(line[0] ?? 0);
  if ('$!*~%'.includes(type)) return readStart(type, text, limits);
  switch (type) {
    case '+':
    case ',': // a double, as it is written
      return { kind: 'text', text };
    case '-':
      return { kind: 'error', text };
    case ':':
    case '(':
      if (!/^[+-]?\d{1,100}$/.test(text)) throw new RespError('an integer that is none');
      return { kind: 'integer', value: BigInt(text.replace('+', '')) };
    case '#':
      return { kind: 'integer', value: text === 't' ? 1n : 0n };
    case '_':
      return { kind: 'null' };
    default:
      throw new RespError('an answer of no known type');
  }
}

/** The line before a string, or before items. */
function readStart(type: string, text: string, limits: RespLimits): Head {
  if (text === '-1') return { kind: 'null' };
  if ('$!'.includes(type)) {
    return { kind: 'bulk', size: length(text, limits.stringBytesMax), isError: type === '!' };
  }
  return { kind: 'items', count: length(text, limits.itemsMax) * (type === '%' ? 2 : 1) };
}

function length(text: string, max: number): number {
  if (!/^\d{1,15}$/.test(text)) throw new RespError('a length that is none');
  if (Number(text) > max) throw new RespLimitError(`a length over the limit of ${max}`);
  return Number(text);
}

interface ReplyBuilder {
  open(count: number): Reply | 'more';
  add(reply: Reply): Reply | 'more';
}

/** Puts answers into the lists that are open; gives the outermost one when it is complete. */
function replyBuilder({ depthMax }: RespLimits): ReplyBuilder {
  const lists: { readonly count: number; readonly items: Reply[] }[] = [];
  function add(reply: Reply): Reply | 'more' {
    let done = reply;
    for (let list = lists.at(-1); list !== undefined; list = lists.at(-1)) {
      list.items.push(done);
      if (list.items.length < list.count) return 'more';
      lists.pop();
      done = { kind: 'list', items: list.items };
    }
    return done;
  }
  return {
    add,
    open: (count) => {
      if (lists.length >= depthMax)
        throw new RespLimitError(`more than ${depthMax} levels of lists`);
      if (count === 0) return add({ kind: 'list', items: [] });
      lists.push({ count, items: [] });
      return 'more';
    },
  };
}

interface ByteQueue {
  add(chunk: Uint8Array): void;
  /** That many bytes and their line end, as a copy; undefined where they are not there yet. */
  take(size: number): Uint8Array | undefined;
  /** Up to the next line end, which is taken too. */
  takeLine(): Uint8Array | undefined;
  startReply(): void;
  isInside(): boolean;
}

/** Bytes that came and were not read; room doubles, so that they are moved a few times at most. */
function byteQueue({ stringBytesMax, replyBytesMax }: RespLimits): ByteQueue {
  let room = new Uint8Array(4096);
  let [start, end, searched, replyBytes] = [0, 0, 0, 0];
  const lineBytesMax = Math.min(LINE_BYTES_MAX, stringBytesMax);

  function consume(size: number): Uint8Array {
    const taken = room.slice(start, start + size - 2);
    start += size;
    searched = start;
    replyBytes += size;
    if (replyBytes > replyBytesMax)
      throw new RespLimitError(`an answer over ${replyBytesMax} bytes`);
    return taken;
  }

  return {
    add: (chunk) => {
      if (end + chunk.length > room.length) {
        const kept = room.subarray(start, end);
        const size = Math.max(room.length, 2 * (kept.length + chunk.length));
        const next = size === room.length ? room : new Uint8Array(size);
        next.set(kept);
        [room, searched, end, start] = [next, searched - start, end - start, 0];
      }
      room.set(chunk, end);
      end += chunk.length;
    },
    take: (size) => {
      if (end - start < size + 2) return undefined;
      if (room[start + size] !== CR || room[start + size + 1] !== LF) {
        throw new RespError('a string that is longer than its length');
      }
      return consume(size + 2);
    },
    takeLine: () => {
      const at = room.subarray(0, end).indexOf(LF, searched);
      searched = at === -1 ? end : at;
      if (searched - start > lineBytesMax) throw new RespError('a line that does not end');
      if (at === -1) return undefined;
      if (at === start || room[at - 1] !== CR) throw new RespError('a line feed alone');
      return consume(at + 1 - start);
    },
    startReply: () => (replyBytes = 0),
    isInside: () => replyBytes > 0 || end > start,
  };
}
