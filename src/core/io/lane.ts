// One pool of connections, and who waits for its first answer.

/** A pool; by HTTP/2 it is one connection for all. */
export interface Lane {
  readonly session: Bun.FetchSession;
  /** An exchange on it has ended, so that a pooled connection may have been used before. */
  isUsed: boolean;
  /** An exchange on it has failed, was given up, or brought a status of the 500s. */
  isSuspect: boolean;
  isAnswered: boolean;
  /** Exchanges that have not ended, the first one first. */
  readonly underWay: Set<AbortController>;
  /** Those of them that nobody waits for any more. */
  readonly left: Set<AbortController>;
}

export function openLane(session: Bun.FetchSession): Lane {
  const none = { underWay: new Set<AbortController>(), left: new Set<AbortController>() };
  return { session, isUsed: false, isSuspect: false, isAnswered: false, ...none };
}

/** One exchange of a lane. */
export interface Place {
  /** Ends the exchange. */
  readonly signal: AbortSignal;
  /** The promise's end, or the signal's, whichever comes first. */
  readonly orLeft: <T>(work: Promise<T>) => Promise<T>;
  readonly answered: () => void;
  readonly ended: () => void;
}

/**
 * A place among those who share a connection. All of them wait for the one that the first has begun
 * to open, and where that first one is aborted, Bun 1.4.5 opens another for the rest: 100 requests
 * that were given up one after another, as a busy machine does it, opened 15 connections to a
 * server that hangs. So whoever gives up leaves at once, and the connection that nobody has heard
 * from is kept for the others, until the last of them has left.
 */
export function sharedPlace(lane: Lane, signal: AbortSignal): Place {
  const own = new AbortController();
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => undefined);
  lane.underWay.add(own);
  const leave = (): void => {
    reject(signal.reason);
    lane.left.add(own);
    release(lane);
  };
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  return {
    signal: own.signal,
    orLeft: async (work) => {
      // What comes of it after that is of no interest.
      work.catch(() => undefined);
      return Promise.race([work, gone]);
    },
    answered: () => {
      lane.isAnswered = true;
      release(lane);
    },
    ended: () => {
      signal.removeEventListener('abort', leave);
      if (lane.left.has(own)) return;
      lane.underWay.delete(own);
      release(lane);
    },
  };
}

/** Ends what was left, the first one last, where that costs the others nothing. */
function release({ isAnswered, underWay, left }: Lane): void {
  if (!isAnswered && left.size < underWay.size) return;
  for (const one of [...left].toReversed()) {
    left.delete(one);
    underWay.delete(one);
    one.abort();
  }
}

/** An exchange whose connection is its own. */
export function ownPlace(signal: AbortSignal): Place {
  const nothing = (): void => undefined;
  return { signal, orLeft: async (work) => work, answered: nothing, ended: nothing };
}
