// The chart's objects before a real API server: are they what it takes, and do they do what the
// chart says.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rootCertificates } from 'node:tls';
import { CHART } from '../../scripts/chart.ts';
import type { Values } from '../deploy/_helm.ts';
import { objects, VARIANTS } from '../deploy/_helm.ts';
import type { Cluster, Said } from './kit/cluster.ts';
import { realCluster, realHelm, realKinds, run, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
const HELM_MS_MAX = 60_000;
const TEST_MS_MAX = 60_000;
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

const found = await realCluster('api');
const cluster = found as Cluster;
const helmFound = await realHelm();
const helm = helmFound as string;
const kinds = await realKinds();
const isThere = !('missing' in found) && typeof helmFound === 'string' && typeof kinds === 'string';
const { kubectl } = cluster;
/** What is to be taken back, of which some has no namespace. */
const releases: (() => Promise<Said>)[] = [];
/** Kinds that were not there before. */
let ownKinds: string[] = [];

/** A release of its own, which only asks about namespaces that have its name as label. */
async function install(values: Values, labels: Readonly<Record<string, string>> = {}) {
  const name = await cluster.namespace(labels);
  const own = { registration: { namespaceSelector: { matchLabels: { only: name } } }, ...values };
  const helmed = async (...args: readonly string[]): Promise<Said> => {
    const access = ['--namespace', name, '--kubeconfig', cluster.env['KUBECONFIG'] ?? ''];
    return run([helm, ...args, ...access], HELM_MS_MAX, JSON.stringify(own));
  };
  const said = await helmed('install', name, CHART, '--values=-');
  releases.push(async () => helmed('uninstall', name, '--ignore-not-found'));
  if (!said.ok) throw new Error(said.err);
  return { name, notes: said.out, helmed };
}

/** What of a release is there. */
async function left(name: string): Promise<string> {
  const types =
    'all,sa,cm,role,rolebinding,clusterrole,clusterrolebinding,networkpolicy,pdb,' +
    'mutatingwebhookconfiguration,validatingadmissionpolicy,validatingadmissionpolicybinding';
  const by = ['-l', `app.kubernetes.io/instance=${name}`, '-n', name, '-o', 'name'];
  return (await kubectl(['get', types, ...by])).out;
}

beforeAll(async () => {
  if (!isThere) return;
  const said = await kubectl(['create', '-f', kinds]);
  ownKinds = [...said.out.matchAll(/^(\S+) created$/gm)].map(([, name = '']) => name);
  const all = ['prometheusrules.monitoring.coreos.com', 'certificates.cert-manager.io'];
  const ready = all.map((name) => `crd/${name}`);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...ready]);
}, START_MS_MAX);

afterAll(async () => {
  if (!isThere) return;
  for (const uninstall of releases) await uninstall();
  for (const kind of ownKinds) await kubectl(['delete', kind, '--wait=false']);
  await cluster.clean();
}, TEST_MS_MAX);

describe.skipIf(!isThere)('the API server takes every field', () => {
  const create = async (items: readonly unknown[]): Promise<Said> => {
    const list = { apiVersion: 'v1', kind: 'List', items };
    return kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], list);
  };

  test.each(Object.keys(VARIANTS))(
    '%s',
    async (name) => {
      const namespace = await cluster.namespace();
      const all = await objects({ helm, namespace }, VARIANTS[name] ?? {});
      const said = await create(all);
      expect(said.err).toBe('');
      expect(said.out.match(/created \(server dry run\)/g)).toHaveLength(all.length);
    },
    TEST_MS_MAX,
  );

  test('and refuses one that it does not know', async () => {
    const namespace = await cluster.namespace();
    const all = await objects({ helm, namespace }, {});
    const wrong = all.map((one) => (one.kind === 'Service' ? { ...one, spek: {} } : one));
    expect((await create(wrong)).err).toContain('unknown field "spek"');
  });
});

/** envtest has no controllers: no Deployment gets its pods there. */
const hasControllers = isThere && cluster.env['CONTROLLERS'] === 'yes';

describe.skipIf(!hasControllers)('installed under Pod Security restricted', () => {
  const pods = async (name: string): Promise<number> => {
    return (await kubectl(['-n', name, 'get', 'pods', '-o', 'name'])).out.trim().split('\n').length;
  };
  const refusals = async (name: string): Promise<string> => {
    const field = '-o=jsonpath={.items[*].status.conditions[*].message}';
    return (await kubectl(['-n', name, 'get', 'replicasets', field])).out;
  };

  test(
    'its pods are admitted',
    async () => {
      const { name } = await install({}, RESTRICTED);
      await until(async () => (await pods(name)) === 2);
      expect(await refusals(name)).toBe('');
    },
    TEST_MS_MAX,
  );

  test(
    'and refused on the network of the node, as its values say',
    async () => {
      const { name } = await install({ hostNetwork: true }, RESTRICTED);
      await until(async () => (await refusals(name)) !== '');
      expect(await refusals(name)).toContain('hostNetwork=true');
    },
    TEST_MS_MAX,
  );
});

