// A training job on Kubernetes and on AWS Batch, with two defects: the one that docs show.
import type { Declared, Snapshot, Tree } from '../../src/parity/types.ts';
import { file, folder, snapshot, tmpfs, tree, value, variables, volume } from './_snapshots.ts';

const IMAGE = { PATH: '/usr/local/bin:/usr/bin:/bin', PYTHON_VERSION: '3.12.4', HOME: '/root' };
const POD = {
  DB_URL: 'postgres://trainer@db/metrics',
  DB_PASSWORD: 'not-a-password-1',
  LEARNING_RATE: '3e-4',
  EPOCHS: '40',
  CHECKPOINT_DIR: '/checkpoints',
  WANDB_API_KEY: 'not-a-key-of-anybody',
  POD_IP: '10.244.1.17',
};
const CLUSTER = {
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_PORT: 'tcp://10.96.0.1:443',
  HOSTNAME: 'resnet-train-x7k2p',
};
const CERTIFICATES = { 'ca.crt': 'ca', 'tls.crt': 'certificate', 'tls.key': 'key' };
const PARAMETERS = { 'model.yaml': 'layers: 50', 'data.yaml': 'shards: 128', 'log.ini': '[root]' };

const rule = 'spec.containers[0]';
const PLAN: Declared = {
  digest: 'sha256:5f0d3c1e8a94b7720c6e5d1b3f2a49880e1c7d6b5a4f39281706f5e4d3c2b1a0',
  workload: 'Job ml/resnet-train',
  container: 'trainer',
  variables: [
    { name: '*', from: 'sm:prod/db', rule: `${rule}.envFrom[0]` },
    { name: 'LEARNING_RATE', from: 'literal', rule: `${rule}.env[0]` },
    { name: 'EPOCHS', from: 'literal', rule: `${rule}.env[1]` },
    { name: 'WANDB_API_KEY', from: 'sm:prod/wandb#key', rule: `${rule}.env[2]` },
    { name: 'POD_IP', from: 'status.podIP', rule: `${rule}.env[3]`, isClusters: true },
  ],
  arguments: [],
  files: [
    { path: '/etc/tls/*', from: 'sm:prod/tls', rule: 'spec.volumes[0]' },
    { path: '/etc/train/*', from: 's3:ml-config/train.json', rule: 'spec.volumes[1]' },
  ],
  mounts: [
    {
      path: '/etc/tls',
      volume: 'tls',
      medium: 'memory',
      shape: 'versioned',
      isPart: false,
      rule: `${rule}.volumeMounts[0]`,
    },
    {
      path: '/etc/train',
      volume: 'train',
      medium: 'disk',
      shape: 'versioned',
      isPart: false,
      rule: `${rule}.volumeMounts[1]`,
    },
    {
      path: '/checkpoints',
      volume: 'checkpoints',
      medium: 'disk',
      shape: 'plain',
      isPart: false,
      rule: `${rule}.volumeMounts[2]`,
    },
  ],
  overImage: 'refuse',
  identity: 'become',
};

const hosts = (text: string): Tree =>
  tree('/etc/hosts', [file('.', text)], { why: 'platform', medium: 'disk' });
const checkpoints = tree('/checkpoints', [folder('.', { mode: '0777' })], { medium: 'disk' });
const parameters = { ...volume('/etc/train', PARAMETERS), medium: 'disk' as const };

/** Inside the pod, as a kubelet started it. */
export const KUBERNETES: Snapshot = snapshot({
  plan: PLAN,
  process: { env: variables({ ...IMAGE, ...POD, ...CLUSTER }) },
  mounts: [
    tmpfs('/etc/tls', { options: ['noswap', 'relatime'] }),
    tmpfs('/etc/train', { type: 'ext4', medium: 'disk' }),
    tmpfs('/checkpoints', { type: 'ext4', medium: 'disk', readOnly: false }),
  ],
  trees: [
    volume('/etc/tls', CERTIFICATES),
    parameters,
    checkpoints,
    hosts('# Kubernetes-managed hosts file.\n127.0.0.1 localhost'),
  ],
});

/** The version of a Secret volume, behind a link into memory. */
function linked(one: Tree): Tree {
  const through = '/dev/shm/bellhop-<uid>';
  const entries = one.entries.map((entry) =>
    entry.path === '..TS' ? { ...entry, through } : entry,
  );
  return { ...one, medium: 'disk', why: 'plan', entries };
}

/** The same container, equal but for what need not be. */
export const BATCH_EQUAL: Snapshot = snapshot({
  takenAt: '2026-11-21T09:41:55.000Z',
  plan: PLAN,
  process: {
    env: variables({ ...IMAGE, ...POD, POD_IP: '172.31.9.4', HOSTNAME: 'ip-172-31-9-4' }),
    limits: { 'open files': ['65536', '65536'], 'core file size': ['0', 'unlimited'] },
  },
  surroundings: { kernel: '6.1.141-amzn2023', cgroup: 'v2', hostname: value('ip-172-31-9-4') },
  trees: [
    linked(volume('/etc/tls', CERTIFICATES)),
    { ...parameters, why: 'plan' },
    { ...checkpoints, why: 'plan' },
    hosts('127.0.0.1 localhost\n172.31.9.4 ip-172-31-9-4'),
  ],
});

const { DB_URL, ...withoutUrl } = POD;
const brokenTls = linked(volume('/etc/tls', { ...CERTIFICATES, 'tls.crt': 'certificate\n' }));

/** The same container as it was before somebody mended it. */
export const BATCH: Snapshot = {
  ...BATCH_EQUAL,
  process: {
    ...BATCH_EQUAL.process,
    env: variables({
      ...IMAGE,
      ...withoutUrl,
      DATABASE_URL: DB_URL,
      POD_IP: '172.31.9.4',
      HOSTNAME: 'ip-172-31-9-4',
    }),
    umask: '0002',
  },
  trees: BATCH_EQUAL.trees.map((one) => {
    if (one.path === '/etc/train') {
      return { ...one, entries: one.entries.filter(({ path }) => !path.endsWith('log.ini')) };
    }
    if (one.path !== '/etc/tls') return one;
    const entries = brokenTls.entries.map((entry) =>
      entry.path === '..TS/tls.key' ? { ...entry, mode: '0620' } : entry,
    );
    return { ...brokenTls, entries };
  }),
};
