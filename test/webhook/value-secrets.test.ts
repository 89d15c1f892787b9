// Secrets beside pods: made once whoever asks, and never another one than what was asked for.
import { describe, expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { openNameKey } from '../../src/webhook/name-key.ts';
import type { NamedSecret } from '../../src/webhook/value-secrets.ts';
import { KNOWN_MS, TOUCH_MS } from '../../src/webhook/value-secrets.ts';
import { forbidding, outage } from './_faults.ts';
import type { MemoryCluster } from './_memory-api.ts';
import { callsThrough, memoryCluster } from './_memory-api.ts';
import { valueSecretsOn } from './_values.ts';

const CANARY = 'canary-4be1';
const OWNER = { apiVersion: 'batch/v1', kind: 'Job', name: 'train', uid: 'u-1' };
const NEVER = new AbortController().signal;
const PLACE = secretPlace('team', 'bellhop-0');
const START_MS = Date.UTC(2026, 0, 1);

function wanted(more: Partial<NamedSecret> = {}, text: string = CANARY): NamedSecret {
  const value = { id: 'x', key: '0-tok', value: new Sealed(Buffer.from(text)) };
  const values = [{ ...value, called: 'key:"tok"', files: [] }];
  return { namespace: 'team', name: 'bellhop-0', owner: undefined, values, ...more };
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => expect.unreachable(),
    (error: unknown) => (error as Error).message,
  );
}

interface Replica {
  readonly keep: (secret?: NamedSecret, signal?: AbortSignal) => Promise<void>;
  readonly calls: string[];
  readonly results: readonly string[];
}

function world(around: (api: KubernetesApi) => KubernetesApi = (api) => api) {
  const cluster = memoryCluster();
  const time = { ms: 0 };
  const replica = (): Replica => {
    const calls: string[] = [];
    const plain = around(cluster.client(() => START_MS + time.ms));
    const counted = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
      calls.push(name);
      return call();
    };
    const api: KubernetesApi = {
      ...plain,
      get: async (path) => counted('get', async () => plain.get(path)),
      create: async (path, object) => counted('create', async () => plain.create(path, object)),
      update: async (path, object) => counted('update', async () => plain.update(path, object)),
    };
    const secrets = valueSecretsOn(api, { monotonicMs: () => time.ms });
    const keep = async (secret = wanted(), signal = NEVER) => secrets.keep(secret, signal);
    return { keep, calls, results: secrets.results };
  };
  return { cluster, time, replica };
}

const there = ({ objects }: MemoryCluster): KubeObject => {
  return objects.get(PLACE.path) ?? expect.unreachable();
};

