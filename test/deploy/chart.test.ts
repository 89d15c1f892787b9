// The chart as helm renders it; test/cluster/chart.test.ts gives it to a real API server.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { CHART, KUBE_VERSION, printed, valueRows } from '../../scripts/chart.ts';
import type { CertificateSource } from '../../src/webhook/certificate-source.ts';
import { addCertificateFigures } from '../../src/webhook/certificates-figures.ts';
import { addFigures } from '../../src/webhook/figures.ts';
import { invalidationFigure } from '../../src/webhook/invalidation.ts';
import { METRICS_PREFIX, openMetrics } from '../../src/webhook/metrics.ts';
import { ONLY_WITH_SECRETS } from '../../src/webhook/registration.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { realHelm, run } from '../cluster/kit/cluster.ts';
import type { KubeObject, Values } from './_helm.ts';
import { objects, template, VARIANTS } from './_helm.ts';

const HELM_MS_MAX = 60_000;
setDefaultTimeout(HELM_MS_MAX);
const found = await realHelm();
const helm = found as string;
const release = { helm, namespace: 'hooks' };
const NAMES = Object.keys(VARIANTS);

async function only(kind: string, values: Values): Promise<KubeObject | undefined> {
  return (await objects(release, values)).find((one) => one.kind === kind);
}

/** What stands at a path of members and indices. */
function at(value: unknown, ...names: readonly (string | number)[]): unknown {
  return names.reduce<unknown>((one, name) => {
    return typeof one === 'object' && one !== null ? Reflect.get(one, name) : undefined;
  }, value);
}

/** bellhop.yaml as the pods read it. */
async function settings(values: Values): Promise<unknown> {
  const map = await only('ConfigMap', values);
  return load(String(at(map, 'data', 'bellhop.yaml')));
}

