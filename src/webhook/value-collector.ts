// Takes away Secrets with values that no pod needs any more. One replica does it, under a Lease;
// should two believe to hold it, nothing is lost: a Secret is deleted only as it was when no pod
// referred to it, and who needs it again changes it first.
import { recordIn, textIn } from '../stores/_rest.ts';
import type { HolderLoop, HolderParts } from './holder-loop.ts';
import { openHolderLoop } from './holder-loop.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import type { NameKey } from './name-key.ts';
import { SECRET_NAME } from './pod-values.ts';
import { guarded } from './telling.ts';
import { OURS, usedMs } from './value-secrets.ts';

/** How old a use is before a Secret may go, and how often that is looked at. */
export interface CollectorTimes {
  /**
   * More than TOUCH_MS and KNOWN_MS of value-secrets.ts together with the time that a pod takes
   * from its review to its place in the API server (its timeout, 60 s) and with what the clocks of
   * two replicas may differ (26 s: `nowMs` is at most 16 s behind the API server's, or 10 s ahead):
   * whoever was let in with a Secret that counted as used is then seen before the Secret can count
   * as old. How long calls take does not count: a use is judged when the answer is there, and one
   * that is written was noted less than a call before.
   */
  readonly graceMs: number;
  readonly collectMs: number;
  readonly pollMs: number;
  readonly leaseMs: number;
}

export const COLLECTOR_TIMES: CollectorTimes = {
  graceMs: 3_600_000,
  collectMs: 300_000,
  pollMs: 20_000,
  leaseMs: 60_000,
};

export interface CollectorParts extends HolderParts, CollectorTimes {
  /** Made here before the first pod needs it. */
  readonly key: NameKey;
  /** Where Secrets are; `*` is every namespace. */
  readonly namespaces: readonly string[];
  /** Told how many have gone. */
  readonly onCollected?: (count: number) => void;
}

export function openCollector(parts: CollectorParts): HolderLoop {
  const { clock, key, collectMs } = parts;
  let nextMs = -Infinity;
  return openHolderLoop(parts, (telling) => ({
    byAll: async () => guarded(telling, 'key', async () => key.get({ mayCreate: true })),
    byHolder: async () => {
      if (clock.monotonicMs() < nextMs) return;
      nextMs = clock.monotonicMs() + collectMs;
      for (const namespace of parts.namespaces) {
        await guarded(telling, `values of ${namespace}`, async () => {
          const gone = await collect(parts, namespace);
          if (gone === 0) return;
          telling.happened('collected Secrets that no pod needs', { namespace, count: gone });
          parts.onCollected?.(gone);
        });
      }
    },
  }));
}

/** Deletes what is old and needed by none; how many. Rejects as the API does. */
export async function collect(
  { api, graceMs }: Pick<CollectorParts, 'api' | 'graceMs'>,
  where: string,
): Promise<number> {
  const old = await oldOnes(api, where, api.nowMs() - graceMs);
  let gone = 0;
  for (const [namespace, secrets] of old) {
    const needed = await namesInPods(api, namespace);
    for (const [name, object] of secrets) {
      if (needed.has(name)) continue;
      const removed = await api.remove(secretPlace(namespace, name).path, object);
      if (removed === 'removed') gone++;
    }
  }
  return gone;
}

type ByName = Map<string, KubeObject>;

/** By namespace: those that were last used before this time. */
async function oldOnes(
  api: KubernetesApi,
  where: string,
  beforeMs: number,
): Promise<Map<string, ByName>> {
  const old = new Map<string, ByName>();
  const path = where === '*' ? '/api/v1/secrets' : secretPlace(where, '').collection;
  const wish = { labels: OURS.labels, fields: OURS.fields, isMetadata: true } as const;
  await api.list(path, wish, (object) => {
    const metadata = recordIn(object, 'metadata');
    const { name = '', namespace = where } = {
      name: textIn(metadata, 'name'),
      namespace: textIn(metadata, 'namespace'),
    };
    const isOurs = name.startsWith(SECRET_NAME.start);
    if (!isOurs || usedMs(object) >= beforeMs || 'deletionTimestamp' in metadata) return;
    const ofPlace = old.get(namespace) ?? new Map<string, KubeObject>();
    old.set(namespace, ofPlace.set(name, { metadata }));
  });
  return old;
}

/** Pods that have ended are never started again. */
const ALIVE = 'status.phase!=Succeeded,status.phase!=Failed';
/** Wherever in a pod it stands. */
const NAME = new RegExp(`"(${SECRET_NAME.start}[0-9a-f]{${SECRET_NAME.digits}})"`, 'g');

async function namesInPods(api: KubernetesApi, namespace: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await api.list(path, { fields: ALIVE }, (pod) => {
    for (const [, name = ''] of JSON.stringify(pod).matchAll(NAME)) names.add(name);
  });
  return names;
}
