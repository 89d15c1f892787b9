// Values of Global and Embedded as a program sees them, on a real node.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { IMAGE, importImage } from './_installed.ts';
import type { Hooked } from './_values.ts';
import { BINARY, CANARY, hooked, must, store } from './_values.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, realHelm, until } from './kit/cluster.ts';

setDefaultTimeout(120_000);

const START_MS_MAX = 2_400_000;
const found = await realCluster('node');
const cluster = found as Cluster;
const helm = await realHelm();
const isThere = !('missing' in found) && typeof helm === 'string';
const places = { own: '', team: '' };
let hook: Hooked;

type Wanted = Parameters<typeof encodeSecret>[0];
const NONE = { group: '', groupVersion: '', key: '', mountRequirement: FILE, envVar: '' };

/** Runs a program that prints all that it sees. */
async function seenBy(name: string, wanted: readonly Partial<Wanted>[]): Promise<string> {
  const annotations = Object.fromEntries(
    wanted.map((one, n) => [`flyte.secrets/s${n}`, encodeSecret({ ...NONE, ...one })]),
  );
  const labels = { organization: 'o', domain: 'd', project: 'p' };
  const container = { name: 'c', image: 'bellhop.test/probe:1', imagePullPolicy: 'Never' };
  // Anybody may read what was delivered.
  const securityContext = { runAsUser: 1234, runAsGroup: 1234 };
  const spec = { restartPolicy: 'Never', securityContext, containers: [container] };
  const metadata = { name, namespace: places.team, labels, annotations };
  await must(cluster, ['create', '-f', '-'], { apiVersion: 'v1', kind: 'Pod', metadata, spec });
  const at = ['-n', places.team];
  const ended = '--for=jsonpath={.status.phase}=Succeeded';
  const said = await cluster.kubectl([...at, 'wait', ended, '--timeout=60s', `pod/${name}`]);
  if (!said.ok) throw new Error(await must(cluster, [...at, 'describe', `pod/${name}`]));
  const pod = await must(cluster, [...at, 'get', `pod/${name}`, '-o', 'json']);
  expect(pod).not.toContain(CANARY);
  return must(cluster, [...at, 'logs', name]);
}

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');

/** What the file of this name holds, in Base64; below `..data` or not. */
function contentOf(seen: string, name: string): string {
  const file = new RegExp(`"path":"(?:[^"]*/)?${name}","type":"file"[^}]*"content":"([^"]*)"`);
  return file.exec(seen)?.[1] ?? 'no such file';
}

beforeAll(async () => {
  if (!isThere) return;
  await importImage();
  places.own = await cluster.namespace();
  places.team = await cluster.namespace();
  const image = `${IMAGE.repository}:${IMAGE.tag}`;
  const more = {
    config: { stores: { local: { kind: 'file', folder: '/etc' } } },
    webhook: {
      secretManagerTypes: ['Embedded', 'K8s', 'Azure'],
      stores: { Azure: 'local' },
      pull: { image, imagePullPolicy: IMAGE.pullPolicy },
    },
  };
  hook = await hooked({ cluster, helm, ...places, more });
  await store({ cluster, helm, ...places }, 'Bin');
  const other = ['create', 'secret', 'generic', 'g', '--from-literal=k=of-k8s'];
  await must(cluster, ['-n', places.team, ...other]);
  // The API server hears of the registration by a watch.
  let tries = 0;
  await until(async () => {
    tries++;
    const wanted = [{ group: 'global', key: 'tok', mountRequirement: ENV_VAR }];
    return (await seenBy(`first-${tries}`, wanted)).includes('_UNION_GLOBAL_TOK');
  });
}, START_MS_MAX);

afterAll(async () => {
  if (!isThere) return;
  await hook.stop();
  await cluster.clean();
});

describe.skipIf(!isThere)('a program', () => {
  test('has variables and files byte for byte, beside files of other Secrets', async () => {
    const seen = await seenBy('direct', [
      { group: 'global', key: 'tok', mountRequirement: ENV_VAR },
      { key: 'Bin', envVar: 'AT' },
      { group: 'g', key: 'k' },
    ]);
    expect(seen).toContain(`{"name":"_UNION_GLOBAL_TOK","value":"${CANARY}"}`);
    expect(seen).toContain('{"name":"AT","value":"/etc/flyte/secrets/bin"}');
    for (const name of ['Bin', 'bin']) expect(contentOf(seen, name)).toBe(base64(BINARY));
    expect(contentOf(seen, 'k')).toBe(base64('of-k8s'));
  });

  test('has the same files where one container fetches others for it', async () => {
    const wanted = [{ key: 'Bin' }, { group: 'passwd' }, { group: 'g', key: 'k' }];
    const seen = await seenBy('pulled', wanted);
    expect(contentOf(seen, 'k')).toBe(base64('of-k8s'));
    for (const name of ['Bin', 'bin']) expect(contentOf(seen, name)).toBe(base64(BINARY));
    expect(atob(contentOf(seen, 'passwd'))).toContain('root:');
  });
});
