/** The queues between a socket and the one who reads and writes it. */
import type { Connection, NetError } from './net-types.ts';

/** A connection, and what its socket's events do to it. */
export interface ByteStream extends Connection {
  attach(socket: Bun.Socket<undefined>): void;
  /** Bytes have come. */
  take(bytes: Uint8Array): void;
  /** The socket takes more to write. */
  flush(): void;
  /** Nothing more will come. What has come is still read. */
  end(): void;
  /** The next read beyond what has come rejects with this; the socket is closed. */
  fail(why: NetError): void;
}

/** Received and not yet read: above this nothing more is taken from the socket until it is read. */
const UNREAD_BYTES_MAX = 1024 * 1024;

interface State {
  socket: Bun.Socket<undefined> | undefined;
  readonly unread: Uint8Array[];
  unreadBytes: number;
  readonly unwritten: Uint8Array[];
  isEnded: boolean;
  failure: NetError | undefined;
  waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;
}

/** Not open yet: what is written before `attach` and `flush` waits. */
export function openByteStream(): ByteStream {
  const state: State = {
    socket: undefined,
    unread: [],
    unreadBytes: 0,
    unwritten: [],
    isEnded: false,
    failure: undefined,
    waiting: undefined,
  };
  return {
    attach: (socket) => {
      state.socket = socket;
      if (state.isEnded || state.failure !== undefined) socket.terminate();
    },
    take: (bytes) => take(state, bytes),
    end: () => {
      state.isEnded = true;
      answerReader(state);
    },
    fail: (why) => {
      state.failure ??= why;
      state.socket?.terminate();
      answerReader(state);
    },
    flush: () => flush(state),
    write: (bytes) => {
      state.unwritten.push(bytes);
      // What waits already goes first, when the socket says so.
      if (state.unwritten.length === 1) flush(state);
    },
    read: () => read(state),
    close: () => {
      state.isEnded = true;
      state.socket?.end();
      answerReader(state);
    },
  };
}

async function read(state: State): Promise<Uint8Array | undefined> {
  state.waiting = Promise.withResolvers();
  const { promise } = state.waiting;
  answerReader(state);
  return await promise;
}

function take(state: State, bytes: Uint8Array): void {
  state.unread.push(bytes);
  state.unreadBytes += bytes.byteLength;
  answerReader(state);
  if (state.unreadBytes > UNREAD_BYTES_MAX) state.socket?.pause();
}

function answerReader(state: State): void {
  const { waiting, failure } = state;
  if (waiting === undefined) return;
  const bytes = state.unread.shift();
  if (bytes === undefined && failure === undefined && !state.isEnded) return;
  state.waiting = undefined;
  if (bytes !== undefined) {
    const wasFull = state.unreadBytes > UNREAD_BYTES_MAX;
    state.unreadBytes -= bytes.byteLength;
    if (wasFull && state.unreadBytes <= UNREAD_BYTES_MAX) state.socket?.resume();
    waiting.resolve(bytes);
  } else if (failure === undefined) waiting.resolve(undefined);
  else waiting.reject(failure);
}

/** Writes what the socket takes; `drain` says when it takes more. */
function flush(state: State): void {
  const { socket, unwritten } = state;
  while (socket !== undefined && unwritten[0] !== undefined) {
    const [first] = unwritten;
    // Negative where the socket is closed: its reader is told.
    const count = socket.write(first);
    if (count < 0) return;
    if (count < first.byteLength) {
      unwritten[0] = first.subarray(count);
      return;
    }
    unwritten.shift();
  }
}
