// The node on which random pods run: its images, its Services, its figures.
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import type { Image, Vector } from '../kubelet/vectors.ts';
import { IMAGES } from '../support/random-pod/containers.ts';
import type { LiveApi } from './_live-api.ts';
import { inTurns, openApi } from './_live-api.ts';
import type { LiveNode } from './_live-node.ts';
import { parseQuantity, quantityUnits } from '../../src/wire/quantity.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, run } from './kit/cluster.ts';
import type { Missing } from './kit/cluster.ts';

/** What a cluster of KUBECONFIG can pull: see kit/README.md. */
export const FOREIGN_IMAGE = process.env['BELLHOP_LIVE_IMAGE'] ?? '';

const IMPORT_MS_MAX = 60_000;
const IMAGES_AT_ONCE = 2;
const SERVICES: readonly object[] = [
  { metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } },
  {
    metadata: { name: 'my-web-app' },
    spec: {
      ports: [
        { name: 'http', port: 80 },
        { name: 'metrics-2', port: 9090, protocol: 'UDP' },
      ],
    },
  },
  { metadata: { name: 'headless' }, spec: { clusterIP: 'None', ports: [{ port: 1234 }] } },
];

/** The kit's node; or the cluster of KUBECONFIG, where an image is named for it. */
export async function liveCluster(): Promise<Cluster | Missing> {
  const isForeign = (process.env['KUBECONFIG'] ?? '') !== '' && FOREIGN_IMAGE !== '';
  return realCluster(isForeign ? 'api' : 'node');
}

export interface LiveWorld extends LiveNode {
  readonly namespace: string;
  /** Objects that are there for all pods; declared to both sides, created once. */
  readonly shared: Vector['objects'];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly manyImages: boolean;
  /** Version of the node's kubelet. */
  readonly kubelet: string;
  close(): Promise<void>;
}

/**
 * Images into the node (those of random pods and of these vectors), Services into a namespace. The
 * image's root is that of local runs.
 */
export async function openLiveWorld(
  cluster: Cluster,
  base: Base,
  vectors: readonly Vector[] = [],
): Promise<LiveWorld> {
  const api = await openApi(cluster);
  const manyImages = cluster.env['NODE_NAME'] !== undefined;
  const more = vectors.flatMap((one) => [one.image, ...Object.values(one.images ?? {})]);
  if (manyImages) await importImages(base, [...IMAGES, ...more]);
  const namespace = await cluster.namespace({});
  const shared = await inTurns(SERVICES, 1, (service) => createService(api, namespace, service));
  const { allocatable, kubelet, nodeName } = await nodeOf(api);
  const memory = parseQuantity(allocatable['memory'] ?? '') ?? { nano: 0n };
  const memoryBytes = Number(quantityUnits(memory));
  const kubernetes = (await api.get('/api/v1/namespaces/default/services/kubernetes')) as {
    spec: { clusterIP: string };
  };
  return {
    api,
    nodeName,
    namespace,
    shared,
    allocatable,
    kubelet,
    manyImages,
    marks: { memoryBytes, apiServer: kubernetes.spec.clusterIP },
    imageFor: (image) => (manyImages ? nameOf(image) : FOREIGN_IMAGE),
    close: async () => {
      api.close();
      await cluster.clean();
    },
  };
}

async function createService(api: LiveApi, namespace: string, service: object) {
  const at = `/api/v1/namespaces/${namespace}/services`;
  const { status, body } = await api.call('POST', at, service);
  if (status !== 201) throw new Error(body);
  const { metadata, spec } = JSON.parse(body) as {
    metadata: { name: string };
    spec: { clusterIP: string; ports: readonly object[] };
  };
  const declared = { name: metadata.name, namespace };
  return { apiVersion: 'v1', kind: 'Service', metadata: declared, spec };
}

interface Node {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly taints?: readonly object[] };
  readonly status: {
    readonly allocatable: Readonly<Record<string, string>>;
    readonly nodeInfo: { readonly kubeletVersion: string };
  };
}

/** One node has all pods, since fields of its resources stand in them. */
async function nodeOf(api: LiveApi) {
  const { items } = (await api.get('/api/v1/nodes')) as { items: readonly Node[] };
  const node = items.find(({ spec }) => spec.taints === undefined);
  if (node === undefined) throw new Error('the cluster has no node that takes every pod');
  const { cpu = '', memory = '', ...rest } = node.status.allocatable;
  const disk = rest['ephemeral-storage'] ?? '';
  const kubelet = node.status.nodeInfo.kubeletVersion;
  const allocatable = { cpu, memory, 'ephemeral-storage': disk };
  return { allocatable, kubelet, nodeName: node.metadata.name };
}

/** What the node calls the image of this configuration. */
export function nameOf(image: Image): string {
  const digest = new Bun.CryptoHasher('sha256').update(JSON.stringify(image)).digest('hex');
  return `live.test/probe-${digest.slice(0, 16)}:1`;
}

/** The root of local runs, once for each configuration. */
async function importImages({ image: root }: Base, all: readonly Image[]): Promise<void> {
  const tool = path.join(import.meta.dir, 'kit/image-import');
  const distinct = new Map(all.map((image) => [nameOf(image), image]));
  await inTurns([...distinct.values()], IMAGES_AT_ONCE, async (image) => {
    const words = [
      ...(image.entrypoint === null ? [] : ['--entrypoint', JSON.stringify(image.entrypoint)]),
      ...(image.cmd === null ? [] : ['--cmd', JSON.stringify(image.cmd)]),
      ...(image.env ?? []).flatMap((pair) => ['--env', pair]),
      ...(image.workdir === null ? [] : ['--workdir', image.workdir]),
      ...(image.user === null ? [] : ['--user', image.user]),
      '--keep-owner',
    ];
    const said = await run([tool, root, nameOf(image), ...words], IMPORT_MS_MAX);
    if (!said.ok) throw new Error(said.err);
  });
}
