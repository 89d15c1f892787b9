// The webhook's route beside the entrypoint's: pods with Flyte's annotations, admitted by our
// webhook and pulled by their init container on a real node, against `bellhop run` on the pod as it
// was written. Real stores behind both, the same bindings: 0 differences.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Base } from '../kubelet/rootfs.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { baseFor } from '../kubelet/setting.ts';
import type { RoutesResult } from './_live-record.ts';
import { keepResult } from './_live-record.ts';
import { runRoutes } from './_routes-run.ts';
import type { RoutesWorld } from './_routes-world.ts';
import { openRoutesWorld } from './_routes-world.ts';
import { realCluster } from './kit/cluster.ts';

/** Of each store, beside the shapes. */
const PODS = Number(process.env['BELLHOP_ROUTES_PODS'] ?? 20);
const SEED = Number(process.env['BELLHOP_LIVE_SEED'] ?? 1);
const START_MS_MAX = 2_400_000;

const made = baseFor('the two routes on a node');
const base = made as Base;
const cluster = made === undefined ? { missing: '' } : await realCluster('node');
const world: RoutesWorld | undefined =
  'missing' in cluster ? undefined : await openRoutesWorld(cluster, base);

afterAll(() => removeBase(made));

describe.skipIf(world === undefined)('by webhook and by entrypoint', () => {
  let result: RoutesResult | undefined;

  beforeAll(async () => {
    if (world === undefined) return;
    result = await runRoutes(world, base, { seed: SEED, pods: PODS });
    keepResult('routes', result);
  }, START_MS_MAX);

  afterAll(() => world?.close());

  test('containers see the same, and what one refuses the other refuses', () => {
    const bad = result?.shapes.filter(({ differences }) => differences.length > 0);
    expect(bad).toEqual([]);
  });

  test('every shape that people use runs', () => {
    const shapes = result?.shapes.filter(({ name }) => !name.startsWith('random')) ?? [];
    expect(shapes.length).toBeGreaterThan(20);
    expect(shapes.filter(({ by }) => by !== 'ran')).toEqual([]);
  });

  test('most random pods run', () => {
    const random = result?.shapes.filter(({ name }) => name.startsWith('random')) ?? [];
    expect(random.length).toBe(2 * PODS);
    expect(random.filter(({ by }) => by === 'ran').length).toBeGreaterThan(random.length / 3);
  });
});
