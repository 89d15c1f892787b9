// A running container whose image has nothing to look with: `bellhop snapshot --pid 1` in an
// ephemeral container beside it sees what a snapshot in the container itself has seen.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { baseFor } from '../kubelet/setting.ts';
import { built as executables } from '../support/built.ts';
import type { LiveApi } from './_live-api.ts';
import { openApi } from './_live-api.ts';
import { importSnapshotImage, SNAPSHOT_IMAGE } from './_snapshot-image.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
const KEY = 'the key of both sides of this test';
const CANARY = 'canary-51c0de';
setDefaultTimeout(120_000);

const made = baseFor('ephemeral containers');
const found = made === undefined ? { missing: '' } : await realCluster('node');
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-ephemeral-'));

interface Status {
  readonly name: string;
  readonly state: {
    readonly running?: object;
    readonly terminated?: { readonly exitCode: number };
  };
}
interface Read {
  readonly status: {
    readonly containerStatuses?: readonly Status[];
    readonly ephemeralContainerStatuses?: readonly Status[];
  };
}

const USER = { runAsUser: 1000, runAsGroup: 2000 };
const PATHS = ['/etc/creds', '/etc/params', '/tmp/shared'];
const FLAGS = PATHS.flatMap((at) => ['--path', at]);

describe.skipIf('missing' in found)('in an ephemeral container', () => {
  const cluster = found as Cluster;
  const base = made as Base;
  let api: LiveApi | undefined;
  let namespace = '';
  const at = (rest: string): string => `/api/v1/namespaces/${namespace}/${rest}`;

  async function create(kind: string, object: object): Promise<void> {
    const { status, body } = (await api?.call('POST', at(kind), object)) ?? { status: 0, body: '' };
    if (status !== 201) throw new Error(body);
  }

  /** A pod that waits, with a Secret, a ConfigMap and an emptyDir. */
  const podOf = (name: string, container: object): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName: cluster.env['NODE_NAME'],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { ...USER, fsGroup: 3000 },
      volumes: [
        { name: 'creds', secret: { secretName: 'db', defaultMode: 0o440 } },
        { name: 'params', configMap: { name: 'params' } },
        { name: 'shared', emptyDir: { medium: 'Memory' } },
      ],
      containers: [
        {
          name: 'main',
          image: SNAPSHOT_IMAGE,
          imagePullPolicy: 'Never',
          env: [
            { name: 'PW', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
            { name: 'BELLHOP_SNAPSHOT_KEY', value: KEY },
          ],
          volumeMounts: ['creds', 'params', 'shared'].map((volume, n) => {
            return { name: volume, mountPath: PATHS[n] };
          }),
          ...container,
        },
      ],
    },
  });

  const readPod = async (name: string): Promise<Read> =>
    (await api?.get(at(`pods/${name}`))) as Read;
  const isRunning = async (name: string): Promise<boolean> => {
    const { status } = await readPod(name);
    return status.containerStatuses?.[0]?.state.running !== undefined;
  };
  const logOf = async (name: string, container: string): Promise<string> => {
    const said = await api?.call('GET', at(`pods/${name}/log?container=${container}`));
    return said?.body ?? '';
  };

  beforeAll(async () => {
    await importSnapshotImage(base, folder);
    api = await openApi(cluster);
    namespace = await cluster.namespace({});
    const meta = (name: string): object => ({ apiVersion: 'v1', metadata: { name } });
    const stringData = { password: CANARY, user: 'app' };
    await create('secrets', { ...meta('db'), kind: 'Secret', stringData });
    await create('configmaps', { ...meta('params'), kind: 'ConfigMap', data: { A: '1' } });
  }, START_MS_MAX);

  afterAll(async () => {
    api?.close();
    await cluster.clean();
    rmSync(folder, { recursive: true });
    removeBase(base);
  });

  test('--pid 1 sees what a snapshot in the container has seen', async () => {
    const inside = ['/bellhop/bellhop', 'snapshot', ...FLAGS, '--', '/waits'];
    await create('pods', podOf('inside', { command: inside }));
    await create('pods', podOf('beside', { command: ['/waits'] }));
    await until(async () => (await isRunning('inside')) && (await isRunning('beside')));
    const ephemeral = {
      name: 'look',
      image: SNAPSHOT_IMAGE,
      imagePullPolicy: 'Never',
      targetContainerName: 'main',
      securityContext: USER,
      command: ['/bellhop/bellhop', 'snapshot', '--pid', '1', ...FLAGS],
      env: [{ name: 'BELLHOP_SNAPSHOT_KEY', value: KEY }],
    };
    const patch = ['patch', 'pod', 'beside', '--subresource=ephemeralcontainers', '-p'];
    const said = await cluster.kubectl([
      '-n',
      namespace,
      ...patch,
      JSON.stringify({ spec: { ephemeralContainers: [ephemeral] } }),
    ]);
    expect(said).toMatchObject({ ok: true });
    await until(async () => {
      const { status } = await readPod('beside');
      return status.ephemeralContainerStatuses?.[0]?.state.terminated !== undefined;
    });
    const texts = [await logOf('inside', 'main'), await logOf('beside', 'look')];
    expect(texts.join('')).not.toContain(CANARY);
    const files = texts.map((text, n) => {
      const file = path.join(folder, `${n}.json`);
      writeFileSync(file, text);
      return file;
    });
    const diff = Bun.spawnSync([executables().bellhop, 'diff', ...files]);
    const told = `${diff.stdout.toString()}${diff.stderr.toString()}`;
    expect([diff.exitCode, told]).toEqual([0, told]);
    expect(told).not.toContain('Not compared');
  });
});
