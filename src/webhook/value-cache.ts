// Values that the webhook has read, kept for a while: pods come in herds that want the same ones.
import type { Clock } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import type { FoundValue } from '../injectors/_injector.ts';
import { untilAborted } from './until-aborted.ts';

export interface CacheLimits {
  readonly ttlMs: number;
  readonly bytesMax: number;
  /** A read that takes longer has failed, for all who wait for it. */
  readonly readMsMax: number;
}

/** Flyte's are 24 hours and 100 MB; a value that has been changed should not take a day to come. */
export const CACHE_LIMITS: CacheLimits = {
  ttlMs: 5 * 60_000,
  bytesMax: 64 * 1024 * 1024,
  readMsMax: 20_000,
};

/** Reads a value; undefined where there is none. Rejects where the store cannot say. */
export type ReadValue = (id: string, signal: AbortSignal) => Promise<FoundValue | undefined>;

/** How a value was found: kept, read now, read already for another, not there, or not read. */
export type CacheResult = 'hit' | 'miss' | 'shared' | 'absent' | 'failed';

export interface ValueCache {
  /** From the cache, else by one read for all who ask meanwhile. Absence is not kept. */
  readonly find: ReadValue;
  /** Forgets these; what is being read at this moment is not kept either. */
  readonly forget: (ids: readonly string[]) => void;
  /** Bytes of what is kept. */
  readonly bytes: () => number;
  /** From now on tells how each value was found, for metrics. */
  readonly watch: (tell: (result: CacheResult) => void) => void;
}

/** A cache in front of `read`. */
export function openValueCache(
  read: ReadValue,
  clock: Clock,
  limits: CacheLimits = CACHE_LIMITS,
): ValueCache {
  const kept = openKept(clock, limits);
  const reading = new Map<string, Promise<FoundValue | undefined>>();
  let tell: (result: CacheResult) => void = () => undefined;
  const begin = (id: string): Promise<FoundValue | undefined> => {
    const own = new AbortController();
    const stop = clock.after(limits.readMsMax, () => own.abort());
    const made = read(id, own.signal);
    reading.set(id, made);
    const ended = (found: FoundValue | undefined): void => {
      stop();
      // Where it was forgotten meanwhile, what was read may be what was before.
      if (reading.get(id) !== made) return;
      reading.delete(id);
      if (found !== undefined) kept.put(id, found);
    };
    made.then(ended, () => ended(undefined));
    return made;
  };
  return {
    find: async (id, signal) => {
      const found = kept.get(id);
      if (found !== undefined) {
        tell('hit');
        return found;
      }
      const under = reading.get(id);
      const read = await untilAborted(under ?? begin(id), signal).catch((error: unknown) => {
        tell('failed');
        throw error;
      });
      if (read === 'late') {
        tell('failed');
        throw new Error('the answer would come too late');
      }
      tell(under !== undefined ? 'shared' : read === undefined ? 'absent' : 'miss');
      return read;
    },
    forget: (ids) => {
      for (const id of ids) {
        kept.drop(id);
        reading.delete(id);
      }
    },
    bytes: kept.bytes,
    watch: (listener) => {
      tell = listener;
    },
  };
}

interface Entry {
  readonly isText: boolean;
  readonly value: Sealed;
  readonly bytes: number;
  readonly endsMs: number;
}

/** What is kept, the oldest going first where it is too much. */
function openKept(clock: Clock, { ttlMs, bytesMax }: CacheLimits) {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (id: string): void => {
    bytes -= entries.get(id)?.bytes ?? 0;
    entries.delete(id);
  };
  return {
    drop,
    bytes: () => bytes,
    get: (id: string): FoundValue | undefined => {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      if (entry.endsMs > clock.monotonicMs()) return opened(entry);
      drop(id);
      return undefined;
    },
    put: (id: string, found: FoundValue): void => {
      drop(id);
      const value = new Sealed(Buffer.from(found.text ?? found.bytes ?? []));
      const size = id.length + value.bytes;
      if (size > bytesMax) return;
      const endsMs = clock.monotonicMs() + ttlMs;
      entries.set(id, { isText: found.text !== undefined, value, bytes: size, endsMs });
      bytes += size;
      // A Map keeps the order in which they came.
      for (const [oldest] of entries) {
        if (bytes <= bytesMax) return;
        drop(oldest);
      }
    },
  };
}

function opened({ isText, value }: Entry): FoundValue {
  const bytes = value.reveal();
  return isText ? { text: Buffer.from(bytes).toString() } : { bytes };
}
