// The last net under a server: what was thrown where nobody could take it.
import { CODES } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Log } from '../webhook/log.ts';
import { faultOf } from '../webhook/review.ts';

export interface FaultNet {
  /** 0, or that of a bug where the server could not go on. */
  readonly exitCode: () => number;
  /** How the server ends; called at once where it should have ended already. */
  readonly endBy: (end: () => void) => void;
  readonly stop: () => void;
}

/**
 * Says each in a line without its message, which may quote a value. After a promise that was
 * rejected the server goes on: it belongs to one review, which has its answer or gets none, and the
 * API server then denies that pod. After an exception of a callback (a timer, a socket) something
 * may have stopped for good: the server ends gracefully, and is started anew.
 */
export function openFaultNet(io: Pick<Io, 'onFault'>, log: Log): FaultNet {
  let isBroken = false;
  let end = (): void => undefined;
  const stop = io.onFault((error, kind) => {
    const why = faultOf(error);
    log.say('error', 'a fault of bellhop itself', { code: 'BH_ERR_BUG', kind, why });
    log.flush();
    // A second end would be at once.
    if (kind === 'rejection' || isBroken) return;
    isBroken = true;
    end();
  });
  return {
    exitCode: () => (isBroken ? CODES.BH_ERR_BUG.exit : 0),
    endBy: (how) => {
      end = how;
      if (isBroken) end();
    },
    stop,
  };
}
