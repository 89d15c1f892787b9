// Values of Global and Embedded on a real API server, with its controllers and garbage collector,
// and with the rights that the chart gives.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { collect } from '../../src/webhook/value-collector.ts';
import { ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { Hooked } from './_values.ts';
import { BINARY, CANARY, hooked, must, store } from './_values.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, realHelm, until } from './kit/cluster.ts';

setDefaultTimeout(120_000);

const START_MS_MAX = 2_400_000;
const found = await realCluster('api');
const cluster = found as Cluster;
const helm = await realHelm();
const isThere = !('missing' in found) && typeof helm === 'string';
const hasControllers = isThere && cluster.env['CONTROLLERS'] === 'yes';
const { kubectl } = cluster;
const places = { own: '', team: '' };
let hook: Hooked;

interface SecretObject {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly object[] };
  readonly type: string;
  readonly immutable: boolean;
  readonly data: Readonly<Record<string, string>>;
}

async function secrets(): Promise<readonly SecretObject[]> {
  const args = ['-n', places.team, 'get', 'secrets', '-o', 'json'];
  const by = ['--field-selector', 'type=bellhop/values'];
  return (JSON.parse(await must(cluster, [...args, ...by])) as { items: SecretObject[] }).items;
}

const NONE = { group: '', groupVersion: '', key: 'tok', mountRequirement: ENV_VAR, envVar: '' };
const BY_GLOBAL = encodeSecret({ ...NONE, group: 'global' });
const BY_EMBEDDED = encodeSecret({ ...NONE, key: 'Bin', mountRequirement: FILE });

function template(...wanted: readonly string[]) {
  const annotations = Object.fromEntries(wanted.map((one, n) => [`flyte.secrets/s${n}`, one]));
  const labels = { organization: 'o', domain: 'd', project: 'p' };
  const containers = [{ name: 'c', image: 'bellhop.test/none:1' }];
  return { metadata: { labels, annotations }, spec: { restartPolicy: 'Never', containers } };
}

function podOf(name: string, ...wanted: readonly string[]): object {
  const { metadata, spec } = template(...wanted);
  // No such node: it stays Pending.
  const lasting = { ...spec, nodeName: 'nowhere' };
  const named = { ...metadata, name, namespace: places.team };
  return { apiVersion: 'v1', kind: 'Pod', metadata: named, spec: lasting };
}

async function create(pod: object, ...more: readonly string[]): Promise<void> {
  await must(cluster, ['create', '-f', '-', ...more], pod);
}

async function podText(...args: readonly string[]): Promise<string> {
  return must(cluster, ['-n', places.team, 'get', 'pods', ...args, '-o', 'json']);
}

async function forgetPods(): Promise<void> {
  await must(cluster, [
    '-n',
    places.team,
    'delete',
    'pods',
    '--all',
    '--force',
    '--grace-period=0',
  ]);
}

beforeAll(async () => {
  if (!isThere) return;
  places.own = await cluster.namespace();
  places.team = await cluster.namespace();
  hook = await hooked({ cluster, helm, ...places });
  await store({ cluster, helm, ...places }, 'Bin');
  // The API server hears of the registration by a watch.
  await until(async () => {
    await create(podOf('first', BY_GLOBAL));
    const isAsked = (await podText('-l', 'organization=o')).includes('secretKeyRef');
    await forgetPods();
    return isAsked;
  });
}, START_MS_MAX);

afterAll(async () => {
  if (!isThere) return;
  await hook.stop();
  await cluster.clean();
});

