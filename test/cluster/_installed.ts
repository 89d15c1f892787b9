// The chart with the image that was built, on the kit's node.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CHART } from '../../scripts/chart.ts';
import { imageOf } from '../../scripts/image.ts';
import { writeLayout } from '../../scripts/oci-layout.ts';
import { encodeSecret, FILE } from '../../src/wire/flyte-secret.ts';
import { built } from '../support/built.ts';
import type { Cluster } from './kit/cluster.ts';
import { run } from './kit/cluster.ts';

const TOOL_MS_MAX = 120_000;
const REPOSITORY = 'bellhop.test/installed';

/** The image in the node, as values name it. */
export const IMAGE = { repository: REPOSITORY, tag: '1', pullPolicy: 'Never' };

/** Builds the image and gives it to the node. */
export async function importImage(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-installed-'));
  try {
    const { bellhop } = built();
    const runtime = path.join(path.dirname(bellhop), 'bellhop-runtime');
    const name = `${REPOSITORY}:1`;
    const pressing = { kind: 'zstd', level: 1 } as const;
    const image = imageOf({ machine: 'x64', bellhop, runtime, name, pressing });
    writeLayout(image, path.join(folder, 'image'));
    const tool = path.join(import.meta.dir, 'kit/image-import');
    const said = await run([tool, path.join(folder, 'image.tar'), name], TOOL_MS_MAX);
    if (!said.ok) throw new Error(said.err);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where a release is to be. */
export interface Place {
  readonly cluster: Cluster;
  readonly helm: string;
  readonly namespace: string;
  /** The release's name. */
  readonly name: string;
}

/** Installs the chart and waits until it is ready, else throws what pods and logs say. */
export async function install(place: Place, values: object): Promise<void> {
  const { cluster, helm, namespace, name } = place;
  const command = [helm, 'install', name, CHART, '--wait', '--timeout=90s', '--values=-'];
  const said = await run([...command, ...access(place)], TOOL_MS_MAX, JSON.stringify(values));
  if (said.ok) return;
  const pods = await cluster.kubectl(['-n', namespace, 'describe', 'pods']);
  const logs = await cluster.kubectl(['-n', namespace, 'logs', `deployment/${name}`, '--tail=20']);
  throw new Error(`${said.err}\n${pods.out.slice(-1500)}\n${logs.out}`);
}

/** Takes the release away, and waits until its pods are gone. */
export async function uninstall(place: Place): Promise<void> {
  const command = [place.helm, 'uninstall', place.name, '--ignore-not-found', '--wait'];
  await run([...command, ...access(place)], TOOL_MS_MAX);
}

function access({ cluster, namespace }: Place): string[] {
  return [`--namespace=${namespace}`, `--kubeconfig=${cluster.env['KUBECONFIG'] ?? ''}`];
}

const SECRET = { group: 'g', groupVersion: '', key: 'k', envVar: '' };

/** A pod that asks for key k of group g, as a file or as a variable, and prints what it sees. */
export function askingPod(namespace: string, name: string, mountRequirement = FILE): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: { 'flyte.secrets/s0': encodeSecret({ ...SECRET, mountRequirement }) },
    },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'bellhop.test/probe:1', imagePullPolicy: 'Never' }],
    },
  };
}
