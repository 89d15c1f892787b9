// Values of stores that the webhook fetches itself, for `webhook.pull.variables: secret`.
import type { Io } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import type { Given } from '../entrypoint/answers.ts';
import type { AskBound } from '../entrypoint/one-value.ts';
import { openAskBound } from '../entrypoint/one-value.ts';
import { oneOf } from '../entrypoint/select.ts';
import type { FoundValue } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import type { Bound } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import type { PullSettings } from '../webhook/pull-container.ts';
import type { FetchSettings } from '../webhook/pull-plan.ts';
import { pulledReference } from '../webhook/pull-plan.ts';
import type { ReadPulled } from '../webhook/pulled-values.ts';
import type { ValueCache } from '../webhook/value-cache.ts';
import { CACHE_LIMITS, openValueCache } from '../webhook/value-cache.ts';

/** Beside what Embedded keeps. */
const LIMITS = { ...CACHE_LIMITS, bytesMax: CACHE_LIMITS.bytesMax / 2 };

/** How bellhop.yaml has it fetched, and which store holds the secrets of a manager. */
export interface PulledParts {
  readonly io: Io;
  readonly fetching: FetchSettings;
  readonly storeOf: PullSettings['storeOf'];
}

export interface PulledOpened {
  readonly read: ReadPulled;
  readonly cache: ValueCache;
}

/**
 * Reads as the webhook, from fallbacks where a store is down; each path is asked for once by all
 * who want it, and kept for a while.
 */
export function openPulled({ io, fetching, storeOf }: PulledParts): PulledOpened {
  const asks = new Map<string, AskBound>();
  const askOf = (type: string, { fallbacks = [] }: Bound): AskBound => {
    const { name, options } = storeOf(type);
    const ms = fallbacks.length === 0 ? LIMITS.readMsMax : WITH_FALLBACKS_MS_MAX;
    const ask = asks.get(name) ?? openAskBound(io, { ...fetching.stores, [name]: options }, ms);
    asks.set(name, ask);
    return ask;
  };
  const cache = openValueCache(
    async (id, signal) => {
      const { type, bound } = askedBy(id);
      const { answer, level } = await askOf(type, bound)(bound, signal);
      if (answer.kind === 'failed') throw answer.problem.within('read by the webhook');
      return answer.kind === 'absent' ? undefined : packed(answer, level);
    },
    io.clock,
    LIMITS,
  );
  return {
    cache,
    read: async (edit, signal) => {
      const { type, called } = edit;
      const reference = pulledReference(edit, storeOf);
      const { key: _, ...place } = reference;
      const fallbacks = fetching.fallbacksOf(reference);
      // Which key is wanted decides only whether a fallback has it.
      const asked = fallbacks.length === 0 ? { reference: place } : { reference, fallbacks };
      const found = await cache.find(JSON.stringify({ type, ...asked }), signal);
      if (found === undefined) throw new Refusal(`store ${place.store} says that there is none`);
      if (found.text === LENT) throw new Refusal(LENT_WHY);
      const value = oneOf(unpacked(found), { reference, fallbacks, called });
      if (value instanceof Sealed) return value.reveal();
      // What it lacks is said, whose it is stands beside it.
      throw new Refusal(value === 'absent' ? `store ${place.store} lacks it` : value.what);
    },
  };
}

/** A fallback's answer must be there while the API server waits: 10 seconds. */
const WITH_FALLBACKS_MS_MAX = 8000;

/** What the cache has a value under: of which manager's store, and what is asked. */
interface Asked extends Pick<Bound, 'reference' | 'fallbacks'> {
  readonly type: string;
}

function askedBy(id: string): { readonly type: string; readonly bound: Bound } {
  const { type, ...asked } = JSON.parse(id) as Asked;
  return { type, bound: { ...asked, called: asked.reference.path } };
}

type There = Extract<Answer, { kind: 'value' | 'map' }>;

/** What is lent was made for us: that it is of no use is kept, not to have it made again. */
const LENT = 'null';
const LENT_WHY = 'its value is only lent, and a Secret would outlive it; ask for a file';

/** All values of a path, or one that is no map, by base64; and who has said it. */
interface Packed {
  readonly level: number;
  readonly value?: string;
  readonly entries?: readonly (readonly [name: string, value: string])[];
}

/** As a cache takes it: one text for all values of a path. */
function packed({ facts, ...answer }: There, level: number): FoundValue {
  if (facts?.leaseMs !== undefined) return { text: LENT };
  const text = (value: Sealed): string => Buffer.from(value.reveal()).toString('base64');
  const all: Packed =
    answer.kind === 'value'
      ? { level, value: text(answer.value) }
      : { level, entries: [...answer.entries].map(([name, value]) => [name, text(value)]) };
  return { text: JSON.stringify(all) };
}

function unpacked({ text = '' }: FoundValue): Given {
  const { level, value = '', entries } = JSON.parse(text) as Packed;
  const sealed = (base64: string): Sealed => new Sealed(Buffer.from(base64, 'base64'));
  if (entries === undefined) return { answer: { kind: 'value', value: sealed(value) }, level };
  const all = entries.map(([name, one]) => [name, sealed(one)] as const);
  return { answer: { kind: 'map', entries: new Map(all) }, level };
}
