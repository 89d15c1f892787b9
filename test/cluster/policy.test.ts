// The safety net, and what becomes of pods while the webhook is down: with a real API server.
import { afterAll, describe, expect, test } from 'bun:test';
import { encodeSecret, FILE } from '../../src/wire/flyte-secret.ts';
import type { KubeObject, Values } from '../deploy/_helm.ts';
import { objects } from '../deploy/_helm.ts';
import type { Cluster, Said } from './kit/cluster.ts';
import { realCluster, realHelm, until } from './kit/cluster.ts';

const TEST_MS_MAX = 60_000;

const found = await realCluster('api');
const cluster = found as Cluster;
const helmFound = await realHelm();
const helm = helmFound as string;
const isThere = !('missing' in found) && typeof helmFound === 'string';
const { kubectl } = cluster;
const made: (() => Promise<Said>)[] = [];

const SECRET = { group: 'g', groupVersion: '', key: 'k', mountRequirement: FILE, envVar: '' };
const ASKS = { 'flyte.secrets/s0': encodeSecret(SECRET) };
const LABEL = { 'inject-flyte-secrets': 'true' };

interface PodParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The answer for a pod that is not stored. */
async function ask(namespace: string, { labels = LABEL, annotations = ASKS }: PodParts = {}) {
  const spec = { containers: [{ name: 'c', image: 'x' }] };
  const metadata = { generateName: 'p-', namespace, labels, annotations };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
  return kubectl(['create', '--dry-run=server', '-f', '-'], pod);
}

/** Objects of the chart that have no namespace; they see only the namespace that is given. */
async function apply(namespace: string, kinds: RegExp, values: Values): Promise<void> {
  const registration = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    ...(values['registration'] as object | undefined),
  };
  const release = { helm, namespace: `${namespace}-hooks`, name: namespace };
  const all = await objects(release, { ...values, registration });
  const items: readonly KubeObject[] = all.filter((one) => kinds.test(one.kind));
  const list = { apiVersion: 'v1', kind: 'List', items };
  const said = await kubectl(['create', '-f', '-'], list);
  if (!said.ok) throw new Error(said.err);
  made.push(async () => kubectl(['delete', '--wait=false', '-f', '-'], list));
}

const POLICY = /^ValidatingAdmissionPolicy/;
const REGISTRATION = /^MutatingWebhookConfiguration$/;

/** The API server hears of policies and webhooks by a watch: asked until it has heard. */
async function whenHeard(namespace: string, isHeard: (said: Said) => boolean): Promise<Said> {
  let said: Said = { ok: false, out: '', err: '' };
  await until(async () => isHeard((said = await ask(namespace))));
  return said;
}

/** A counter of the API server about a webhook, as the alerts of the chart ask for it. */
async function counted(metric: string, webhook: string): Promise<string> {
  const { out } = await kubectl(['get', '--raw', '/metrics']);
  const lines = out.split('\n').filter((line) => line.startsWith(`${metric}{`));
  return lines.filter((line) => line.includes(`name="${webhook}"`)).join('\n');
}

afterAll(async () => {
  if (!isThere) return;
  for (const remove of made) await remove();
  await cluster.clean();
}, TEST_MS_MAX);

describe.skipIf(!isThere)('the safety net', () => {
  test(
    'refuses a pod that asks for secrets and was not handled, and nothing else',
    async () => {
      const namespace = await cluster.namespace();
      const other = await cluster.namespace();
      await apply(namespace, POLICY, { policy: { enabled: true } });
      const refused = await whenHeard(namespace, ({ ok }) => !ok);
      expect(refused.err).toContain('the pod asks for secrets and was not seen by bellhop');
      expect(refused.err).toContain(`${namespace}-handled`);

      const WELL: readonly (readonly [string, PodParts])[] = [
        ['it was handled', { annotations: { ...ASKS, 'bellhop/status': 'injected' } }],
        ['it asks for nothing', { annotations: { other: 'x' } }],
        ['it has no annotation', { annotations: {} }],
        ['it has no label', { labels: {} }],
        ['its label says no', { labels: { 'inject-flyte-secrets': 'false' } }],
      ];
      for (const [why, parts] of WELL) {
        expect([why, (await ask(namespace, parts)).ok]).toEqual([why, true]);
      }
      expect((await ask(other)).ok).toBe(true);
      const second = { annotations: { 'flyte.secrets/s17': 'x' } };
      expect((await ask(namespace, second)).ok).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    'warns, where it is told to',
    async () => {
      const namespace = await cluster.namespace();
      const policy = { enabled: true, validationActions: ['Warn', 'Audit'] };
      await apply(namespace, POLICY, { policy });
      const warned = await whenHeard(namespace, ({ err }) => err !== '');
      expect(warned.ok).toBe(true);
      expect(warned.err).toContain('would start without them');
    },
    TEST_MS_MAX,
  );
});

describe.skipIf(!isThere)('while the webhook is down', () => {
  test(
    'failurePolicy Fail refuses pods that ask for secrets, and lets others in',
    async () => {
      const namespace = await cluster.namespace();
      await apply(namespace, REGISTRATION, {});
      const refused = await whenHeard(namespace, ({ ok }) => !ok);
      expect(refused.err).toContain('failed calling webhook');
      const told = await counted(
        'apiserver_admission_webhook_rejection_count',
        `${namespace}.flyte.org`,
      );
      expect(told).toContain('error_type="calling_webhook_error"');
      expect((await ask(namespace, { labels: {} })).ok).toBe(true);
      // No call is made for what asks for nothing, nor for what the kubelet mirrors.
      expect((await ask(namespace, { annotations: {} })).ok).toBe(true);
    },
    TEST_MS_MAX,
  );

  test(
    'failurePolicy Ignore lets them in, and the safety net refuses them',
    async () => {
      const namespace = await cluster.namespace();
      await apply(namespace, REGISTRATION, { registration: { failurePolicy: 'Ignore' } });
      await until(async () => {
        expect((await ask(namespace)).ok).toBe(true);
        const metric = 'apiserver_admission_webhook_fail_open_count';
        return (await counted(metric, `${namespace}.flyte.org`)) !== '';
      });
      await apply(namespace, POLICY, { policy: { enabled: true } });
      const refused = await whenHeard(namespace, ({ ok }) => !ok);
      expect(refused.err).toContain('was not seen by bellhop');
    },
    TEST_MS_MAX,
  );
});
