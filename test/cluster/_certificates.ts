// One API server with replicas of the certificate manager, for tests.
import { readState } from '../../src/webhook/certificates-state.ts';
import { DEFAULT_LIVES } from '../../src/webhook/certificates-steps.ts';
import { registrationPlace, secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import type { RegistrationWish } from '../../src/webhook/registration.ts';
import { ONLY_WITH_SECRETS } from '../../src/webhook/registration.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import type { ReplicaWish } from './_certificate-replica.ts';
import { kubeconfigOf } from './_kubeconfig.ts';
import type { Running } from './_replicas.ts';
import { serviceOf, startReplica } from './_replicas.ts';

export const SECRET = secretPlace('flyte', 'hook-tls').path;
export const REGISTRATION = registrationPlace('hook').path;
const WAIT_MS_MAX = 20_000;

/** A leaf a second, an authority every five; API servers get three seconds to know it. */
export const LIVES = {
  ...DEFAULT_LIVES,
  leafLifeMs: 30_000,
  authorityLifeMs: 150_000,
  renewAtShare: 1 / 30,
  settleMs: 3000,
  coldSettleMs: 3000,
};

export type Cluster = Awaited<ReturnType<typeof openCluster>>;

/** Starts it, with namespaces and one address for all replicas; or tells why not. */
export async function openCluster() {
  const started = await startApiServer();
  if ('missing' in started) return { missing: true, open: (): Opened => fail(started.missing) };
  const replicas: Running[] = [];
  const service = await serviceOf(replicas);
  for (const name of ['flyte', 'team']) {
    await started.admin('POST', '/api/v1/namespaces', { metadata: { name } });
  }
  const account = { metadata: { name: 'default' } };
  await started.admin('POST', '/api/v1/namespaces/team/serviceaccounts', account);
  const opened = openedIn(started, replicas, service);
  return { missing: false, open: (): Opened => opened };
}

export type Opened = ReturnType<typeof openedIn>;

function fail(why: string): never {
  throw new Error(why);
}

function openedIn(
  server: ApiServer,
  replicas: Running[],
  service: Awaited<ReturnType<typeof serviceOf>>,
) {
  const registration: RegistrationWish = {
    keep: 'own',
    name: 'hook',
    entryName: 'hook.flyte.org',
    target: { kind: 'url', url: `https://localhost:${service.port}/mutate--v1-pod` },
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    namespaceSelector: undefined,
    namespacesExcluded: ['kube-system', 'flyte'],
    matchConditions: [ONLY_WITH_SECRETS],
    ownerReferences: [],
  };
  return {
    server,
    replicas,
    registration,
    start: (name: string, more: Partial<ReplicaWish> = {}): Running => {
      const replica = startReplica({
        name,
        kubeconfig: kubeconfigOf(server, 'flyte'),
        registration,
        dnsNames: ['localhost'],
        lives: LIVES,
        pollMs: 250,
        leaseMs: 2000,
        killAtCall: 0,
        killAfter: false,
        ...more,
      });
      replicas.push(replica);
      return replica;
    },
    /** The caBundle of the registration, as it is: Base64. */
    bundle: async (): Promise<string> => {
      const found: unknown = await server.admin('GET', REGISTRATION).catch(() => ({}));
      const { webhooks } = found as { webhooks?: { clientConfig: { caBundle?: string } }[] };
      return webhooks?.[0]?.clientConfig.caBundle ?? '';
    },
    setBundle: async (pem: string): Promise<void> => {
      const found: unknown = await server.admin('GET', REGISTRATION);
      const object = found as { webhooks: { clientConfig: { caBundle?: string } }[] };
      for (const one of object.webhooks) {
        one.clientConfig.caBundle = Buffer.from(pem).toString('base64');
      }
      await server.admin('PUT', REGISTRATION, object);
    },
    /** What the shared Secret holds. */
    inspect: async () => {
      const found: unknown = await server.admin('GET', SECRET).catch(() => ({}));
      const { state, faults } = readState(found as Record<string, unknown>);
      const list: unknown = await server.admin('GET', '/api/v1/namespaces/flyte/secrets');
      return { faults, state, secrets: (list as { items: unknown[] }).items.length };
    },
    createPod: async () => createPod(server),
    stop: async (): Promise<void> => {
      for (const one of replicas) one.kill();
      service.close();
      await server.stop();
    },
  };
}

/** Waits; how long it took, in milliseconds. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<number> {
  const fromMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - fromMs > WAIT_MS_MAX) throw new Error(`never: ${what}`);
    await Bun.sleep(20);
  }
  return performance.now() - fromMs;
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    labels: { 'inject-flyte-secrets': 'true' },
    annotations: { 'flyte.secrets/s0': '' },
  },
  spec: { serviceAccountName: 'default', containers: [{ name: 'c', image: 'i' }] },
};

/** Creates one (dryRun): what went wrong; undefined where a replica has answered. */
async function createPod(server: ApiServer): Promise<string | undefined> {
  try {
    const at = '/api/v1/namespaces/team/pods?dryRun=All';
    const answer: unknown = await server.admin('POST', at, POD);
    const { labels } = (answer as { metadata: { labels: Record<string, string> } }).metadata;
    return labels['answered-by'] === undefined ? 'nobody was asked' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export interface Load {
  readonly failed: string[];
  done: number;
  stop(): Promise<void>;
}

/** Creates pods by so many clients, each one after the other. */
export function load(opened: Opened, clients: number): Load {
  let isStopped = false;
  const made: Load = {
    failed: [],
    done: 0,
    stop: async () => {
      isStopped = true;
      await Promise.all(all);
    },
  };
  const all = Array.from({ length: clients }, async () => {
    while (!isStopped) {
      const problem = await opened.createPod();
      made.done += 1;
      if (problem !== undefined) made.failed.push(problem);
    }
  });
  return made;
}
