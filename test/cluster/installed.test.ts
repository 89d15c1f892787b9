// The chart on a real node: two replicas of the image, asked by the API server through the Service.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compileRuntime } from '../../scripts/build.ts';
import { CHART } from '../../scripts/chart.ts';
import { imageOf } from '../../scripts/image.ts';
import { writeLayout } from '../../scripts/oci-layout.ts';
import { COMMANDS } from '../../src/cli/main.ts';
import { encodeSecret, FILE } from '../../src/wire/flyte-secret.ts';
import { built } from '../support/built.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, realHelm, run, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
const TOOL_MS_MAX = 120_000;
setDefaultTimeout(TOOL_MS_MAX);

const found = await realCluster('node');
const cluster = found as Cluster;
const helmFound = await realHelm();
const helm = helmFound as string;
const isThere = !('missing' in found) && typeof helmFound === 'string';
const { kubectl } = cluster;
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-installed-'));
/** The kit's certificate is for the Service `bellhop` of this namespace. */
const NAMESPACE = 'bellhop';
const REPOSITORY = 'bellhop.test/installed';
let asking = '';

async function must(args: readonly string[], input?: unknown): Promise<string> {
  const said = await kubectl(args, input);
  if (!said.ok) throw new Error(`kubectl ${args.join(' ')}: ${said.err}`);
  return said.out;
}

/** The real runtime once it is a webhook; until then one that only marks pods. */
function runtime(beside: string): string {
  if (Object.hasOwn(COMMANDS, 'webhook')) return path.join(beside, 'bellhop-runtime');
  const outfile = path.join(folder, 'bellhop-runtime');
  compileRuntime(path.join(import.meta.dir, '_stand-in.ts'), outfile);
  return outfile;
}

async function importImage(): Promise<void> {
  const { bellhop } = built();
  const name = `${REPOSITORY}:1`;
  const files = { bellhop, runtime: runtime(path.dirname(bellhop)) };
  const image = imageOf({ machine: 'x64', ...files, name, pressing: { kind: 'zstd', level: 1 } });
  writeLayout(image, path.join(folder, 'image'));
  const tool = path.join(import.meta.dir, 'kit/image-import');
  const said = await run([tool, path.join(folder, 'image.tar'), name], TOOL_MS_MAX);
  if (!said.ok) throw new Error(said.err);
}

async function helmed(args: readonly string[], values?: object): Promise<void> {
  const access = ['--namespace', NAMESPACE, '--kubeconfig', cluster.env['KUBECONFIG'] ?? ''];
  const said = await run([helm, ...args, ...access], TOOL_MS_MAX, JSON.stringify(values ?? {}));
  if (!said.ok) {
    const { out } = await kubectl(['-n', NAMESPACE, 'describe', 'pods']);
    const logs = await kubectl(['-n', NAMESPACE, 'logs', 'deployment/bellhop', '--tail=20']);
    throw new Error(`${said.err}\n${out.slice(-1500)}\n${logs.out}`);
  }
}

beforeAll(async () => {
  if (!isThere) return;
  await importImage();
  asking = await cluster.namespace();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const metadata = { name: NAMESPACE, labels };
  await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata });
  const { WEBHOOK_CERT: cert = '', WEBHOOK_KEY: key = '', WEBHOOK_CA: ca = '' } = cluster.env;
  const files = [`--cert=${cert}`, `--key=${key}`];
  await must(['-n', NAMESPACE, 'create', 'secret', 'tls', 'bellhop-tls', ...files]);
  await helmed(['install', 'bellhop', CHART, '--wait', '--timeout=90s', '--values=-'], {
    image: { repository: REPOSITORY, tag: '1', pullPolicy: 'Never' },
    certificates: { mode: 'files', caBundle: btoa(readFileSync(ca, 'utf8')) },
    registration: {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': asking } },
    },
    policy: { enabled: true },
    config: { webhook: { secretManagerTypes: ['K8s'] } },
  });
}, START_MS_MAX);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (!isThere) return;
  await run(
    [
      helm,
      'uninstall',
      'bellhop',
      `--namespace=${NAMESPACE}`,
      `--kubeconfig=${cluster.env['KUBECONFIG']}`,
    ],
    TOOL_MS_MAX,
  );
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found']);
  await cluster.clean();
}, TOOL_MS_MAX);

describe.skipIf(!isThere)('installed on a node', () => {
  test('two replicas are ready under Pod Security restricted, without a restart', async () => {
    const field = '-o=jsonpath={.status.readyReplicas}';
    expect(await must(['-n', NAMESPACE, 'get', 'deployment', 'bellhop', field])).toBe('2');
    const restarts = '-o=jsonpath={.items[*].status.containerStatuses[*].restartCount}';
    expect(await must(['-n', NAMESPACE, 'get', 'pods', restarts])).toBe('0 0');
  });

  test('a pod that asks for secrets is handled, as the safety net wants it', async () => {
    const secret = { group: 'g', groupVersion: '', key: 'k', mountRequirement: FILE, envVar: '' };
    const metadata = {
      name: 'asks',
      namespace: asking,
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: { 'flyte.secrets/s0': encodeSecret(secret) },
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'c', image: 'x' }] },
    };
    let annotations: Readonly<Record<string, string>> = {};
    await until(async () => {
      const said = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], pod);
      if (!said.ok) return false;
      ({ annotations } = (
        JSON.parse(said.out) as { metadata: { annotations: typeof annotations } }
      ).metadata);
      return annotations['bellhop/status'] !== undefined;
    });
    expect(Object.keys(annotations)).toContain('flyte.secrets/s0');
  });
});
