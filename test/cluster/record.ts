// The developers' tool: node scripts/bun.mjs test/cluster/record.ts FILE… runs the pods of vectors
// on the node and writes what was seen into their files: test/golden/kubelet-live.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { removeBase } from '../kubelet/rootfs.ts';
import { tryBase } from '../kubelet/setting.ts';
import type { Vector } from '../kubelet/vectors.ts';
import { readVectors } from '../kubelet/vectors.ts';
import { recordAll } from './_live-node.ts';
import { openLiveWorld } from './_live-world.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, until } from './kit/cluster.ts';

/** Without what is this run's, or this machine's. */
function scrubbed({ refused, ...vector }: Vector, { env }: Cluster): Vector {
  if (refused === undefined) return vector;
  const message = refused.message
    .replaceAll(path.dirname(env['KUBE_LOGS'] ?? '/none/log'), '<NODE>')
    .replace(/\b[0-9a-f]{64}\b/g, '<ID>')
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<POD_UID>')
    .replace(/\b0x[0-9a-f]{12}\b/g, '<ADDRESS>');
  return { ...vector, refused: { ...refused, message } };
}

const cluster = await realCluster('node');
const base = tryBase();
if ('missing' in cluster || typeof base === 'string') throw new Error('no node: see above');
const files = process.argv.slice(2);
const vectors = files.flatMap(readVectors);
const world = await openLiveWorld(cluster, base, vectors);
try {
  for (const [index, { snapshot: _, refused: _was, ...vector }] of vectors.entries()) {
    const namespace = vector.pod.metadata.namespace ?? 'default';
    await cluster.kubectl(['create', 'namespace', namespace]);
    await until(async () => (await cluster.kubectl(['-n', namespace, 'get', 'sa/default'])).ok);
    const [recorded] = await recordAll(world, [vector]);
    if (recorded === undefined) throw new Error(`${vector.id}: nothing was recorded`);
    const written = scrubbed(recorded, cluster);
    writeFileSync(files[index] ?? '', `${JSON.stringify(written, undefined, 1)}\n`);
    console.log(vector.id, written.refused?.message ?? 'ran');
    await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  }
} finally {
  await world.close();
  removeBase(base);
}
process.exit(0);
