// The chart on a real node: the image, asked by the API server through the Service.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { ENV_VAR } from '../../src/wire/flyte-secret.ts';
import { askingPod, IMAGE, importImage, install, uninstall } from './_installed.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, realHelm, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
setDefaultTimeout(120_000);

const found = await realCluster('node');
const cluster = found as Cluster;
const helmFound = await realHelm();
const helm = helmFound as string;
const isThere = !('missing' in found) && typeof helmFound === 'string';
const { kubectl } = cluster;
const CANARY = 'canary-9c41d7';

async function must(args: readonly string[], input?: unknown): Promise<string> {
  const said = await kubectl(args, input);
  if (!said.ok) throw new Error(`kubectl ${args.join(' ')}: ${said.err}`);
  return said.out;
}

/** The namespace of pods that ask, and nobody else's. */
function onlyFor(asking: string): object {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': asking } } };
}

const config = { webhook: { secretManagerTypes: ['K8s'] } };

beforeAll(async () => {
  if (isThere) await importImage();
}, START_MS_MAX);

describe.skipIf(!isThere)('two replicas under Pod Security restricted', () => {
  /** The kit's certificate is for the Service `bellhop` of this namespace. */
  const place = { cluster, helm, namespace: 'bellhop', name: 'bellhop' };
  let asking = '';

  beforeAll(async () => {
    asking = await cluster.namespace();
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { name: place.namespace, labels };
    await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata });
    const { WEBHOOK_CERT: cert = '', WEBHOOK_KEY: key = '', WEBHOOK_CA: ca = '' } = cluster.env;
    const pair = [`--cert=${cert}`, `--key=${key}`];
    await must(['-n', place.namespace, 'create', 'secret', 'tls', 'bellhop-tls', ...pair]);
    await install(place, {
      image: IMAGE,
      certificates: { mode: 'files', caBundle: btoa(readFileSync(ca, 'utf8')) },
      registration: onlyFor(asking),
      policy: { enabled: true },
      config,
    });
  });

  afterAll(async () => {
    await uninstall(place);
    await kubectl(['delete', 'namespace', place.namespace, '--ignore-not-found']);
    await cluster.clean();
  });

  test('are ready, and never started again', async () => {
    const field = '-o=jsonpath={.status.readyReplicas}';
    expect(await must(['-n', place.namespace, 'get', 'deployment', 'bellhop', field])).toBe('2');
    const restarts = '-o=jsonpath={.items[*].status.containerStatuses[*].restartCount}';
    expect(await must(['-n', place.namespace, 'get', 'pods', restarts])).toBe('0 0');
  });

  test('a pod that asks for a secret finds it, and the safety net lets it in', async () => {
    await must(['-n', asking, 'create', 'secret', 'generic', 'g', `--from-literal=k=${CANARY}`]);
    // The API server hears of the registration by a watch; the safety net refuses until it has.
    await until(async () => (await kubectl(['create', '-f', '-'], askingPod(asking, 'asks'))).ok);
    const ended = '--for=jsonpath={.status.phase}=Succeeded';
    await must(['-n', asking, 'wait', ended, '--timeout=60s', 'pod/asks']);
    // The probe lists what every file holds as base64.
    const seen = await must(['-n', asking, 'logs', 'asks']);
    expect(seen).toContain(`"content":"${btoa(CANARY)}"`);
    const logs = await must(['-n', place.namespace, 'logs', 'deployment/bellhop', '--tail=-1']);
    expect(logs).not.toContain(CANARY);
  });

  test('while all replicas are replaced, no call fails', async () => {
    await must(['-n', place.namespace, 'rollout', 'restart', 'deployment/bellhop']);
    let isDone = false;
    const failed: string[] = [];
    let calls = 0;
    const ask = async (): Promise<void> => {
      while (!isDone) {
        const pod = askingPod(asking, 'never');
        const said = await kubectl(['create', '--dry-run=server', '-f', '-'], pod);
        calls++;
        if (!said.ok) failed.push(said.err);
      }
    };
    const status = ['rollout', 'status', 'deployment/bellhop', '--timeout=90s'];
    // Until the last of the old ones is gone, too.
    const hasTwo = async (): Promise<boolean> => {
      const pods = await must(['-n', place.namespace, 'get', 'pods', '-o', 'name']);
      return pods.trim().split('\n').length === 2;
    };
    const rolled = must(['-n', place.namespace, ...status])
      .then(async () => until(hasTwo))
      .finally(() => (isDone = true));
    await Promise.all([rolled, ask(), ask()]);
    expect(failed).toEqual([]);
    expect(calls).toBeGreaterThan(5);
    console.log(`${calls} calls while all replicas were replaced`);
  });
});

// The kit has no way from the pods' network to the API server: on the node's own there is one.
describe.skipIf(!isThere)('certificates of its own, with the rights that the chart gives', () => {
  const url = new URL(cluster.env?.['KUBE_API'] ?? 'https://127.0.0.1:6443');
  const extraEnv = [
    { name: 'KUBERNETES_SERVICE_HOST', value: url.hostname },
    { name: 'KUBERNETES_SERVICE_PORT', value: url.port },
  ];

  test.each(['chart', 'server'])('registered by the %s', async (mode) => {
    const [namespace, asking] = [await cluster.namespace(), await cluster.namespace()];
    const place = { cluster, helm, namespace, name: namespace };
    const registration = { mode, ...onlyFor(asking) };
    const allow = [{ name: 'asking', namespaces: [asking] }];
    await install(place, {
      image: IMAGE,
      hostNetwork: true,
      replicaCount: 1,
      extraEnv: [...extraEnv, { name: 'FLYTE_SECRET_G_K', value: CANARY }],
      registration,
      policy: { enabled: true },
      rbac: { valueSecrets: { namespaces: [asking] } },
      config: { webhook: { ...config.webhook, allow } },
    });
    try {
      const pod = askingPod(asking, 'asks');
      await until(async () => {
        return (await kubectl(['create', '--dry-run=server', '-f', '-'], pod)).ok;
      });
      await must(['create', '-f', '-'], askingPod(asking, 'of-the-webhook', ENV_VAR));
      const ended = '--for=jsonpath={.status.phase}=Succeeded';
      await must(['-n', asking, 'wait', ended, '--timeout=60s', 'pod/of-the-webhook']);
      const seen = await must(['-n', asking, 'logs', 'of-the-webhook']);
      expect(seen).toContain(`{"name":"_UNION_G_K","value":"${CANARY}"}`);
      const written = await must(['-n', asking, 'get', 'pod/of-the-webhook', '-o', 'json']);
      expect(written).not.toContain(CANARY);
      await must(['-n', namespace, 'get', 'lease', `${namespace}-values`]);
      const logs = await must(['-n', namespace, 'logs', `deployment/${namespace}`, '--tail=-1']);
      expect(logs).not.toMatch(/forbidden|"level":"error"/i);
      expect(logs).not.toContain(CANARY);
    } finally {
      await uninstall(place);
      await kubectl(['delete', 'mutatingwebhookconfiguration', namespace, '--ignore-not-found']);
      await cluster.clean();
    }
  });
});
