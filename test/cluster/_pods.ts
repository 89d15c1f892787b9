// Our image on the node, and pods that run once and are read.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { partsOf } from '../../scripts/image.ts';
import { layoutOf, writeLayout } from '../../scripts/oci-layout.ts';
import { built } from '../support/built.ts';
import type { Cluster } from './kit/cluster.ts';
import { run, until } from './kit/cluster.ts';

export const POD_MS_MAX = 60_000;

export interface Ran {
  /** Of the first container. */
  readonly exit: number;
  readonly log: string;
}

interface PodStatus {
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

interface ContainerStatus {
  readonly state: { readonly terminated?: { readonly exitCode: number } };
}

interface Wished {
  readonly name: string;
  readonly kind: 'gzip' | 'zstd';
  /** With the machine's own, which is static. */
  readonly busybox?: boolean;
}

/** The image, with the probe as the program that a user's image would have. */
export async function importImage(
  cluster: Cluster,
  folder: string,
  { name, kind, busybox = false }: Wished,
): Promise<void> {
  const { bellhop } = built();
  const runtime = path.join(path.dirname(bellhop), 'bellhop-runtime');
  const pressing = { kind, level: 1 } as const;
  const parts = partsOf({ machine: 'x64', bellhop, runtime, name, pressing });
  const probe = { name: 'probe', mode: 0o755, bytes: readFileSync(cluster.env['PROBE'] ?? '') };
  const shell = { name: 'usr/bin/busybox', mode: 0o755 };
  const more = busybox ? [{ ...shell, bytes: readFileSync('/bin/busybox') }] : [];
  const layout = layoutOf({ ...parts, layers: [...parts.layers, [probe, ...more]] });
  writeLayout(layout, path.join(folder, kind));
  const tool = path.join(import.meta.dir, 'kit/image-import');
  const said = await run([tool, path.join(folder, `${kind}.tar`), name], POD_MS_MAX);
  if (!said.ok) throw new Error(said.err);
}

/**
 * Creates a pod, which never restarts, and waits for the end of its container, or of an init
 * container that fails, whose log it is then.
 */
export async function runPod(
  cluster: Cluster,
  pod: { readonly metadata: { readonly name: string; readonly namespace: string } },
): Promise<Ran> {
  const { name, namespace } = pod.metadata;
  const made = await cluster.kubectl(['create', '-f', '-'], pod);
  if (!made.ok) throw new Error(made.err);
  const about = ['-n', namespace, 'get', 'pod', name, '-o', 'json'];
  let exit = -1;
  let of: readonly string[] = [];
  await until(async () => {
    const { status } = JSON.parse((await cluster.kubectl(about)).out) as { status: PodStatus };
    const codes = (all: readonly ContainerStatus[] = []): number[] => {
      return all.map(({ state }) => state.terminated?.exitCode ?? -1);
    };
    const failed = codes(status.initContainerStatuses).findIndex((code) => code > 0);
    if (failed >= 0) of = await initContainer(cluster, about, failed);
    exit = (failed < 0 ? codes(status.containerStatuses) : [1])[0] ?? -1;
    return exit >= 0;
  }, POD_MS_MAX);
  const { out } = await cluster.kubectl(['-n', namespace, 'logs', name, ...of]);
  return { exit, log: out };
}

async function initContainer(
  cluster: Cluster,
  about: readonly string[],
  index: number,
): Promise<string[]> {
  const pod = JSON.parse((await cluster.kubectl([...about])).out) as {
    readonly spec: { readonly initContainers: readonly { readonly name: string }[] };
  };
  return ['-c', pod.spec.initContainers[index]?.name ?? ''];
}
