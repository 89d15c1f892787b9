// An image for snapshots: the root of local runs, with bellhop, its C library, and a program that
// waits.
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import { DIST } from '../kubelet/setting.ts';
import { layOutBellhop } from '../support/built.ts';
import { run } from './kit/cluster.ts';

const IMPORT_MS_MAX = 120_000;
const KIT = path.join(import.meta.dir, 'kit');

/** What the node calls it; its program is the probe. */
export const SNAPSHOT_IMAGE = 'live.test/snapshot:1';

async function must(command: readonly string[]): Promise<string> {
  const done = await run([...command], IMPORT_MS_MAX);
  if (!done.ok) throw new Error(done.err);
  return done.out;
}

/** Gives the image to the kit's node; `folder` is for what it is made of. */
export async function importSnapshotImage({ image }: Base, folder: string): Promise<void> {
  const root = path.join(folder, 'root');
  await must(['cp', '-a', image, root]);
  layOutBellhop(root, 'bellhop', DIST);
  const waiting = ['-o', path.join(root, 'waits'), path.join(KIT, 'images/pause.c')];
  await must(['cc', '-std=gnu11', '-static', '-Os', ...waiting]);
  const words = ['--entrypoint', '["/probe"]', '--keep-owner'];
  await must([path.join(KIT, 'image-import'), root, SNAPSHOT_IMAGE, ...words]);
}
