// Random pods, afresh on a real kubelet and by `bellhop run`: what their containers see is equal,
// and what the cluster refuses `run` refuses. BELLHOP_LIVE_PODS and BELLHOP_LIVE_SEED ask for more
// pods, and for others; on a cluster of KUBECONFIG, BELLHOP_LIVE_IMAGE names the image.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Base } from '../kubelet/rootfs.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { baseFor } from '../kubelet/setting.ts';
import { chanceOf } from '../support/random-pod/chance.ts';
import { randomVector } from '../support/random-pod/pod.ts';
import { shrunk } from '../support/random-pod/shrink.ts';
import { keepResult } from './_live-record.ts';
import type { LiveResult } from './_live-record.ts';
import { runLive } from './_live-run.ts';
import type { LiveWorld } from './_live-world.ts';
import { liveCluster, openLiveWorld } from './_live-world.ts';

const PODS = Number(process.env['BELLHOP_LIVE_PODS'] ?? 200);
const SEED = Number(process.env['BELLHOP_LIVE_SEED'] ?? 1);
const START_MS_MAX = 2_400_000;
const POD_MS_MAX = 3000;

const made = baseFor('random pods on a node');
const cluster = made === undefined ? { missing: '' } : await liveCluster();

afterAll(() => removeBase(made));

describe.skipIf('missing' in cluster)('random pods', () => {
  const base = made as Base;
  let world: LiveWorld | undefined;
  let result: LiveResult | undefined;

  beforeAll(
    async () => {
      if ('missing' in cluster) return;
      world = await openLiveWorld(cluster, base);
      result = await runLive({ world, base }, { seed: SEED, pods: PODS });
      keepResult('live', result);
    },
    START_MS_MAX + PODS * POD_MS_MAX,
  );

  afterAll(() => world?.close());

  test('differ in nothing that the declaration decides, with and without mounts', () => {
    expect(result?.failed).toEqual([]);
    expect(result?.pods).toBe(PODS);
  });

  test('run for the most part, and are refused for many reasons', () => {
    const { ran = 0, ...refused } = result?.by ?? {};
    expect(ran).toBeGreaterThan(PODS / 3);
    if (PODS < 200) return;
    expect(Object.keys(refused)).toEqual(expect.arrayContaining(['api-server', 'runtime']));
  });
});

describe('what is random', () => {
  const namespace = 'n';

  test('comes again with its seed, and differs from pod to pod', () => {
    const texts = [0, 1, 2, 3].map((index) => {
      const made = () => JSON.stringify(randomVector({ seed: 7, index, namespace }));
      expect(made()).toBe(made());
      return made();
    });
    expect(new Set(texts).size).toBe(4);
    const other = JSON.stringify(randomVector({ seed: 8, index: 0, namespace }));
    expect(texts).not.toContain(other);
  });

  test('is made smaller until nothing can be taken away', async () => {
    const whole = randomVector({ seed: 3, index: 5, namespace });
    const { containers } = whole.pod.spec;
    const marked = { name: 'MARK', value: 'x' };
    const [first, ...rest] = containers;
    if (first === undefined) throw new Error('a pod without containers');
    first.env = [...(first.env ?? []), marked];
    whole.pod.spec.containers = [first, ...rest];
    const smallest = await shrunk(whole, async (all) =>
      all.map((one) => JSON.stringify(one.pod).includes('"MARK"')),
    );
    expect(smallest.objects).toEqual([]);
    expect(smallest.pod as object).toEqual({
      ...whole.pod,
      metadata: { name: whole.pod.metadata.name, namespace },
      spec: { containers: [{ env: [{ name: 'MARK' }] }] },
    });
  });

  test('is spread evenly', () => {
    const chance = chanceOf(1, 1);
    const counts = new Map<number, number>();
    for (let n = 0; n < 6000; n++) {
      const drawn = chance.int(6);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect(new Set(counts.keys())).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(Math.min(...counts.values())).toBeGreaterThan(850);
  });
});
