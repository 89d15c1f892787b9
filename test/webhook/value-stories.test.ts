// Pods come and go, and Secrets are collected, while calls take their time and clocks differ.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Sealed } from '../../src/core/sealed.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { podPlace, secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { COLLECTOR_TIMES, collect } from '../../src/webhook/value-collector.ts';
import { KNOWN_MS, TOUCH_MS } from '../../src/webhook/value-secrets.ts';
import { simulation } from '../support/simulated.ts';
import { callsThrough, memoryCluster } from './_memory-api.ts';
import { valueSecretsOn } from './_values.ts';

const NAME = `bellhop-${'0'.repeat(32)}`;
const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const { graceMs } = COLLECTOR_TIMES;

/** The longest timeout of a webhook. */
const ANSWER_MS_MAX = 30_000;
/** What the API server gives a request, and so a pod from its review to its place. */
const APPEARS_MS_MAX = 60_000;
/** On the way, and on the way back: `callMsMax` of the client. */
const LEG_MS_MAX = 7500;
/**
 * How far `nowMs` of a client is off. It tells no skew below 10 s, and what tells it is as old as
 * an answer may be that comes after 5 s, in whole seconds.
 */
const [BEHIND_MS, AHEAD_MS] = [16_000, 10_000];
/** A use is younger than that as long as a pod may be on its way to its place. */
const LEAST_MS = TOUCH_MS + KNOWN_MS + APPEARS_MS_MAX + BEHIND_MS + AHEAD_MS;

interface Story {
  /** Who asks when, how long the pod takes to appear, and how long it lives. */
  readonly pods: readonly (readonly [number, number, number, number])[];
  readonly passes: readonly number[];
  /** How far the clocks of two replicas are off, and the one of who collects. */
  readonly clocks: readonly [number, number, number];
  /** How long each call is on its way, and its answer, in turn. */
  readonly legs: readonly number[];
}

const key = { name: NAME, key: '0-tok' };
const SPEC = { containers: [{ env: [{ name: 'A', valueFrom: { secretKeyRef: key } }] }] };
const values = [
  { id: 'x', key: '0-tok', value: new Sealed(Buffer.from('x')), called: '', files: [] },
];
const SECRET = { namespace: 'team', name: NAME, owner: undefined, values };

