/** At most so many at a time; the others wait in their order. */
export interface Slots {
  /** Resolves when it is one's turn; undefined when the signal says that it is too late. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
}

/** `count` slots, all free. */
export function openSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const once = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      release();
    };
  };
  return {
    take: async (signal) => {
      if (signal.aborted) return undefined;
      if (free > 0) {
        free -= 1;
        return once();
      }
      return new Promise((resolve) => {
        const turn = (): void => {
          signal.removeEventListener('abort', late);
          resolve(once());
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
  };
}
