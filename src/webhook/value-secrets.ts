// Secrets beside pods, which hold the values that the webhook itself has. They are immutable, and
// each is named by what it holds: made once, found again by all, never changed but for the time
// when it was last used.
import type { Clock } from '../core/io/types.ts';
import { Refusal } from '../injectors/_injector.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { LABEL } from './certificates-state.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import { sameJson } from './pod-state.ts';
import { untilAborted } from './until-aborted.ts';
import type { NameOf, WantedSecret } from './value-names.ts';
import { dataOf } from './value-names.ts';

/** How values become Secrets. */
export interface ValueSecrets {
  readonly nameOf: NameOf;
  /**
   * Sees to it that the Secret is there, and will be for as long as a pod may need to appear.
   * Rejects with Refusal where something else is there or it is not done in time, else as the API.
   */
  keep(secret: NamedSecret, signal: AbortSignal): Promise<void>;
}

export interface NamedSecret extends WantedSecret {
  readonly name: string;
}

/** How a Secret was seen to; for metrics. `known`: without asking the API server. */
export type KeepResult = 'known' | 'found' | 'created' | 'touched' | 'failed';

export interface ValueSecretsParts {
  readonly api: KubernetesApi;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly nameOf: NameOf;
  readonly onKept?: (result: KeepResult) => void;
}

/** How the collector knows them; `fields` can be asked for in a list, and is never changed. */
export const OURS = {
  labels: `${LABEL.name}=${LABEL.value}`,
  type: 'bellhop/values',
  fields: 'type=bellhop/values',
  used: 'bellhop/used',
} as const;

/** What was seen is taken to be there for so long: who deletes it is noticed by then. */
export const KNOWN_MS = 60_000;
/** A time of last use that is older is written anew. */
export const TOUCH_MS = 600_000;
const KNOWN_MAX = 10_000;
const ROUNDS_MAX = 4;

/** Asks once for all who need the same one at the same time. */
export function openValueSecrets(parts: ValueSecretsParts): ValueSecrets {
  const { clock, nameOf, onKept } = parts;
  const known = new Map<string, number>();
  const under = new Map<string, Promise<void>>();
  const begin = (path: string, secret: NamedSecret): Promise<void> => {
    const work = see(parts, secret, known.has(path)).then(
      (result) => {
        known.delete(path);
        known.set(path, clock.monotonicMs() + KNOWN_MS);
        const [oldest] = known.keys();
        if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
        onKept?.(result);
      },
      (error: unknown) => {
        onKept?.('failed');
        throw error;
      },
    );
    const ended = work.finally(() => under.delete(path));
    // Who waits may have gone.
    ended.catch(() => undefined);
    under.set(path, ended);
    return ended;
  };
  return {
    nameOf,
    keep: async (secret, signal) => {
      const { path } = secretPlace(secret.namespace, secret.name);
      if ((known.get(path) ?? -Infinity) > clock.monotonicMs()) return onKept?.('known');
      // For a pod that is late nothing is begun: it will not be there to need it.
      const work = signal.aborted ? undefined : (under.get(path) ?? begin(path, secret));
      const done = work === undefined ? 'late' : await untilAborted(work, signal);
      if (done === 'late') throw new Refusal('the API server did not take it in time');
      return undefined;
    },
  };
}

/** `isLikely`: it was there before, so that asking costs less than writing. */
async function see(
  { api }: ValueSecretsParts,
  secret: NamedSecret,
  isLikely: boolean,
): Promise<KeepResult> {
  const place = secretPlace(secret.namespace, secret.name);
  let isAsked = isLikely;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (!isAsked) {
      const made = await api.create(place.collection, objectOf(secret, api.nowMs()));
      if (made.kind === 'written') return 'created';
    }
    const there = await api.get(place.path);
    isAsked = there.kind !== 'absent';
    if (there.kind === 'absent') continue;
    mustBe(there.object, secret);
    const nowMs = api.nowMs();
    if (nowMs - usedMs(there.object) < TOUCH_MS) return 'found';
    const touched = await api.update(place.path, withUse(there.object, nowMs));
    if (touched.kind === 'written') return 'touched';
  }
  throw new Refusal('it keeps changing');
}

function objectOf({ namespace, name, owner, values }: NamedSecret, nowMs: number): KubeObject {
  const { apiVersion, kind, name: ownerName, uid } = owner ?? {};
  const ownerReferences = [{ apiVersion, kind, name: ownerName, uid }];
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: OURS.type,
    metadata: {
      name,
      namespace,
      labels: { [LABEL.name]: LABEL.value },
      annotations: { [OURS.used]: new Date(nowMs).toISOString() },
      ...(owner === undefined ? {} : { ownerReferences }),
    },
    immutable: true,
    data: dataOf(values),
  };
}

/** Somebody else may write Secrets here too: then the pod must not have what they wrote. */
function mustBe(there: KubeObject, { values }: NamedSecret): void {
  const { deletionTimestamp } = recordIn(there, 'metadata');
  if (deletionTimestamp !== undefined) throw new Refusal('it is being deleted; try again');
  const isOurs = there['type'] === OURS.type && there['immutable'] === true;
  if (isOurs && sameJson(there['data'] ?? {}, dataOf(values))) return;
  throw new Refusal('one of this name is there, and bellhop has not written it');
}

/** When it was last used, as far as it says; else when it was made. */
export function usedMs(object: KubeObject): number {
  const metadata = recordIn(object, 'metadata');
  const said = textIn(recordIn(metadata, 'annotations'), OURS.used) ?? '';
  const made = textIn(metadata, 'creationTimestamp') ?? '';
  const [ms = 0] = [Date.parse(said), Date.parse(made)].filter((one) => !Number.isNaN(one));
  return ms;
}

function withUse(object: KubeObject, nowMs: number): KubeObject {
  const metadata = recordIn(object, 'metadata');
  const used = { [OURS.used]: new Date(nowMs).toISOString() };
  const annotations = { ...recordIn(metadata, 'annotations'), ...used };
  return { ...object, metadata: { ...metadata, annotations } };
}
