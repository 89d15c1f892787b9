// Values of stores that the webhook fetches itself, for `webhook.pull.variables: secret`.
import type { Io } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import { openAskNamed } from '../entrypoint/one-value.ts';
import { oneOf } from '../entrypoint/select.ts';
import type { FoundValue } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import type { Plan } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import { parsedJson } from '../webhook/parsed-json.ts';
import type { PullSettings } from '../webhook/pull-container.ts';
import type { ReadPulled } from '../webhook/pulled-values.ts';
import type { ValueCache } from '../webhook/value-cache.ts';
import { CACHE_LIMITS, openValueCache } from '../webhook/value-cache.ts';
import { isRecord } from '../wire/read.ts';

/** Beside what Embedded keeps. */
const LIMITS = { ...CACHE_LIMITS, bytesMax: CACHE_LIMITS.bytesMax / 2 };

/** Which stores there are, and which of them holds the secrets of a manager. */
export interface PulledParts {
  readonly io: Io;
  readonly stores: Plan['stores'];
  readonly storeOf: PullSettings['storeOf'];
}

export interface PulledOpened {
  readonly read: ReadPulled;
  readonly cache: ValueCache;
}

/** Reads as the webhook; each path is asked for once by all who want it, and kept for a while. */
export function openPulled({ io, stores, storeOf }: PulledParts): PulledOpened {
  const asks = new Map<string, ReturnType<typeof openAskNamed>>();
  const askOf = (type: string) => {
    const { name, options } = storeOf(type);
    const ask =
      asks.get(name) ?? openAskNamed(io, { ...stores, [name]: options }, LIMITS.readMsMax);
    asks.set(name, ask);
    return { name, ask };
  };
  const cache = openValueCache(
    async (id, signal) => {
      const [type = '', path = '', version] = idParts(id);
      const { name, ask } = askOf(type);
      const wanted = version === undefined ? { path } : { path, version };
      const answer = await ask(name, wanted, signal);
      if (answer.kind === 'failed') throw answer.problem.within('read by the webhook');
      return answer.kind === 'absent' ? undefined : packed(answer);
    },
    io.clock,
    LIMITS,
  );
  return {
    cache,
    read: async ({ type, path, key, version, called }, signal) => {
      const { name } = storeOf(type);
      const id = JSON.stringify([type, path, ...(version === undefined ? [] : [version])]);
      const found = await cache.find(id, signal);
      if (found === undefined) throw new Refusal(`store ${name} says that there is none`);
      if (found.text === LENT) throw new Refusal(LENT_WHY);
      const reference = { store: name, path, ...(key === undefined ? {} : { key }) };
      const value = oneOf({ answer: unpacked(found), level: 0 }, { reference, called });
      if (value instanceof Sealed) return value.reveal();
      // What it lacks is said, whose it is stands beside it.
      throw new Refusal(value === 'absent' ? `store ${name} lacks it` : value.what);
    },
  };
}

function idParts(id: string): readonly string[] {
  const parsed = parsedJson(Buffer.from(id));
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

type There = Extract<Answer, { kind: 'value' | 'map' }>;

/** What is lent was made for us: that it is of no use is kept, not to have it made again. */
const LENT = 'null';
const LENT_WHY = 'its value is only lent, and a Secret would outlive it; ask for a file';

/** As a cache takes it: one text for all values of a path. */
function packed({ facts, ...answer }: There): FoundValue {
  if (facts?.leaseMs !== undefined) return { text: LENT };
  const text = (value: Sealed): string => Buffer.from(value.reveal()).toString('base64');
  if (answer.kind === 'value') return { text: JSON.stringify(text(answer.value)) };
  const entries = [...answer.entries].map(([name, value]) => [name, text(value)]);
  return { text: JSON.stringify(Object.fromEntries(entries)) };
}

function unpacked({ text = '' }: FoundValue): Answer {
  const parsed = parsedJson(Buffer.from(text));
  const value = (base64: unknown): Sealed => new Sealed(Buffer.from(String(base64), 'base64'));
  if (!isRecord(parsed)) return { kind: 'value', value: value(parsed) };
  const entries = Object.entries(parsed).map(([name, one]) => [name, value(one)] as const);
  return { kind: 'map', entries: new Map(entries) };
}
