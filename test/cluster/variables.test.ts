// Variables from a Vault on a real node: a pod that the webhook has handled beside the same pod
// whose values are a Secret of the cluster. The program must not see which one it is.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { realServer } from '../real/_servers.ts';
import { built } from '../support/built.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { Ran } from './_pods.ts';
import { POD_MS_MAX, importImage, runPod } from './_pods.ts';
import { realCluster } from './kit/cluster.ts';
import type { Cluster } from './kit/cluster.ts';

const IMAGE = 'bellhop.test/bellhop:1';
const START_MS_MAX = 2_400_000;
const CANARY = `canary-77be10 $(A) $$ ' "\n`;
const VALUES = { pw: CANARY, other: 'second' };

setDefaultTimeout(2 * POD_MS_MAX);
const found = await realCluster('node');
const vault = await realServer('openbao');
const cluster = found as Cluster;
const isMissing = 'missing' in found || vault.missing !== undefined;
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-variables-'));
const ends: (() => void)[] = [];
let namespace = '';
let port = 0;

/** What is asked for, with the type of the manager that delivers it. */
function podOf(name: string, type: 'K8s' | 'Vault', spec: object): string {
  const secrets = [
    { group: 'secret/app', key: 'pw', envVar: 'TOKEN' },
    { group: 'secret/app', key: 'other', envVar: '' },
  ].map((one) => {
    const group = type === 'K8s' ? 'app' : one.group;
    return encodeSecret({ ...one, group, groupVersion: '', mountRequirement: 1 });
  });
  const annotations = Object.fromEntries(secrets.map((text, n) => [`flyte.secrets/s${n}`, text]));
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, annotations, labels: { 'inject-flyte-secrets': 'true' } },
    spec: {
      nodeName: cluster.env['NODE_NAME'],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...spec,
    },
  });
}

/** Handled by the webhook's own decision, then run by the kubelet. */
async function ranBy(type: 'K8s' | 'Vault', name: string, spec: object): Promise<Ran> {
  const gateway = cluster.env['POD_GATEWAY'] ?? '';
  const config = path.join(folder, 'bellhop.yaml');
  const pull = { image: IMAGE, imagePullPolicy: 'Never' };
  const stores = { bao: { kind: 'vault', address: `http://${gateway}:${port}` } };
  const webhook = { secretManagerTypes: [type], pull };
  writeFileSync(config, JSON.stringify({ apiVersion: 'bellhop/v1', stores, webhook }));
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, podOf(name, type, spec));
  const words = ['mutate', '-f', file, '-c', config, '-o', 'pod'];
  const done = Bun.spawnSync([built().bellhop, ...words]);
  const handled = done.stdout.toString();
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  expect(handled).not.toContain('canary');
  return runPod(cluster, Bun.YAML.parse(handled) as Parameters<typeof runPod>[1]);
}

interface Seen {
  readonly argv: readonly string[];
  readonly pid: number;
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** What the probe has seen; the names of Vault's group stand in the standard variable. */
function seen({ log }: Ran): object {
  const { env, ...rest } = JSON.parse(log) as Seen & Record<string, unknown>;
  const entries = env.map(({ name, value }) => `${name.replace('SECRET/APP', 'APP')}=${value}`);
  const { argv, pid, uid, gid, groups, cwd, umask } = rest;
  const hostless = entries.filter((one) => !one.startsWith('HOSTNAME=')).toSorted();
  return { argv, pid, uid, gid, groups, cwd, umask, env: hostless };
}

beforeAll(async () => {
  if (isMissing) return;
  await importImage(cluster, folder, { name: IMAGE, kind: 'zstd' });
  namespace = await cluster.namespace({});
  const data = Object.fromEntries(Object.entries(VALUES).map(([key, text]) => [key, btoa(text)]));
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'app', namespace }, data };
  const said = await cluster.kubectl(['create', '-f', '-'], secret);
  if (!said.ok) throw new Error(said.err);
  const url = new URL(vault.env['VAULT_ADDR'] ?? '');
  const headers = { 'x-vault-token': vault.env['VAULT_TOKEN'] ?? '' };
  const body = JSON.stringify({ data: VALUES });
  const put = await fetch(`${url.origin}/v1/secret/data/app`, { method: 'POST', headers, body });
  expect(put.status).toBe(200);
  // Pods reach the machine by the gateway's address, the server listens on the loopback.
  const forward = net.createServer((socket) => {
    const there = net.connect(Number(url.port), url.hostname);
    socket.on('error', () => there.destroy());
    there.on('error', () => socket.destroy());
    socket.pipe(there).pipe(socket);
  });
  await new Promise<void>((resolve) => forward.listen(0, '0.0.0.0', resolve));
  port = (forward.address() as net.AddressInfo).port;
  ends.push(() => void forward.close());
}, START_MS_MAX);

afterAll(async () => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true, force: true });
  if (!('missing' in found)) await cluster.clean();
});

describe.skipIf(isMissing)('variables of a Vault, on a node', () => {
  const token = { name: 'VAULT_TOKEN', value: vault.env['VAULT_TOKEN'] ?? '' };
  const env = [
    token,
    { name: 'A', value: 'a' },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'URL', value: 'x://$(TOKEN)@$(NODE)/$$(TOKEN)/$(LATER)' },
    { name: 'LATER', value: '$(URL)$(A)' },
  ];
  const args = ['--url=$(LATER)', '$$(TOKEN)', '$(NODE)', '$(NONE)', ''];
  const main = { name: 'main', image: IMAGE, imagePullPolicy: 'Never', env, args };

  test('the program sees what it sees where the values are a Secret of the cluster', async () => {
    const spec = { containers: [{ ...main, command: ['/probe', '$(A)', '$(TOKEN)'] }] };
    const wanted = seen(await ranBy('K8s', 'by-reference', spec));
    const ran = seen(await ranBy('Vault', 'by-launcher', spec));
    expect(ran).toEqual(wanted);
    const { argv } = ran as Seen;
    expect(argv).toContain(CANARY);
  });

  test('as another user, without a file system to write to', async () => {
    const securityContext = {
      runAsUser: 4711,
      runAsGroup: 4712,
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    };
    const spec = { containers: [{ ...main, command: ['/probe'], securityContext }] };
    const wanted = seen(await ranBy('K8s', 'user-reference', spec));
    expect(seen(await ranBy('Vault', 'user-launcher', spec))).toEqual(wanted);
  });

  test('a secret that is not there starts nothing, and its name is in the log', async () => {
    const gone = { ...main, command: ['/probe'], env: [{ ...token, value: 'wrong' }] };
    const { exit, log } = await ranBy('Vault', 'denied', { containers: [gone] });
    expect(exit).toBe(1);
    expect(log).toContain('secret/app');
    expect(log).not.toContain('canary');
  });
});