describe.skipIf(!isThere)('a pod that asks for values of the webhook', () => {
  test('is created with references to a Secret that has the bytes, and with no value', async () => {
    await create(podOf('both', BY_GLOBAL, BY_EMBEDDED));
    const text = await podText('both');
    const [, name = ''] = /"secretName": "(bellhop-[0-9a-f]{32})"/.exec(text) ?? [];
    const secret = (await secrets()).find(({ metadata }) => metadata.name === name);
    expect(secret).toMatchObject({ type: 'bellhop/values', immutable: true });
    expect(secret?.data).toEqual({
      '0-tok': btoa(CANARY),
      '1-Bin': Buffer.from(BINARY).toString('base64'),
    });
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(btoa(CANARY));
    expect(hook.servers.map((one) => one.said()).join('')).not.toContain(CANARY);
    await forgetPods();
  });

  test('leaves nothing behind on a dry run, and is answered the same', async () => {
    const before = await secrets();
    const pod = podOf('dry', BY_GLOBAL, BY_GLOBAL);
    const dry = await must(cluster, ['create', '--dry-run=server', '-o', 'json', '-f', '-'], pod);
    expect(await secrets()).toEqual([...before]);
    await create(pod);
    const nameIn = (text: string): string =>
      /"name": "(bellhop-[0-9a-f]{32})"/.exec(text)?.[1] ?? '';
    expect(nameIn(dry)).not.toBe('');
    expect(nameIn(await podText('dry'))).toBe(nameIn(dry));
    await forgetPods();
  });

  test('keeps its Secret while it is there; then that is collected, with the chart’s rights', async () => {
    const { api } = hook;
    await forgetPods();
    await create(podOf('lasting', BY_GLOBAL));
    // All that was used before now is old.
    await collect({ api, graceMs: -60_000 }, places.team);
    const [secret, ...others] = await secrets();
    expect(others).toEqual([]);
    expect(await podText('lasting')).toContain(secret?.metadata.name ?? 'none');
    await forgetPods();
    expect(await collect({ api, graceMs: 60_000 }, places.team)).toBe(0);
    expect(await collect({ api, graceMs: -60_000 }, places.team)).toBe(1);
    expect(await secrets()).toEqual([]);
  });
});

describe.skipIf(!hasControllers)('a pod of a Job', () => {
  test('has a Secret that the Job owns, and that goes with the Job', async () => {
    const metadata = { name: 'train', namespace: places.team };
    const spec = { template: template(BY_GLOBAL), completions: 1 };
    await create({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec });
    await until(async () => (await podText('-l', 'job-name=train')).includes('secretKeyRef'));
    const [secret, ...others] = (await secrets()).filter(({ metadata: { ownerReferences } }) => {
      return ownerReferences !== undefined;
    });
    expect(others).toEqual([]);
    expect(secret?.metadata.ownerReferences).toEqual([
      { apiVersion: 'batch/v1', kind: 'Job', name: 'train', uid: expect.any(String) as string },
    ]);
    await must(cluster, ['-n', places.team, 'delete', 'job', 'train']);
    await until(async () => {
      return (await secrets()).every(({ metadata: { ownerReferences } }) => !ownerReferences);
    });
  });
});

describe.skipIf(!isThere)('two replicas', () => {
  test('that are asked at the same moment make one Secret, and give one answer', async () => {
    const before = (await secrets()).length;
    const object = podOf('at-once', BY_GLOBAL, BY_GLOBAL, BY_GLOBAL);
    const body = JSON.stringify({ request: { uid: 'u', namespace: places.team, object } });
    const ask = async (port: number): Promise<unknown> => {
      const answer = await fetch(`https://localhost:${port}/mutate--v1-pod`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        tls: { ca: Bun.file(cluster.env['WEBHOOK_CA'] ?? '') },
      });
      return answer.json();
    };
    const ports = hook.servers.map(({ reviewsPort }) => reviewsPort);
    const answers = await Promise.all([...ports, ...ports, ...ports].map(ask));
    expect(answers[0]).toMatchObject({ response: { allowed: true } });
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await secrets()).toHaveLength(before + 1);
  });
});

describe.skipIf(!isThere)('without the rights', () => {
  test('a pod is refused, and told which right is missing; it is not there', async () => {
    const binding = `${places.own}-value-secrets`;
    await must(cluster, ['-n', places.team, 'delete', 'rolebinding', binding]);
    // One that no replica knows to be there.
    const pod = podOf('refused', BY_EMBEDDED);
    const who = `--as=system:serviceaccount:${places.own}:${places.own}`;
    const may = ['-n', places.team, 'auth', 'can-i', 'create', 'secrets', who];
    await until(async () => (await kubectl(may)).out.trim() === 'no');
    const { err } = await kubectl(['create', '-f', '-'], pod);
    expect(err).toContain('none of the secret managers injected secret [key:"Bin"');
    expect(err).toContain('Embedded: Secret bellhop-');
    expect(err).toContain(`cannot create resource "secrets" in API group "" in the namespace`);
    expect(err).not.toContain(Buffer.from(BINARY).toString('base64'));
    expect((await podText()).includes('refused')).toBe(false);
  });
});
