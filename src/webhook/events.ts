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
const ALL: Bucket = { burst: 25, refillMs: 1000 };
/** One namespace leaves room for the others: at most a quarter of what is refilled for all. */
const OF_NAMESPACE: Bucket = { burst: 10, refillMs: 4000 };
const NAMESPACES_MAX = 1000;
const SAME_MS = 300_000;
const REMEMBERED_MAX = 1000;
const IN_FLIGHT_MAX = 8;
const IN_FLIGHT_OF_NAMESPACE_MAX = 4;
/** core/v1 refuses longer ones. */
const MESSAGE_BYTES_MAX = 1024;

/** Nothing is written for a dry run, nor for a pod without a namespace. */
export function openEvents({ api, clock, onEnd }: EventParts): TellDenial {
  const told = openMemory(clock);
  const isRoom = openRoom(clock);
  const inFlight: string[] = [];
  const isBusy = (namespace: string): boolean => {
    const own = inFlight.filter((one) => one === namespace).length;
    return inFlight.length >= IN_FLIGHT_MAX || own >= IN_FLIGHT_OF_NAMESPACE_MAX;
  };
  const create = async (pod: PodFacts, reason: string, key: string): Promise<void> => {
    inFlight.push(pod.namespace);
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/events`;
      await api.create(path, eventOf(pod, reason, clock.now()));
      onEnd('created');
    } catch {
      told.forget(key);
      onEnd('failed');
    } finally {
      inFlight.splice(inFlight.indexOf(pod.namespace), 1);
    }
  };
  return (pod, reason) => {
    if (pod.dryRun || pod.namespace === '') return;
    // As far as people see it: what was told is kept, and reasons can be as long as reviews.
    const key = [pod.namespace, pod.owner?.uid ?? pod.name, reason].map(shortened).join('\n');
    if (isBusy(pod.namespace) || told.has(key) || !isRoom(pod.namespace)) return onEnd('dropped');
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

interface Bucket {
  readonly burst: number;
  readonly refillMs: number;
}

/** True where there is room for one more: of its namespace, and of all. */
function openRoom(clock: Pick<Clock, 'monotonicMs'>): (namespace: string) => boolean {
  const all = openBucket(clock, ALL);
  const buckets = new Map<string, Taking>();
  return (namespace) => {
    const own = buckets.get(namespace) ?? openBucket(clock, OF_NAMESPACE);
    // The one that was used last is the last to be forgotten.
    buckets.delete(namespace);
    buckets.set(namespace, own);
    const [oldest] = buckets.keys();
    if (buckets.size > NAMESPACES_MAX && oldest !== undefined) buckets.delete(oldest);
    if (!own.has() || !all.has()) return false;
    own.take();
    all.take();
    return true;
  };
}

interface Taking {
  readonly has: () => boolean;
  readonly take: () => void;
}

/** `burst` at once, then one every `refillMs` milliseconds. */
function openBucket(clock: Pick<Clock, 'monotonicMs'>, { burst, refillMs }: Bucket): Taking {
  let tokens = burst;
  let atMs = clock.monotonicMs();
  return {
    has: () => {
      const nowMs = clock.monotonicMs();
      tokens = Math.min(burst, tokens + (nowMs - atMs) / refillMs);
      atMs = nowMs;
      return tokens >= 1;
    },
    take: () => {
      tokens--;
    },
  };
}
