// `npm run bench -- pods`: how long a pod takes to its program, on a real node, with secrets of AWS
// (moto) beside it: by the webhook, which the API server asks, by an init container a secret, of a
// Secret of the cluster, and without. Nothing is pulled from a registry; one pod at a time,
// contestants in turn. The kubelet looks once a second which containers have ended, so pods begin
// at all parts of a second.
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { importImage } from '../cluster/_pods.ts';
import { openRoutesWorld } from '../cluster/_routes-world.ts';
import type { Cluster } from '../cluster/kit/cluster.ts';
import { realCluster, until } from '../cluster/kit/cluster.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { tryBase } from '../kubelet/setting.ts';
import { keepResults, machine } from './measure.ts';
import { CANDIDATES } from './pod-candidates.ts';
import type { Contestant, Stage } from './pod-shapes.ts';
import { CONTESTANTS, KEYS_SECRET, PLANS, plansOf } from './pod-shapes.ts';

const ROUNDS = Number(process.env['BELLHOP_BENCH_ROUNDS'] ?? 6);
const SECRETS_MAX = 30;
/** Parts of a second that are spread evenly, however many pods there are. */
const GOLDEN = 0.618_034;
const POD_MS_MAX = 120_000;
const IMAGE = 'bellhop.test/bench:1';

/** Milliseconds from the request that creates the pod to the first act of its program. */
async function timeToMain(stage: Stage, one: Contestant, count: number): Promise<number> {
  const { promise: started, resolve } = Promise.withResolvers<number>();
  const server = net.createServer((socket) => {
    resolve(performance.now());
    socket.on('error', () => socket.destroy());
    socket.end();
  });
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as net.AddressInfo;
  const name = `bench-${count}`;
  const pod = await one.pod(stage, { name, port });
  const { namespace } = pod['metadata'] as { namespace: string };
  const at = `/api/v1/namespaces/${namespace}/pods`;
  await Bun.sleep((count * GOLDEN * 1000) % 1000);
  const from = performance.now();
  const { status, body } = await stage.api.call('POST', at, pod);
  if (status !== 201) throw new Error(body);
  const late = Bun.sleep(POD_MS_MAX).then(() => Number.NaN);
  const end = await Promise.race([started, late]);
  server.close();
  if (Number.isNaN(end)) throw new Error(`${one.name} did not start in ${POD_MS_MAX} ms`);
  await stage.api.call('DELETE', `${at}/${name}?gracePeriodSeconds=0`);
  await until(async () => (await stage.api.call('GET', `${at}/${name}`)).status === 404);
  return end - from;
}

async function create(stage: Stage, kind: string, object: object): Promise<void> {
  const at = `/api/v1/namespaces/${stage.plainNamespace}/${kind}`;
  const { status, body } = await stage.api.call('POST', at, object);
  if (status !== 201) throw new Error(body);
}

async function measureAll(stage: Stage, all: readonly Contestant[]): Promise<number[][]> {
  const samples = all.map((): number[] => []);
  let count = 0;
  // The first round warms caches.
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, one] of all.entries()) {
      const ms = await timeToMain(stage, one, count++);
      if (round >= 0) samples[index]?.push(ms);
    }
  }
  return samples;
}

async function onNode(cluster: Cluster, all: readonly Contestant[]): Promise<number[][]> {
  const base = tryBase();
  if (typeof base === 'string') throw new Error(base);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-pods-'));
  const world = await openRoutesWorld(cluster, base);
  try {
    const route = world?.routes.find(({ store }) => store.startsWith('AWS'));
    if (route === undefined) throw new Error('this bench wants moto: see above');
    await importImage(cluster, folder, { name: IMAGE, kind: 'zstd', busybox: true });
    const secrets = [];
    for (let n = 0; n < SECRETS_MAX; n++) secrets.push(await route.put(`k${n}`, `value-${n}`));
    const plainNamespace = await cluster.namespace({});
    const gateway = cluster.env['POD_GATEWAY'] ?? '';
    const stage: Stage = {
      route,
      api: route.live.api,
      plainNamespace,
      secrets,
      image: IMAGE,
      gateway,
    };
    const data = Object.fromEntries(secrets.map(({ key }, n) => [key, btoa(`value-${n}`)]));
    await create(stage, 'secrets', { metadata: { name: KEYS_SECRET }, data });
    await create(stage, 'configmaps', { metadata: { name: PLANS }, data: await plansOf(stage) });
    return await measureAll(stage, all);
  } finally {
    await world?.close();
    removeBase(base);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints what secrets add to the start of a pod, and keeps it; `candidates` of other ways. */
export async function bench(only?: string): Promise<void> {
  const cluster = await realCluster('node');
  if ('missing' in cluster) throw new Error('this bench wants a node: see above');
  const all = only === 'candidates' ? CANDIDATES : CONTESTANTS;
  report(all, await onNode(cluster, all), only === 'candidates' ? 'pods-candidates' : 'pods');
}

function report(
  all: readonly Contestant[],
  samples: readonly (readonly number[])[],
  file: string,
): void {
  const rows = all.map(({ name }, index) => {
    const sorted = (samples[index] ?? []).toSorted((a, b) => a - b);
    const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
    return { name, minMs: sorted[0] ?? 0, medianMs: sorted[sorted.length >> 1] ?? 0, meanMs };
  });
  const [base] = rows;
  console.log(`${machine()}; ${ROUNDS} interleaved rounds\n`);
  console.log(`${'time to the program, ms'.padEnd(58)}   min  median    mean   added`);
  for (const { name, minMs, medianMs, meanMs } of rows) {
    const cells = [minMs, medianMs, meanMs, meanMs - (base?.meanMs ?? 0)];
    console.log(`${name.padEnd(58)}${cells.map((ms) => ms.toFixed(0).padStart(7)).join('')}`);
  }
  keepResults(file, { rounds: ROUNDS, rows });
}
