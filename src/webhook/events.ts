// Kubernetes Events on denial: `kubectl describe` of what wanted the pod then says why there is
// none. They are extra: nothing waits for them, and what fails is only counted.
import type { Clock } from '../core/io/types.ts';
import type { PodFacts } from './review.ts';

/** What writes objects to the cluster; `path` is that of the collection. */
export interface EventApi {
  create(path: string, object: Readonly<Record<string, unknown>>): Promise<unknown>;
}

export interface EventParts {
  readonly api: EventApi;
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly onEnd: (result: EventResult) => void;
}

/** `dropped`: there were too many, or the same was told before. */
export type EventResult = 'created' | 'failed' | 'dropped';

/** Says of a pod that it was denied; returns at once. */
export type TellDenial = (pod: PodFacts, reason: string) => void;

/** As Kubernetes' own recorder limits a source (client-go 0.36, tools/record, events_cache.go). */
const BURST = 25;
const REFILL_MS = 1000;
const SAME_MS = 300_000;
const REMEMBERED_MAX = 1000;
const IN_FLIGHT_MAX = 8;
/** core/v1 refuses longer ones. */
const MESSAGE_BYTES_MAX = 1024;

/** Nothing is written for a dry run, nor for a pod without a namespace. */
export function openEvents({ api, clock, onEnd }: EventParts): TellDenial {
  const told = openMemory(clock);
  const isRoom = openBucket(clock);
  let inFlight = 0;
  const create = async (pod: PodFacts, reason: string, key: string): Promise<void> => {
    inFlight++;
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/events`;
      await api.create(path, eventOf(pod, reason, clock.now()));
      onEnd('created');
    } catch {
      told.forget(key);
      onEnd('failed');
    } finally {
      inFlight--;
    }
  };
  return (pod, reason) => {
    if (pod.dryRun || pod.namespace === '') return;
    // As far as people see it: what was told is kept, and reasons can be as long as reviews.
    const key = [pod.namespace, pod.owner?.uid ?? pod.name, reason].map(shortened).join('\n');
    if (inFlight >= IN_FLIGHT_MAX || told.has(key) || !isRoom()) return onEnd('dropped');
    told.keep(key);
    void create(pod, reason, key);
    return undefined;
  };
}

function eventOf(pod: PodFacts, reason: string, nowMs: number): Record<string, unknown> {
  const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const { namespace, owner } = pod;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'bellhop-', namespace },
    involvedObject: { ...(owner ?? { apiVersion: 'v1', kind: 'Pod', name: pod.name }), namespace },
    type: 'Warning',
    reason: 'SecretsDenied',
    message: shortened(reason),
    source: { component: 'bellhop-webhook' },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

function shortened(message: string): string {
  // A unit of the text is a byte at least.
  const bytes = Buffer.from(message.slice(0, MESSAGE_BYTES_MAX + 1).toWellFormed());
  if (bytes.byteLength <= MESSAGE_BYTES_MAX) return bytes.toString();
  const cut = bytes.subarray(0, MESSAGE_BYTES_MAX - 6).toString();
  return `${cut.replace(/\ufffd$/, '')}…`;
}

interface Memory {
  /** True for what was kept in the last SAME_MS milliseconds. */
  readonly has: (key: string) => boolean;
  readonly keep: (key: string) => void;
  readonly forget: (key: string) => void;
}

function openMemory(clock: Pick<Clock, 'monotonicMs'>): Memory {
  const kept = new Map<string, number>();
  return {
    has: (key) => clock.monotonicMs() - (kept.get(key) ?? -Infinity) < SAME_MS,
    keep: (key) => {
      kept.delete(key);
      kept.set(key, clock.monotonicMs());
      const [oldest] = kept.keys();
      if (kept.size > REMEMBERED_MAX && oldest !== undefined) kept.delete(oldest);
    },
    forget: (key) => void kept.delete(key),
  };
}

/** True BURST times, then once every REFILL_MS milliseconds. */
function openBucket(clock: Pick<Clock, 'monotonicMs'>): () => boolean {
  let tokens = BURST;
  let atMs = clock.monotonicMs();
  return () => {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(BURST, tokens + (nowMs - atMs) / REFILL_MS);
    atMs = nowMs;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
