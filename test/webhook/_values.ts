// Secrets for values, in a cluster in memory.
import { openSystem } from '../../src/core/io/system.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { openNameKey } from '../../src/webhook/name-key.ts';
import type { FetchSettings } from '../../src/webhook/pull-plan.ts';
import { namesByKey } from '../../src/webhook/value-names.ts';
import type { KeepResult, ValueSecrets } from '../../src/webhook/value-secrets.ts';
import { openValueSecrets } from '../../src/webhook/value-secrets.ts';

const { io } = openSystem();

/** What may become Secrets, and for everybody. */
export const KEPT = {
  valueSecrets: { namespaces: ['*'] },
  allow: [{ name: 'everybody' }],
};

/** A bellhop.yaml that says nothing of stores. */
export const NO_FETCHING: FetchSettings = {
  stores: {},
  storesBehind: () => [],
  fallbacksOf: () => [],
  policy: DEFAULT_POLICY,
};

/** `seed` is the byte that keys for names are made of. */
export function valueSecretsOn(
  api: KubernetesApi,
  more: { readonly monotonicMs?: () => number; readonly seed?: number } = {},
): ValueSecrets & { readonly results: readonly KeepResult[] } {
  const { monotonicMs = () => 0, seed = 7 } = more;
  const random = (count: number): Uint8Array => new Uint8Array(count).fill(seed);
  const nameOf = namesByKey(openNameKey({ api, name: 'hook-values', random }), io.crypto);
  const results: KeepResult[] = [];
  const onKept = (result: KeepResult): void => void results.push(result);
  return { ...openValueSecrets({ api, clock: { monotonicMs }, nameOf, onKept }), results };
}
