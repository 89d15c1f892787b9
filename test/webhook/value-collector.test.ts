// Secrets that no pod needs go; one that a pod needs never does, whenever that pod comes.
import { describe, expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { podPlace, secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { openNameKey } from '../../src/webhook/name-key.ts';
import { COLLECTOR_TIMES, collect, openCollector } from '../../src/webhook/value-collector.ts';
import type { NamedSecret } from '../../src/webhook/value-secrets.ts';
import { simulation } from '../support/simulated.ts';
import { forbidding } from './_faults.ts';
import { callsThrough, memoryCluster } from './_memory-api.ts';
import { valueSecretsOn } from './_values.ts';

const NAME = `bellhop-${'0'.repeat(32)}`;
const OTHER = `bellhop-${'1'.repeat(32)}`;
const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const { graceMs } = COLLECTOR_TIMES;
const NEVER = new AbortController().signal;
const PLACE = secretPlace('team', NAME);

function secretNamed(name = NAME, namespace = 'team'): NamedSecret {
  const value = new Sealed(Buffer.from('x'));
  const values = [{ id: 'x', key: '0-tok', value, called: '', files: [] }];
  return { namespace, name, owner: undefined, values };
}

function world() {
  const cluster = memoryCluster();
  const time = { ms: 0 };
  const api = cluster.client(() => START_MS + time.ms);
  const replica = () => valueSecretsOn(api, { monotonicMs: () => time.ms });
  return {
    cluster,
    time,
    api,
    replica,
    isThere: (name = NAME) => cluster.objects.has(secretPlace('team', name).path),
    makePod: (spec: object, status: object = { phase: 'Running' }, name = 'p') => {
      const pod = { metadata: { name, namespace: 'team' }, spec, status };
      cluster.put(podPlace('team', name).path, pod);
    },
  };
}

const secretKeyRef = { name: NAME, key: '0-tok' };
const byVariable = {
  containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { secretKeyRef } }] }],
};

describe('a Secret that was last used long ago', () => {
  test('goes, of one namespace or of all', async () => {
    for (const where of ['team', '*']) {
      const { api, time, replica, isThere } = world();
      await replica().keep(secretNamed(), NEVER);
      await replica().keep(secretNamed(NAME, 'other'), NEVER);
      time.ms += graceMs + 1;
      expect(await collect({ api, graceMs }, where)).toBe(where === '*' ? 2 : 1);
      expect(isThere()).toBe(false);
    }
  });

  test('stays as long as it is not so long ago', async () => {
    const { api, time, replica, isThere } = world();
    await replica().keep(secretNamed(), NEVER);
    time.ms += graceMs;
    expect([await collect({ api, graceMs }, '*'), isThere()]).toEqual([0, true]);
  });

  test.each<readonly [string, object]>([
    ['a variable', byVariable],
    ['an init container', { initContainers: byVariable.containers }],
    ['an ephemeral container', { ephemeralContainers: byVariable.containers }],
    ['all of its keys', { containers: [{ envFrom: [{ secretRef: { name: NAME } }] }] }],
    ['a volume', { volumes: [{ name: 'v', secret: { secretName: NAME } }] }],
    ['a volume of many', { volumes: [{ projected: { sources: [{ secret: { name: NAME } }] } }] }],
  ])('stays while a pod has %s of it, and goes with the pod', async (_, spec) => {
    const { api, time, replica, makePod, cluster, isThere } = world();
    await replica().keep(secretNamed(), NEVER);
    await replica().keep(secretNamed(OTHER), NEVER);
    makePod(spec);
    time.ms += 24 * HOUR_MS;
    expect(await collect({ api, graceMs }, '*')).toBe(1);
    expect([isThere(), isThere(OTHER)]).toEqual([true, false]);
    cluster.remove(podPlace('team', 'p').path);
    expect(await collect({ api, graceMs }, '*')).toBe(1);
    expect(isThere()).toBe(false);
  });

  test.each<readonly [string, boolean]>([
    ['Pending', true],
    ['Running', true],
    ['Unknown', true],
    ['Succeeded', false],
    ['Failed', false],
  ])('and a pod that is %s: stays is %p', async (phase, stays) => {
    const { api, time, replica, makePod, isThere } = world();
    await replica().keep(secretNamed(), NEVER);
    makePod(byVariable, { phase });
    time.ms += 24 * HOUR_MS;
    await collect({ api, graceMs }, '*');
    expect(isThere()).toBe(stays);
  });

  test.each<readonly [string, object]>([
    ['of another type', { type: 'Opaque' }],
    ['without our label', { metadata: { name: NAME, namespace: 'team' } }],
    ['that is being deleted', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }],
  ])('%s is not ours to take away', async (_, other) => {
    const { api, time, replica, cluster, isThere } = world();
    await replica().keep(secretNamed(), NEVER);
    const before = cluster.objects.get(PLACE.path) ?? expect.unreachable();
    const added = 'metadata' in other ? (other.metadata as object) : {};
    const isReplaced = 'name' in added;
    const metadata = isReplaced ? added : { ...(before['metadata'] as object), ...added };
    cluster.put(PLACE.path, { ...before, ...other, metadata });
    time.ms += 24 * HOUR_MS;
    expect([await collect({ api, graceMs }, '*'), isThere()]).toEqual([0, true]);
  });

  test('and is used again while pods are looked at stays', async () => {
    const { api, time, replica, isThere } = world();
    await replica().keep(secretNamed(), NEVER);
    time.ms += 24 * HOUR_MS;
    const list: KubernetesApi['list'] = async (path, wish, see) => {
      await api.list(path, wish, see);
      if (path.endsWith('/pods')) await replica().keep(secretNamed(), NEVER);
    };
    expect([await collect({ api: { ...api, list }, graceMs }, '*'), isThere()]).toEqual([0, true]);
  });
});