describe('a Secret for values', () => {
  test('is immutable, says whose it is, and holds the bytes', async () => {
    const { cluster, replica } = world();
    await replica().keep(wanted({ owner: OWNER }));
    expect(there(cluster)).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'bellhop/values',
      immutable: true,
      metadata: {
        name: 'bellhop-0',
        namespace: 'team',
        labels: { 'app.kubernetes.io/managed-by': 'bellhop' },
        annotations: { 'bellhop/used': '2026-01-01T00:00:00.000Z' },
        // Neither `controller` nor `blockOwnerDeletion`: it is one of many that the owner has.
        ownerReferences: [OWNER],
      },
      data: { '0-tok': Buffer.from(CANARY).toString('base64') },
    });
    expect(JSON.stringify(there(cluster)['metadata'])).not.toContain(CANARY);
  });

  test('of a pod without a controller has no owner', async () => {
    const { cluster, replica } = world();
    await replica().keep();
    expect(there(cluster)['metadata']).not.toHaveProperty('ownerReferences');
  });

  test('is made once by all that ask at the same time, and then known for a while', async () => {
    const { replica, time } = world();
    const one = replica();
    await Promise.all([one.keep(), one.keep(), one.keep()]);
    await one.keep();
    time.ms += KNOWN_MS - 1;
    await one.keep();
    expect(one.calls).toEqual(['create']);
  });

  test('is made once by two replicas, whoever is first', async () => {
    const { replica, cluster } = world();
    const [one, two] = [replica(), replica()];
    await Promise.all([one.keep(), two.keep()]);
    expect([...one.results, ...two.results].toSorted()).toEqual(['created', 'found']);
    expect(cluster.objects.size).toBe(1);
  });

  test('that somebody deletes is made again as soon as it is no longer taken to be there', async () => {
    const { replica, cluster, time } = world();
    const one = replica();
    await one.keep();
    cluster.remove(PLACE.path);
    time.ms += KNOWN_MS;
    await one.keep();
    expect(one.calls).toEqual(['create', 'get', 'create']);
    expect(there(cluster)['immutable']).toBe(true);
  });

  test('that was used long ago says that it is used again, and keeps all else', async () => {
    const { replica, cluster, time } = world();
    await replica().keep(wanted({ owner: OWNER }));
    const before = there(cluster);
    time.ms += TOUCH_MS;
    const later = replica();
    await later.keep(wanted({ owner: OWNER }));
    expect(later.results).toEqual(['touched']);
    const used = { 'bellhop/used': '2026-01-01T00:10:00.000Z' };
    const { resourceVersion: _, ...metadata } = before['metadata'] as Record<string, unknown>;
    expect(there(cluster)).toMatchObject({
      ...before,
      metadata: { ...metadata, annotations: used },
    });
  });

  test('that another one touches at the same moment is looked at again', async () => {
    const { replica, cluster, time } = world();
    await replica().keep();
    time.ms += TOUCH_MS;
    const [one, two] = [replica(), replica()];
    await Promise.all([one.keep(), two.keep()]);
    expect([...one.results, ...two.results].toSorted()).toEqual(['found', 'touched']);
    expect(there(cluster)['immutable']).toBe(true);
  });

  test.each<readonly [string, object]>([
    ['holds something else', { data: { '0-tok': 'eA==' } }],
    ['holds more', { data: { '0-tok': Buffer.from(CANARY).toString('base64'), more: 'eA==' } }],
    ['can be changed', { immutable: false }],
    ['is of another type', { type: 'Opaque' }],
  ])('that %s is not ours: the pod must not have it', async (_, other) => {
    const { replica, cluster } = world();
    await replica().keep();
    const before = there(cluster);
    cluster.remove(PLACE.path);
    cluster.put(PLACE.path, { ...before, ...other });
    const reason = await reasonOf(replica().keep());
    expect(reason).toBe('one of this name is there, and bellhop has not written it');
    expect(there(cluster)).toMatchObject(other);
  });

  test('that is being deleted is not taken to be there', async () => {
    const { replica, cluster } = world();
    await replica().keep();
    const before = there(cluster);
    const metadata = {
      ...(before['metadata'] as object),
      deletionTimestamp: '2026-01-01T00:00:00Z',
    };
    cluster.put(PLACE.path, { ...before, metadata });
    expect(await reasonOf(replica().keep())).toContain('being deleted');
  });

  test('that cannot be made is asked for again by the next pod', async () => {
    const state = { isDown: true };
    const { replica, cluster } = world((api) => {
      return callsThrough(api, async (call) => {
        if (state.isDown) throw outage();
        return call();
      });
    });
    const one = replica();
    expect(await reasonOf(one.keep())).toContain('no answer');
    state.isDown = false;
    await one.keep();
    expect(one.results).toEqual(['failed', 'created']);
    expect(there(cluster)['immutable']).toBe(true);
  });

  test('without the right to make it, the right is named', async () => {
    const { replica } = world((api) => {
      return forbidding((method) => method === 'create')(api, () => expect.unreachable());
    });
    expect(await reasonOf(replica().keep())).toContain(
      'create /api/v1/namespaces/team/secrets: Forbidden',
    );
  });

  test('whose answer does not come is not waited for', async () => {
    const { replica } = world((api) => callsThrough(api, async () => new Promise(() => undefined)));
    const late = new AbortController();
    const asked = replica().keep(wanted(), late.signal);
    late.abort();
    expect(await reasonOf(asked)).toBe('the API server did not take it in time');
  });

  test('is not made for a pod that is late already', async () => {
    const { cluster, replica } = world();
    const one = replica();
    const reason = await reasonOf(one.keep(wanted(), AbortSignal.abort()));
    expect(reason).toBe('the API server did not take it in time');
    expect([one.calls, cluster.objects.size]).toEqual([[], 0]);
  });
});

