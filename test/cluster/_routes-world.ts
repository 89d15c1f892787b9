// A node with our webhook on it, and an OpenBao and a moto that pods and `run` reach alike.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { awsCall, keyOf } from '../real/_aws-call.ts';
import type { RealServer } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import type { Base } from '../kubelet/rootfs.ts';
import { IMAGES } from '../support/random-pod/containers.ts';
import { forwarding } from './_forward.ts';
import type { LiveWorld } from './_live-world.ts';
import { nameOf, openLiveWorld } from './_live-world.ts';
import { importImage } from './_pods.ts';
import { hooked } from './_values.ts';
import type { Cluster } from './kit/cluster.ts';
import { realHelm } from './kit/cluster.ts';

/** Our image in the node, with the probe. */
export const PULL_IMAGE = 'bellhop.test/bellhop:1';
const REGION = 'us-east-1';

/** A secret as an annotation asks for it, and the type of the manager that has it. */
export interface Kept {
  readonly group: string;
  readonly key: string;
}

/** One namespace, with a webhook whose secrets are in one store. */
export interface Route {
  readonly store: string;
  readonly live: LiveWorld;
  /** bellhop.yaml of `run`: the same bindings as the webhook's. */
  readonly settings: object;
  /** How pods and `run` prove who they are. */
  readonly credentials: readonly { readonly name: string; readonly value: string }[];
  readonly kept: readonly Kept[];
  /** Keeps one more value. */
  put(key: string, value: string): Promise<Kept>;
}

export interface RoutesWorld {
  readonly kubelet: string;
  readonly routes: readonly Route[];
  close(): Promise<void>;
}

/** The values, with the bytes that variables and files must carry alike. */
const VALUES: Readonly<Record<string, string>> = {
  plain: 'plain',
  pw: `p$(A)$$w "quoted" 'single' \\ é`,
  lines: 'one\ntwo\r\n\n',
  empty: '',
  url: 'postgres://u:p@h/d?a=b&c=%20',
  json: '{"a": 1.0, "b": [null, "x"]}',
  long: 'x'.repeat(20_000),
};
const RUN = Math.random().toString(36).slice(2, 8);

type Put = Route['put'];

/** KV v2: a path for each key, so that one can be put after another. */
function vaultPut(vault: RealServer): Put {
  return async (key, value) => {
    const group = `secret/routes-${RUN}-${key}`;
    const at = `${vault.get('VAULT_ADDR')}/v1/secret/data/routes-${RUN}-${key}`;
    const headers = { 'x-vault-token': vault.get('VAULT_TOKEN') };
    const body = JSON.stringify({ data: { [key]: value } });
    const answer = await fetch(at, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`${at}: ${answer.status}`);
    return { group, key };
  };
}

function awsPut(aws: RealServer): Put {
  const url = `${aws.get('AWS_ENDPOINT_URL')}/`;
  const target = 'secretsmanager.CreateSecret';
  const group = `routes-${RUN}`;
  return async (key, SecretString) => {
    const body = { Name: `${group}:${key}`, SecretString };
    const call = { service: 'secretsmanager', url, target, body, key: keyOf(aws) };
    const answer = await awsCall(call);
    if (!answer.ok) throw new Error(`CreateSecret: ${answer.status} ${await answer.text()}`);
    return { group, key };
  };
}

async function putAll(put: Put, values: Readonly<Record<string, string>>): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (const [key, value] of Object.entries(values)) kept.push(await put(key, value));
  return kept;
}

/** A store, and all that the two sides say of it. */
interface Side {
  readonly type: 'Vault' | 'AWS';
  readonly store: string;
  readonly stores: object;
  readonly kept: readonly Kept[];
  readonly put: Put;
  readonly credentials: Route['credentials'];
}

async function vaultSide(vault: RealServer, at: (url: string) => Promise<string>): Promise<Side> {
  const address = await at(vault.get('VAULT_ADDR'));
  const put = vaultPut(vault);
  return {
    type: 'Vault',
    store: 'OpenBao',
    stores: { bao: { kind: 'vault', address } },
    kept: await putAll(put, VALUES),
    put,
    credentials: [{ name: 'VAULT_TOKEN', value: vault.get('VAULT_TOKEN') }],
  };
}

async function awsSide(aws: RealServer, at: (url: string) => Promise<string>): Promise<Side> {
  const endpoint = await at(aws.get('AWS_ENDPOINT_URL'));
  const { id, secret } = keyOf(aws);
  const put = awsPut(aws);
  // AWS keeps no empty value.
  const { empty: _, ...values } = VALUES;
  return {
    type: 'AWS',
    store: 'AWS Secrets Manager (moto)',
    stores: { sm: { kind: 'aws-secrets-manager', region: REGION, endpoint } },
    kept: await putAll(put, values),
    put,
    credentials: [
      { name: 'AWS_ACCESS_KEY_ID', value: id },
      { name: 'AWS_SECRET_ACCESS_KEY', value: secret },
    ],
  };
}

/** What the webhook is told of images, since it asks no registry. */
const STARTED = Object.fromEntries(
  IMAGES.map((image) => {
    const { entrypoint, cmd } = image;
    return [nameOf(image), { entrypoint: entrypoint ?? [], cmd: cmd ?? [] }];
  }),
);

/** Undefined where something is missing: the reason was printed. */
export async function openRoutesWorld(
  cluster: Cluster,
  base: Base,
): Promise<RoutesWorld | undefined> {
  const helm = await realHelm();
  const [vault, aws] = [await realServer('openbao'), await realServer('moto')];
  if (typeof helm !== 'string' || (vault.missing ?? aws.missing) !== undefined) return undefined;
  const live = await openLiveWorld(cluster, base);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-routes-'));
  const ends: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
    await live.close();
  };
  const reachable = async (url: string): Promise<string> => {
    const { server, port } = await forwarding(new URL(url));
    ends.push(() => server.close());
    return `http://${cluster.env['POD_GATEWAY'] ?? ''}:${port}`;
  };
  const open = async ({ type, ...side }: Side): Promise<Route> => {
    const [own, team] = [await cluster.namespace({}), await cluster.namespace({})];
    const webhook = { secretManagerTypes: [type], images: STARTED };
    const pull = { image: PULL_IMAGE, imagePullPolicy: 'Never' };
    const more = { config: { stores: side.stores }, webhook: { ...webhook, pull } };
    const hook = await hooked({ cluster, helm, own, team, more });
    ends.push(() => hook.stop());
    const settings = { stores: side.stores, webhook };
    return { ...side, settings, live: { ...live, namespace: team, shared: [] } };
  };
  try {
    await importImage(cluster, folder, { name: PULL_IMAGE, kind: 'zstd' });
    const sides = [await vaultSide(vault, reachable), await awsSide(aws, reachable)];
    const routes = [];
    for (const side of sides) routes.push(await open(side));
    return { kubelet: live.kubelet, routes, close };
  } catch (error) {
    await close();
    throw error;
  }
}
