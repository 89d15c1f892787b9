// Faults of HTTP and TLS, by a server in this process; see _faults.ts.
import net from 'node:net';
import tls from 'node:tls';
import type { Certificate } from './_certificates.ts';
import type { HttpAnswer, HttpRequest, Upstream } from './_http-bytes.ts';
import { answerBytes, answerOf, handOn, headBytes, requestReader } from './_http-bytes.ts';

/** What happens to an answer. */
export type Fault =
  /** No byte ever comes. */
  | { readonly kind: 'hang-before-headers' }
  /** The right headers, and then nothing. */
  | { readonly kind: 'hang-after-headers' }
  /** The connection ends before any byte: by RST, with TLS by its plain end. */
  | { readonly kind: 'reset' }
  /**
   * Only the first bytes of the body (default: half), then the connection ends. Content-Length
   * says how long the whole is (a client can see the cut), or how much is sent (only the content
   * tells).
   */
  | { readonly kind: 'truncate'; readonly bytes?: number; readonly declared: 'whole' | 'sent' }
  | { readonly kind: 'content-type'; readonly type: string }
  /** The headers at once, then a byte of the body every so often (default: 1000 ms). */
  | { readonly kind: 'trickle'; readonly everyMs?: number }
  /** The right answer, later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** An answer of one's own instead of the server's, which is not asked. */
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  /** The server's answer, changed. */
  | { readonly kind: 'edit'; readonly edit: (right: HttpAnswer) => HttpAnswer };

/** Which requests: a pattern on `METHOD /path?query`, or a function; all, if not given. */
export type Match = RegExp | ((request: HttpRequest) => boolean);

/** A limit of requests, as stores have them. */
export interface Quota {
  readonly perSecond: number;
  /** How many may come at once; `perSecond` if not given. */
  readonly burst?: number;
  /** What the others get. */
  readonly throttled: HttpAnswer;
  readonly match?: Match;
}

/** A request that was seen, and what became of it; in the order of arrival. */
export interface SeenRequest extends HttpRequest {
  /** Of performance.now(). */
  readonly atMs: number;
  readonly struck: Fault['kind'] | 'quota' | undefined;
}

/** What a fault server stands for. */
export interface FaultServerSettings {
  /** The server behind it. */
  readonly upstream?: Upstream;
  /** What it answers where there is no server behind it; default: 200 `{}`. */
  readonly answer?: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
  /** Makes it speak TLS. */
  readonly tls?: Certificate;
  /** The clock of quotas; default: performance.now. */
  readonly nowMs?: () => number;
}

/** A running server; without a fault it answers as the server behind it. */
export interface FaultServer extends AsyncDisposable {
  readonly port: number;
  /** http://127.0.0.1:PORT, or https://localhost:PORT. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Most requests that were under way at the same time. */
  readonly peak: number;
  /** Connections accepted. */
  readonly connections: number;
  /** The next requests that match, so many, meet this fault; faults are used up in their order. */
  next(fault: Fault, which?: { readonly match?: Match; readonly times?: number }): void;
  /** Every request that matches and meets no other fault. */
  always(fault: Fault, match?: Match): void;
  /** Requests over the limit get its answer; a fault goes before. */
  quota(quota: Quota): void;
  /** Forgets faults, quotas and requests. */
  clear(): void;
  /** Ends it and all its connections. */
  close(): Promise<void>;
}

interface Rule {
  readonly fault: Fault;
  readonly match: Match | undefined;
  left: number;
}

const TRICKLE_MS = 1000;

function matches(match: Match | undefined, request: HttpRequest): boolean {
  if (match === undefined) return true;
  if (typeof match === 'function') return match(request);
  return new RegExp(match.source, match.flags).test(`${request.method} ${request.path}`);
}

/** Says for each request whether it is inside of the limit. */
export function tokenBucket(
  { perSecond, burst = perSecond }: Omit<Quota, 'throttled' | 'match'>,
  nowMs: () => number,
): () => boolean {
  let tokens = burst;
  let lastMs = nowMs();
  return () => {
    const now = nowMs();
    tokens = Math.min(burst, tokens + ((now - lastMs) * perSecond) / 1000);
    lastMs = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

function trickle(socket: net.Socket, body: Buffer, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < body.length) socket.write(body.subarray(at, ++at));
    else clearInterval(timer);
  }, everyMs);
  socket.once('close', () => clearInterval(timer));
}

function truncate(
  socket: net.Socket,
  right: HttpAnswer,
  fault: Fault & { kind: 'truncate' },
): void {
  const body = right.body.subarray(0, fault.bytes ?? right.body.length >> 1);
  const length = fault.declared === 'whole' ? right.body.length : body.length;
  const headers = { ...right.headers, 'content-length': String(length) };
  socket.end(answerBytes({ ...right, headers, body }));
}

type Right = () => Promise<HttpAnswer>;

