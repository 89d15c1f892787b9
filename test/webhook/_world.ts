// Replicas of the certificate manager on a simulated clock, and an API server that asks them.
import type { Clock } from '../../src/core/io/types.ts';
import type { CertificateManager, ManagerParts } from '../../src/webhook/certificates-manager.ts';
import { MANAGER_TIMES, openManager } from '../../src/webhook/certificates-manager.ts';
import type { CertificateSource } from '../../src/webhook/certificate-source.ts';
import { issuerOf } from '../../src/webhook/certificates-x509.ts';
import { DEFAULT_LIVES } from '../../src/webhook/certificates-steps.ts';
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { registrationPlace, secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import type { RegistrationWish } from '../../src/webhook/registration.ts';
import { trustedIn } from '../../src/webhook/registration.ts';
import { simulation } from '../support/simulated.ts';
import type { MemoryCluster } from './_memory-api.ts';
import { memoryCluster } from './_memory-api.ts';

export const SECRET = secretPlace('flyte', 'hook-tls').path;
export const FLYTES = secretPlace('flyte', 'flyte-pod-webhook').path;
export const REGISTRATION = registrationPlace('hook').path;
/** API servers were measured to need 1.5 s to see a changed registration. */
export const CACHE_MS = 1500;
export const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

export const WISH: RegistrationWish = {
  keep: 'own',
  name: 'hook',
  entryName: 'hook.flyte.org',
  target: { kind: 'service', name: 'hook', namespace: 'flyte', path: '/mutate--v1-pod', port: 443 },
  failurePolicy: 'Fail',
  timeoutSeconds: 10,
  namespaceSelector: undefined,
  namespacesExcluded: ['kube-system', 'flyte'],
  matchConditions: [],
  ownerReferences: [],
};

export const DNS_NAMES = ['hook.flyte.svc', 'hook', 'hook.flyte', 'hook.flyte.svc.cluster.local'];

export interface Replica {
  readonly name: string;
  readonly manager: CertificateManager;
  source: CertificateSource | undefined;
  isAlive: boolean;
}

export interface World {
  readonly cluster: MemoryCluster;
  readonly clock: Clock;
  readonly told: string[];
  /** What was not as it should be at any moment. */
  readonly broken: string[];
  readonly nowMs: () => number;
  /** `around` may fail calls, or never answer them. */
  replica(name: string, more?: Partial<ManagerParts>, around?: Around): Replica;
  pass(ms: number): Promise<void>;
  kill(replica: Replica): void;
  /** The clock of all is set otherwise. */
  jump(ms: number): void;
}

export type Around = (api: KubernetesApi, replica: () => Replica) => KubernetesApi;

export function world(from?: { objects: ReadonlyMap<string, KubeObject>; nowMs: number }): World {
  const simulated = simulation(7);
  const cluster = memoryCluster(from?.objects);
  let startMs = from?.nowMs ?? START_MS;
  const nowMs = (): number => startMs + simulated.clock.now();
  const clock = { ...simulated.clock, now: nowMs };
  const replicas: Replica[] = [];
  const bundles = bundleHistory(cluster, () => simulated.clock.monotonicMs());
  bundles.note();
  const told: string[] = [];
  const broken: string[] = [];
  const check = (): void => {
    for (const { name, source, isAlive } of replicas) {
      if (source === undefined || !isAlive) continue;
      const { certPem, notAfterMs } = source.current();
      if (notAfterMs <= nowMs()) broken.push(`${name} serves what has ended, at ${nowMs()}`);
      for (const pem of bundles.seen()) {
        if (issuerOf(certPem, pem, nowMs()) !== undefined) continue;
        broken.push(`${name} serves what is not trusted, ${simulated.clock.now()} ms`);
      }
    }
  };
  cluster.onWrite = (path) => {
    if (path === REGISTRATION) bundles.note();
    check();
  };
  const made: World = {
    clock,
    cluster,
    told,
    broken,
    nowMs,
    replica: (name, more = {}, around) => {
      const own: { replica?: Replica } = {};
      const plain = cluster.client(nowMs);
      const find = (): Replica => own.replica as Replica;
      const api = around === undefined ? plain : around(plain, find);
      const manager = openManager({
        api,
        clock,
        random: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
        tell: (level, what) => told.push(`${name}: ${level}: ${what}`),
        secretName: 'hook-tls',
        flyteSecretName: 'flyte-pod-webhook',
        dnsNames: DNS_NAMES,
        lives: DEFAULT_LIVES,
        registration: WISH,
        leaseName: 'hook',
        identity: name,
        ...MANAGER_TIMES,
        ...more,
      });
      const replica: Replica = { name, manager, source: undefined, isAlive: true };
      own.replica = replica;
      replicas.push(replica);
      void manager.start().then((source) => {
        replica.source = source;
        source.onChange(check);
        check();
      });
      return replica;
    },
    kill: (replica) => {
      replica.isAlive = false;
      void replica.manager.stop();
    },
    jump: (ms) => {
      startMs += ms;
    },
    pass: async (ms) => {
      await simulated.run(
        new Promise<void>((resolve) => {
          simulated.clock.after(ms, resolve);
        }),
      );
      check();
    },
  };
  return made;
}

/** All bundles that some API server may still see, or sees already. */
function bundleHistory(cluster: MemoryCluster, nowMs: () => number) {
  const history: { readonly pem: string; readonly sinceMs: number }[] = [];
  return {
    note: () => {
      const trusted = trustedIn(cluster.objects.get(REGISTRATION), WISH);
      const pem = trusted.map((one) => one.pem).join('');
      // Before there is any bundle nobody is asked.
      if (pem !== '' || history.length > 0) history.push({ pem, sinceMs: nowMs() });
    },
    seen: () => {
      const fromMs = nowMs() - CACHE_MS;
      const next = (at: number): number => history[at + 1]?.sinceMs ?? Infinity;
      return history.filter((_, at) => next(at) > fromMs).map(({ pem }) => pem);
    },
  };
}

/** How many authorities API servers trust now. */
export function trustedCount({ cluster }: World): number {
  return trustedIn(cluster.objects.get(REGISTRATION), WISH).length;
}