describe.skipIf(typeof found !== 'string')('the chart', () => {
  test('is found well by helm lint', async () => {
    const said = await run([helm, 'lint', CHART, '--strict', KUBE_VERSION], HELM_MS_MAX);
    expect([said.ok, said.out]).toEqual([true, expect.stringContaining('0 chart(s) failed')]);
  });

  test('what is printed from it is as it is: npm run chart', () => {
    for (const [file, text] of printed(helm)) {
      expect([path.basename(file), readFileSync(file, 'utf8')]).toEqual([
        path.basename(file),
        text,
      ]);
    }
  });

  test('says of every value what it is', () => {
    const text = readFileSync(path.join(CHART, 'values.yaml'), 'utf8');
    const told = new Set(valueRows(text).map(([name]) => name));
    const leaves = (value: unknown, name: string): string[] => {
      const isLeaf = typeof value !== 'object' || value === null || told.has(name);
      if (isLeaf) return [name];
      return Object.entries(value).flatMap(([key, one]) =>
        leaves(one, name ? `${name}.${key}` : key),
      );
    };
    expect(leaves(load(text), '').filter((name) => !told.has(name))).toEqual([]);
  });

  test.each(NAMES)('renders: %s', async (name) => {
    const all = await objects(release, VARIANTS[name] ?? {});
    for (const one of all) {
      expect([one.kind, typeof one.apiVersion, typeof one.metadata.name]).toEqual([
        one.kind,
        'string',
        'string',
      ]);
    }
    const keys = all.map((one) => `${one.kind} ${one.metadata.namespace} ${one.metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => key.startsWith('Deployment'))).toHaveLength(1);
  });
});

describe.skipIf(typeof found !== 'string')('bellhop.yaml of the chart', () => {
  const FLYTE = {
    certDir: '/elsewhere',
    listenPort: 1,
    serviceName: 'flyte-pod-webhook',
    secretName: 'flyte-pod-webhook',
    secretManagerTypes: ['K8s', 'AWS'],
    vaultSecretManager: { role: 'mine', kvVersion: '1' },
  };
  const stores = { sm: { kind: 'aws-secrets-manager', region: 'eu-west-1' } };

  test('is the one that is given, but for what must fit the objects', async () => {
    const given = { config: { stores, webhook: FLYTE, flyteSecrets: { type: 'local' } } };
    expect(await settings(given)).toMatchObject({
      apiVersion: 'bellhop/v1',
      stores,
      flyteSecrets: { type: 'local' },
      webhook: {
        secretManagerTypes: ['K8s', 'AWS'],
        vaultSecretManager: { role: 'mine', kvVersion: '1' },
        certDir: '/etc/webhook/certs',
        listenPort: 9443,
        serviceName: 'bellhop',
        servicePort: 443,
        secretName: 'bellhop-tls',
        flyteSecretName: '',
        disableCreateMutatingWebhookConfig: true,
      },
    });
  });

  test('names the image for the containers that bellhop adds, unless it is said', async () => {
    const image = { repository: 'registry.example/bellhop', tag: '9' };
    const pull = { image: 'registry.example/bellhop:9', command: ['/usr/bin/bellhop', 'pull'] };
    expect(await settings({ image })).toMatchObject({ webhook: { pull } });
    const own = { image: 'other', after: ['mesh'] };
    const both = { webhook: { pull: { ...pull, ...own } } };
    expect(await settings({ image, config: { webhook: { pull: own } } })).toMatchObject(both);
  });

  test.each(NAMES)('has a section that bellhop takes: %s', async (name) => {
    const values = VARIANTS[name] ?? {};
    if (values['existingConfigMap'] !== undefined) return;
    const { problems } = readWebhookSettings(at(await settings(values), 'webhook'));
    expect(problems).toEqual([]);
  });
});

describe.skipIf(typeof found !== 'string')('the objects', () => {
  test('pods are restarted by another bellhop.yaml', async () => {
    const sums = [{}, { config: { stores: {} } }].map(async (values) => {
      const names = ['spec', 'template', 'metadata', 'annotations', 'checksum/config'];
      return at(await only('Deployment', values), ...names);
    });
    expect(new Set(await Promise.all(sums)).size).toBe(2);
  });

  test('the autoscaler has the number of pods to itself', async () => {
    const deployment = await only('Deployment', { autoscaling: { enabled: true } });
    expect(at(deployment, 'spec', 'replicas')).toBeUndefined();
    expect(at(await only('Deployment', {}), 'spec', 'replicas')).toBe(2);
  });

  test('the registration asks what the server asks, and never about itself', async () => {
    const entry = at(await only('MutatingWebhookConfiguration', {}), 'webhooks', 0);
    expect(at(entry, 'matchConditions')).toContainEqual(ONLY_WITH_SECRETS);
    expect(at(entry, 'namespaceSelector', 'matchExpressions', 0, 'values')).toEqual([
      'kube-system',
      'kube-node-lease',
      'hooks',
    ]);
    expect(at(entry, 'clientConfig')).toEqual({
      service: { name: 'bellhop', namespace: 'hooks', path: '/mutate--v1-pod', port: 443 },
    });
  });

  test.each([
    ['server', 0],
    ['none', 0],
    ['chart', 1],
  ])('registration.mode %s: the chart has %i', async (mode, count) => {
    const all = await objects(release, { registration: { mode } });
    const kinds = all.filter((one) => one.kind === 'MutatingWebhookConfiguration');
    expect(kinds).toHaveLength(count);
  });
});

describe.skipIf(typeof found !== 'string')('values are checked', () => {
  const WRONG: readonly (readonly [string, Values, RegExp])[] = [
    ['an unknown key', { replicas: 3 }, /replicas.*not allowed/s],
    ['an unknown key below', { image: { name: 'x' } }, /name.*not allowed/s],
    [
      'a policy that Kubernetes does not have',
      { registration: { failurePolicy: 'Open' } },
      /failurePolicy/,
    ],
    [
      'more patience than Kubernetes has',
      { registration: { timeoutSeconds: 31 } },
      /timeoutSeconds/,
    ],
    [
      'Deny and Warn',
      { policy: { enabled: true, validationActions: ['Deny', 'Warn'] } },
      /validationActions/,
    ],
    ['an autoscaler down to one', { autoscaling: { minReplicas: 1 } }, /minReplicas/],
    ['a digest that is none', { image: { digest: 'latest' } }, /digest/],
    ['a port that needs root', { ports: { webhook: 443 } }, /webhook/],
    ['a class for the system alone', { priorityClass: { value: 2_000_000_000 } }, /value/],
    ['a list as bellhop.yaml', { config: [] }, /config/],
    ['files without authorities', { certificates: { mode: 'files' } }, /caBundle is needed/],
    [
      'a namespace that cannot be',
      { rbac: { readSecrets: { namespaces: ['A_b'] } } },
      /namespaces/,
    ],
    ['a number as text', { replicaCount: '2' }, /replicaCount/],
  ];
  test.each([...WRONG])('%s is refused', async (_, values, says) => {
    const said = await template(release, values);
    expect([said.ok, said.err]).toEqual([false, expect.stringMatching(says)]);
  });
});

describe.skipIf(typeof found !== 'string')('alerts and dashboard', () => {
  const ON = { enabled: true };
  const values = { metrics: { prometheusRule: ON, dashboard: ON, serviceMonitor: ON } };

  test('ask for figures that the webhook has', async () => {
    const metrics = openMetrics();
    const certificates = { current: () => ({ notAfterMs: 0 }) } as CertificateSource;
    addFigures(metrics, { inFlight: () => 0, connections: () => 0, certificates });
    invalidationFigure(metrics);
    addCertificateFigures(metrics, () => ({}));
    const there = new Set(metrics.list().map(({ name }) => `${METRICS_PREFIX}${name}`));
    const asked =
      JSON.stringify(await objects(release, values)).match(/bellhop_webhook_\w+/g) ?? [];
    const unknown = asked.filter((name) => !there.has(name.replace(/_(bucket|sum|count)$/, '')));
    expect(asked.length).toBeGreaterThan(8);
    expect(unknown).toEqual([]);
  });

  test.each([
    [{}, [259_200, 3_153_600]],
    [{ own: { leafDays: 1, authorityDays: 7, renewAtShare: 0.5 } }, [12_960, 90_720]],
    [{ mode: 'certManager' }, [259_200]],
  ])('certificates that are overdue by their lives: %j', async (certificates, wanted) => {
    const all = await objects(release, { ...values, certificates });
    const rules = JSON.stringify(all.find((one) => one.kind === 'PrometheusRule'));
    const ends = [...rules.matchAll(/not_after_seconds[^<]*time\(\) < (\d+)/g)];
    expect(ends.map(([, seconds]) => Number(seconds))).toEqual(wanted);
  });

  test('the dashboard is JSON, and every panel has a source', async () => {
    const all = await objects(release, values);
    const map = all.find((one) => one.metadata.name.endsWith('-dashboard'));
    const { panels } = JSON.parse(String(at(map, 'data', 'bellhop-webhook.json'))) as {
      panels: { datasource: object; targets: object[] }[];
    };
    expect(panels.every((one) => one.targets.length > 0 && 'uid' in one.datasource)).toBe(true);
  });
});
