// A Vault that pods of the kit's node reach, and pods that the webhook has handled for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { realServer } from '../real/_servers.ts';
import { built } from '../support/built.ts';
import { forwarding } from './_forward.ts';
import { importImage } from './_pods.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster } from './kit/cluster.ts';

/** Our image on the node; it has the probe too. */
export const IMAGE = 'bellhop.test/bellhop:1';

export interface VaultWorld {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Of the node's kubelet: 33 of 1.33. */
  readonly minor: number;
  /** The variable by which pods prove who they are. */
  readonly token: { readonly name: string; readonly value: string };
  /** The host as pods see it; there once a pod was. */
  readonly gateway: string;
  /** Puts a value of KV v2 at secret/NAME. */
  put(name: string, data: Readonly<Record<string, string>>): Promise<void>;
  /** What `bellhop mutate` makes of a pod whose secrets come from managers of this type. */
  handled(type: 'K8s' | 'Vault', pod: { metadata: { name: string } }, how?: How): Handled;
  close(): Promise<void>;
}

/** How variables of the Vault arrive. */
export type How = 'launcher' | 'fileKeyRef';

export interface Handled {
  readonly text: string;
  readonly pod: { readonly metadata: { readonly name: string; readonly namespace: string } };
}

/** Undefined where there is no node, or no server: the reason was printed. */
export async function openVaultWorld(): Promise<VaultWorld | undefined> {
  const cluster = await realCluster('node');
  const vault = await realServer('openbao');
  if ('missing' in cluster || vault.missing !== undefined) return undefined;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-vault-world-'));
  await importImage(cluster, folder, { name: IMAGE, kind: 'zstd' });
  const namespace = await cluster.namespace({});
  const url = new URL(vault.get('VAULT_ADDR'));
  const value = vault.get('VAULT_TOKEN');
  const forward = await forwarding(url);
  const gateway = cluster.env['POD_GATEWAY'] ?? '';
  const address = `http://${gateway}:${forward.port}`;
  return {
    cluster,
    namespace,
    minor: await minorOf(cluster),
    gateway,
    token: { name: 'VAULT_TOKEN', value },
    put: async (name, data) => {
      const headers = { 'x-vault-token': value };
      const body = JSON.stringify({ data });
      const at = `${url.origin}/v1/secret/data/${name}`;
      const answer = await fetch(at, { method: 'POST', headers, body });
      if (!answer.ok) throw new Error(`${at}: ${answer.status}`);
    },
    handled: (type, pod, variables = 'launcher') => {
      const pull = { image: IMAGE, imagePullPolicy: 'Never', variables };
      const stores = { bao: { kind: 'vault', address } };
      const webhook = { secretManagerTypes: [type], pull };
      const config = path.join(folder, 'bellhop.yaml');
      writeFileSync(config, JSON.stringify({ apiVersion: 'bellhop/v1', stores, webhook }));
      const file = path.join(folder, 'pod.json');
      writeFileSync(file, JSON.stringify(pod));
      const words = ['mutate', '-f', file, '-c', config, '-o', 'pod'];
      const done = Bun.spawnSync([built().bellhop, ...words]);
      if (done.exitCode !== 0) throw new Error(done.stderr.toString());
      const text = done.stdout.toString();
      return { text, pod: Bun.YAML.parse(text) as Handled['pod'] };
    },
    close: async () => {
      forward.server.close();
      rmSync(folder, { recursive: true, force: true });
      await cluster.clean();
    },
  };
}

async function minorOf({ kubectl, env }: Cluster): Promise<number> {
  const what = 'jsonpath={.status.nodeInfo.kubeletVersion}';
  const { out } = await kubectl(['get', 'node', env['NODE_NAME'] ?? '', '-o', what]);
  return Number(/^v1\.(\d+)\./.exec(out)?.[1]);
}
