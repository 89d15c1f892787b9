// Keeps the registration where certificates are somebody else's; with certificates of our own their
// manager does it (certificates-manager.ts).
import type { HolderLoop, HolderParts } from './holder-loop.ts';
import { openHolderLoop } from './holder-loop.ts';
import { openRegistrar } from './registrar.ts';
import type { RegistrationWish } from './registration.ts';
import { guarded } from './telling.ts';

export interface KeeperParts extends HolderParts {
  readonly registration: RegistrationWish;
  /**
   * PEM of the authorities to trust, e.g. the file ca.crt beside the pair; undefined leaves the
   * caBundle to others, as cert-manager's injector. May throw a BellhopError: nothing is written.
   */
  readonly bundle: () => string | undefined;
}

/** To be started once reviews can be answered. */
export function openRegistrationKeeper(parts: KeeperParts): HolderLoop {
  const { api, clock, registration, bundle } = parts;
  return openHolderLoop(parts, (telling) => {
    const registrar = openRegistrar({ api, clock, telling, wish: registration });
    const keep = async (): Promise<void> => {
      await registrar.keep(await registrar.read(), { bundle: bundle(), mayCreate: true });
    };
    return { byHolder: async () => guarded(telling, 'registration', keep) };
  });
}
