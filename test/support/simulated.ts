// Time and a network that are made up: a thousand starts in a moment, and the same every time.
import type { HttpAnswer, HttpRequest, Net } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Clock } from '../../src/core/io/types.ts';

/** What a made-up server does with a request: an answer after some time, a failure, or nothing. */
export type Reaction =
  | { readonly afterMs: number; readonly answer: Partial<HttpAnswer> }
  | { readonly afterMs: number; readonly error: NetError }
  | 'hang';

export interface Simulation {
  readonly clock: Clock;
  /** From 0 to 1; the same row for the same seed. */
  readonly random: () => number;
  /** A network on which `react` is the only server. */
  net(react: (request: HttpRequest, nowMs: number) => Reaction): Net;
  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
}

/** A world whose time stands still while anything runs, and then jumps to the next timer. */
export function simulation(seed = 1): Simulation {
  const timers = new Map<number, Timer>();
  let nowMs = 0;
  let order = 0;
  const after = (ms: number, work: () => void): (() => void) => {
    const id = (order += 1);
    timers.set(id, { atMs: nowMs + Math.max(0, ms), order: id, work });
    return () => timers.delete(id);
  };
  const clock: Clock = { now: () => nowMs, monotonicMs: () => nowMs, after };
  const random = generator(seed);
  return {
    clock,
    random,
    net: (react) => simulatedNet({ clock, react }),
    run: async (work) => {
      let done = false;
      const ended = (): void => void (done = true);
      work.then(ended, ended);
      for (;;) {
        await settle();
        if (done) return work;
        const next = soonest(timers);
        if (next === undefined) throw new Error('nothing will ever happen again');
        nowMs = Math.max(nowMs, next.atMs);
        timers.delete(next.order);
        next.work();
      }
    },
  };
}

/** All promises that can go on have gone on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function soonest(timers: ReadonlyMap<number, Timer>): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers.values()) {
    if (first === undefined || timer.atMs < first.atMs) first = timer;
  }
  return first;
}

/** mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface SimulatedNet {
  readonly clock: Clock;
  readonly react: (request: HttpRequest, nowMs: number) => Reaction;
}

function simulatedNet({ clock, react }: SimulatedNet): Net {
  return {
    warm: () => undefined,
    resolve: async () => undefined,
    datagram: async () => undefined,
    connect: async () => {
      throw new NetError('refused', '');
    },
    http: (request, signal) => {
      return new Promise((resolve, reject) => {
        const reaction = react(request, clock.monotonicMs());
        const stop = (): void => {
          cancel();
          reject(new NetError('aborted', ''));
        };
        const cancel =
          reaction === 'hang'
            ? () => undefined
            : clock.after(reaction.afterMs, () => {
                signal.removeEventListener('abort', stop);
                if ('error' in reaction) reject(reaction.error);
                else resolve(answerOf(reaction.answer));
              });
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      });
    },
  };
}

function answerOf(given: Partial<HttpAnswer>): HttpAnswer {
  return { status: 200, headers: {}, body: new Uint8Array(), protocol: 'h1', ...given };
}

/** At most so many requests a second, with as many at once as a second has; the usual quota. */
export function quota(perSecond: number): (nowMs: number) => boolean {
  let tokens = perSecond;
  let lastMs = 0;
  return (nowMs) => {
    tokens = Math.min(perSecond, tokens + ((nowMs - lastMs) / 1000) * perSecond);
    lastMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
