import { describe, expect, test } from 'bun:test';
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { openPullSecrets } from '../../src/webhook/pull-secrets.ts';
import { callsThrough, memoryCluster } from './_memory-api.ts';

const NAME = 'img-pull-1';
const SECRET = {
  metadata: { name: NAME, namespace: 'flyte', labels: { a: 'b' } },
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': 'e30=' },
};
const { signal } = new AbortController();
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
    expect(await mirror(NAME, { namespace: 'team', dryRun: false, signal })).toBe(true);
    expect(cluster.objects.get(at('team'))).toMatchObject({
      ...SECRET,
      metadata: { name: NAME, namespace: 'team', labels: { a: 'b' } },
    });
  });

  test('that is not there is not copied', async () => {
    const { cluster, mirror } = clusterWith();
    expect(await mirror(NAME, { namespace: 'team', dryRun: false, signal })).toBe(false);
    expect(cluster.objects.size).toBe(0);
  });

  test('is not written on a dry run, nor over itself', async () => {
    const { cluster, mirror } = clusterWith('flyte');
    expect(await mirror(NAME, { namespace: 'team', dryRun: true, signal })).toBe(true);
    expect(await mirror(NAME, { namespace: 'flyte', dryRun: false, signal })).toBe(true);
    expect([...cluster.objects.keys()]).toEqual([at('flyte')]);
  });

  test('that is copied already is left alone', async () => {
    const { cluster, mirror } = clusterWith('flyte', 'team');
    cluster.onWrite = () => expect.unreachable();
    expect(await mirror(NAME, { namespace: 'team', dryRun: false, signal })).toBe(true);
  });

  test('is copied anew where the copy is old', async () => {
    const { cluster, mirror } = clusterWith('flyte', 'team');
    cluster.put(at('team'), { ...SECRET, data: { '.dockerconfigjson': 'b2xk' } });
    await mirror(NAME, { namespace: 'team', dryRun: false, signal });
    expect(dataOf(cluster.objects.get(at('team')))).toEqual(SECRET.data);
  });

  test('may be copied by somebody else at the same time', async () => {
    const { cluster, mirror } = clusterWith('flyte');
    const all = Array.from({ length: 5 }, async () =>
      mirror(NAME, { namespace: 'team', dryRun: false, signal }),
    );
    expect(await Promise.all(all)).toEqual([true, true, true, true, true]);
    expect(dataOf(cluster.objects.get(at('team')))).toEqual(SECRET.data);
  });

  test('whose copy somebody else changes each time is refused: it is not as it should be', async () => {
    const { cluster, mirror } = clusterWith('flyte', 'team');
    const other = { ...SECRET, data: { '.dockerconfigjson': 'b2xk' } };
    cluster.put(at('team'), other);
    const { calls, api } = counted(cluster.client(() => 0));
    const update: KubernetesApi['update'] = async (path, object) => {
      cluster.put(at('team'), other);
      return api.update(path, object);
    };
    const asked = openPullSecrets({ ...api, update }).mirror(NAME, to());
    expect(await reasonOf(asked)).toBe(
      `Secret ${NAME}, which images are pulled with, keeps changing; try again`,
    );
    expect(calls()).toBe(7);
    expect(await mirror(NAME, to())).toBe(true);
  });

  test.each([1, 2, 3])('asks for nothing more once it is late, at call %d', async (last) => {
    const { cluster } = clusterWith('flyte');
    const late = new AbortController();
    const { calls, api } = counted(
      cluster.client(() => 0),
      (call) => {
        if (call === last) late.abort();
      },
    );
    const reason = await reasonOf(openPullSecrets(api).mirror(NAME, to(late.signal)));
    expect(reason).toContain('did not see in time to the Secret');
    expect(calls()).toBe(last);
  });

  test('is not waited for where no answer comes', async () => {
    const late = new AbortController();
    const { cluster } = clusterWith('flyte');
    const hanging = callsThrough(
      cluster.client(() => 0),
      async () => new Promise(() => undefined),
    );
    const asked = openPullSecrets(hanging).mirror(NAME, to(late.signal));
    late.abort();
    expect(await reasonOf(asked)).toContain('did not see in time to the Secret');
  });
});

function to(by: AbortSignal = signal) {
  return { namespace: 'team', dryRun: false, signal: by };
}

/** Tells of each call before it is made. */
function counted(plain: KubernetesApi, tell: (call: number) => void = () => undefined) {
  let calls = 0;
  const api = callsThrough(plain, async (call) => {
    calls++;
    tell(calls);
    return call();
  });
  return { api, calls: () => calls };
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  return work.then(String, (error: unknown) => (error as Error).message);
}
