// Every call of one of two replicas goes wrong in every way, in every step: what is served stays
// trusted by all API servers, also by one that sees registrations 1.5 s late.
import { describe, expect, test } from 'bun:test';
import type { Clock } from '../../src/core/io/types.ts';
import type { KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { readState } from '../../src/webhook/certificates-state.ts';
import { DEFAULT_LIVES } from '../../src/webhook/certificates-steps.ts';
import { FAULTS, faulty } from './_faults.ts';
import type { Fault } from './_faults.ts';
import type { Replica, World } from './_world.ts';
import { SECRET, trustedCount, world } from './_world.ts';

const LIVES = {
  ...DEFAULT_LIVES,
  leafLifeMs: 600_000,
  authorityLifeMs: 1_800_000,
  settleMs: 10_000,
};
const MORE = { lives: LIVES, pollMs: 5000, leaseMs: 8000 };
const STILL_MS = 25_000;

interface Beginning {
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly nowMs: number;
}

/** Just before the authority is due, with a leaf in use. */
async function shortBeforeRoll(): Promise<Beginning> {
  const early = world();
  const only = early.replica('early', MORE);
  await early.pass(1_196_000);
  early.kill(only);
  return { objects: early.cluster.objects, nowMs: early.nowMs() };
}

function issuer({ cluster }: World): string | undefined {
  return readState(cluster.objects.get(SECRET) ?? {}).state.issuer;
}

interface Ran {
  readonly world: World;
  readonly calls: number;
  readonly replicas: readonly Replica[];
}

async function run(
  from: Beginning | undefined,
  { atCall, fault, lives = LIVES }: { atCall: number; fault: Fault; lives?: typeof LIVES },
): Promise<Ran> {
  const made = world(from);
  const counted = { calls: 0 };
  let resume = (): void => undefined;
  const until = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const kill = (): void => made.kill(first);
  const { clock, stopUntil } = stopping(made.clock);
  const plan = { atCall, fault, resumed: async () => stopUntil(until), kill };
  const first = made.replica('first', { ...MORE, lives, clock }, faulty(plan, counted));
  await made.pass(2000);
  const second = made.replica('second', { ...MORE, lives });
  await made.pass(STILL_MS);
  resume();
  await made.pass(35_000);
  return { world: made, calls: counted.calls, replicas: [first, second] };
}

const beginnings = [
  { name: 'at the beginning', from: undefined, authorities: 1 },
  { name: 'while the authority is rolled', from: await shortBeforeRoll(), authorities: 2 },
];

/** A machine that is suspended does not see that time has passed (CLOCK_MONOTONIC, Linux). */
function stopping(clock: Clock) {
  let stoppedAtMs: number | undefined;
  let lostMs = 0;
  const monotonicMs = (): number => (stoppedAtMs ?? clock.monotonicMs()) - lostMs;
  const stopUntil = async (until: Promise<void>): Promise<void> => {
    const fromMs = clock.monotonicMs();
    stoppedAtMs = fromMs;
    await until;
    stoppedAtMs = undefined;
    lostMs += clock.monotonicMs() - fromMs;
  };
  return { clock: { ...clock, monotonicMs }, stopUntil };
}

describe.each(beginnings)('$name', ({ from, authorities }) => {
  test.each([...FAULTS])(
    '%s at call n, for every n',
    async (fault) => {
      const { calls } = await run(from, { atCall: 0, fault });
      expect(calls).toBeGreaterThan(30);
      const outcomes: unknown[] = [];
      for (let n = 1; n <= calls; n += 1) {
        const { world: ran, replicas } = await run(from, { atCall: n, fault });
        const alive = replicas.filter((one) => one.isAlive);
        const served = new Set(alive.map((one) => one.source?.current().certPem));
        const isRolled = from === undefined || issuer(ran) !== issuerAtBeginning(from);
        const good = ran.broken.length === 0 && served.size === 1 && !served.has(undefined);
        const isKnown = trustedCount(ran) === authorities;
        if (!good || !isKnown || !isRolled) {
          outcomes.push({ n, broken: ran.broken, served: served.size, trusted: trustedCount(ran) });
        }
      }
      expect(outcomes).toEqual([]);
    },
    60_000,
  );
});

test('without the wait for API servers the judge sees what breaks', async () => {
  const lives = { ...LIVES, settleMs: 0 };
  const { world: ran } = await run(beginnings[1]?.from, { atCall: 0, fault: 'refused', lives });
  expect(ran.broken).not.toEqual([]);
});

function issuerAtBeginning({ objects }: Beginning): string | undefined {
  return readState(objects.get(SECRET) ?? {}).state.issuer;
}
