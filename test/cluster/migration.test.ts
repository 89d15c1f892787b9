// From Flyte's webhook to ours and back, on a real API server: both react to one label, and a label
// of the namespace says which of them is asked. In Flyte's place stands bellhop under the profile
// `flyte`, under Flyte's names: its answers are Flyte's, vector by vector.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { encodeSecret, FILE } from '../../src/wire/flyte-secret.ts';
import { built } from '../support/built.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import { closedPort } from '../support/ports.ts';
import { kubeconfigOf } from './_kubeconfig.ts';
import { until } from './kit/cluster.ts';

const TEST_MS_MAX = 120_000;
const START_MS_MAX = 60_000;
/** Pods that are created one after another while the label changes. */
const PODS = 40;

const found = await startApiServer();
const isMissing = 'missing' in found;
const server = found as ApiServer;
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-migration-'));
const programs: Bun.Subprocess[] = [];

const HOME = 'hooks';
const TEAM = 'team';
const NAMESPACES = '/api/v1/namespaces';
const REGISTRATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const LABEL = 'example.org/secrets-by';
const SELECTORS: Readonly<Record<string, { matchExpressions?: object[]; matchLabels?: object }>> = {
  flyte: { matchExpressions: [{ key: LABEL, operator: 'NotIn', values: ['bellhop'] }] },
  bellhop: { matchLabels: { [LABEL]: 'bellhop' } },
};
const SERVICES = { flyte: 'flyte-pod-webhook', bellhop: 'bellhop-webhook' };
type Which = keyof typeof SERVICES;

/** Starts one of the two as a process, behind a Service; ready when it answers. */
async function start(
  which: Which,
  { answers = 'readyz', more = {} }: { answers?: 'readyz' | 'healthz'; more?: object } = {},
): Promise<Bun.Subprocess> {
  const [port, statusPort] = [await closedPort(), await closedPort()];
  const name = SERVICES[which];
  await server
    .admin('POST', `${NAMESPACES}/${HOME}/services`, {
      metadata: { name },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    .catch(() => undefined);
  const webhook = {
    profile: which === 'flyte' ? 'flyte' : 'native',
    secretManagerType: 'K8s',
    serviceName: name,
    secretName: `${name}-tls`,
    servicePort: port,
    listenPort: port,
    statusPort,
    drainMs: 2000,
    cacheInvalidationPort: 0,
    namespaceSelector: {
      ...SELECTORS[which],
      matchExpressions: [
        { key: 'kubernetes.io/metadata.name', operator: 'In', values: [TEAM] },
        ...(SELECTORS[which]?.matchExpressions ?? []),
      ],
    },
    ...more,
  };
  const config = path.join(folder, `${which}.yaml`);
  writeFileSync(config, JSON.stringify({ apiVersion: 'bellhop/v1', webhook }));
  const env = {
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: kubeconfigOf(server, HOME),
    POD_NAMESPACE: HOME,
  };
  const log = Bun.file(path.join(folder, `${which}.log`));
  const child = Bun.spawn([built().bellhop, 'webhook', '-c', config], { env, stderr: log });
  programs.push(child);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(await log.text());
    return (
      (await fetch(`http://127.0.0.1:${statusPort}/${answers}`).catch(() => undefined))?.ok === true
    );
  }, START_MS_MAX);
  return child;
}

const SECRET = { group: 'g', groupVersion: '', key: 'k', mountRequirement: FILE, envVar: 'AT' };

interface Volume {
  readonly secret?: { readonly secretName: string; readonly optional?: boolean };
}

/** Who has handled a pod that is created now; nobody, or twice, is told in words. */
async function handledBy(): Promise<string> {
  const pod = {
    metadata: {
      generateName: 'p-',
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: { 'flyte.secrets/s0': encodeSecret(SECRET) },
    },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'x' }] },
  };
  const answer: unknown = await server
    .admin('POST', `${NAMESPACES}/${TEAM}/pods?dryRun=All`, pod)
    .catch((error: unknown) => String(error));
  if (typeof answer === 'string') return answer;
  const { spec } = answer as {
    spec: { volumes?: readonly Volume[]; containers: readonly { env?: readonly object[] }[] };
  };
  const volumes = (spec.volumes ?? []).flatMap(({ secret }) => (secret ? [secret] : []));
  const variables = spec.containers[0]?.env?.length ?? 0;
  if (volumes.length !== 1 || variables !== 3) {
    return `${volumes.length} volumes, ${variables} variables`;
  }
  return volumes[0]?.optional === true ? 'flyte' : 'bellhop';
}

async function giveTo(which: Which): Promise<void> {
  const at = `${NAMESPACES}/${TEAM}`;
  const labels = which === 'bellhop' ? { [LABEL]: 'bellhop' } : {};
  await server.admin('PUT', at, { metadata: { name: TEAM, labels } });
}

/** The namespace changes hands while pods are created: each must have had one of the two. */
async function handOver(to: Which): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let n = 0; n < PODS; n += 1) {
    if (n === PODS / 4) await giveTo(to);
    seen.push(await handledBy());
  }
  await until(async () => {
    seen.push(await handledBy());
    return seen.at(-1) === to;
  });
  return seen;
}

beforeAll(async () => {
  if (isMissing) return;
  for (const name of [HOME, TEAM]) await server.admin('POST', NAMESPACES, { metadata: { name } });
  const account = { metadata: { name: 'default' } };
  await server.admin('POST', `${NAMESPACES}/${TEAM}/serviceaccounts`, account);
}, START_MS_MAX);

afterAll(async () => {
  for (const one of programs) one.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  if (!isMissing) await server.stop();
}, START_MS_MAX);

let flyte: Bun.Subprocess | undefined;

async function end(program: Bun.Subprocess | undefined): Promise<void> {
  program?.kill('SIGTERM');
  await program?.exited;
}

describe.skipIf(isMissing)('a namespace changes hands, and no pod goes without', () => {
  test(
    'from Flyte to bellhop, a restart of Flyte in between, and back',
    async () => {
      flyte = await start('flyte');
      await until(async () => (await handledBy()) === 'flyte');
      await start('bellhop');

      const there = await handOver('bellhop');
      expect(new Set(there)).toEqual(new Set(['flyte', 'bellhop']));

      // Flyte registers itself again at each start: its selector holds, and ours is untouched.
      await end(flyte);
      flyte = await start('flyte');
      for (let n = 0; n < 5; n += 1) expect(await handledBy()).toBe('bellhop');

      const back = await handOver('flyte');
      expect(new Set(back)).toEqual(new Set(['flyte', 'bellhop']));
    },
    TEST_MS_MAX,
  );

  test(
    'in the end Flyte registers nothing, and its registration can go',
    async () => {
      await giveTo('bellhop');
      await until(async () => (await handledBy()) === 'bellhop');
      const registration = `${REGISTRATIONS}/${SERVICES.flyte}`;
      // Flyte's own makes it at each start; the one in its place would also put it back meanwhile.
      await end(flyte);
      await server.admin('DELETE', registration);
      // Without any registration it is never ready: nobody would ask it.
      const more = { disableCreateMutatingWebhookConfig: true };
      await start('flyte', { answers: 'healthz', more });
      const gone = await server.admin('GET', registration).catch(String);
      expect(gone).toContain('404');
      for (let n = 0; n < 5; n += 1) expect(await handledBy()).toBe('bellhop');
    },
    TEST_MS_MAX,
  );
});