describe.skipIf(!isThere)('installed', () => {
  test(
    'an upgrade leaves the caBundle alone, and the end of the release leaves nothing',
    async () => {
      const { name, helmed } = await install({});
      const bundle = btoa(rootCertificates[0] ?? '');
      const hook = `mutatingwebhookconfiguration/${name}`;
      const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: bundle }];
      await kubectl(['patch', hook, '--type=json', '-p', JSON.stringify(patch)]);
      const upgraded = await helmed('upgrade', name, CHART, '--set=replicaCount=3', '--values=-');
      expect(upgraded.err).toBe('');
      const field = '-o=jsonpath={.webhooks[0].clientConfig.caBundle}';
      expect((await kubectl(['get', hook, field])).out).toBe(bundle);
      expect((await left(name)).length).toBeGreaterThan(0);
      expect((await helmed('uninstall', name, '--wait')).ok).toBe(true);
      await until(async () => (await left(name)) === '');
    },
    TEST_MS_MAX,
  );

  test(
    'it says what of bellhop.yaml has no effect, and what hurts',
    async () => {
      const webhook = { serviceName: 'flyte-pod-webhook', listenPort: 9443 };
      const { name, notes } = await install({ config: { webhook }, replicaCount: 1 });
      expect(notes).toContain(`config.webhook.serviceName is set by this chart (${name})`);
      expect(notes).not.toContain('webhook.listenPort is set');
      expect(notes).toContain('One replica');
    },
    TEST_MS_MAX,
  );

  test(
    'a ConfigMap of one’s own is told what it must say',
    async () => {
      const { name, notes } = await install({ existingConfigMap: 'mine' });
      expect(notes).toContain(`  serviceName: ${name}\n`);
    },
    TEST_MS_MAX,
  );
});

describe.skipIf(!isThere)('its rights', () => {
  const RIGHTS = [
    'get secrets/OWN-tls yes',
    'update secrets/OWN-tls yes',
    'create secrets yes',
    'get leases.coordination.k8s.io/OWN yes',
    'update leases.coordination.k8s.io/OWN yes',
    'create leases.coordination.k8s.io yes',
    'get mutatingwebhookconfigurations.admissionregistration.k8s.io/OWN yes',
    'update mutatingwebhookconfigurations.admissionregistration.k8s.io/OWN yes',
    'create events yes',
    'get secrets/other no',
    'list secrets no',
    'delete secrets/OWN-tls no',
    'update leases.coordination.k8s.io/other no',
    'get mutatingwebhookconfigurations.admissionregistration.k8s.io/other no',
    'create mutatingwebhookconfigurations.admissionregistration.k8s.io no',
    'delete mutatingwebhookconfigurations.admissionregistration.k8s.io/OWN no',
    'get pods no',
    'list pods no',
    'get configmaps no',
    'create pods no',
    'list namespaces no',
  ];
  const answer = async (name: string, namespace: string, right: string): Promise<string> => {
    const [verb = '', what = ''] = right.replaceAll('OWN', name).split(' ');
    const who = `--as=system:serviceaccount:${name}:${name}`;
    const { out } = await kubectl(['auth', 'can-i', verb, what, who, '-n', namespace]);
    return `${right.replace(/ (yes|no)$/, '')} ${out.trim()}`;
  };
  const ask = async (
    values: Values,
    rights: readonly string[],
    elsewhere = '',
  ): Promise<string[]> => {
    const { name } = await install(values);
    return Promise.all(rights.map(async (right) => answer(name, elsewhere || name, right)));
  };

  test(
    'are what it needs, and no more',
    async () => expect(await ask({}, RIGHTS)).toEqual(RIGHTS),
    TEST_MS_MAX,
  );

  test(
    'elsewhere it may tell why a pod was refused, and nothing else',
    async () => {
      const rights = ['create events yes', 'get secrets no', 'create secrets no', 'get pods no'];
      expect(await ask({}, rights, 'default')).toEqual(rights);
    },
    TEST_MS_MAX,
  );

  test(
    'it may read Secrets of the namespaces that are named, and not list them',
    async () => {
      const values = { rbac: { readSecrets: { namespaces: ['default'] } } };
      const there = ['get secrets yes', 'list secrets no', 'update secrets no'];
      expect(await ask(values, there, 'default')).toEqual(there);
      expect(await ask(values, ['get secrets no'])).toEqual(['get secrets no']);
    },
    TEST_MS_MAX,
  );

  test(
    'values may become Secrets in the namespaces that are named, and go from there',
    async () => {
      const rbac = { valueSecrets: { namespaces: ['default'] } };
      const verbs = ['get', 'list', 'create', 'update', 'delete'];
      const there = [...verbs.map((verb) => `${verb} secrets yes`), 'list pods yes', 'get pods no'];
      const values = { rbac, certificates: { mode: 'files' }, registration: { mode: 'none' } };
      expect(await ask(values, there, 'default')).toEqual(there);
      const own = [
        'create secrets yes',
        'get secrets/OWN-values yes',
        'update secrets/OWN-values no',
        'get secrets/other no',
        'list pods no',
        'create leases.coordination.k8s.io yes',
        'update leases.coordination.k8s.io/OWN-values yes',
        'update leases.coordination.k8s.io/OWN no',
      ];
      expect(await ask(values, own)).toEqual(own);
    },
    TEST_MS_MAX,
  );

  test.each<readonly [string, Values, readonly string[]]>([
    [
      'where it registers itself',
      { registration: { mode: 'server' } },
      ['create mutatingwebhookconfigurations.admissionregistration.k8s.io yes', 'get pods no'],
    ],
    [
      'where certificates are given and somebody else registers',
      { registration: { mode: 'none' }, certificates: { mode: 'files' }, rbac: { events: false } },
      [
        'get secrets/OWN-tls no',
        'create secrets no',
        'create leases.coordination.k8s.io no',
        'update mutatingwebhookconfigurations.admissionregistration.k8s.io/OWN no',
        'create events no',
      ],
    ],
  ])(
    '%s',
    async (_, values, rights) => expect(await ask(values, rights)).toEqual([...rights]),
    TEST_MS_MAX,
  );
});