/** True where each pod had its Secret from its beginning to its end; how many pods there were. */
async function told({ pods, passes, clocks, legs }: Story, grace: number) {
  const world = simulation();
  const { clock } = world;
  const cluster = memoryCluster();
  const seen = { isWell: true, pods: 0, gone: 0 };
  let call = 0;
  const pass = async (ms: number): Promise<void> => {
    if (ms > 0) await new Promise<void>((done) => void clock.after(ms, done));
  };
  const leg = async (): Promise<void> => pass(legs[call++ % legs.length] ?? 0);
  const clientOf = (who: number): KubernetesApi => {
    const api = cluster.client(() => START_MS + clock.now() + (clocks[who] ?? 0));
    return callsThrough(api, async (work) => {
      await leg();
      const answer = await work();
      await leg();
      return answer;
    });
  };
  const replicas = [0, 1].map((who) => valueSecretsOn(clientOf(who), clock));
  const look = (): void => {
    seen.isWell &&= cluster.objects.has(secretPlace('team', NAME).path);
  };
  const live = async ([who, atMs, appearsMs, livesMs]: Story['pods'][number], n: number) => {
    await pass(atMs);
    const limit = new AbortController();
    const cancel = clock.after(ANSWER_MS_MAX, () => limit.abort());
    const kept = replicas[who]?.keep(SECRET, limit.signal).then(
      () => true,
      () => false,
    );
    const isKept = await kept;
    cancel();
    if (isKept !== true) return;
    await pass(atMs + appearsMs - clock.now());
    const { path } = podPlace('team', `p${n}`);
    const metadata = { name: `p${n}`, namespace: 'team' };
    cluster.put(path, { metadata, spec: SPEC, status: { phase: 'Running' } });
    seen.pods++;
    look();
    await pass(livesMs);
    look();
    cluster.remove(path);
  };
  const collecting = clientOf(2);
  const sweep = async (ms: number): Promise<void> => {
    await pass(ms);
    seen.gone += await collect({ api: collecting, graceMs: grace }, 'team');
  };
  await world.run(Promise.all([...pods.map(live), ...passes.map(sweep)]));
  return seen;
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const off = fc.integer({ min: -BEHIND_MS, max: AHEAD_MS });
/** In so many hours; the edges of what may be are likely. */
const storyOf = (hours: number): fc.Arbitrary<Story> => {
  const pod = fc.tuple(
    upTo(1),
    upTo(hours * HOUR_MS),
    fc.oneof(upTo(APPEARS_MS_MAX), fc.constant(APPEARS_MS_MAX)),
    upTo((hours * HOUR_MS) / 3),
  );
  return fc.record({
    pods: fc.array(pod, { minLength: 1, maxLength: 12 }),
    passes: fc.array(upTo(1.5 * hours * HOUR_MS), { maxLength: 40 }),
    clocks: fc.tuple(off, off, off),
    legs: fc.array(fc.oneof(upTo(200), upTo(LEG_MS_MAX)), { minLength: 1, maxLength: 30 }),
  });
};

describe('whenever pods come and go, and whenever Secrets are collected', () => {
  test.each([
    ['the grace time', graceMs, 6],
    ['the least that is enough', LEAST_MS, 1.5],
  ])('every pod has its Secret all the time, by %s', async (_, grace, hours) => {
    let [pods, gone] = [0, 0];
    await fc.assert(
      fc.asyncProperty(storyOf(hours), async (one) => {
        const seen = await told(one, grace);
        pods += seen.pods;
        gone += seen.gone;
        expect(seen.isWell).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect([pods > 1000, gone > 100]).toEqual([true, true]);
  });

  test('the grace time is more than four times the least, and that is needed', async () => {
    expect(graceMs).toBeGreaterThan(4 * LEAST_MS);
    // One replica uses it; the other, whose clock is behind, has seen that, and lets one in later.
    const seenMs = TOUCH_MS + BEHIND_MS - 1;
    const keptMs = seenMs + KNOWN_MS - 1;
    const worst: Story = {
      pods: [
        [0, 0, 0, 0],
        [1, seenMs, 0, 0],
        [1, keptMs, APPEARS_MS_MAX, 1],
      ],
      passes: [keptMs + APPEARS_MS_MAX - 1],
      clocks: [0, -BEHIND_MS, AHEAD_MS],
      legs: [0],
    };
    expect(await told(worst, LEAST_MS)).toEqual({ isWell: true, pods: 3, gone: 0 });
    const without = LEAST_MS - BEHIND_MS - AHEAD_MS;
    expect(await told(worst, without)).toMatchObject({ isWell: false, gone: 1 });
    expect(await told(worst, LEAST_MS - 4)).toMatchObject({ isWell: false, gone: 1 });
  });

  test('how often and how slowly it was asked before does not count', async () => {
    // Each call takes all the time that it may, and the time of use is written anew at the end.
    const pods = [0, TOUCH_MS + 1, TOUCH_MS + 2 * LEG_MS_MAX + KNOWN_MS].map((atMs) => {
      return [1, atMs, APPEARS_MS_MAX, 1] as const;
    });
    const passes = pods.flatMap(([, atMs]) => [atMs + 1, atMs + APPEARS_MS_MAX - 1]);
    const slow: Story = { pods, passes, clocks: [0, -BEHIND_MS, AHEAD_MS], legs: [LEG_MS_MAX] };
    expect(await told(slow, LEAST_MS)).toMatchObject({ isWell: true, gone: 0 });
  });
});
