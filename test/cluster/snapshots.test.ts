// The users' own tools on both sides: random pods whose programs are looked at by
// `bellhop snapshot -- CMD`, on a real kubelet and under `bellhop run`: no difference for
// `bellhop diff`.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import { harnessMounts, removeBase } from '../kubelet/rootfs.ts';
import { runContainer } from '../kubelet/run.ts';
import { DIST, baseFor } from '../kubelet/setting.ts';
import type { Container, Vector } from '../kubelet/vectors.ts';
import { containersOf, mountPath } from '../kubelet/vectors.ts';
import { built as executables } from '../support/built.ts';
import { IMAGES } from '../support/random-pod/containers.ts';
import { randomVector } from '../support/random-pod/pod.ts';
import { recordAll } from './_live-node.ts';
import type { LiveWorld } from './_live-world.ts';
import { openLiveWorld } from './_live-world.ts';
import { importSnapshotImage, SNAPSHOT_IMAGE } from './_snapshot-image.ts';
import { realCluster } from './kit/cluster.ts';

const PODS = Number(process.env['BELLHOP_SNAPSHOT_PODS'] ?? 12);
const SEED = Number(process.env['BELLHOP_LIVE_SEED'] ?? 1);
const START_MS_MAX = 2_400_000;
const TEST_MS_MAX = 120_000;
const KEY = 'the key of both sides of this test';

const made = baseFor('snapshots on a node');
const cluster = made === undefined ? { missing: '' } : await realCluster('node');
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-snapshots-'));

/** The container with a snapshot before its program, which prints nothing else to this stream. */
function watched(container: Container): void {
  const { command = ['/probe'], args = [] } = container;
  const program = command.length === 0 ? ['/probe'] : command;
  const paths = (container.volumeMounts ?? []).map((mount) => mountPath(mount.mountPath));
  // Without any it would look below the mounts of the stage as well.
  const flags = ['/srv', ...paths].flatMap((at) => ['--path', at]);
  container.command = ['/bellhop/bellhop', 'snapshot', ...flags, '--', ...program];
  container.args = args;
  container.env = [...(container.env ?? []), { name: 'BELLHOP_SNAPSHOT_KEY', value: KEY }];
}

function snapshotPod(world: LiveWorld, index: number): Vector {
  const draw = { seed: SEED, index, namespace: world.namespace };
  const vector = randomVector({ ...draw, manyImages: false, sound: true });
  const first = IMAGES[0];
  if (first === undefined) throw new Error('no image');
  for (const { container } of containersOf(vector.pod)) watched(container);
  const node = { allocatable: { ...world.allocatable } };
  return { ...vector, node, image: first };
}

/** Without the mounts that only the stage of local runs has. */
function ofContainer(text: string): string {
  const stage = new Set(harnessMounts());
  const snapshot = JSON.parse(text) as { mounts: { readonly path: string }[] };
  const mounts = snapshot.mounts.filter((mount) => !stage.has(mount.path));
  return JSON.stringify({ ...snapshot, mounts });
}

/** All but the line of the program. */
const snapshotIn = (log: string): string => log.replace(/^\{"probe":1,.*\n/m, '');

describe.skipIf('missing' in cluster)('bellhop diff', () => {
  const base = made as Base;
  const pods: Vector[] = [];
  const logs = new Map<string, string>();
  let world: LiveWorld | undefined;

  beforeAll(async () => {
    if ('missing' in cluster) return;
    world = await openLiveWorld(cluster, base);
    await importSnapshotImage(base, folder);
    const node = { ...world, imageFor: () => SNAPSHOT_IMAGE };
    const made = Array.from({ length: PODS }, (_, index) => snapshotPod(node, index));
    const recorded = await recordAll(node, made, logs);
    const shared = world.shared;
    pods.push(...recorded.map((one) => ({ ...one, objects: [...one.objects, ...shared] })));
  }, START_MS_MAX);

  afterAll(async () => {
    await world?.close();
    rmSync(folder, { recursive: true });
    removeBase(base);
  });

  test(
    'finds nothing between what a kubelet gives and what run gives',
    async () => {
      const compared: string[] = [];
      for (const vector of pods) {
        for (const { container } of containersOf(vector.pod)) {
          const there = logs.get(`${vector.id} ${container.name}`);
          if (there === undefined || vector.refused !== undefined) continue;
          const job = { vector, container, mode: 'mount' as const, dist: DIST };
          const { stderr } = await runContainer(base, job);
          const files = ['left.json', 'right.json'].map((name) => path.join(folder, name));
          writeFileSync(files[0] ?? '', snapshotIn(there));
          writeFileSync(files[1] ?? '', ofContainer(stderr));
          const said = Bun.spawnSync([executables().bellhop, 'diff', ...files]);
          const printed = `${said.stdout.toString()}${said.stderr.toString()}`;
          const told = `${vector.id} ${container.name}\n${printed}`;
          expect([said.exitCode, told]).toEqual([0, told]);
          compared.push(told);
        }
      }
      expect(compared.length).toBeGreaterThan(PODS / 3);
    },
    TEST_MS_MAX,
  );
});
