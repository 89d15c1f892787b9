// Work that is done again and again, by the wall: short waits, so that a machine that was paused or
// a clock that was set is noticed soon.
import type { Clock } from '../core/io/types.ts';

export interface Loop {
  start(): void;
  /** Resolves when the work that was under way has ended; nothing follows. */
  stop(): Promise<void>;
}

export interface LoopParts {
  readonly clock: Clock;
  /** `count` random bytes. */
  readonly random: (count: number) => Uint8Array;
}

/** `work` does it once and says how long to wait; it never rejects. */
export function openLoop({ clock, random }: LoopParts, work: () => Promise<number>): Loop {
  let isStopped = false;
  let wake = (): void => undefined;
  let running: Promise<void> = Promise.resolve();
  const wait = async (ms: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      wake = (): void => {
        cancel();
        resolve();
      };
    });
  };
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const ms = await work();
      if (isStopped) return;
      const [byte = 0] = random(1);
      // Replicas that were started together do not ask together for ever.
      await wait(ms * (0.9 + (0.2 * byte) / 255));
    }
  };
  return {
    start: () => {
      running = run();
    },
    stop: async () => {
      isStopped = true;
      wake();
      await running;
    },
  };
}
