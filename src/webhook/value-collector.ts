// Takes away Secrets with values that no pod needs any more. One replica does it, under a Lease;
// should two believe to hold it, nothing is lost: a Secret is deleted only as it was when no pod
// referred to it, and who needs it again changes it first.
import type { Clock } from '../core/io/types.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import { openLease } from './lease.ts';
import type { LoopParts } from './loop.ts';
import { openLoop } from './loop.ts';
import type { NameKey } from './name-key.ts';
import { SECRET_NAME } from './pod-values.ts';
import type { Tell } from './telling.ts';
import { guarded, openTelling } from './telling.ts';
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

export interface CollectorParts extends LoopParts, CollectorTimes {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Made here before the first pod needs it. */
  readonly key: NameKey;
  /** Where Secrets are; `*` is every namespace. */
  readonly namespaces: readonly string[];
  readonly leaseName: string;
  readonly identity: string;
  /** Told how many have gone. */
  readonly onCollected?: (count: number) => void;
}

export interface Collector {
  start(): void;
  /** All that is wrong now, as sentences. */
  readonly faults: () => readonly string[];
  stop(): Promise<void>;
}

export function openCollector(parts: CollectorParts): Collector {
  const { api, clock, tell, key, leaseName, leaseMs, identity, pollMs, collectMs } = parts;
  const telling = openTelling(tell, () => clock.monotonicMs());
  const lease = openLease({ api, clock, name: leaseName, identity, durationMs: leaseMs });
  let nextMs = -Infinity;
  const loop = openLoop(parts, async () => {
    await guarded(telling, 'key', async () => key.get({ mayCreate: true }));
    await guarded(telling, 'lease', async () => lease.attend());
    if (!lease.isHeld() || clock.monotonicMs() < nextMs) return pollMs;
    nextMs = clock.monotonicMs() + collectMs;
    for (const namespace of parts.namespaces) {
      await guarded(telling, `values of ${namespace}`, async () => {
        const gone = await collect(parts, namespace);
        if (gone === 0) return;
        telling.happened('collected Secrets that no pod needs', { namespace, count: gone });
        parts.onCollected?.(gone);
      });
    }
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
