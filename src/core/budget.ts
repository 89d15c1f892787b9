import type { Clock } from './io/types.ts';

/**
 * The time that is left. Everything that waits is cut from one budget; its signal is aborted when
 * the time is over, whatever hangs.
 */
export interface Budget {
  readonly signal: AbortSignal;
  /** Never below 0. */
  remainingMs(): number;
  /** A part of it: ends after `ms`, or with the whole if that is earlier, or when it is closed. */
  part(ms: number): Budget;
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
  const end = clock.monotonicMs() + length;
  const controller = new AbortController();
  const stop = (): void => controller.abort(ENDED);
  const cancel = Number.isFinite(length) ? clock.after(length, stop) : () => undefined;
  if (outer?.signal.aborted === true) stop();
  outer?.signal.addEventListener('abort', stop, { once: true });
  const budget: Budget = {
    signal: controller.signal,
    remainingMs: () => {
      return controller.signal.aborted ? 0 : Math.max(0, end - clock.monotonicMs());
    },
    part: (partMs) => openBudget(clock, partMs, budget),
    close: () => {
      cancel();
      outer?.signal.removeEventListener('abort', stop);
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
  if (budget.signal.aborted) return false;
  return new Promise((resolve) => {
    const ended = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(ms, () => {
      budget.signal.removeEventListener('abort', ended);
      resolve(true);
    });
    budget.signal.addEventListener('abort', ended, { once: true });
  });
}

/** The work's result, or undefined when the budget ends first; the work is then left behind. */
export async function within<T>(budget: Budget, work: Promise<T>): Promise<T | undefined> {
  if (budget.signal.aborted) {
    work.catch(() => undefined);
    return undefined;
  }
  return new Promise((resolve, reject) => {
    const ended = (): void => resolve(undefined);
    budget.signal.addEventListener('abort', ended, { once: true });
    work.then(resolve, reject).finally(() => budget.signal.removeEventListener('abort', ended));
  });
}
