import { describe, expect, test } from 'bun:test';
import type { KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { openPullSecrets } from '../../src/webhook/pull-secrets.ts';
import { memoryCluster } from './_memory-api.ts';

const NAME = 'img-pull-1';
const SECRET = {
  metadata: { name: NAME, namespace: 'flyte', labels: { a: 'b' } },
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': 'e30=' },
};
const at = (namespace: string): string => secretPlace(namespace, NAME).path;

function clusterWith(...namespaces: readonly string[]) {
  const cluster = memoryCluster();
  for (const namespace of namespaces) {
    const metadata = { ...SECRET.metadata, namespace };
    cluster.put(at(namespace), { ...SECRET, metadata });
  }
  const { mirror } = openPullSecrets(cluster.client(() => 0));
  return { cluster, mirror };
}
const dataOf = (object: KubeObject | undefined): unknown => object?.['data'];

describe('a Secret that images are pulled with', () => {
  test('is copied beside the pod, with its labels', async () => {
    const { cluster, mirror } = clusterWith('flyte');
    expect(await mirror(NAME, { namespace: 'team', dryRun: false })).toBe(true);
    expect(cluster.objects.get(at('team'))).toMatchObject({
      ...SECRET,
      metadata: { name: NAME, namespace: 'team', labels: { a: 'b' } },
    });
  });

  test('that is not there is not copied', async () => {
    const { cluster, mirror } = clusterWith();
    expect(await mirror(NAME, { namespace: 'team', dryRun: false })).toBe(false);
    expect(cluster.objects.size).toBe(0);
  });

  test('is not written on a dry run, nor over itself', async () => {
    const { cluster, mirror } = clusterWith('flyte');
    expect(await mirror(NAME, { namespace: 'team', dryRun: true })).toBe(true);
    expect(await mirror(NAME, { namespace: 'flyte', dryRun: false })).toBe(true);
    expect([...cluster.objects.keys()]).toEqual([at('flyte')]);
  });

  test('that is copied already is left alone', async () => {
    const { cluster, mirror } = clusterWith('flyte', 'team');
    cluster.onWrite = () => expect.unreachable();
    expect(await mirror(NAME, { namespace: 'team', dryRun: false })).toBe(true);
  });

  test('is copied anew where the copy is old', async () => {
    const { cluster, mirror } = clusterWith('flyte', 'team');
    cluster.put(at('team'), { ...SECRET, data: { '.dockerconfigjson': 'b2xk' } });
    await mirror(NAME, { namespace: 'team', dryRun: false });
    expect(dataOf(cluster.objects.get(at('team')))).toEqual(SECRET.data);
  });

  test('may be copied by somebody else at the same time', async () => {
    const { cluster, mirror } = clusterWith('flyte');
    const all = Array.from({ length: 5 }, async () =>
      mirror(NAME, { namespace: 'team', dryRun: false }),
    );
    expect(await Promise.all(all)).toEqual([true, true, true, true, true]);
    expect(dataOf(cluster.objects.get(at('team')))).toEqual(SECRET.data);
  });
});
