// What all stores of a start have in common is made once: tokens, sessions, what was found out.
import { BellhopError, isOutage } from '../core/errors.ts';
import type { StoreContext } from './_store.ts';

/** Something that is made when it is first asked for, and kept for whoever asks later. */
export interface Shared<By extends object, T> {
  /**
   * What is there, or is being made; made anew, by the means of `by`, where `isGood` says no to
   * what was begun before it was asked. An asker's own failure is told again. Another's refusal
   * counts for all; another's outage may only mean that its time or its attempts were over, so it
   * is tried once more by the means of whoever is still waiting.
   */
  get(by: By, isGood?: (made: T) => boolean): Promise<T>;
}

interface Making<By, T> {
  readonly made: Promise<T>;
  readonly by: By;
}

/** `make` may use nothing but the means of the asker that it is given. */
export function openShared<By extends object, T>(make: (by: By) => Promise<T>): Shared<By, T> {
  let current: Making<By, T> | undefined;
  const failed = new WeakMap<By, unknown>();
  const begin = (by: By): Making<By, T> => {
    const made = make(by);
    made.catch((error: unknown) => failed.set(by, error));
    return { made, by };
  };
  const outcome = async ({ made, by: maker }: Making<By, T>, by: By) => {
    try {
      return { value: await made };
    } catch (error) {
      if (failed.has(by)) throw failed.get(by);
      if (maker === by || !isOutageOf(error)) throw error;
      return 'down';
    }
  };
  return {
    get: async (by, isGood = () => true) => {
      const before = current;
      for (;;) {
        const making = (current ??= begin(by));
        const came = await outcome(making, by);
        const isKept = came !== 'down' && (making !== before || isGood(came.value));
        if (isKept) return came.value;
        // Of several that find it so at the same time, the first one makes another.
        if (current === making) current = undefined;
      }
    },
  };
}

function isOutageOf(error: unknown): boolean {
  return error instanceof BellhopError && isOutage(error);
}

/** Makes something under a key, once for all stores of this start that have the same key. */
export async function sharedOnce<T>(
  context: StoreContext,
  key: string,
  make: (by: StoreContext) => Promise<T>,
): Promise<T> {
  const shared = await context.once(key, async () => openShared(make));
  return shared.get(context);
}
