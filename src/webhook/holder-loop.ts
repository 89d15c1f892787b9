// Work that one replica does for all: whoever holds the Lease.
import { openLease } from './lease.ts';
import type { LoopParts } from './loop.ts';
import { openLoop } from './loop.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import type { Tell, Telling } from './telling.ts';
import { guarded, openTelling } from './telling.ts';

/** Whose turn it is, and how often it is looked at. */
export interface HolderParts extends LoopParts {
  readonly api: KubernetesApi;
  readonly tell: Tell;
  readonly leaseName: string;
  readonly leaseMs: number;
  readonly identity: string;
  readonly pollMs: number;
}

/** What is done in each round; neither part may reject. */
export interface HolderWork {
  /** Also by replicas that do not hold the Lease, before it is asked for. */
  readonly byAll?: () => Promise<unknown>;
  readonly byHolder: () => Promise<unknown>;
}

export interface HolderLoop {
  start(): void;
  /** All that is wrong now, as sentences. */
  readonly faults: () => readonly string[];
  /** Ends the work, and gives the Lease to whoever is next. */
  stop(): Promise<void>;
}

/** Does the work that `workBy` makes, with what tells of it and of the Lease. */
export function openHolderLoop(
  parts: HolderParts,
  workBy: (telling: Telling) => HolderWork,
): HolderLoop {
  const { api, clock, tell, leaseName, leaseMs, identity, pollMs } = parts;
  const telling = openTelling(tell, () => clock.monotonicMs());
  const lease = openLease({ api, clock, name: leaseName, identity, durationMs: leaseMs });
  const { byAll, byHolder } = workBy(telling);
  const loop = openLoop(parts, async () => {
    await byAll?.();
    await guarded(telling, 'lease', async () => lease.attend());
    if (lease.isHeld()) await byHolder();
    return pollMs;
  });
  return {
    start: () => loop.start(),
    faults: telling.faults,
    stop: async () => {
      await loop.stop();
      await guarded(telling, 'lease', async () => lease.release());
    },
  };
}
