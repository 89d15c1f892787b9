// The client of the Kubernetes API against a real API server; the same cases hold the one in memory
// to it. What a server does when it is ill is played by a server of our own.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { openSystem } from '../../src/core/io/system.ts';
import type { Io } from '../../src/core/io/types.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { openSecretLookup } from '../../src/webhook/secret-lookup.ts';
import {
  leasePlace,
  resourceVersionOf,
  secretPlace,
} from '../../src/webhook/kubernetes-objects.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import { thrownBy } from '../support/routed-store.ts';
import { memoryCluster } from '../webhook/_memory-api.ts';
import { kubeconfigOf, tokenOf } from './_kubeconfig.ts';

const started = await startApiServer();
const missing = 'missing' in started;
const { io } = openSystem();
const CANARY = 'canary-71c2';

function server(): ApiServer {
  if ('missing' in started) throw new Error(started.missing);
  return started;
}

afterAll(async () => {
  if (!missing) await started.stop();
});

const apis: { real?: KubernetesApi; memory: KubernetesApi } = {
  memory: memoryCluster().client(() => Date.now()),
};

beforeAll(async () => {
  if (missing) return;
  await server().admin('POST', '/api/v1/namespaces', { metadata: { name: 'flyte' } });
  apis.real = await openReal();
});

async function openReal(around: Partial<Io> = {}, kubeconfig?: string): Promise<KubernetesApi> {
  const file = kubeconfig ?? kubeconfigOf(server(), 'flyte');
  return openKubernetesApi({
    io: { ...io, ...around },
    options: { kubeconfig: file },
    variable: () => undefined,
    callMsMax: 3000,
  });
}

function secretObject(name: string, data: object = {}): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'flyte' }, data };
}

const kinds = missing ? (['memory'] as const) : (['real', 'memory'] as const);

describe.each([...kinds])('an API server: %s', (kind) => {
  const api = (): KubernetesApi => apis[kind] ?? apis.memory;
  const place = secretPlace('flyte', 'one');

  test('what is not there is absent, what is made is found, making it twice is a conflict', async () => {
    expect(await api().get(place.path)).toEqual({ kind: 'absent' });
    const made = await api().create(place.collection, secretObject('one', { a: 'eA==' }));
    expect(made.kind).toBe('written');
    expect(await api().create(place.collection, secretObject('one'))).toEqual({ kind: 'conflict' });
    const found = await api().get(place.path);
    expect(found.kind === 'found' && found.object['data']).toEqual({ a: 'eA==' });
  });

  test('an update counts only for the version that it names', async () => {
    const found = await api().get(place.path);
    if (found.kind === 'absent') throw new Error('not there');
    const first = await api().update(place.path, { ...found.object, data: { b: 'eA==' } });
    expect(first.kind).toBe('written');
    const late = await api().update(place.path, { ...found.object, data: { c: 'eA==' } });
    expect(late).toEqual({ kind: 'conflict' });
    const now = await api().get(place.path);
    expect(now.kind === 'found' && now.object['data']).toEqual({ b: 'eA==' });
    expect(now.kind === 'found' && resourceVersionOf(now.object)).toMatch(/^\d+$/);
  });

  test('a key of a Secret is looked up', async () => {
    const lookUp = openSecretLookup(api(), openSystem().io.clock);
    const { signal } = new AbortController();
    const of = async (name: string, key: string) =>
      lookUp({ namespace: 'flyte', name, key }, signal);
    expect(await of('one', 'b')).toBe('there');
    expect(await of('one', 'a')).toBe('no key');
    expect(await of('two', 'a')).toBe('no Secret');
  });

  test('what is gone cannot be updated: a conflict', async () => {
    const { collection, path } = leasePlace('flyte', 'gone');
    const object = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'gone', namespace: 'flyte', resourceVersion: '5', uid: 'x' },
      spec: { holderIdentity: '' },
    };
    expect(await api().update(path, object)).toEqual({ kind: 'conflict' });
    const { resourceVersion: _, uid: __, ...metadata } = object.metadata;
    expect((await api().create(collection, { ...object, metadata })).kind).toBe('written');
  });
});

describe.skipIf(missing)('a real API server', () => {
  test('a right that is lacking is said in its words, without what was sent', async () => {
    const token = await tokenOf(server(), 'flyte', 'nobody');
    const api = await openReal({}, kubeconfigOf(server(), 'flyte', { token }));
    const place = secretPlace('flyte', 'one');
    const problem = await thrownBy(api.get(place.path));
    expect(problem.code).toBe('BH_ERR_STORE_DENIED');
    expect(problem.message).toContain('system:serviceaccount:flyte:nobody');
    const written = await thrownBy(api.create(place.collection, secretObject('x', { a: CANARY })));
    expect(written.code).toBe('BH_ERR_STORE_DENIED');
    expect(written.message).not.toContain(CANARY);
  });

  test('what it does not take is said without the Secret, and is not sent again', async () => {
    const place = secretPlace('flyte', 'one');
    const api = await openReal();
    for (const data of [{ [CANARY]: '%' }, { '%': CANARY }]) {
      const problem = await thrownBy(api.create(place.collection, secretObject('x', data)));
      expect(problem.code).toBe('BH_ERR_STORE_ANSWER');
      expect(problem.message).not.toContain(CANARY);
    }
  });

  test('a namespace that is not there is no conflict', async () => {
    const { collection } = secretPlace('nowhere', 'one');
    const object = { ...secretObject('one'), metadata: { name: 'one', namespace: 'nowhere' } };
    const problem = await thrownBy((await openReal()).create(collection, object));
    expect(problem.code).toBe('BH_ERR_STORE_ANSWER');
    expect(problem.message).toContain('nowhere');
  });

  test.each([-90_000, 0, 90_000])(
    'the time is that of the server, ours being %d ms off',
    async (ms) => {
      const clock = { ...io.clock, now: () => io.clock.now() + ms };
      const api = await openReal({ clock });
      expect(Math.abs(api.nowMs() - clock.now())).toBeLessThan(100);
      await api.get('/api/v1/namespaces/flyte');
      expect(Math.abs(api.nowMs() - io.clock.now())).toBeLessThan(5000);
    },
  );

  test('a token that has changed on disk is read again', async () => {
    const tokens = [`${await tokenOf(server(), 'flyte', 'nobody')}x`];
    const file = kubeconfigOf(server(), 'flyte', { tokenFile: true }, tokens[0]);
    const api = await openReal({}, file);
    const refused = await thrownBy(api.get('/api/v1/namespaces/flyte'));
    expect(refused.code).toBe('BH_ERR_CREDENTIALS');
    const good = await tokenOf(server(), 'flyte', 'nobody');
    await Bun.write(file.replace('config', 'token'), good);
    const problem = await thrownBy(api.get('/api/v1/namespaces/flyte'));
    expect(problem.code).toBe('BH_ERR_STORE_DENIED');
    expect(readFileSync(file, 'utf8')).not.toContain(good);
  });
});

