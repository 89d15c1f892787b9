// Until when an answer is of use.
import type { Clock } from '../core/io/types.ts';
import { untilAborted } from './until-aborted.ts';

/** When it is too late for an answer. */
export interface Deadline {
  /** Aborted then. Made when somebody asks for it: most decisions wait for nothing. */
  readonly signal: AbortSignal;
  /** What the work comes to, or `late`: it is not begun then, or goes on without us. */
  orLate<T>(work: () => Promise<T>): Promise<T | 'late'>;
}

/** It is late in so many milliseconds, unless `end` is called before. For one work. */
export function openDeadline(
  clock: Pick<Clock, 'after'>,
  ms: number,
): Deadline & { readonly end: () => void } {
  let isLate = false;
  let controller: AbortController | undefined;
  let tell: (() => void) | undefined;
  const end = clock.after(ms, () => {
    isLate = true;
    controller?.abort();
    tell?.();
  });
  return {
    end,
    get signal() {
      controller ??= new AbortController();
      if (isLate) controller.abort();
      return controller.signal;
    },
    orLate: async (work) => {
      if (isLate) return 'late';
      return await new Promise((resolve, reject) => {
        tell = () => resolve('late');
        work().then(resolve, reject);
      });
    },
  };
}

/** It is late when somebody else says so. */
export function deadlineBy(signal: AbortSignal): Deadline {
  return {
    signal,
    orLate: async (work) => (signal.aborted ? 'late' : await untilAborted(work(), signal)),
  };
}
