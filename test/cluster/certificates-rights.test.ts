// The rights that docs/webhook-certificates.md lists are enough, on a real API server; without them
// a replica serves on and says what is missing. And what is right is not written again.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readDocuments } from '../../src/wire/yaml.ts';
import { ROOT } from '../support/source.ts';
import type { Opened } from './_certificates.ts';
import { LIVES, REGISTRATION, openCluster, until } from './_certificates.ts';
import { kubeconfigOf, tokenOf } from './_kubeconfig.ts';
import { judge } from './_replicas.ts';

const cluster = await openCluster();
const { missing } = cluster;
const open = (): Opened => cluster.open();
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const NAME = 'bellhop-certificates';
const LONG = { ...LIVES, leafLifeMs: 3_600_000, authorityLifeMs: 36_000_000 };

afterAll(async () => {
  if (!missing) await open().stop();
});

interface Role {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
}

/** As the page has them, bound to the service account flyte/hook. */
async function give(): Promise<void> {
  const page = readFileSync(path.join(ROOT, 'docs/webhook-certificates.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const subjects = [{ kind: 'ServiceAccount', name: 'hook', namespace: 'flyte' }];
  for (const { value } of readDocuments(Buffer.from(yaml))) {
    const { kind, metadata } = value as Role;
    const at = metadata.namespace === undefined ? RBAC : `${RBAC}/namespaces/flyte`;
    await open().server.admin('POST', `${at}/${kind.toLowerCase()}s`, value as object);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name: NAME };
    const binding = { metadata: { name: NAME }, roleRef, subjects };
    await open().server.admin('POST', `${at}/${kind.toLowerCase()}bindings`, binding);
  }
}

async function version(): Promise<string> {
  const found: unknown = await open().server.admin('GET', REGISTRATION);
  return (found as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

describe.skipIf(missing)('the rights of the page', () => {
  beforeAll(async () => {
    await give();
    const token = await tokenOf(open().server, 'flyte', 'hook');
    const kubeconfig = kubeconfigOf(open().server, 'flyte', { token });
    for (const name of ['a', 'b']) open().start(name, { kubeconfig, lives: LONG });
    await until('both serve', () => open().replicas.every((one) => one.port() !== undefined));
    await until('answered', async () => (await open().createPod()) === undefined);
  });

  function told(): string {
    return open()
      .replicas.flatMap((one) => one.lines)
      .join('\n');
  }

  test('are enough', () => {
    expect(told()).not.toContain('error');
    expect(told()).toContain('registered');
  });

  test('what is right is not written again, with all that the server fills in', async () => {
    const before = await version();
    await Bun.sleep(2000);
    expect(await version()).toBe(before);
  });

  test('what is wrong is put right: each field that is ours', async () => {
    const found: unknown = await open().server.admin('GET', REGISTRATION);
    const { webhooks, ...rest } = found as { webhooks: object[] };
    const worse = {
      failurePolicy: 'Ignore',
      timeoutSeconds: 3,
      reinvocationPolicy: 'Never',
      objectSelector: {},
      namespaceSelector: {},
      matchConditions: [],
      admissionReviewVersions: ['v1'],
    };
    const changed = webhooks.map((one) => ({ ...one, ...worse }));
    await open().server.admin('PUT', REGISTRATION, { ...rest, webhooks: changed });
    await until('put right', async () => {
      const now: unknown = await open().server.admin('GET', REGISTRATION);
      return JSON.stringify((now as { webhooks: object[] }).webhooks) === JSON.stringify(webhooks);
    });
  });

  test('taken away: both serve on, and say which one is missing', async () => {
    const { server, replicas, registration } = open();
    const watching = judge(server, replicas, registration);
    await server.admin('DELETE', `${RBAC}/namespaces/flyte/rolebindings/${NAME}`);
    await server.admin('DELETE', `${RBAC}/clusterrolebindings/${NAME}`);
    await until('said', () =>
      ['a', 'b'].every((name) => new RegExp(`^${name}: error: .*secrets`, 'm').test(told())),
    );
    expect(told()).toContain(
      'User "system:serviceaccount:flyte:hook" cannot get resource "secrets"',
    );
    expect(told()).toContain('BH_ERR_STORE_DENIED');
    expect(await open().createPod()).toBeUndefined();
    await Bun.sleep(1000);
    await watching.stop();
    expect(watching.refused).toEqual([]);
    expect(watching.connections).toBeGreaterThan(0);
  });
});
