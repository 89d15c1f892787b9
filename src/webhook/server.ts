// The webhook's ports, from their opening to a graceful end.
import type { Clock } from '../core/io/types.ts';
import { REVIEW_BYTES_MAX } from '../wire/admission.ts';
import type { AnswerTimes } from './answering.ts';
import { handleReviews, handleStatus } from './answering.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { ConnectionLimits, Handle, Wire } from './connection.ts';
import { openConnection } from './connection.ts';
import type { Mutate } from './decision.ts';
import type { EventApi } from './events.ts';
import { openEvents } from './events.ts';
import type { Figures } from './figures.ts';
import { addFigures } from './figures.ts';
import type { Http2 } from './http2.ts';
import { INVALIDATION_BYTES_MAX } from './invalidation.ts';
import type { Address, Listening } from './listen.ts';
import { HANDSHAKE_MS_MAX, listenTls } from './listen.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { InvalidationPort } from './other-ports.ts';
import { listenOthers } from './other-ports.ts';

/** What the configuration says of the server. */
export interface ServerSettings extends AnswerTimes {
  /** Where reviews are answered. */
  readonly reviews: Address;
  /** Where /healthz, /readyz and /metrics are, without TLS. */
  readonly status: Address;
  readonly enableHttp2: boolean;
  /** After the first signal: how long the cluster may take to send no more here. */
  readonly drainMs: number;
  /** After that: how long what is in flight may take. */
  readonly finishMsMax: number;
}

/** As `bellhop webhook` has them where the configuration says nothing. */
export const SERVER_DEFAULTS: ServerSettings = {
  reviews: { host: '::', orHost: '0.0.0.0', port: 9443 },
  status: { host: '::', orHost: '0.0.0.0', port: 10_254 },
  enableHttp2: false,
  answerMsMax: 9500,
  answerMarginMs: 500,
  drainMs: 5000,
  finishMsMax: 20_000,
};

export interface ServerParts {
  readonly settings: ServerSettings;
  readonly mutate: Mutate;
  readonly certificates: CertificateSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent where Events may not be written. */
  readonly events?: EventApi;
  /** Why the server cannot work yet, beside what it knows itself. */
  readonly notReady?: () => string | undefined;
  /** A third port, for those who have values forgotten. */
  readonly invalidation?: InvalidationPort;
  readonly limits?: Partial<ConnectionLimits>;
  /** For the figure. */
  readonly cacheBytes?: () => number;
}

export interface RunningServer {
  readonly reviewsPort: number;
  readonly statusPort: number;
  /** Where there is one. */
  readonly invalidationPort: number | undefined;
  /** For what else counts: caches. */
  readonly figures: Figures;
  /**
   * The first call ends gracefully: not ready, serve on for `drainMs`, take no new connection,
   * finish what is in flight for `finishMsMax` at most. The second ends everything at once.
   */
  end(): void;
  /** Resolves when nothing is open any more. */
  readonly ended: Promise<void>;
}

const LIMITS: ConnectionLimits = {
  headBytesMax: 32_768,
  bodyBytesMax: REVIEW_BYTES_MAX,
  discardBytesMax: 67_108_864,
  requestMsMax: 15_000,
  idleMsMax: 120_000,
  sendMsMax: 10_000,
  lingerMsMax: 2000,
  waitingBytesMax: 131_072,
};
const INVALIDATION_LIMITS = { bodyBytesMax: INVALIDATION_BYTES_MAX, discardBytesMax: 262_144 };
/** On all connections together; the process has about ten times as much at its worst. */
const BODIES_BYTES_MAX = 25_165_824;
const CONNECTIONS_MAX = 2048;
const HTTP2_STREAMS_MAX = 100;
const SWEEP_MS = 1000;
const WAIT_STEP_MS = 20;

