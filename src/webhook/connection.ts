// One connection of HTTP/1.1: requests one after another, each answered before the next is read.
// What it runs on is given, so that it can be tested without a network.
import type { BodyRoom, HttpLimits, HttpRequest } from '../wire/http1.ts';
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
  const { limits, nowMs } = setting;
  const reader = openHttpReader(limits, setting.room);
  let phase: Phase = 'idle';
  let sinceMs = nowMs();

  const enter = (next: Phase): void => {
    if (phase === 'gone') return;
    if (phase !== next) sinceMs = nowMs();
    phase = next;
  };
  const end = (): void => {
    enter('ended');
    reader.drop();
    wire.end();
  };
  const refuse = (status: number, what: string): void => {
    const answer = { status, contentType: 'text/plain; charset=utf-8', text: `${what}\n` };
    wire.write(answerText(answer, { date: setting.date(), isLast: true, hasBody: true }));
    end();
  };
  const answered = (request: HttpRequest, answer: HttpAnswer): void => {
    if (phase !== 'working') return;
    const isLast = !request.keepAlive || setting.isEnding();
    const hasBody = request.method !== 'HEAD';
    const isSent = wire.write(answerText(answer, { date: setting.date(), isLast, hasBody }));
    if (isLast) return end();
    enter(isSent ? 'idle' : 'sending');
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
  return {
    received(bytes) {
      if (phase === 'ended' || phase === 'gone') return;
      reader.add(bytes);
      if (phase === 'idle' || phase === 'reading') advance();
      else if (reader.waitingBytes() > limits.waitingBytesMax) wire.destroy();
    },
    drained() {
      if (phase !== 'sending') return;
      enter('idle');
      advance();
    },
    closed() {
      phase = 'gone';
      reader.drop();
    },
    sweep(atMs) {
      const spentMs = atMs - sinceMs;
      if (phase === 'idle' && spentMs > limits.idleMsMax) end();
      else if (phase === 'reading' && spentMs > limits.requestMsMax) refuse(408, 'too slow');
      else if (phase === 'sending' && spentMs > limits.sendMsMax) wire.destroy();
      else if (phase === 'ended' && spentMs > limits.lingerMsMax) wire.destroy();
    },
    endIfIdle() {
      if (phase === 'idle') end();
    },
  };
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
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

function answerText({ status, contentType, text }: HttpAnswer, framing: Framing): string {
  const head =
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Other'}\r\nDate: ${framing.date}\r\n` +
    `Content-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
    (framing.isLast ? 'Connection: close\r\n\r\n' : '\r\n');
  return framing.hasBody ? head + text : head;
}
