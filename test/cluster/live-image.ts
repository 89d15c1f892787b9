// The image for `BELLHOP_LIVE_IMAGE`: node scripts/bun.mjs test/cluster/live-image.ts OUT.tar NAME
// writes it as an OCI archive, to be pushed to where the cluster of KUBECONFIG can pull it.
import path from 'node:path';
import process from 'node:process';
import { removeBase } from '../kubelet/rootfs.ts';
import { tryBase } from '../kubelet/setting.ts';
import { run } from './kit/cluster.ts';

const MS_MAX = 60_000;
const [out, name] = process.argv.slice(2);
if (out === undefined || name === undefined) throw new Error('usage: live-image.ts OUT.tar NAME');
const base = tryBase();
if (typeof base === 'string') throw new Error(base);
try {
  const tool = path.join(import.meta.dir, 'kit/images/mkimage.py');
  const words = ['--entrypoint', '["/probe"]', '--keep-owner'];
  const said = await run(['python3', tool, out, name, base.image, ...words], MS_MAX);
  if (!said.ok) throw new Error(said.err);
  console.log(said.out.trim());
} finally {
  removeBase(base);
}
