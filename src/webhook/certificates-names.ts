// Names that follow from the configuration.

/** What the configuration says of Secrets. */
export interface SecretSettings {
  readonly secretName: string;
  /** Undefined where the configuration does not say it: a section that was written for Flyte. */
  readonly flyteSecretName: string | undefined;
}

/** The longest name of an object: a DNS subdomain. */
const NAME_LENGTH_MAX = 253;
const SUFFIX = '-bellhop';

/**
 * Our Secret, and Flyte's. Flyte deletes and makes its Secret at each start, and does not start
 * where somebody else has made one of that name: so a section that was written for Flyte names
 * Flyte's, and ours is beside it. Where `flyteSecretName` is said, also as '', `secretName` is
 * ours.
 */
export function secretNamesOf({ secretName, flyteSecretName }: SecretSettings): SecretSettings {
  if (flyteSecretName !== undefined) {
    return { secretName, flyteSecretName: flyteSecretName === '' ? undefined : flyteSecretName };
  }
  const own = `${secretName.slice(0, NAME_LENGTH_MAX - SUFFIX.length)}${SUFFIX}`;
  return { secretName: own, flyteSecretName: secretName };
}

/** Names of the leaf: Flyte's three and the whole one; first the one that API servers ask for. */
export function dnsNamesOf(service: string, namespace: string): readonly string[] {
  const name = `${service}.${namespace}.svc`;
  return [name, service, `${service}.${namespace}`, `${name}.cluster.local`];
}
