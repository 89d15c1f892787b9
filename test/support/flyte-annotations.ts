// The annotations by which a pod asks for secrets, as Flyte's control plane writes them.
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { ENV_VAR, encodeSecret } from '../../src/wire/flyte-secret.ts';

/** A variable, of a secret that has no name yet. */
export const NONE: FlyteSecret = {
  group: '',
  groupVersion: '',
  key: '',
  mountRequirement: ENV_VAR,
  envVar: '',
};

/** For these secrets, in their order; what one leaves out is as in NONE. */
export function annotationsOf(secrets: readonly Partial<FlyteSecret>[]): Record<string, string> {
  return Object.fromEntries(
    secrets.map((one, n) => [`flyte.secrets/s${n}`, encodeSecret({ ...NONE, ...one })]),
  );
}