/** Carries a fault out on a connection; `right` asks the server behind. */
async function strike(socket: net.Socket, fault: Fault, right: Right): Promise<void> {
  switch (fault.kind) {
    case 'hang-before-headers':
      return;
    case 'hang-after-headers':
      socket.write(headBytes(await right()));
      return;
    case 'reset':
      if (socket instanceof tls.TLSSocket) socket.destroy();
      else socket.resetAndDestroy();
      return;
    case 'truncate':
      truncate(socket, await right(), fault);
      return;
    case 'content-type': {
      const answer = await right();
      const headers = { ...answer.headers, 'content-type': fault.type };
      socket.write(answerBytes({ ...answer, headers }));
      return;
    }
    case 'trickle': {
      const answer = await right();
      socket.write(headBytes(answer));
      trickle(socket, answer.body, fault.everyMs ?? TRICKLE_MS);
      return;
    }
    case 'delay':
      await Bun.sleep(fault.ms);
      socket.write(answerBytes(await right()));
      return;
    case 'answer':
      socket.write(answerBytes(fault.answer));
      return;
    case 'edit':
      socket.write(answerBytes(fault.edit(await right())));
  }
}

/** What is decided about requests: the faults, the quotas, the book. */
interface Desk {
  rules: Rule[];
  quotas: { readonly quota: Quota; readonly passes: () => boolean }[];
  seen: SeenRequest[];
  underWay: number;
  peak: number;
  connections: number;
}

function freshDesk(): Desk {
  return { rules: [], quotas: [], seen: [], underWay: 0, peak: 0, connections: 0 };
}

/** The fault for a request, if any; enters the request into the book. */
function decide(desk: Desk, request: HttpRequest): Fault | undefined {
  const rule = desk.rules.find((one) => one.left > 0 && matches(one.match, request));
  if (rule !== undefined) rule.left -= 1;
  const over =
    rule ??
    desk.quotas.find((one) => {
      return matches(one.quota.match, request) && !one.passes();
    });
  const atMs = performance.now();
  if (over === undefined) {
    desk.seen.push({ ...request, atMs, struck: undefined });
    return undefined;
  }
  const isFault = 'fault' in over;
  desk.seen.push({ ...request, atMs, struck: isFault ? over.fault.kind : 'quota' });
  return isFault ? over.fault : { kind: 'answer', answer: over.quota.throttled };
}

type Answering = (socket: net.Socket, request: HttpRequest) => Promise<void>;

function answering(desk: Desk, settings: FaultServerSettings): Answering {
  const { upstream, answer = () => answerOf(200, {}) } = settings;
  return async (socket, request) => {
    const right: Right = async () => {
      return upstream === undefined ? await answer(request) : await handOn(request, upstream);
    };
    desk.underWay += 1;
    desk.peak = Math.max(desk.peak, desk.underWay);
    const fault = decide(desk, request);
    const hangs = fault?.kind.startsWith('hang') === true || fault?.kind === 'trickle';
    const ended = (): void => void (desk.underWay -= 1);
    if (hangs) socket.once('close', ended);
    try {
      if (fault === undefined) socket.write(answerBytes(await right()));
      else await strike(socket, fault, right);
    } catch (error) {
      socket.write(answerBytes(answerOf(502, `no answer from behind: ${String(error)}`)));
    } finally {
      if (!hangs) ended();
    }
  };
}

/** Requests of one connection are answered one after the other, as HTTP wants it. */
function serve(socket: net.Socket, answer: Answering): void {
  const read = requestReader();
  let last = Promise.resolve();
  socket.on('error', () => {});
  socket.on('data', (piece: Buffer) => {
    for (const request of read(piece)) last = last.then(() => answer(socket, request));
  });
}

/** Starts a fault server on a free port of 127.0.0.1. */
export async function faultServer(settings: FaultServerSettings = {}): Promise<FaultServer> {
  const desk = freshDesk();
  const open = new Set<net.Socket>();
  const answer = answering(desk, settings);
  const accept = (socket: net.Socket): void => {
    desk.connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, answer);
  };
  const { key, certificate: cert } = settings.tls ?? {};
  const isTls = key !== undefined && cert !== undefined;
  const server = isTls ? tls.createServer({ key, cert }, accept) : net.createServer(accept);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const close = (): Promise<void> => {
    for (const socket of open) socket.destroy();
    return new Promise((done) => void server.close(() => done()));
  };
  return {
    port,
    url: isTls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    get requests() {
      return desk.seen;
    },
    get peak() {
      return desk.peak;
    },
    get connections() {
      return desk.connections;
    },
    next: (fault, { match, times = 1 } = {}) => void desk.rules.push({ fault, match, left: times }),
    always: (fault, match) => void desk.rules.push({ fault, match, left: Infinity }),
    quota: (quota) => {
      const passes = tokenBucket(quota, settings.nowMs ?? (() => performance.now()));
      desk.quotas.push({ quota, passes });
    },
    clear: () => void Object.assign(desk, { ...freshDesk(), underWay: desk.underWay }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
