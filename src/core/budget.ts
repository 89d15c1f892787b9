import type { Clock } from './io/types.ts';

/**
 * The time that is left. Everything that waits is cut from one budget; its signal is aborted when
 * the time is over, whatever hangs.
 */
export interface Budget {
  readonly signal: AbortSignal;
  /** True when the time is over, or it was ended. */
  readonly hasEnded: boolean;
  /** Never below 0. */
  remainingMs(): number;
  /** A part of it: ends after `ms`, or with the whole if that is earlier, or when it is closed. */
  part(ms: number): Budget;
  /**
   * Calls `work` once when it ends; the function that comes back takes that back. Cheaper than a
   * listener of the signal: a start has hundreds of attempts at a time.
   */
  onEnd(work: () => void): () => void;
  /** Nothing waits for it any more: its timer is gone. */
  close(): void;
  /** Ends it now: what still waits is aborted. */
  end(): void;
}

/** Why signals are aborted: made once, since an Error with its stack for each costs 25 µs. */
const ENDED = 'the budget has ended';

/** A budget of `ms` from now, inside of `outer` where there is one. */
export function openBudget(clock: Clock, ms: number, outer?: Budget): Budget {
  const length = Math.max(0, Math.min(ms, outer?.remainingMs() ?? Infinity));
  const endMs = clock.monotonicMs() + length;
  const controller = new AbortController();
  const waiting = new Set<() => void>();
  let hasEnded = false;
  const stop = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    controller.abort(ENDED);
    for (const work of waiting) work();
    waiting.clear();
  };
  const cancel = Number.isFinite(length) ? clock.after(length, stop) : () => undefined;
  const leave = outer?.onEnd(stop);
  if (outer?.hasEnded === true) stop();
  const budget: Budget = {
    signal: controller.signal,
    get hasEnded() {
      return hasEnded;
    },
    remainingMs: () => (hasEnded ? 0 : Math.max(0, endMs - clock.monotonicMs())),
    part: (partMs) => openBudget(clock, partMs, budget),
    onEnd: (work) => {
      waiting.add(work);
      return () => waiting.delete(work);
    },
    close: () => {
      cancel();
      leave?.();
    },
    end: () => {
      budget.close();
      stop();
    },
  };
  return budget;
}

/** Waits `ms`, or until the budget ends: then false. */
export async function pause(clock: Clock, budget: Budget, ms: number): Promise<boolean> {
  if (budget.hasEnded) return false;
  return new Promise((resolve) => {
    const forget = budget.onEnd(() => {
      cancel();
      resolve(false);
    });
    const cancel = clock.after(ms, () => {
      forget();
      resolve(true);
    });
  });
}

/** The work's result, or undefined when the budget ends first; the work is then left behind. */
export async function within<T>(budget: Budget, work: Promise<T>): Promise<T | undefined> {
  if (budget.hasEnded) {
    work.catch(() => undefined);
    return undefined;
  }
  return new Promise((resolve, reject) => {
    const forget = budget.onEnd(() => resolve(undefined));
    work.then(resolve, reject).finally(forget);
  });
}
