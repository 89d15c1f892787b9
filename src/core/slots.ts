/**
 * At most so many requests at a time; the others wait in their order. While a server is in trouble
 * fewer are let through, down to one that tries, so that a store that comes back is not run over by
 * everybody's next attempt.
 */
export interface Slots {
  /** Resolves when it is one's turn; undefined when the signal says that it is too late. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
  /** An attempt failed by the server or the way to it: half as many from now on. */
  trouble(): void;
  /** The server answered: twice as many again, up to all. */
  fine(): void;
}

/** `count` slots, all free. */
export function openSlots(count: number): Slots {
  let limit = count;
  let used = 0;
  const waiting: (() => void)[] = [];
  const letIn = (): void => {
    while (used < limit) {
      const next = waiting.shift();
      if (next === undefined) return;
      used += 1;
      next();
    }
  };
  const slot = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      used -= 1;
      letIn();
    };
  };
  return {
    take: async (signal) => {
      if (signal.aborted) return undefined;
      if (used < limit) {
        used += 1;
        return slot();
      }
      return new Promise((resolve) => {
        const turn = (): void => {
          signal.removeEventListener('abort', late);
          resolve(slot());
        };
        const late = (): void => {
          const index = waiting.indexOf(turn);
          if (index >= 0) waiting.splice(index, 1);
          resolve(undefined);
        };
        waiting.push(turn);
        signal.addEventListener('abort', late, { once: true });
      });
    },
    trouble: () => {
      limit = Math.max(1, Math.floor(limit / 2));
    },
    fine: () => {
      if (limit === count) return;
      limit = Math.min(count, limit * 2);
      letIn();
    },
  };
}
