/** How often and how long it is tried again. All times in milliseconds. */
export interface RetryPolicy {
  /** Attempts that fail for another reason than throttling; Infinity: as many as the budget has. */
  readonly attemptsMax: number;
}

const FAILURE_BASE_MS = 25;
const FAILURE_CAP_MS = 1000;
/** The first wait after throttling may use this share of the time left, the next ones more. */
const THROTTLE_SHARE = 0.1;
const THROTTLE_GROWTH = 4;
const THROTTLE_SHARE_MAX = 0.6;
/** A wait leaves time for another attempt. */
const FAILURE_SHARE_MAX = 0.5;
/** Towards the end of the time bounds shrink no further: no volley of hopeless requests. */
const LATE_BOUND_MS = 100;

/** What the wait before the next attempt depends on. */
export interface WaitFacts {
  readonly throttled: boolean;
  /** How many attempts of this kind went before, at least 1. */
  readonly failures: number;
  readonly remainingMs: number;
  /** What the server asked for (Retry-After). */
  readonly afterMs?: number;
  /** From 0 to 1, drawn anew for each wait. */
  readonly random: number;
}

/**
 * The wait before the next attempt, with full jitter: somewhere between 0 and a bound, so that a
 * thousand starts that were refused together do not come back together. After throttling the bound
 * is a share of the time left: the more time there is, the wider the fleet spreads, and the fewer
 * requests are refused again (measured in test/real: SSM at 40/s, 1,000 starts).
 */
export function waitMs(facts: WaitFacts): number {
  const { throttled, failures, remainingMs, random, afterMs = 0 } = facts;
  const share = Math.min(
    THROTTLE_SHARE_MAX,
    THROTTLE_SHARE * THROTTLE_GROWTH ** Math.max(0, failures - 1),
  );
  const bound = throttled
    ? Math.max(LATE_BOUND_MS, remainingMs * share)
    : Math.min(
        FAILURE_CAP_MS,
        FAILURE_BASE_MS * 2 ** Math.min(failures, 20),
        Math.max(LATE_BOUND_MS, remainingMs * FAILURE_SHARE_MAX),
      );
  return afterMs + random * bound;
}

const ATTEMPT_SHARE = 0.5;
const ATTEMPT_MIN_MS = 1000;

/**
 * How long one attempt may take: half of what is left, so that a server that hangs leaves time for
 * another try, but never so little that a slow answer is cut off for nothing.
 */
export function attemptMs(remainingMs: number): number {
  return Math.min(remainingMs, Math.max(ATTEMPT_MIN_MS, remainingMs * ATTEMPT_SHARE));
}

/** Retry-After as seconds or as an HTTP date, in milliseconds from now; undefined for rubbish. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
