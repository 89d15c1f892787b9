// The Kubernetes API as far as the webhook uses it, in memory; test/cluster/kubernetes-api.test.ts
// holds it to the same cases as a real API server.
import { BellhopError } from '../../src/core/errors.ts';
import type { KubernetesApi, KubeObject, ListWish } from '../../src/webhook/kubernetes-api.ts';
import type { JsonRecord } from '../../src/stores/_rest.ts';
import { recordIn, textIn } from '../../src/stores/_rest.ts';
import { resourceVersionOf } from '../../src/webhook/kubernetes-objects.ts';
import { sameJson } from '../../src/webhook/pod-state.ts';

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
    const before = recordIn(objects.get(path) ?? {}, 'metadata');
    const uid = textIn(before, 'uid') ?? `uid-${version}`;
    const metadata = { ...recordIn(object, 'metadata'), uid, resourceVersion: `${version}` };
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
        const isFixed = there?.['immutable'] === true;
        if (isFixed && !sameJson(there?.['data'], object['data'])) throw invalid(path);
        return { kind: 'written', object: store(path, object) };
      },
      remove: async (path, object) => {
        const there = objects.get(path);
        if (there === undefined) return 'removed';
        const isSame = (name: string): boolean => {
          const wanted = recordIn(object, 'metadata')[name];
          return wanted === undefined || wanted === recordIn(there, 'metadata')[name];
        };
        if (!isSame('uid') || !isSame('resourceVersion')) return 'conflict';
        cluster.remove(path);
        return 'removed';
      },
      list: async (path, wish, see) => {
        for (const one of listed(objects, path, wish)) see(one);
      },
    }),
  };
  return cluster;
}

function invalid(path: string): BellhopError {
  const where = ['Kubernetes API', `PUT ${path}`];
  return new BellhopError('BH_ERR_STORE_ANSWER', { where, what: 'Invalid' });
}

/** Those of a collection: of a namespace, or of all of them. */
function listed(
  objects: ReadonlyMap<string, KubeObject>,
  path: string,
  { labels, fields, isMetadata }: ListWish,
): readonly KubeObject[] {
  const [, start = '', kind = ''] = /^(.*\/)([^/]+)$/.exec(path) ?? [];
  const isNamespaced = start.includes('/namespaces/');
  const below = isNamespaced ? `${path}/` : `${start}namespaces/`;
  const all = [...objects].filter(([at]) => {
    return at.startsWith(below) && (isNamespaced || at.split('/').at(-2) === kind);
  });
  const fit = all.filter(([, one]) => {
    const own = recordIn(recordIn(one, 'metadata'), 'labels');
    const valueAt = (field: string): unknown => {
      return field === 'type' ? one['type'] : recordIn(one, 'status')['phase'];
    };
    const isOf = (of: string, at: (name: string) => unknown): boolean => {
      const [, name = '', not = '', value = ''] = /^([^!=]+)(!?)=(.*)$/.exec(of) ?? [];
      return (at(name) === value) === (not === '');
    };
    const terms = (text: string | undefined): string[] => text?.split(',') ?? [];
    return (
      terms(labels).every((of) => isOf(of, (name) => own[name])) &&
      terms(fields).every((of) => isOf(of, valueAt))
    );
  });
  return fit.map(([, one]) => (isMetadata === true ? { metadata: one['metadata'] } : one));
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
    remove: async (path, object) => around(async () => api.remove(path, object)),
    list: async (path, wish, see) => around(async () => api.list(path, wish, see)),
  };
}
