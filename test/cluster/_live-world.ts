// The node on which random pods run: its images, its Services, its figures.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import type { Image, Vector } from '../kubelet/vectors.ts';
import { IMAGES } from '../support/random-pod/containers.ts';
import type { LiveApi } from './_live-api.ts';
import { inTurns, openApi } from './_live-api.ts';
import type { LiveNode } from './_live-node.ts';
import type { Cluster } from './kit/cluster.ts';
import { run } from './kit/cluster.ts';

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

/** Images into the node, Services into a namespace. The image's root is that of local runs. */
export async function openLiveWorld(cluster: Cluster, base: Base): Promise<LiveWorld> {
  const api = await openApi(cluster);
  const nodeName = cluster.env['NODE_NAME'];
  const given = process.env['BELLHOP_LIVE_IMAGE'];
  const manyImages = nodeName !== undefined;
  if (!manyImages && given === undefined) {
    api.close();
    throw new Error('BELLHOP_LIVE_IMAGE must name an image that the cluster can pull: see README');
  }
  if (manyImages) await importImages(base);
  const namespace = await cluster.namespace({});
  const shared = await inTurns(SERVICES, 1, (service) => createService(api, namespace, service));
  const { allocatable, kubelet } = await nodeOf(api, nodeName);
  const memoryBytes = Number.parseInt(allocatable['memory'] ?? '', 10) * 1024;
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
    imageFor: (image) => (manyImages ? nameOf(image) : String(given)),
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

interface NodeStatus {
  readonly allocatable: Readonly<Record<string, string>>;
  readonly nodeInfo: { readonly kubeletVersion: string };
}

async function nodeOf(api: LiveApi, name: string | undefined) {
  const { items } = (await api.get('/api/v1/nodes')) as {
    items: { metadata: { name: string }; status: NodeStatus }[];
  };
  const node = items.find(({ metadata }) => name === undefined || metadata.name === name);
  const { cpu = '', memory = '', ...rest } = node?.status.allocatable ?? {};
  const disk = rest['ephemeral-storage'] ?? '';
  const kubelet = node?.status.nodeInfo.kubeletVersion ?? '';
  return { allocatable: { cpu, memory, 'ephemeral-storage': disk }, kubelet };
}

/** What the node calls the image of this configuration. */
export function nameOf(image: Image): string {
  const index = IMAGES.findIndex((one) => Bun.deepEquals(one, image));
  if (index < 0) throw new Error('an image that is not in IMAGES');
  return `live.test/probe-${index}:1`;
}

/** The root of local runs, once for each configuration. */
async function importImages({ image: root }: Base): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-live-'));
  const tool = path.join(import.meta.dir, 'kit/image-import');
  try {
    await inTurns(IMAGES, IMAGES_AT_ONCE, async (image) => {
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
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
