/** When a second request is sent beside one that takes long. */
export interface Hedging {
  /** Tells how long an answer took. */
  answered(ms: number): void;
  /** A request was sent: hedges are a share of these. */
  sent(): void;
  /** From the first throttling on there are none. */
  throttled(): void;
  /** After how long a second request may go out; undefined where none may. */
  afterMs(): number | undefined;
  /** Takes one hedge, if the share allows it. */
  take(): boolean;
}

const ANSWERS_MIN = 20;
/** Where all answers take about as long, the p95 is no sign of trouble. */
const MEDIANS_MIN = 3;
/** At most so many more requests, in percent; one is always allowed. */
const SHARE_PERCENT_MAX = 5;

/**
 * Hedging by the answers of this run: after the p95 of at least 20 of them (and three medians);
 * before that after `hedgeAfterMs`, where the policy has one. Never after throttling, and at most
 * 5 % more requests (of fewer than 20 requests: one).
 */
export function openHedging(hedgeAfterMs: number | undefined): Hedging {
  const took: number[] = [];
  let sent = 0;
  let hedges = 0;
  let throttled = false;
  const allowed = (): boolean => {
    return !throttled && hedges < Math.ceil((sent * SHARE_PERCENT_MAX) / 100);
  };
  return {
    answered: (ms) => void took.push(ms),
    sent: () => void (sent += 1),
    throttled: () => void (throttled = true),
    afterMs: () => {
      if (!allowed()) return undefined;
      if (took.length < ANSWERS_MIN) return hedgeAfterMs;
      return Math.max(quantile(took, 0.95), quantile(took, 0.5) * MEDIANS_MIN);
    },
    take: () => {
      if (!allowed()) return false;
      hedges += 1;
      return true;
    },
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
