// Which replica works for all: a Lease, by the rules of client-go's leader election (0.33). What is
// done under it stays safe when two believe to hold it: every write names the version it is based
// on. The Lease only keeps replicas from doing the same work at once.
import type { Clock } from '../core/io/types.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { leasePlace, resourceVersionOf } from './kubernetes-objects.ts';

/** What a Lease is held with. */
export interface LeaseParts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly name: string;
  /** Ours alone: no other process, nor an earlier one of the same pod, has it. */
  readonly identity: string;
  /** How long it is ours after it was last renewed; whole seconds. */
  readonly durationMs: number;
}

/** Our part in a Lease. */
export interface Lease {
  /**
   * Takes it where it is free or its holder is gone, and renews it once a third of its time is
   * over. To be called often. Rejects as the API does; then what we hold we hold until it ends.
   */
  attend(): Promise<void>;
  /** True where it is ours now, as far as we know. */
  isHeld(): boolean;
  /** Gives it back, so that nobody waits for it to end. Rejects as the API does. */
  release(): Promise<void>;
}

interface State {
  /** By the monotonic clock: those of other machines play no part. */
  heldUntilMs: number;
  /** The version that we saw last of another holder's Lease, and since when. */
  seen: { readonly version: string; readonly sinceMs: number } | undefined;
}

const RENEW_SHARE = 1 / 3;

export function openLease(parts: LeaseParts): Lease {
  const state: State = { heldUntilMs: -Infinity, seen: undefined };
  const { clock, durationMs } = parts;
  const isHeld = (): boolean => clock.monotonicMs() < state.heldUntilMs;
  return {
    isHeld,
    attend: async () => {
      const restMs = state.heldUntilMs - clock.monotonicMs();
      if (restMs > durationMs * (1 - RENEW_SHARE)) return;
      await attend(parts, state);
    },
    release: async () => {
      if (!isHeld()) return;
      state.heldUntilMs = -Infinity;
      await release(parts);
    },
  };
}

async function attend(parts: LeaseParts, state: State): Promise<void> {
  const { api, clock, name, identity, durationMs } = parts;
  const place = leasePlace(api.namespace, name);
  const found = await api.get(place.path);
  // The time counts from before the write: it may have been done long before its answer came.
  const nowMs = clock.monotonicMs();
  const lease = found.kind === 'found' ? found.object : undefined;
  if (lease !== undefined && !mayTake(lease, state, { identity, nowMs })) {
    state.heldUntilMs = -Infinity;
    return;
  }
  const ours = leaseOf(parts, lease);
  const written =
    lease === undefined
      ? await api.create(place.collection, ours)
      : await api.update(place.path, ours);
  state.heldUntilMs = written.kind === 'written' ? nowMs + durationMs : -Infinity;
}

/** True where it is ours or free, or where its holder has not renewed it while we looked on. */
function mayTake(
  lease: JsonRecord,
  state: State,
  { identity, nowMs }: { readonly identity: string; readonly nowMs: number },
): boolean {
  const spec = recordIn(lease, 'spec');
  const holder = textIn(spec, 'holderIdentity');
  if (holder === undefined || holder === identity) return true;
  const version = resourceVersionOf(lease);
  if (state.seen?.version !== version) state.seen = { version, sinceMs: nowMs };
  const theirs = spec['leaseDurationSeconds'];
  const durationMs = typeof theirs === 'number' ? theirs * 1000 : 0;
  return nowMs - state.seen.sinceMs >= durationMs;
}

/** The Lease as we hold it from now on. */
function leaseOf(parts: LeaseParts, old: JsonRecord | undefined): JsonRecord {
  const { api, name, identity, durationMs } = parts;
  const was = recordIn(old ?? {}, 'spec');
  // MicroTime: six digits behind the seconds.
  const now = new Date(api.nowMs()).toISOString().replace('Z', '000Z');
  const isOurs = textIn(was, 'holderIdentity') === identity;
  const transitions = was['leaseTransitions'];
  const count = typeof transitions === 'number' ? transitions : 0;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: old === undefined ? { name, namespace: api.namespace } : recordIn(old, 'metadata'),
    spec: {
      ...was,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
      acquireTime: isOurs ? was['acquireTime'] : now,
      renewTime: now,
      leaseTransitions: isOurs || old === undefined ? count : count + 1,
    },
  };
}

async function release({ api, name, identity }: LeaseParts): Promise<void> {
  const place = leasePlace(api.namespace, name);
  const found = await api.get(place.path);
  if (found.kind === 'absent') return;
  const spec = recordIn(found.object, 'spec');
  if (textIn(spec, 'holderIdentity') !== identity) return;
  await api.update(place.path, { ...found.object, spec: { ...spec, holderIdentity: '' } });
}
