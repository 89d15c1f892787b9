// What the client of the Kubernetes API does beside reading and writing one object, against a real
// API server; the same cases hold the one in memory to it.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSystem } from '../../src/core/io/system.ts';
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import { thrownBy } from '../support/routed-store.ts';
import { memoryCluster } from '../webhook/_memory-api.ts';
import { kubeconfigOf } from './_kubeconfig.ts';

const started = await startApiServer();
const missing = 'missing' in started;
const { io } = openSystem();
const apis: { real?: KubernetesApi; memory: KubernetesApi } = {
  memory: memoryCluster().client(() => Date.now()),
};

beforeAll(async () => {
  if (missing) return;
  await started.admin('POST', '/api/v1/namespaces', { metadata: { name: 'flyte' } });
  const options = { kubeconfig: kubeconfigOf(started, 'flyte') };
  apis.real = await openKubernetesApi({ io, options, variable: () => undefined });
});

afterAll(async () => {
  if (!missing) await started.stop();
});

function secretObject(name: string, data: object = {}): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'flyte' }, data };
}

const kinds = missing ? (['memory'] as const) : (['real', 'memory'] as const);

describe.each([...kinds])('an API server: %s', (kind) => {
  const api = (): KubernetesApi => apis[kind] ?? apis.memory;

  test('what is removed is gone, unless it is another one by now', async () => {
    const { path, collection } = secretPlace('flyte', 'leaving');
    const made = await api().create(collection, secretObject('leaving', { a: 'eA==' }));
    const first = made.kind === 'written' ? made.object : expect.unreachable();
    const changed = await api().update(path, { ...first, data: { b: 'eA==' } });
    expect(await api().remove(path, first)).toBe('conflict');
    const now = changed.kind === 'written' ? changed.object : expect.unreachable();
    expect(await api().remove(path, now)).toBe('removed');
    expect(await api().remove(path, now)).toBe('removed');
    await api().create(collection, secretObject('leaving'));
    expect(await api().remove(path, { metadata: { uid: 'other' } })).toBe('conflict');
    expect(await api().get(path)).toMatchObject({ kind: 'found' });
  });

  test('what is immutable takes other annotations, and no other data', async () => {
    const { path, collection } = secretPlace('flyte', 'fixed');
    const object = { ...secretObject('fixed', { a: 'eA==' }), immutable: true };
    const made = await api().create(collection, object);
    const first = made.kind === 'written' ? made.object : expect.unreachable();
    const metadata = { ...(first['metadata'] as object), annotations: { a: 'b' } };
    const written = await api().update(path, { ...first, metadata });
    const now = written.kind === 'written' ? written.object : expect.unreachable();
    const problem = await thrownBy(api().update(path, { ...now, data: { a: 'eQ==' } }));
    expect(problem.code).toBe('BH_ERR_STORE_ANSWER');
  });

  test('a collection is shown whole, over pages, by label and type, and without values', async () => {
    const { collection } = secretPlace('flyte', 'x');
    const names = Array.from({ length: 120 }, (_, n) => `page-${n}`);
    const labels = { pages: 'yes' };
    for (const name of names) {
      const type = name === 'page-7' ? 'other/type' : 'bellhop.test/pages';
      const metadata = { name, namespace: 'flyte', labels };
      await api().create(collection, { ...secretObject(name, { a: 'eA==' }), metadata, type });
    }
    const fields = 'type=bellhop.test/pages';
    for (const path of [collection, '/api/v1/secrets']) {
      const seen: KubeObject[] = [];
      const wish = { labels: 'pages=yes', fields, isMetadata: true } as const;
      await api().list(path, wish, (one) => void seen.push(one));
      const found = seen.map((one) => (one['metadata'] as { name: string }).name);
      expect(found.toSorted()).toEqual(names.filter((name) => name !== 'page-7').toSorted());
      expect(seen.some((one) => 'data' in one)).toBe(false);
    }
    const whole: KubeObject[] = [];
    await api().list(collection, { labels: 'pages=yes' }, (one) => void whole.push(one));
    expect(whole.every((one) => 'data' in one)).toBe(true);
  });
});
