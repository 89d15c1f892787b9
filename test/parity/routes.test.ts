// Recorded pods, delivered by `bellhop run` with and without the right to mount, each with a
// snapshot of what the program is given: the two differ only in what has a name.
import { afterAll, describe, expect, test } from 'bun:test';
import { diff } from '../../src/parity/diff.ts';
import { readSnapshot } from '../../src/parity/document.ts';
import type { Snapshot } from '../../src/parity/types.ts';
import { removeBase, hasContent } from '../kubelet/rootfs.ts';
import type { Base } from '../kubelet/rootfs.ts';
import { runContainer } from '../kubelet/run.ts';
import type { Mode } from '../kubelet/run.ts';
import { DIST, baseFor } from '../kubelet/setting.ts';
import type { Container, Vector } from '../kubelet/vectors.ts';
import { GOLDEN, mountPath, readVectors } from '../kubelet/vectors.ts';

const TEST_MS_MAX = 60_000;
const KEY = 'the key of both sides of this test';
const made = baseFor('snapshots of both routes');

/** What may differ between the two, and does in some of these pods. */
const NAMED = [
  'memory-link',
  'file-link',
  'second-path-link',
  'mount-as-folder',
  'folder-on-disk',
  'read-only-root',
];

/** Needs what only a cluster can give, or starts without a shell of its own to look from. */
function isFit({ pod, snapshot }: Vector, base: Base): boolean {
  const [container] = pod.spec.containers;
  const manifest = JSON.stringify(pod);
  if (container === undefined || snapshot?.containers?.[container.name] === undefined) return false;
  if (
    /serviceAccountToken|fieldPath":"(status|spec\.nodeName|metadata\.uid)|resourceFieldRef/.test(
      manifest,
    )
  ) {
    return false;
  }
  const mounts = container.volumeMounts ?? [];
  const isHidden = mounts.some((mount) => hasContent(base, mountPath(mount.mountPath)));
  return mounts.length > 0 && !isHidden && container.tty !== true;
}

/** The container with a snapshot in the place of its program. */
function watched(vector: Vector): { vector: Vector; container: Container } {
  const copy = structuredClone(vector);
  const [container] = copy.pod.spec.containers;
  if (container === undefined) throw new Error('no container');
  const several = copy.pod.spec.containers.length + (copy.pod.spec.initContainers ?? []).length > 1;
  container.command = [
    '/bellhop/bellhop',
    'snapshot',
    '-f',
    '/bellhop-input/pod.yaml',
    '-c',
    '/bellhop-input/bellhop.yaml',
    ...(several ? ['--container', container.name] : []),
  ];
  container.args = [];
  container.env = [...(container.env ?? []), { name: 'BELLHOP_SNAPSHOT_KEY', value: KEY }];
  return { vector: copy, container };
}

describe.skipIf(made === undefined)('with the right to mount and without', () => {
  const base = made as Base;
  const used = new Set<string>();
  const taken = async (vector: Vector, mode: Mode): Promise<Snapshot> => {
    const outcome = await runContainer(base, { ...watched(vector), mode, dist: DIST });
    expect([outcome.exit, outcome.stderr]).toEqual([0, '']);
    return readSnapshot(outcome.stdout, vector.id);
  };
  const fit = readVectors(GOLDEN).filter((vector) => isFit(vector, base));

  test.each(fit.map((vector) => [vector.id, vector] as const))(
    '%s differs only in what has a name',
    async (_, vector) => {
      const [mounted, linked] = [await taken(vector, 'mount'), await taken(vector, 'no-mount')];
      const { differences, incomplete } = diff(mounted, linked);
      const unnamed = differences.filter(({ rule }) => !NAMED.includes(rule ?? ''));
      // The right to mount is a capability, and /dev/shm of the pod's own is another mount.
      const left = unnamed.filter(({ rule, name }) => {
        return !(rule === 'sandbox' || (rule === 'mount-details' && name === '/dev/shm'));
      });
      expect([left, incomplete]).toEqual([[], []]);
      for (const { rule } of differences) used.add(rule ?? '');
    },
    TEST_MS_MAX,
  );

  test('and each of the names is needed by some pod', () => {
    expect(NAMED.filter((name) => !used.has(name))).toEqual([]);
  });

  afterAll(() => removeBase(base));
});
