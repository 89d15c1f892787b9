// Pods with secrets of stores on both routes: by webhook and init container on the node, and by
// `bellhop run` with the same bindings; what their containers see is compared.
import type { Base } from '../kubelet/rootfs.ts';
import { judgeAll } from '../kubelet/judge.ts';
import { STAGES } from '../kubelet/run.ts';
import { DIST, PARALLEL_MAX } from '../kubelet/setting.ts';
import type { Vector } from '../kubelet/vectors.ts';
import { recordAll } from './_live-node.ts';
import type { RoutesResult } from './_live-record.ts';
import { randomRoutes, routeShapes } from './_routes-pods.ts';
import type { Route, RoutesWorld } from './_routes-world.ts';

type ShapeResult = RoutesResult['shapes'][number];

interface Draw {
  readonly seed: number;
  /** Random pods for each store, beside the shapes. */
  readonly pods: number;
}

async function routeResults(route: Route, base: Base, draw: Draw): Promise<ShapeResult[]> {
  const shapes = [...routeShapes(route), ...randomRoutes(route, draw)];
  const node = { allocatable: { ...route.live.allocatable } };
  const vectors = shapes.map(({ vector, name }) => ({ ...vector, node, description: name }));
  const recorded = await recordAll(route.live, vectors);
  const work = recorded.flatMap((vector) =>
    STAGES.map((mode) => ({ vector, court: { base, dist: DIST, mode } })),
  );
  const verdicts = await judgeAll(work, PARALLEL_MAX);
  return recorded.map((vector) => {
    const own = verdicts.filter((verdict) => verdict.vector === vector);
    const differences = own.flatMap((verdict) =>
      verdict.differences.map(({ path, expected, got }) => {
        const [there, here] = [expected, got].map((one) => JSON.stringify(one));
        return `${verdict.mode} ${path}: webhook ${there}, run ${here}`;
      }),
    );
    return { name: vector.description, store: route.store, by: byOf(vector), differences };
  });
}

function byOf({ refused }: Vector): string {
  return refused === undefined ? 'ran' : `${refused.by}: ${refused.message}`;
}

/** Runs the shapes and so many random pods for each store. */
export async function runRoutes(world: RoutesWorld, base: Base, draw: Draw): Promise<RoutesResult> {
  const shapes: ShapeResult[] = [];
  for (const route of world.routes) shapes.push(...(await routeResults(route, base, draw)));
  const stores = world.routes.map(({ store }) => store);
  return { kubelet: world.kubelet, seed: draw.seed, stores, pods: shapes.length, shapes };
}
