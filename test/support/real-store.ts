// A store of a plan, opened with the real network and clock, as `run` opens it.
import { openBudget } from '../../src/core/budget.ts';
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import { FILES } from '../../src/core/io/files.ts';
import { openNet } from '../../src/core/io/net.ts';
import type { Arrival, Io } from '../../src/core/io/types.ts';
import type { Trace } from '../../src/core/trace.ts';
import { openTrace } from '../../src/core/trace.ts';
import type { Gathered } from '../../src/entrypoint/gather.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import { barePlan } from '../../src/plan/bare.ts';
import type { Bound, Placement, Plan, Policy, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Answer, Store, Wanted } from '../../src/stores/_store.ts';
import { fakeIo } from './fake-io.ts';

/** What the store finds around it. */
export interface Surroundings {
  /** Variables that bellhop was started with. */
  readonly env?: Readonly<Record<string, string>>;
  /** Other stores of the plan, e.g. the one that a credential comes from. */
  readonly stores?: Readonly<Record<string, StoreOptions>>;
  readonly startMsMax?: number;
  readonly attemptsMax?: number;
  readonly policy?: Partial<Policy>;
}

export interface Opened {
  readonly store: Store;
  readonly trace: Trace;
  readonly io: Io;
  /** One answer for each path; a path is a string, or has a version. */
  fetch(...wanted: readonly (string | Wanted)[]): Promise<readonly Answer[]>;
}

/** Milliseconds that a test of a real server may take, unless it says otherwise. */
const START_MS_MAX = 20_000;

/**
 * An outside with the real network, files, clock and cryptography, and variables of its own. Its
 * time begins now, as that of a process.
 */
export function realIo(env: Readonly<Record<string, string>> = {}): Io {
  const entries = Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const arrival: Arrival = { argv: [], env: entries };
  const beganMs = performance.now();
  const after = (ms: number, work: () => void): (() => void) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  };
  return {
    ...fakeIo({}),
    fs: FILES,
    arrival,
    net: openNet(FILES, arrival),
    crypto: CRYPTOGRAPHY,
    clock: { now: () => Date.now(), monotonicMs: () => performance.now() - beganMs, after },
    random: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
  };
}

/** Opens a store under the name `mine`. Options and variables are as a user gives them. */
export async function openReal(options: StoreOptions, around: Surroundings = {}): Promise<Opened> {
  const io = realIo(around.env);
  const trace = openTrace(io.clock);
  const plan = planOf([], { ...around.stores, mine: options }, around);
  const store = await openStore(
    plan,
    { io, objects: [], trace, made: new Map() },
    {
      name: 'mine',
      budget: openBudget(io.clock, around.startMsMax ?? START_MS_MAX),
      attemptsMax: around.attemptsMax ?? Infinity,
      waiting: [],
    },
  );
  return {
    store,
    trace,
    io,
    fetch: async (...wanted) =>
      store.fetch(wanted.map((one) => (typeof one === 'string' ? { path: one } : one))),
  };
}

/** Gathers bound references by stores of these names, as `run` does; the budget is the policy's. */
export async function gatherReal(
  bounds: readonly Bound[],
  around: Surroundings & { readonly stores: Readonly<Record<string, StoreOptions>> },
): Promise<Gathered & { readonly tookMs: number; readonly trace: Trace }> {
  const io = realIo(around.env);
  const beganMs = performance.now();
  const trace = openTrace(io.clock);
  const budget = openBudget(io.clock, around.startMsMax ?? START_MS_MAX);
  const plan = planOf(bounds, around.stores, around);
  const gathered = await gather(plan, { io, objects: [], budget, trace });
  budget.end();
  return { ...gathered, tookMs: performance.now() - beganMs, trace };
}

function planOf(
  bounds: readonly Bound[],
  stores: Readonly<Record<string, StoreOptions>>,
  { startMsMax, attemptsMax, policy }: Surroundings,
): Plan {
  return planWith(bounds, stores, {
    ...DEFAULT_POLICY,
    ...policy,
    ...(startMsMax === undefined ? {} : { startMsMax }),
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
  });
}

/** A plan of a variable for each bound reference. */
export function planWith(
  bounds: readonly Bound[],
  stores: Readonly<Record<string, StoreOptions>>,
  policy: Policy,
): Plan {
  const placements = bounds.map(
    (bound, n): Placement => ({
      kind: 'variable',
      layer: 'env',
      name: `V${n}`,
      source: { kind: 'value', bound },
      rule: `env[${n}]`,
    }),
  );
  const origin = { name: 'p', namespace: 'default', container: 'c' };
  return barePlan({ origin, stores, policy, placements });
}
