// The webhook's own decisions, with the rights that the chart gives, asked by a real API server.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { webhookParts } from '../../src/cli/webhook-parts.ts';
import { openSystem } from '../../src/core/io/system.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { storedName } from '../../src/injectors/_embedded-names.ts';
import { objects } from '../deploy/_helm.ts';
import { endAll, serve, swappable } from '../webhook/_server.ts';
import type { TestServer } from '../webhook/_server.ts';
import { kubeconfigOf } from './_kubeconfig.ts';
import type { Cluster } from './kit/cluster.ts';

export const CANARY = 'canary-58d0';
/** What Flyte's secret service would have stored. */
export const BINARY = new Uint8Array([0, 255, 36, 40, 65, 41, 10]);

/** A webhook that is asked about pods of one namespace. */
export interface Hooked {
  readonly api: KubernetesApi;
  /** Two replicas; the API server asks the first. */
  readonly servers: readonly TestServer[];
  stop(): Promise<void>;
}

export interface HookWish {
  readonly cluster: Cluster;
  readonly helm: string;
  /** Where the webhook is, and where pods are. */
  readonly own: string;
  readonly team: string;
  /** More of bellhop.yaml, and of its section for the webhook. */
  readonly more?: { readonly config: object; readonly webhook: object };
}

/** Makes roles, account and registration, and serves. */
export async function hooked(wish: HookWish): Promise<Hooked> {
  const { cluster, own, team } = wish;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-values-'));
  const kubeconfig = await account(wish);
  const { io } = openSystem();
  const variables = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    POD_NAMESPACE: own,
    FLYTE_SECRET_GLOBAL_TOK: CANARY,
  };
  const env = Object.entries(variables).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const placed = { ...io, arrival: { ...io.arrival, env } };
  const api = await openKubernetesApi({
    io: placed,
    options: { kubeconfig },
    variable: (name) => (name === 'POD_NAMESPACE' ? own : undefined),
  });
  const config = path.join(folder, 'bellhop.yaml');
  const webhook = {
    serviceName: own,
    secretManagerTypes: ['Embedded'],
    embeddedSecretManagerConfig: { type: 'K8s', k8sConfig: { namespace: own } },
    valueSecrets: { namespaces: [team] },
    allow: [{ name: 'team', namespaces: [team] }],
    ...wish.more?.webhook,
  };
  writeFileSync(
    config,
    JSON.stringify({ apiVersion: 'bellhop/v1', ...wish.more?.config, webhook }),
  );
  const certificates = swappable({
    cert: readFileSync(cluster.env['WEBHOOK_CERT'] ?? '', 'utf8'),
    key: readFileSync(cluster.env['WEBHOOK_KEY'] ?? '', 'utf8'),
  });
  const replica = async (): Promise<TestServer> => {
    const { mutate } = await webhookParts(placed, config, api);
    return serve({ certificates, mutate, more: { events: api } });
  };
  const servers = [await replica(), await replica()];
  const registration = registrationOf(wish, servers[0]?.reviewsPort ?? 0);
  await must(cluster, ['create', '-f', '-'], registration);
  return {
    api,
    servers,
    stop: async () => {
      await cluster.kubectl(['delete', 'mutatingwebhookconfiguration', own]);
      for (const kind of ['clusterrole', 'clusterrolebinding']) {
        await cluster.kubectl(['delete', kind, own, '--ignore-not-found']);
      }
      await endAll();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The chart's roles, and what its account says that it is. */
async function account({ cluster, helm, own, team }: HookWish): Promise<string> {
  const rbac = { valueSecrets: { namespaces: [team] }, readSecrets: { namespaces: [own] } };
  const all = await objects({ helm, namespace: own }, { fullnameOverride: own, rbac });
  const roles = all.filter(({ kind }) => /Role|ServiceAccount/.test(kind));
  await must(cluster, ['create', '-f', '-'], { apiVersion: 'v1', kind: 'List', items: roles });
  const token = await must(cluster, ['-n', own, 'create', 'token', own]);
  const { KUBE_API: url = '', KUBE_CA: ca = '' } = cluster.env;
  return kubeconfigOf({ url, files: { ca, cert: '', key: '' } }, own, { token: token.trim() });
}

function registrationOf({ cluster, own, team }: HookWish, port: number): object {
  const caBundle = btoa(readFileSync(cluster.env['WEBHOOK_CA'] ?? '', 'utf8'));
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: own },
    webhooks: [
      {
        name: `${own}.flyte.org`,
        clientConfig: { url: `https://localhost:${port}/mutate--v1-pod`, caBundle },
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
        ],
        failurePolicy: 'Fail',
        reinvocationPolicy: 'IfNeeded',
        sideEffects: 'NoneOnDryRun',
        admissionReviewVersions: ['v1'],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': team } },
      },
    ],
  };
}

/** Keeps a value where Flyte's secret service would have it for the project p. */
export async function store({ cluster, own }: HookWish, key: string): Promise<void> {
  const id = storedName({ organization: 'o', domain: 'd', project: 'p' }, key);
  const name = new Bun.CryptoHasher('md5').update(id).digest('hex');
  const data = { [id]: Buffer.from(BINARY).toString('base64') };
  const metadata = { name, namespace: own };
  await must(cluster, ['create', '-f', '-'], { apiVersion: 'v1', kind: 'Secret', metadata, data });
}

/** What kubectl printed; throws what it says where it fails. */
export async function must(
  { kubectl }: Cluster,
  args: readonly string[],
  input?: unknown,
): Promise<string> {
  const said = await kubectl(args, input);
  if (!said.ok) throw new Error(`kubectl ${args.join(' ')}: ${said.err}`);
  return said.out;
}
