// One connection of HTTP/1.1: requests one after another, each answered before the next is read.
// What it runs on is given, so that it can be tested without a network.
import type { BodyRoom, HttpLimits, HttpReader, HttpRequest } from '../wire/http1.ts';
import { openHttpReader } from '../wire/http1.ts';

/** Where the bytes of a connection go to. */
export interface Wire {
  /** False where they wait to be sent; `drained` is to be called then when they are. */
  write(text: string): boolean;
  /** Nothing follows; closes when everything is sent. */
  end(): void;
  destroy(): void;
}

/** One answer of HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** More lines of its head, each `Name: value`. */
  readonly lines?: readonly string[];
}

/** Answers one request; its body may be read until the first wait only. */
export type Handle = (request: HttpRequest) => Promise<HttpAnswer>;

export interface ConnectionLimits extends HttpLimits {
  /** From a request's first byte to its last: a slower client is sent away. */
  readonly requestMsMax: number;
  /**
   * Without any request. Longer than clients keep theirs (the API server: 90 s), or they would
   * send into a connection that we close.
   */
  readonly idleMsMax: number;
  /** For a client that does not read its answer. */
  readonly sendMsMax: number;
  /** From our end of a connection to the client's. */
  readonly lingerMsMax: number;
  /** What may wait behind a request that is being answered. */
  readonly waitingBytesMax: number;
}

export interface ConnectionSetting {
  readonly limits: ConnectionLimits;
  readonly room: BodyRoom;
  readonly handle: Handle;
  /** Answers say that the connection ends with them. */
  readonly isEnding: () => boolean;
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  /** The header Date of an answer of now. */
  readonly date: () => string;
}

type Phase = 'idle' | 'reading' | 'working' | 'sending' | 'ended' | 'gone';

export interface Connection {
  /** Nobody may change the bytes from here on. */
  received(bytes: Uint8Array): void;
  drained(): void;
  closed(): void;
  /** Ends what has taken longer than its limit; to be called now and then. */
  sweep(nowMs: number): void;
  /** Ends it unless a request is on its way. */
  endIfIdle(): void;
}

/** Begins to read. */
export function openConnection(wire: Wire, setting: ConnectionSetting): Connection {
  const { limits } = setting;
  const reader = openHttpReader(limits, setting.room);
  const state: State = { phase: 'idle', sinceMs: setting.nowMs() };
  const flow = openFlow(wire, { ...setting, reader, state });
  return {
    received(bytes) {
      if (state.phase === 'ended' || state.phase === 'gone') return;
      reader.add(bytes);
      if (state.phase === 'idle' || state.phase === 'reading') flow.advance();
      else if (reader.waitingBytes() > limits.waitingBytesMax) wire.destroy();
    },
    drained() {
      if (state.phase === 'sending') flow.advance();
    },
    closed() {
      state.phase = 'gone';
      reader.drop();
    },
    sweep(atMs) {
      const what = dueOf(state.phase, atMs - state.sinceMs, limits);
      if (what === 'end') flow.end();
      else if (what === 'refuse') flow.refuse(408, 'too slow');
      else if (what === 'destroy') wire.destroy();
    },
    endIfIdle() {
      if (state.phase === 'idle') flow.end();
    },
  };
}

interface State {
  phase: Phase;
  /** Since when it is in this phase. */
  sinceMs: number;
}

interface FlowSetting extends ConnectionSetting {
  readonly reader: HttpReader;
  readonly state: State;
}

interface Flow {
  /** Goes on with what has arrived. */
  advance(): void;
  end(): void;
  refuse(status: number, what: string): void;
}

function openFlow(wire: Wire, { reader, state, ...setting }: FlowSetting): Flow {
  const enter = (next: Phase): void => {
    if (state.phase === 'gone') return;
    if (state.phase !== next) state.sinceMs = setting.nowMs();
    state.phase = next;
  };
  const end = (): void => {
    enter('ended');
    reader.drop();
    wire.end();
  };
  const send = (answer: HttpAnswer, how: Omit<Framing, 'date'>): boolean =>
    wire.write(answerText(answer, { date: setting.date(), ...how }));
  const refuse = (status: number, what: string): void => {
    const answer = { status, contentType: 'text/plain; charset=utf-8', text: `${what}\n` };
    send(answer, { isLast: true, hasBody: true });
    end();
  };
  const answered = (request: HttpRequest, answer: HttpAnswer): void => {
    if (state.phase !== 'working') return;
    const isLast = !request.keepAlive || setting.isEnding();
    const isSent = send(answer, { isLast, hasBody: request.method !== 'HEAD' });
    if (isLast) return end();
    enter('sending');
    if (isSent) advance();
  };
  const work = async (request: HttpRequest): Promise<void> => {
    try {
      answered(request, await setting.handle(request));
    } catch {
      // Whoever handles requests answers its own faults; this is the last net below it.
      answered(request, { status: 500, contentType: 'text/plain', text: 'internal error\n' });
    }
  };
  const advance = (): void => {
    for (;;) {
      const step = reader.next();
      switch (step.kind) {
        case 'more':
          return enter(step.isIdle ? 'idle' : 'reading');
        case 'continue':
          wire.write('HTTP/1.1 100 Continue\r\n\r\n');
          continue;
        case 'bad':
          return refuse(step.status, step.what);
        case 'request':
          enter('working');
          void work(step.request);
          return;
      }
    }
  };
  return { advance, end, refuse };
}

/** What is to happen with a connection that has been in a phase for so long. */
function dueOf(
  phase: Phase,
  spentMs: number,
  limits: ConnectionLimits,
): 'end' | 'refuse' | 'destroy' | undefined {
  switch (phase) {
    case 'idle':
      return spentMs > limits.idleMsMax ? 'end' : undefined;
    case 'reading':
      return spentMs > limits.requestMsMax ? 'refuse' : undefined;
    case 'sending':
      return spentMs > limits.sendMsMax ? 'destroy' : undefined;
    case 'ended':
      return spentMs > limits.lingerMsMax ? 'destroy' : undefined;
    case 'working':
    case 'gone':
      return undefined;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
};

interface Framing {
  readonly date: string;
  readonly isLast: boolean;
  readonly hasBody: boolean;
}

function answerText({ status, contentType, text, lines }: HttpAnswer, framing: Framing): string {
  const head =
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Other'}\r\nDate: ${framing.date}\r\n` +
    `Content-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
    (lines === undefined ? '' : `${lines.join('\r\n')}\r\n`) +
    (framing.isLast ? 'Connection: close\r\n\r\n' : '\r\n');
  return framing.hasBody ? head + text : head;
}