describe('its name', () => {
  const nameBy = async (secret: NamedSecret, seed = 7): Promise<string> => {
    const api = memoryCluster().client(() => 0);
    return valueSecretsOn(api, { seed }).nameOf(secret, { dryRun: false });
  };

  test('is the same for the same, in every replica', async () => {
    expect(await nameBy(wanted())).toMatch(/^bellhop-[0-9a-f]{32}$/);
    expect(await nameBy(wanted())).toBe(await nameBy(wanted()));
    expect(await nameBy(wanted({ owner: OWNER }))).toBe(await nameBy(wanted({ owner: OWNER })));
  });

  test.each<readonly [string, Partial<NamedSecret>]>([
    ['value', { values: wanted({}, 'other').values }],
    ['namespace', { namespace: 'other' }],
    ['owner of the same name', { owner: { ...OWNER, uid: 'u-2' } }],
    ['owner that gives itself out for it', { owner: { ...OWNER, name: 'nobody' } }],
    ['owner, none', { owner: undefined }],
    ['key', { values: wanted().values.map((one) => ({ ...one, key: 'b' })) }],
    ['number of values', { values: [] }],
  ])('is another one for another %s', async (_, other) => {
    const owned = wanted({ owner: OWNER });
    expect(await nameBy({ ...owned, ...other })).not.toBe(await nameBy(owned));
  });

  test('cannot be found by trying values without the key of the webhook', async () => {
    expect(await nameBy(wanted(), 8)).not.toBe(await nameBy(wanted(), 9));
  });
});

describe('the key for names', () => {
  const name = 'hook-values';
  const { path } = secretPlace('flyte', name);
  const keyOn = (cluster: MemoryCluster, seed: number, around = (api: KubernetesApi) => api) => {
    const random = (count: number): Uint8Array => new Uint8Array(count).fill(seed);
    return openNameKey({ api: around(cluster.client(() => 0)), name, random });
  };

  test('is made by the first, and read by all others', async () => {
    const cluster = memoryCluster();
    const keys = [keyOn(cluster, 1), keyOn(cluster, 2)];
    const [one, two] = await Promise.all(keys.map(async (key) => key.get({ mayCreate: true })));
    expect(one).toEqual(two ?? expect.unreachable());
    expect(cluster.objects.get(path)).toMatchObject({ immutable: true });
    expect(await keyOn(cluster, 3).get({ mayCreate: false })).toEqual(one ?? expect.unreachable());
  });

  test('is not made for a dry run', async () => {
    const cluster = memoryCluster();
    expect(await keyOn(cluster, 1).get({ mayCreate: false })).toBeUndefined();
    expect(cluster.objects.size).toBe(0);
  });

  test('is asked for once', async () => {
    const counted = { calls: 0 };
    const key = keyOn(memoryCluster(), 1, (api) => {
      return callsThrough(api, async (call) => {
        counted.calls++;
        return call();
      });
    });
    const all = [1, 2, 3].map(async () => key.get({ mayCreate: true }));
    await Promise.all(all);
    await key.get({ mayCreate: true });
    expect(counted.calls).toBe(2);
  });

  test.each(['', 'eA==', '%'])(
    'that is %p is none: it is told, and not written over',
    async (text) => {
      const cluster = memoryCluster();
      cluster.put(path, { data: { key: text } });
      const reason = await reasonOf(keyOn(cluster, 1).get({ mayCreate: true }));
      expect(reason).toContain('hook-values: its `key` is not 32 bytes');
      expect(cluster.objects.get(path)).toMatchObject({ data: { key: text } });
    },
  );
});