test.skipIf(missing)(
  'a token that was replaced is used within a minute, before it ends',
  async () => {
    const first = await tokenOf(server(), 'flyte', 'nobody');
    const config = kubeconfigOf(server(), 'flyte', { tokenFile: true }, first);
    let aheadMs = 0;
    const sent: string[] = [];
    const http: Io['net']['http'] = async (request, signal) => {
      sent.push(request.headers['authorization'] ?? '');
      return io.net.http(request, signal);
    };
    const clock = { ...io.clock, monotonicMs: () => io.clock.monotonicMs() + aheadMs };
    const api = await openReal({ clock, net: { ...io.net, http } }, config);
    const ask = async () => thrownBy(api.get('/api/v1/namespaces/flyte'));
    await ask();
    const second = await tokenOf(server(), 'flyte', 'nobody');
    await Bun.write(config.replace('config', 'token'), second);
    await ask();
    aheadMs = 61_000;
    await ask();
    const tokens = [first, first, second].map((token) => `Bearer ${token}`);
    expect(sent.map((one) => tokens.indexOf(one))).toEqual([0, 0, 2]);
  },
);

describe.skipIf(missing)('a token that cannot be read for a while', () => {
  test.each([
    ['missing', async (file: string) => rm(file)],
    ['empty', async (file: string) => Bun.write(file, '')],
  ])('%s: the next call after it is back succeeds', async (_, spoil) => {
    const good = await tokenOf(server(), 'flyte', 'nobody');
    const config = kubeconfigOf(server(), 'flyte', { tokenFile: true }, good);
    const file = config.replace('config', 'token');
    const api = await openReal({}, config);
    await spoil(file);
    for (let count = 0; count < 2; count += 1) {
      const problem = await thrownBy(api.get('/api/v1/namespaces/flyte'));
      expect(problem.code).toBe('BH_ERR_CREDENTIALS');
    }
    await Bun.write(file, good);
    const problem = await thrownBy(api.get('/api/v1/namespaces/flyte'));
    expect(problem.code).toBe('BH_ERR_STORE_DENIED');
  });
});

describe.skipIf(missing)('a server that is ill', () => {
  async function against(answers: (() => Response | Promise<Response>)[]) {
    const asked: string[] = [];
    const ill = Bun.serve({
      port: 0,
      tls: {
        cert: readFileSync(server().files.cert.replace('admin', 'server'), 'utf8'),
        key: readFileSync(server().files.key.replace('admin', 'server'), 'utf8'),
      },
      fetch: async (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        return (answers.shift() ?? good)();
      },
    });
    const file = kubeconfigOf({ ...server(), url: `https://127.0.0.1:${ill.port}` }, 'flyte');
    const api = await openReal({}, file);
    return { api, asked, end: async () => ill.stop(true) };
  }
  const good = (): Response => Response.json({ kind: 'Secret', metadata: { name: 'one' } });
  const busy = new Response('Too many requests', { status: 429, headers: { 'retry-after': '1' } });
  const status = (code: number) => () => Response.json({ kind: 'Status', code }, { status: code });

  test('429 is waited out as it says, 5xx and rubbish are asked again', async () => {
    const rubbish = (): Response => new Response('<html>', { status: 502 });
    const { api, asked, end } = await against([() => busy, status(503), rubbish]);
    const fromMs = performance.now();
    expect((await api.get('/api/v1/namespaces/flyte/secrets/one')).kind).toBe('found');
    expect(asked).toHaveLength(4);
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(1000);
    await end();
  });

  test('a server that is never well is a problem of reaching it, within the time limit', async () => {
    const { api, end } = await against(Array.from({ length: 50 }, () => status(500)));
    const fromMs = performance.now();
    const problem = await thrownBy(api.get('/api/v1/namespaces/flyte/secrets/one'));
    expect(problem.code).toBe('BH_ERR_STORE');
    expect(performance.now() - fromMs).toBeLessThan(4000);
    await end();
  });

  test('a server that hangs is left within the time limit', async () => {
    const hang = async (): Promise<Response> => new Promise(() => undefined);
    const { api, end } = await against([hang, hang]);
    const fromMs = performance.now();
    const problem = await thrownBy(api.get('/api/v1/namespaces/flyte/secrets/one'));
    expect([problem.code, problem.what]).toEqual(['BH_ERR_STORE', 'no answer within 3000 ms']);
    expect(performance.now() - fromMs).toBeLessThan(4000);
    await end();
  });
});