/** Opens the ports. Rejects with BellhopError where one cannot be listened on. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { settings, clock, certificates, metrics, log } = parts;
  let isEnding = false;
  let inFlight = 0;
  let openCount = (): number => 0;
  const figures = addFigures(metrics, {
    inFlight: () => inFlight,
    connections: () => openCount(),
    certificates,
    cacheBytes: parts.cacheBytes,
  });
  const tellDenial = openTelling(parts, figures);
  const onFlight = (change: 1 | -1): void => {
    inFlight += change;
  };
  const times = settings;
  const { mutate } = parts;
  const handle = handleReviews({ mutate, times, clock, figures, log, tellDenial, onFlight });
  const notReady = (): string | undefined =>
    isEnding ? 'ending' : (certificateProblem(certificates, clock) ?? parts.notReady?.());
  const opening = openerFor(parts, () => isEnding);
  const http2 = settings.enableHttp2 ? await http2For(parts, handle) : undefined;
  const reviews = await listenTls({
    address: settings.reviews,
    certificates,
    connectionsMax: CONNECTIONS_MAX,
    handshakeMsMax: HANDSHAKE_MS_MAX,
    open: opening(handle),
    onNewCertificate: tellingCertificates(figures, log),
    ...(http2 === undefined ? {} : { http2: (socket) => http2.take(socket) }),
  });
  openCount = () => reviews.connections.size + (http2?.size() ?? 0);
  const { all, ...ports } = await listenOthers({ ...parts, address: settings.status }, reviews, {
    status: opening(handleStatus(metrics, notReady)),
    invalidation: openerFor(parts, () => isEnding, INVALIDATION_LIMITS),
  });
  const stopSweep = sweepEvery(clock, all);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const closeAll = (): void => {
    stopSweep();
    for (const one of all) {
      one.stop();
      one.destroy();
    }
    log.flush();
    resolve();
  };
  const end = (): void => {
    if (isEnding) return closeAll();
    isEnding = true;
    log.say('info', 'ending', { drainMs: settings.drainMs });
    clock.after(settings.drainMs, () => {
      finish({ clock, reviews, http2, msMax: settings.finishMsMax, done: closeAll });
    });
    return undefined;
  };
  return { reviewsPort: reviews.port, ...ports, figures, end, ended };
}

function tellingCertificates(figures: Figures, log: Log): (isUsed: boolean) => void {
  return (isUsed) => {
    figures.certificateChange([isUsed ? 'used' : 'refused']);
    if (!isUsed) log.say('error', 'a new certificate does not fit its key; the old one stays');
  };
}

function openTelling(
  { events, clock }: ServerParts,
  figures: Figures,
): ReturnType<typeof openEvents> | undefined {
  if (events === undefined) return undefined;
  return openEvents({ api: events, clock, onEnd: (result) => figures.event([result]) });
}

function certificateProblem(certificates: CertificateSource, clock: Clock): string | undefined {
  return certificates.current().notAfterMs > clock.now() ? undefined : 'the certificate has ended';
}

type Open = (wire: Wire) => ReturnType<typeof openConnection>;

/** Makes connections of one server: they share the room for bodies and the date. */
function openerFor(
  { clock, limits }: ServerParts,
  isEnding: () => boolean,
  more: Partial<ConnectionLimits> = {},
): (h: Handle) => Open {
  const room = openRoom(BODIES_BYTES_MAX);
  const date = openDate(clock);
  return (handle) => (wire) =>
    openConnection(wire, {
      limits: { ...LIMITS, ...limits, ...more },
      room,
      handle,
      isEnding,
      nowMs: () => clock.monotonicMs(),
      date,
    });
}

async function http2For({ clock }: ServerParts, handle: Handle): Promise<Http2> {
  const { openHttp2 } = await import('./http2.ts');
  const room = openRoom(BODIES_BYTES_MAX);
  return openHttp2({ ...LIMITS, handle, room, clock, streamsMax: HTTP2_STREAMS_MAX });
}

function openRoom(bytesMax: number): { take(bytes: number): boolean; give(bytes: number): void } {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > bytesMax) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
  };
}

/** The header Date; made once a second. */
function openDate(clock: Clock): () => string {
  let second = -1;
  let text = '';
  return () => {
    const nowMs = clock.now();
    const now = Math.floor(nowMs / 1000);
    if (now !== second) text = new Date(nowMs).toUTCString();
    second = now;
    return text;
  };
}

function sweepEvery(clock: Clock, all: readonly Listening[]): () => void {
  let cancel = (): void => undefined;
  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    for (const { connections } of all) for (const one of connections) one.sweep(nowMs);
    cancel = clock.after(SWEEP_MS, sweep);
  };
  cancel = clock.after(SWEEP_MS, sweep);
  return () => cancel();
}

interface Finish {
  readonly clock: Clock;
  readonly reviews: Listening;
  readonly http2: Http2 | undefined;
  readonly msMax: number;
  readonly done: () => void;
}

/** Takes nothing new, and waits for what is open. */
function finish({ clock, reviews, http2, msMax, done }: Finish): void {
  const limitMs = clock.monotonicMs() + msMax;
  reviews.stop();
  http2?.endAll();
  const wait = (): void => {
    for (const one of reviews.connections) one.endIfIdle();
    const isEmpty = reviews.connections.size === 0 && (http2?.size() ?? 0) === 0;
    if (isEmpty || clock.monotonicMs() >= limitMs) return done();
    clock.after(WAIT_STEP_MS, wait);
    return undefined;
  };
  wait();
}
