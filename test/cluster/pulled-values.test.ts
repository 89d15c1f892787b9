// `pull.variables: secret` on a real API server, with the rights that the chart gives: values of
// OpenBao, read by the webhook, are in a Secret beside the pod.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { realServer } from '../real/_servers.ts';
import { unique, vaultAdmin } from '../real/_vault.ts';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { FILE } from '../../src/wire/flyte-secret.ts';
import { annotationsOf } from '../support/flyte-annotations.ts';
import type { Hooked } from './_values.ts';
import { hooked, must } from './_values.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, realHelm, until } from './kit/cluster.ts';

setDefaultTimeout(120_000);

const START_MS_MAX = 2_400_000;
const found = await realCluster('api');
const cluster = found as Cluster;
const helm = await realHelm();
const bao = await realServer('openbao');
const isThere = !('missing' in found) && typeof helm === 'string' && bao.missing === undefined;
const places = { own: '', team: '' };
let hook: Hooked;

const CANARY = `canary-${crypto.randomUUID()}`;
const GROUP = `secret/${unique('pulled')}`;

function podOf(name: string, ...more: readonly Partial<FlyteSecret>[]): object {
  const annotations = annotationsOf(more.map((one) => ({ group: GROUP, key: 'pw', ...one })));
  // No such node: it stays Pending. Nobody knows what the image starts.
  const containers = [{ name: 'c', image: 'bellhop.test/none:1' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: places.team, annotations },
    spec: { nodeName: 'nowhere', containers },
  };
}

const create = async (pod: object, ...more: readonly string[]): Promise<string> => {
  return must(cluster, ['create', '-o', 'json', '-f', '-', ...more], pod);
};

interface SecretObject {
  readonly metadata: { readonly name: string };
  readonly immutable: boolean;
  readonly data: Readonly<Record<string, string>>;
}

async function secrets(): Promise<readonly SecretObject[]> {
  const of = ['--field-selector', 'type=bellhop/values', '-o', 'json'];
  const text = await must(cluster, ['-n', places.team, 'get', 'secrets', ...of]);
  return (JSON.parse(text) as { items: SecretObject[] }).items;
}

beforeAll(async () => {
  if (!isThere) return;
  await vaultAdmin(bao).write(GROUP.replace('/', '/data/'), { data: { pw: CANARY } });
  places.own = await cluster.namespace();
  places.team = await cluster.namespace();
  const [address, token] = [bao.get('VAULT_ADDR'), bao.get('VAULT_TOKEN')];
  const stores = { bao: { kind: 'vault', address, auth: { method: 'token' } } };
  process.env['VAULT_TOKEN'] = token;
  const pull = { image: 'b:1', variables: 'secret' };
  const webhook = { secretManagerTypes: ['Vault'], pull };
  hook = await hooked({ cluster, helm, ...places, more: { config: { stores }, webhook } });
  // The API server hears of the registration by a watch; the first pod has the key for names made.
  await until(async () => (await create(podOf(unique('first'), {}))).includes('secretKeyRef'));
}, START_MS_MAX);

afterAll(async () => {
  if (!isThere) return;
  await hook.stop();
  await cluster.clean();
});

describe.skipIf(!isThere)('a variable that the webhook has fetched', () => {
  test('on a dry run leaves nothing behind', async () => {
    const before = (await secrets()).length;
    const pod = await create(podOf('dry', {}), '--dry-run=server');
    expect(pod).toContain('secretKeyRef');
    expect(await secrets()).toHaveLength(before);
  });

  test('is in a Secret; the pod has a reference, and nothing that fetches', async () => {
    const pod = await create(podOf('one', { envVar: 'PW' }));
    const [, name = ''] = /"name": "(bellhop-[0-9a-f]{32})"/.exec(pod) ?? [];
    const secret = (await secrets()).find(({ metadata }) => metadata.name === name);
    expect(secret).toMatchObject({ immutable: true, data: { '0-pw': btoa(CANARY) } });
    expect(pod).not.toContain('bellhop-pull');
    for (const text of [pod, hook.servers.map((one) => one.said()).join('')]) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(btoa(CANARY));
    }
  });

  test('beside a file that the pod fetches', async () => {
    const pod = await create(podOf('both', {}, { mountRequirement: FILE }));
    expect(pod).toContain('"name": "bellhop-pull"');
    expect(pod).toContain('secretKeyRef');
    expect(pod).not.toContain(CANARY);
  });

  test('that the store lacks: the pod is refused, and told by whom', async () => {
    const { err } = await cluster.kubectl(['create', '-f', '-'], podOf('lacks', { key: 'none' }));
    expect(err).toContain('Vault: it has no key none; keys there: pw');
    expect(err).not.toContain(CANARY);
  });
});
