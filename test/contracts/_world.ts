// A world: one kind of store with what stands behind it, so that the same cases run on every kind.
import { openBudget } from '../../src/core/budget.ts';
import { BellhopError } from '../../src/core/errors.ts';
import type { Io } from '../../src/core/io/types.ts';
import { openTrace } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import { barePlan } from '../../src/plan/bare.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Answer, Store, Wanted } from '../../src/stores/_store.ts';
import type { DataObject } from '../../src/wire/objects.ts';
import { realIo } from '../support/real-store.ts';

/** Part of every name, so that runs do not meet in a server that stays. */
export const RUN = Math.random().toString(36).slice(2, 8);
/** The value at `there`: no message, and nothing that is printed, may hold it. */
export const CANARY = `canary-${RUN}`;
/** A credential that is wrong; it may be shown no more than a right one. */
export const WRONG = `wrong-${CANARY}`;

/** Values that a format or an encoding on the way could change. */
export const ODD = {
  quotes: Buffer.from('"\'`\\'),
  markup: Buffer.from('<a>&amp;&#34;</a>'),
  lines: Buffer.from('a\r\nb\rc\n\n'),
  'not ASCII': Buffer.from('ä€😀\u2028\ufeff'),
  blanks: Buffer.from('  a  '),
  JSON: Buffer.from('{"a": 1.0, "b": 9007199254740993}'),
  '4000 characters': Buffer.alloc(4000, 'x'),
  nothing: Buffer.of(),
  NUL: Buffer.from('a\0b'),
  'not UTF-8': Buffer.from([0xff, 0xfe, 0x0a, 0x80]),
} as const satisfies Readonly<Record<string, Uint8Array>>;

export type OddName = keyof typeof ODD;

/** How a store is opened. */
export interface Setting {
  /** Options beside `kind`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Variables that bellhop was started with; a store named `env` has them too. */
  readonly env?: Readonly<Record<string, string>>;
  /** The same as bytes, `NAME=VALUE`, instead of `env`. */
  readonly arrival?: readonly Uint8Array[];
  readonly objects?: readonly DataObject[];
}

/** Where a value is. */
export interface Spot {
  readonly path: string;
  /** Its name in the map that the path is, where it is one. */
  readonly member?: string;
}

/** Two versions of one path: `one`, then `two`. */
export interface Versions extends Spot {
  readonly one: string;
  readonly two: string;
  /** A version that there never was. */
  readonly none: string;
  /** Where they are, if not at home. */
  readonly at?: Setting;
}

/** What only stores that ask somebody have. */
export interface Remote {
  /** The store at another address; `caFile` is what it is to trust, where it speaks TLS. */
  at(url: string, caFile: string): Setting;
  readonly speaks: 'http' | 'https' | 'tcp';
  /** Who we are, wrongly. */
  readonly wrong: Setting;
  /** Credentials that `home` uses. */
  readonly secrets: readonly string[];
}

/** A kind of store with a value at `there`. */
export interface World {
  /** The right way to it. */
  readonly home: Setting;
  /** Who may write too, where `home` may not. */
  readonly writer?: Setting;
  /** Which of the kind's ways of proving who we are `home` goes. */
  readonly auth?: string;
  readonly there: Spot;
  /** A path where there is nothing, for each number. */
  gone(n: number): string;
  /** Writes a value under a new name, and says where it is. */
  put(name: string, bytes: Uint8Array): Promise<Spot>;
  /** What the store behind it cannot hold; everything else must come back exactly. */
  readonly cannotHold: readonly OddName[];
  /** For kinds with versions. */
  versions?(): Promise<Versions>;
  readonly remote?: Remote;
}

/** A world, or why there is none here. */
export type MaybeWorld = World | { readonly missing: string };

/** An open store whose requests are counted. */
export interface Opened {
  readonly store: Store;
  /** Requests of HTTP and connections, so far. */
  readonly requests: () => number;
  /** As `gather` asks: what is thrown is the answer for each path. */
  readonly ask: (...wanted: readonly (string | Wanted)[]) => Promise<readonly Answer[]>;
}

/** Opens a store with the real network, as `run` does. */
export async function open(kind: string, setting: Setting, startMsMax = 20_000): Promise<Opened> {
  const { io, requests } = countingIo(setting);
  const stores = { env: { kind: 'env' }, mine: { ...setting.options, kind } };
  const opening = {
    name: 'mine',
    budget: openBudget(io.clock, startMsMax),
    attemptsMax: Infinity,
    waiting: [],
  };
  const context = { io, objects: setting.objects ?? [], trace: openTrace(io.clock) };
  const origin = { name: 'p', namespace: 'ns', container: 'c' };
  const plan = barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [] });
  const store = await openStore(plan, { ...context, made: new Map() }, opening);
  const ask = async (...wanted: readonly (string | Wanted)[]): Promise<readonly Answer[]> => {
    const all = wanted.map((one) => (typeof one === 'string' ? { path: one } : one));
    try {
      return await store.fetch(all);
    } catch (error) {
      if (!(error instanceof BellhopError)) throw error;
      return all.map(() => ({ kind: 'failed', problem: error }));
    }
  };
  return { store, requests, ask };
}

function countingIo(setting: Setting): { readonly io: Io; readonly requests: () => number } {
  const real = realIo(setting.env);
  let count = 0;
  const net: Io['net'] = {
    ...real.net,
    http: async (request, signal) => {
      count += 1;
      return real.net.http(request, signal);
    },
    connect: async (request, signal) => {
      count += 1;
      return real.net.connect(request, signal);
    },
  };
  const arrival = { argv: [], env: setting.arrival ?? real.arrival.env };
  return { io: { ...real, net, arrival }, requests: () => count };
}

/** The bytes at a spot as text, one character a byte; another answer as its kind. */
export function valueAt(spot: Spot, answer: Answer | undefined): string {
  const found =
    answer?.kind === 'map'
      ? answer.entries.get(spot.member ?? '')
      : answer?.kind === 'value' && spot.member === undefined
        ? answer.value
        : undefined;
  if (found !== undefined) return Buffer.from(found.reveal()).toString('latin1');
  return answer?.kind === 'failed' ? answer.problem.message : `no value: ${answer?.kind}`;
}

/** Everything that a user could read of an answer. */
export function wordsOf(answer: Answer | undefined): string {
  if (answer?.kind !== 'failed') return Bun.inspect(answer);
  const { message, help, cause } = answer.problem;
  return `${message}\n${help}\n${String(cause)}\n${Bun.inspect(answer)}`;
}
