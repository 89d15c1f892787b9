// What is answered on the two ports: reviews on one, how the server does on the other.
import type { Clock } from '../core/io/types.ts';
import { parseGoDuration } from '../wire/go-duration.ts';
import type { Handle, HttpAnswer } from './connection.ts';
import { openDeadline } from './deadline.ts';
import type { Delivered, Mutate } from './decision.ts';
import type { TellDenial } from './events.ts';
import type { Figures } from './figures.ts';
import type { Level, Log, LogFacts } from './log.ts';
import type { Metrics } from './metrics.ts';
import { METRICS_TYPE } from './metrics.ts';
import type { Outcome, Reviewed } from './review.ts';
import { review } from './review.ts';

/** Flyte's: `mutate`, the empty API group, v1, pod, as controller-runtime 0.24.1 makes paths. */
export const REVIEW_PATH = '/mutate--v1-pod';

/** How long an answer may take. */
export interface AnswerTimes {
  /** Where the request does not say `?timeout=`, and never longer. */
  readonly answerMsMax: number;
  /** What an answer takes back to the API server; at most half of the timeout. */
  readonly answerMarginMs: number;
}

export interface ReviewHandling {
  readonly mutate: Mutate;
  readonly times: AnswerTimes;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly figures: Figures;
  readonly log: Log;
  /** Absent where Events may not be written. */
  readonly tellDenial?: TellDenial | undefined;
  /** Told of each review that begins (1) and ends (-1). */
  readonly onFlight: (change: 1 | -1) => void;
}

const TEXT = 'text/plain; charset=utf-8';
const NOT_FOUND: HttpAnswer = { status: 404, contentType: TEXT, text: '404 page not found\n' };

/** Answers reviews; every other path is not found, as in Flyte. */
export function handleReviews(handling: ReviewHandling): Handle {
  const { clock, times, mutate, onFlight } = handling;
  return async (request) => {
    const [path, query = ''] = request.target.split('?', 2);
    if (path !== REVIEW_PATH) return NOT_FOUND;
    const startMs = clock.monotonicMs();
    const deadline = openDeadline(clock, limitMs(query, times));
    onFlight(1);
    try {
      const contentType = request.headers.get('content-type');
      const input = { body: request.body, contentType, deadline };
      const reviewed = await review(input, mutate);
      tell(handling, reviewed, clock.monotonicMs() - startMs);
      return { status: reviewed.status, contentType: 'application/json', text: reviewed.text };
    } finally {
      deadline.end();
      onFlight(-1);
    }
  };
}

/** Milliseconds that a decision may take: `timeout` of the query, less the margin. */
export function limitMs(query: string, { answerMsMax, answerMarginMs }: AnswerTimes): number {
  if (query === '') return answerMsMax;
  const said = /(?:^|&)timeout=([^&]*)/.exec(query)?.[1];
  const timeoutMs = said === undefined ? undefined : parseGoDuration(said);
  if (timeoutMs === undefined || timeoutMs <= 0) return answerMsMax;
  return Math.min(timeoutMs - Math.min(answerMarginMs, timeoutMs / 2), answerMsMax);
}

const LEVELS: Readonly<Record<Outcome, Level>> = {
  patched: 'info',
  unchanged: 'info',
  denied: 'warn',
  refused: 'warn',
  late: 'error',
  failed: 'error',
};

function tell(handling: ReviewHandling, reviewed: Reviewed, durationMs: number): void {
  const { figures, log, tellDenial } = handling;
  const { outcome, pod, delivered, reason } = reviewed;
  figures.review(outcome, pod?.dryRun ?? false);
  figures.duration(durationMs / 1000);
  if (outcome === 'patched') for (const { by } of delivered) figures.secret([by]);
  if (outcome === 'denied' && pod !== undefined && reason !== undefined) tellDenial?.(pod, reason);
  const level = LEVELS[outcome];
  if (log.isOn(level))
    log.say(level, 'review', { ...factsOf(reviewed), durationMs: rounded(durationMs) });
}

function factsOf({ outcome, ...reviewed }: Reviewed): LogFacts {
  const { uid, pod, reason, delivered, warnings } = reviewed;
  return {
    uid,
    namespace: pod?.namespace,
    pod: pod?.name,
    decision: outcome,
    reason,
    ...(delivered.length === 0 ? {} : deliveredFacts(delivered)),
    ...(warnings.length === 0 ? {} : { warnings }),
    dryRun: pod?.dryRun,
  };
}

/** Two lists beside each other: what, and by whom. */
function deliveredFacts(delivered: readonly Delivered[]): LogFacts {
  return { secrets: delivered.map((one) => one.secret), by: delivered.map((one) => one.by) };
}

/** To microseconds. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Answers how the server does. */
export function handleStatus(metrics: Metrics, notReady: () => string | undefined): Handle {
  return async ({ target, method }) => {
    const [path = ''] = target.split('?', 1);
    const isRead = method === 'GET' || method === 'HEAD';
    return await Promise.resolve(isRead ? statusOf(path, metrics, notReady) : NOT_FOUND);
  };
}

function statusOf(path: string, metrics: Metrics, notReady: () => string | undefined): HttpAnswer {
  switch (path) {
    case '/healthz':
      return { status: 200, contentType: TEXT, text: 'ok\n' };
    case '/readyz': {
      const why = notReady();
      return { status: why === undefined ? 200 : 503, contentType: TEXT, text: `${why ?? 'ok'}\n` };
    }
    case '/metrics':
      return { status: 200, contentType: METRICS_TYPE, text: metrics.render() };
    default:
      return NOT_FOUND;
  }
}
