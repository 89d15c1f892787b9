// Secrets for values that the webhook itself has: in a cluster, or shown outside of one.
import type { Io } from '../core/io/types.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import type { NameKey } from '../webhook/name-key.ts';
import { openNameKey } from '../webhook/name-key.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import type { Tell } from '../webhook/telling.ts';
import type { HolderLoop } from '../webhook/holder-loop.ts';
import { COLLECTOR_TIMES, openCollector } from '../webhook/value-collector.ts';
import { namesByKey, namesByNames } from '../webhook/value-names.ts';
import type { KeepResult, ValueSecrets } from '../webhook/value-secrets.ts';
import { openValueSecrets } from '../webhook/value-secrets.ts';
import { identityOf } from './webhook-certificates.ts';

export interface ValuesParts {
  readonly io: Io;
  readonly settings: WebhookSettings;
  /** Absent where no cluster can be asked: then nothing is made. */
  readonly api: KubernetesApi | undefined;
  readonly sha256: (text: string) => string;
}

export interface ValuesOpened {
  readonly secrets: ValueSecrets;
  /** From now on tells how each Secret was seen to, for metrics. */
  readonly watch: (tell: (result: KeepResult) => void) => void;
  /** Takes away what no pod needs; undefined where there is nothing to take away. */
  readonly collector: (tell: Tell, onCollected: (count: number) => void) => HolderLoop | undefined;
}

/** True where values may become Secrets at all. */
export function keepsValues({ profile, valueSecrets }: WebhookSettings): boolean {
  return profile === 'native' && valueSecrets.namespaces.length > 0;
}

export function openValues({ io, settings, api, sha256 }: ValuesParts): ValuesOpened {
  let onKept: (result: KeepResult) => void = () => undefined;
  const watch = (tell: (result: KeepResult) => void): void => {
    onKept = tell;
  };
  if (api === undefined) {
    const secrets = { nameOf: namesByNames(sha256), keep: async (): Promise<void> => undefined };
    return { secrets, watch, collector: () => undefined };
  }
  const { clock } = io;
  const random = (count: number): Uint8Array => io.random(count);
  // Of the Lease of collecting too: both are ours by the Service's name.
  const name = `${settings.serviceName}-values`;
  const key: NameKey = openNameKey({ api, name, random });
  const nameOf = namesByKey(key, io.crypto);
  const secrets = openValueSecrets({ api, clock, nameOf, onKept: (result) => onKept(result) });
  const collector: ValuesOpened['collector'] = (tell, onCollected) => {
    if (!keepsValues(settings)) return undefined;
    const { namespaces } = settings.valueSecrets;
    const of = { api, clock, random, tell, key, namespaces, onCollected };
    return openCollector({ ...of, leaseName: name, identity: identityOf(io), ...COLLECTOR_TIMES });
  };
  return { secrets, watch, collector };
}
