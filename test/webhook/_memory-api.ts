// The Kubernetes API as far as the webhook uses it, in memory; test/cluster/kubernetes-api.test.ts
// holds it to the same cases as a real API server.
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import type { JsonRecord } from '../../src/stores/_rest.ts';
import { recordIn, textIn } from '../../src/stores/_rest.ts';
import { resourceVersionOf } from '../../src/webhook/kubernetes-objects.ts';

/** Objects by their path. */
export interface MemoryCluster {
  readonly objects: Map<string, KubeObject>;
  /** Called after each change. */
  onWrite: (path: string, object: KubeObject) => void;
  /** Somebody else's hand. */
  put(path: string, object: JsonRecord): void;
  remove(path: string): void;
  /** A client of it. */
  client(nowMs: () => number): KubernetesApi;
}

export function memoryCluster(from: ReadonlyMap<string, KubeObject> = new Map()): MemoryCluster {
  const objects = new Map(from);
  // A version never comes twice, also not in what goes on from an earlier cluster.
  let version = Math.max(
    1000,
    ...[...objects.values()].map((one) => Number(resourceVersionOf(one))),
  );
  const store = (path: string, object: JsonRecord): KubeObject => {
    version += 1;
    const metadata = { ...recordIn(object, 'metadata'), resourceVersion: `${version}` };
    // What is undefined is in no JSON.
    const stored = JSON.parse(JSON.stringify({ ...object, metadata })) as KubeObject;
    objects.set(path, stored);
    cluster.onWrite(path, stored);
    return stored;
  };
  const cluster: MemoryCluster = {
    objects,
    onWrite: () => undefined,
    put: (path, object) => void store(path, object),
    remove: (path) => {
      objects.delete(path);
      cluster.onWrite(path, {});
    },
    client: (nowMs) => ({
      namespace: 'flyte',
      nowMs,
      get: async (path) => {
        const object = objects.get(path);
        return object === undefined ? { kind: 'absent' } : { kind: 'found', object };
      },
      create: async (collection, object) => {
        const path = `${collection}/${textIn(recordIn(object, 'metadata'), 'name') ?? ''}`;
        if (objects.has(path)) return { kind: 'conflict' };
        return { kind: 'written', object: store(path, object) };
      },
      update: async (path, object) => {
        const there = objects.get(path);
        const isSame = there && resourceVersionOf(there) === resourceVersionOf(object);
        if (isSame !== true) return { kind: 'conflict' };
        return { kind: 'written', object: store(path, object) };
      },
    }),
  };
  return cluster;
}

/** The API whose calls go through `around`. */
export function callsThrough(
  api: KubernetesApi,
  around: <T>(call: () => Promise<T>) => Promise<T>,
): KubernetesApi {
  return {
    namespace: api.namespace,
    nowMs: api.nowMs,
    get: async (path) => around(async () => api.get(path)),
    create: async (path, object) => around(async () => api.create(path, object)),
    update: async (path, object) => around(async () => api.update(path, object)),
  };
}
