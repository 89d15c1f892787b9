// The image on a real node: a pod under Pod Security `restricted`, with a read-only root, whose
// names are looked up by glibc and whose TLS is checked.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { USER } from '../../scripts/image.ts';
import { answerNames } from './_names.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster } from './kit/cluster.ts';
import type { Ran } from './_pods.ts';
import { POD_MS_MAX, importImage, runPod } from './_pods.ts';

const IMAGE = 'bellhop.test/bellhop:1';
const GZIP_IMAGE = 'bellhop.test/bellhop-gzip:1';
const START_MS_MAX = 2_400_000;
/** The certificate of the kit is for this name, and only our own server knows it. */
const HOST = 'bellhop.bellhop.svc';
const CANARY = 'canary-5d1e9f';

setDefaultTimeout(2 * POD_MS_MAX);
const found = await realCluster('node');
const cluster = found as Cluster;
/** The host on the pods' network; the address is there once a pod was. */
const gateway = 'missing' in found ? '' : (cluster.env['POD_GATEWAY'] ?? '');
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-image-'));
let namespace = '';
let pods = 0;
const ends: (() => void)[] = [];

const RESTRICTED = {
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** Runs the image once; neither user nor shell nor writable folder is given to it. */
async function podOf(
  args: readonly string[],
  { dns = true, image = IMAGE, more = {} }: { dns?: boolean; image?: string; more?: object } = {},
): Promise<Ran> {
  const name = `p${++pods}`;
  const server = { nameservers: [gateway], options: [{ name: 'ndots', value: '1' }] };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      nodeName: cluster.env['NODE_NAME'],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      ...(dns ? { dnsPolicy: 'None', dnsConfig: server } : {}),
      volumes: [
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'memory', emptyDir: { medium: 'Memory' } },
      ],
      containers: [
        {
          name: 'c',
          image,
          imagePullPolicy: 'Never',
          args,
          securityContext: RESTRICTED,
          volumeMounts: [
            { name: 'settings', mountPath: '/etc/bellhop' },
            { name: 'memory', mountPath: '/secrets' },
          ],
        },
      ],
      ...more,
    },
  };
  return runPod(cluster, pod);
}

/** What the pods read, with the port of a server that was not there before. */
async function settings(port: number): Promise<void> {
  const url = `https://${HOST}:${port}/`;
  const bellhop = (ca: object): string => {
    return JSON.stringify({
      apiVersion: 'bellhop/v1',
      stores: { web: { kind: 'http', url, ...ca } },
      env: { TOKEN: 'web:token.txt' },
      files: { '/secrets/token': { from: 'web:token.txt', mode: 0o400 } },
    });
  };
  const data = {
    'bellhop.yaml': bellhop({ ca: '/etc/bellhop/ca.crt' }),
    'public.yaml': bellhop({}),
    'ca.crt': readFileSync(cluster.env['WEBHOOK_CA'] ?? '', 'utf8'),
  };
  const metadata = { name: 'settings', namespace };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  const said = await cluster.kubectl(['apply', '-f', '-'], map);
  if (!said.ok) throw new Error(said.err);
}

beforeAll(async () => {
  if ('missing' in found) return;
  await importImage(cluster, folder, { name: IMAGE, kind: 'zstd' });
  await importImage(cluster, folder, { name: GZIP_IMAGE, kind: 'gzip' });
  namespace = await cluster.namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  const server = Bun.serve({
    port: 0,
    hostname: '0.0.0.0',
    tls: {
      cert: readFileSync(cluster.env['WEBHOOK_CERT'] ?? '', 'utf8'),
      key: readFileSync(cluster.env['WEBHOOK_KEY'] ?? '', 'utf8'),
    },
    fetch: () => new Response(CANARY, { headers: { 'content-type': 'text/plain' } }),
  });
  ends.push(() => void server.stop(true));
  await settings(server.port ?? 0);
  await podOf(['help'], { dns: false });
  const names = await answerNames(gateway, { [HOST]: gateway });
  ends.push(names.stop);
}, START_MS_MAX);

afterAll(async () => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true, force: true });
  if (!('missing' in found)) await cluster.clean();
});

describe.skipIf('missing' in found)('the image in a restricted pod with a read-only root', () => {
  test('is told what it is asked', async () => {
    const { exit, log } = await podOf(['explain', '-c', '/etc/bellhop/bellhop.yaml']);
    expect([exit, log.includes('TOKEN'), log.includes('/secrets/token')]).toEqual([0, true, true]);
  });

  test('finds a server by name, and trusts the authority that it is given', async () => {
    const { exit, log } = await podOf(['check', '-c', '/etc/bellhop/bellhop.yaml']);
    expect([exit, log]).toEqual([0, expect.stringMatching(/web +http +yes/)]);
    expect(log).not.toContain(CANARY);
  });

  test('finds a server in /etc/hosts', async () => {
    const hostAliases = [{ ip: gateway, hostnames: [HOST] }];
    const args = ['check', '-c', '/etc/bellhop/bellhop.yaml'];
    expect(await podOf(args, { dns: false, more: { hostAliases } })).toMatchObject({ exit: 0 });
  });

  test('refuses a server whose authority it does not know', async () => {
    const { exit, log } = await podOf(['check', '-c', '/etc/bellhop/public.yaml']);
    expect([exit === 0, /certificate/i.test(log)]).toEqual([false, true]);
  });

  test('becomes the program, with its variable and its file', async () => {
    const { exit, log } = await podOf(['run', '-c', '/etc/bellhop/bellhop.yaml', '--', '/probe']);
    const seen = JSON.parse(log) as { env: object[]; uid: number; pid: number };
    expect([exit, seen.uid, seen.pid]).toEqual([0, USER, 1]);
    expect(seen.env).toContainEqual({ name: 'TOKEN', value: CANARY });
    // The probe lists what every file holds as base64.
    expect(log).toContain(`"content":"${btoa(CANARY)}"`);
  });

  test('works as gzip too', async () => {
    expect(await podOf(['help'], { image: GZIP_IMAGE })).toMatchObject({ exit: 0 });
  });
});
