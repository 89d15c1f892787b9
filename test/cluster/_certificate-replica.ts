// One replica as a process of its own: the certificate manager and the webhook's server, against
// the API server of a kubeconfig. Prints one JSON object a line. May kill itself at its n-th call.
import { onEndSignal } from '../../src/core/io/signals.ts';
import { openSystem } from '../../src/core/io/system.ts';
import { openManager } from '../../src/webhook/certificates-manager.ts';
import type { CertificateLives } from '../../src/webhook/certificates-steps.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { openLog } from '../../src/webhook/log.ts';
import { openMetrics } from '../../src/webhook/metrics.ts';
import type { RegistrationWish } from '../../src/webhook/registration.ts';
import { SERVER_DEFAULTS, startServer } from '../../src/webhook/server.ts';
import { callsThrough } from '../webhook/_memory-api.ts';

/** What the process is told, as JSON in its first argument. */
export interface ReplicaWish {
  readonly name: string;
  readonly kubeconfig: string;
  readonly registration: RegistrationWish;
  readonly dnsNames: readonly string[];
  readonly lives: CertificateLives;
  readonly pollMs: number;
  readonly leaseMs: number;
  /** From 1; 0 never. */
  readonly killAtCall: number;
  readonly killAfter: boolean;
}

/** A line of its output. */
export type ReplicaLine =
  | { readonly port: number }
  | { readonly level: string; readonly what: string; readonly facts?: object };

function killing(api: KubernetesApi, { killAtCall, killAfter }: ReplicaWish): KubernetesApi {
  let calls = 0;
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls !== killAtCall) return call();
    // The request is on its way, or was answered; either way nothing follows.
    if (killAfter) await call();
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
  return callsThrough(api, around);
}

function print(line: ReplicaLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(wish: ReplicaWish): Promise<void> {
  const { io } = openSystem();
  const { kubeconfig, name, pollMs, leaseMs, lives, dnsNames, registration } = wish;
  const opened = await openKubernetesApi({
    io,
    options: { kubeconfig },
    variable: () => undefined,
  });
  const manager = openManager({
    api: killing(opened, wish),
    clock: io.clock,
    random: (count) => io.random(count),
    tell: (level, what, facts) => print({ level, what, ...(facts && { facts }) }),
    secretName: 'hook-tls',
    flyteSecretName: undefined,
    dnsNames,
    lives,
    registration,
    leaseName: 'hook',
    leaseMs,
    identity: name,
    pollMs,
  });
  const certificates = await manager.start();
  const path = '/metadata/labels/answered-by';
  const mutate: Mutate = async () => {
    const patch = [{ op: 'add', path, value: name }] as const;
    return { kind: 'patched', patch, delivered: [], warnings: [] };
  };
  const free = { host: '127.0.0.1', port: 0 };
  const server = await startServer({
    settings: { ...SERVER_DEFAULTS, reviews: free, status: free, drainMs: 900 },
    mutate,
    certificates,
    clock: io.clock,
    log: openLog({ level: 'error', clock: io.clock, write: (text) => io.stderr(text) }),
    metrics: openMetrics(),
  });
  onEndSignal(() => {
    server.end();
    void manager.stop();
  });
  print({ port: server.reviewsPort });
  await server.ended;
  process.exit(0);
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as ReplicaWish);