async function failing(): Promise<never> {
  throw new Error('broken');
}

describe('the collector', () => {
  const lines: string[] = [];
  const started = (more: { around?: (api: KubernetesApi) => KubernetesApi } = {}) => {
    const simulated = simulation(3);
    const cluster = memoryCluster();
    const { around = (api: KubernetesApi) => api } = more;
    const { clock } = simulated;
    const nowMs = (): number => START_MS + clock.now();
    const random = (count: number): Uint8Array => new Uint8Array(count);
    const counted = { gone: 0, lists: 0 };
    const open = (identity: string) => {
      const plain = around(cluster.client(nowMs));
      const list: KubernetesApi['list'] = async (path, wish, see) => {
        if (path.includes('secrets')) counted.lists++;
        return plain.list(path, wish, see);
      };
      const api = { ...plain, list };
      const key = openNameKey({ api, name: 'hook-values', random });
      const tell = (level: string, what: string): void => void lines.push(`${level}: ${what}`);
      const onCollected = (count: number): void => void (counted.gone += count);
      const of = { api, clock, random, tell, key, identity, onCollected, leaseName: 'hook-values' };
      return openCollector({ ...of, namespaces: ['*'], ...COLLECTOR_TIMES });
    };
    const pass = async (ms: number): Promise<void> => {
      await simulated.run(new Promise<void>((done) => void clock.after(ms, done)));
    };
    const keep = async (): Promise<void> => {
      const secrets = valueSecretsOn(cluster.client(nowMs), {
        monotonicMs: () => clock.monotonicMs(),
      });
      await secrets.keep(secretNamed(), NEVER);
    };
    return { cluster, open, pass, keep, counted };
  };

  test('is one of all replicas, makes the key for names, and goes on when that one has gone', async () => {
    const { cluster, open, pass, keep, counted } = started();
    const [one, two] = [open('one'), open('two')];
    one.start();
    await pass(1000);
    two.start();
    await keep();
    expect(cluster.objects.has(secretPlace('flyte', 'hook-values').path)).toBe(true);
    await pass(COLLECTOR_TIMES.collectMs * 3);
    const lists = counted.lists;
    // Every five minutes, and not by both.
    expect(lists).toBeLessThanOrEqual(4);
    const stopped = one.stop();
    await pass(1);
    await stopped;
    await pass(2 * HOUR_MS);
    expect(cluster.objects.has(PLACE.path)).toBe(false);
    expect(counted.gone).toBe(1);
    void two.stop();
  });

  test('tells once what it may not do', async () => {
    lines.length = 0;
    const around = (api: KubernetesApi): KubernetesApi => {
      return forbidding((method) => method === 'list')(api, () => expect.unreachable());
    };
    const { open, pass } = started({ around });
    const one = open('one');
    one.start();
    await pass(COLLECTOR_TIMES.collectMs + COLLECTOR_TIMES.pollMs);
    expect(lines.filter((line) => line.includes('list /api/v1/secrets'))).toHaveLength(1);
    expect(one.faults()).toHaveLength(1);
    void one.stop();
  });

  test('survives calls that fail', async () => {
    const { random } = simulation(5);
    const around = (api: KubernetesApi): KubernetesApi => {
      return callsThrough(api, async (call) => (random() < 1 / 3 ? failing() : call()));
    };
    const { cluster, open, pass, keep } = started({ around });
    const one = open('one');
    one.start();
    await keep();
    await pass(4 * HOUR_MS);
    expect(cluster.objects.has(PLACE.path)).toBe(false);
    void one.stop();
  });
});
