// What the webhook's own work tells operators: one sentence, and again only when it changes.
import { problemsOf } from '../core/errors.ts';

export type Level = 'info' | 'warn' | 'error';

/** Hands a sentence to the log; `facts` never hold a value of a secret. */
export type Tell = (level: Level, what: string, facts?: Facts) => void;

export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Tells what is the case about a topic, once. */
export interface Telling {
  /** Something happened. */
  happened(what: string, facts?: Facts): void;
  /** Something is wrong as long as it is said; said again, it is not told again. */
  wrong(topic: string, what: string, level?: 'warn' | 'error'): void;
  /** It no longer is. */
  right(topic: string): void;
  /** All that is wrong now. */
  readonly faults: () => readonly string[];
}

/** How often a fault that lasts is told again. */
const AGAIN_MS = 600_000;

export function openTelling(tell: Tell, monotonicMs: () => number): Telling {
  const faults = new Map<string, { readonly what: string; readonly toldMs: number }>();
  return {
    happened: (what, facts) => tell('info', what, facts),
    wrong: (topic, what, level = 'error') => {
      const was = faults.get(topic);
      const nowMs = monotonicMs();
      if (was?.what === what && nowMs - was.toldMs < AGAIN_MS) return;
      faults.set(topic, { what, toldMs: nowMs });
      tell(level, what);
    },
    right: (topic) => {
      const was = faults.get(topic);
      if (!faults.delete(topic) || was === undefined) return;
      tell('info', `no longer: ${was.what}`);
    },
    faults: () => [...faults.values()].map(({ what }) => what),
  };
}

/** Does it; what goes wrong is told, and undefined comes back. Never rejects. */
export async function guarded<T>(
  telling: Telling,
  topic: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const done = await work();
    telling.right(topic);
    return done;
  } catch (error) {
    const [first] = problemsOf(error);
    if (first !== undefined) {
      telling.wrong(topic, `${first.message} (${first.code}; ${first.help})`);
    }
    return undefined;
  }
}
