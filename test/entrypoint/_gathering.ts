// Gathering by real stores on a clock that jumps, against made-up servers.
import { openBudget } from '../../src/core/budget.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import { Sealed } from '../../src/core/sealed.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound, Policy, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { fakeIo } from '../support/fake-io.ts';
import { planWith } from '../support/real-store.ts';
import type { Reaction } from '../support/simulated.ts';
import { simulation } from '../support/simulated.ts';

/** What is asked, of whom, and what the servers do. */
export interface Gathering {
  readonly bounds: readonly Bound[];
  readonly stores: Readonly<Record<string, StoreOptions>>;
  readonly react: (request: HttpRequest, nowMs: number) => Reaction;
  readonly startMs?: number;
  readonly policy?: Partial<Policy>;
  readonly env?: readonly string[];
}

export interface ToldOf {
  /** By `called`: the value, `absent`, or code and message. */
  readonly said: Readonly<Record<string, string>>;
  readonly tookMs: number;
  readonly warnings: readonly string[];
  readonly urls: readonly string[];
}

/** What one start is told. */
export async function gathered(given: Gathering): Promise<ToldOf> {
  // Loading takes real time, which a clock that jumps does not wait for.
  await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  await import('../../src/entrypoint/last-good.ts');
  const world = simulation(3);
  const { startMs = 3000 } = given;
  const urls: string[] = [];
  const net = world.net((request, now) => {
    urls.push(request.url);
    return given.react(request, now);
  });
  const io: Io = {
    ...fakeIo({ env: given.env ?? [] }),
    net,
    clock: world.clock,
    crypto: CRYPTOGRAPHY,
    random: (count) => Uint8Array.from({ length: count }, () => Math.floor(world.random() * 256)),
  };
  const plan = planWith(given.bounds, given.stores, { ...DEFAULT_POLICY, ...given.policy });
  const budget = openBudget(world.clock, startMs);
  const { answers, warnings } = await world.run(gather(plan, { io, objects: [], budget }));
  const said = given.bounds.map((one) => [one.called, shown(selectValue(answers, one))] as const);
  return { said: Object.fromEntries(said), tookMs: world.clock.monotonicMs(), warnings, urls };
}

/** The value, `absent`, or code and message. */
export function shown(value: Sealed | 'absent' | BellhopError): string {
  if (value === 'absent') return value;
  if (value instanceof BellhopError) return `${value.code} ${value.message}`;
  return new TextDecoder().decode(value.reveal());
}

/** An answer after 20 ms. */
export function fine(text: string): Reaction {
  const headers = { 'content-type': 'text/plain' };
  return { afterMs: 20, answer: { status: 200, headers, body: Buffer.from(text) } };
}

export function status(code: number): Reaction {
  return { afterMs: 5, answer: { status: code } };
}
