// Keeps the registration where certificates are somebody else's; with certificates of our own their
// manager does it (certificates-manager.ts).
import type { KubernetesApi } from './kubernetes-api.ts';
import { openLease } from './lease.ts';
import type { LoopParts } from './loop.ts';
import { openLoop } from './loop.ts';
import { openRegistrar } from './registrar.ts';
import type { RegistrationWish } from './registration.ts';
import type { Tell } from './telling.ts';
import { guarded, openTelling } from './telling.ts';

export interface KeeperParts extends LoopParts {
  readonly api: KubernetesApi;
  readonly tell: Tell;
  readonly registration: RegistrationWish;
  /**
   * PEM of the authorities to trust, e.g. the file ca.crt beside the pair; undefined leaves the
   * caBundle to others, as cert-manager's injector. May throw a BellhopError: nothing is written.
   */
  readonly bundle: () => string | undefined;
  readonly leaseName: string;
  readonly leaseMs: number;
  readonly identity: string;
  readonly pollMs: number;
}

export interface RegistrationKeeper {
  start(): void;
  /** All that is wrong now, as sentences. */
  readonly faults: () => readonly string[];
  stop(): Promise<void>;
}

/** To be started once reviews can be answered. */
export function openRegistrationKeeper(parts: KeeperParts): RegistrationKeeper {
  const { api, clock, tell, registration, bundle, leaseName, leaseMs, identity, pollMs } = parts;
  const telling = openTelling(tell, () => clock.monotonicMs());
  const lease = openLease({ api, clock, name: leaseName, identity, durationMs: leaseMs });
  const registrar = openRegistrar({ api, clock, telling, wish: registration });
  const loop = openLoop(parts, async () => {
    await guarded(telling, 'lease', async () => lease.attend());
    if (!lease.isHeld()) return pollMs;
    await guarded(telling, 'registration', async () => {
      await registrar.keep(await registrar.read(), { bundle: bundle(), mayCreate: true });
    });
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
