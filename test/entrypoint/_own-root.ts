// A folder that becomes a program's root, and the ways in which that is granted or denied.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type Base, buildBase, removeBase } from '../kubelet/rootfs.ts';
import type { Seen } from '../kubelet/vectors.ts';
import { built } from '../support/built.ts';

/** Nobody on this machine. */
export const USER = 54_321;
export const SECRET = 'canary-of-the-own-root';

const AS_USER = ['--reuid', String(USER), '--regid', String(USER), '--clear-groups'];
const NO_MOUNTS = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];

/** What a start may, and how it gets its root then. */
export interface Way {
  readonly name: string;
  readonly how: 'namespaces' | 'chroot' | 'prefix';
  readonly rights: readonly string[];
  readonly denied?: 'unshare' | 'mount';
  /** It can give files to nobody else. */
  readonly isOne?: true;
}

export const WAYS: readonly Way[] = [
  { name: 'root', how: 'namespaces', rights: [] },
  { name: 'root without the right to mount', how: 'namespaces', rights: NO_MOUNTS },
  { name: 'an ordinary user', how: 'namespaces', rights: AS_USER, isOne: true },
  { name: 'root without namespaces', how: 'chroot', rights: NO_MOUNTS, denied: 'unshare' },
  { name: 'root in namespaces without rights', how: 'chroot', rights: NO_MOUNTS, denied: 'mount' },
  { name: 'a user without namespaces', how: 'prefix', rights: AS_USER, denied: 'unshare' },
  { name: 'a user in namespaces without rights', how: 'prefix', rights: AS_USER, denied: 'mount' },
];

/** The image, and executables that everybody may start. */
export interface Stage {
  readonly base: Base;
  readonly bellhop: string;
}

export function openStage(): Stage {
  const base = buildBase();
  const dist = path.join(base.dir, 'dist');
  fs.mkdirSync(dist);
  const from = path.dirname(built().bellhop);
  for (const name of ['bellhop', 'bellhop-runtime']) {
    fs.copyFileSync(path.join(from, name), path.join(dist, name), fs.constants.COPYFILE_FICLONE);
  }
  return { base, bellhop: path.join(dist, 'bellhop') };
}

export function closeStage({ base }: Stage): void {
  removeBase(base);
  const ours = new RegExp(`^bellhop-(${USER}$|test-root-)`);
  for (const name of fs.readdirSync('/dev/shm').filter((one) => ours.test(one))) {
    fs.rmSync(`/dev/shm/${name}`, { recursive: true, force: true });
  }
}

/** A copy of the image's files, which belongs to whoever starts with it. */
export function newRoot({ base }: Stage, way: Way): string {
  const root = fs.mkdtempSync(path.join(base.dir, 'root-'));
  spawnSync('cp', ['-a', `${base.image}/.`, root]);
  fs.writeFileSync(path.join(root, 'bellhop-input/probe-paths'), LISTED);
  if (way.rights === AS_USER) spawnSync('chown', ['-Rh', `${USER}:${USER}`, root]);
  else fs.chmodSync(root, 0o755);
  return root;
}

const LISTED = ['+/etc/creds', '+/etc/config', '+/srv/data'].map((one) => `${one}\0`).join('');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly seen: Seen | undefined;
}

/** Where it runs: for chroot, which mounts nothing, with a memory file system in the root. */
const AROUND = `
set -e
[ -z "$2" ] || [ -L "$1/dev" ] || { mkdir -p "$1/dev/shm"; mount --bind "$2" "$1/dev/shm"; }
shift 2
exec "$@"`;

/** Memory that lasts from start to start, as the root does. */
function memoryOf(root: string): string {
  const folder = `/dev/shm/bellhop-test-${path.basename(root)}`;
  fs.mkdirSync(folder, { recursive: true });
  fs.chmodSync(folder, 0o1777);
  return folder;
}

/** Starts the pod with the root; `words` stand behind the flags. */
export function runIn(
  { base, bellhop }: Stage,
  way: Way,
  call: { root: string; pod: string; words?: readonly string[]; noMemory?: true },
): Ran {
  const input = path.join(fs.mkdtempSync(path.join(base.dir, 'input-')), 'pod.yaml');
  fs.writeFileSync(input, call.pod);
  fs.chmodSync(path.dirname(input), 0o755);
  const memory = way.how === 'chroot' && call.noMemory !== true ? memoryOf(call.root) : '';
  const space = ['unshare', '--mount', '--propagation', 'private'];
  const denied = way.denied === undefined ? [] : [base.deny, way.denied];
  const start = [bellhop, 'run', '--root', call.root, '-f', input, ...(call.words ?? [])];
  const inner = [...denied, '/usr/bin/setpriv', ...way.rights, ...start];
  const done = spawnSync(
    space[0] ?? '',
    [...space.slice(1), 'sh', '-c', AROUND, 'around', call.root, memory, ...inner],
    {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: way.rights === AS_USER ? '/' : '/root' },
      timeout: 60_000,
    },
  );
  const { status, stdout, stderr } = done;
  const seen = stdout.startsWith('{"probe":1,') ? (JSON.parse(stdout) as Seen) : undefined;
  return { code: status ?? -1, out: stdout, err: stderr, seen };
}

/** Every file below a folder with its bytes, links with their targets; follows none. */
export function filesIn(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (at: string): void => {
    const stats = fs.lstatSync(at);
    if (stats.isSymbolicLink()) found.set(at, `-> ${fs.readlinkSync(at)}`);
    else if (stats.isFile()) found.set(at, fs.readFileSync(at, 'latin1'));
    else {
      found.set(at, `${stats.mode.toString(8)} ${stats.uid}:${stats.gid}`);
      for (const name of fs.readdirSync(at)) walk(path.join(at, name));
    }
  };
  walk(folder);
  return found;
}

/** A pod with one of each kind; what is given is put in front of its container's members. */
export function podWith(container: object = {}, spec: object = {}): string {
  const secret = { kind: 'Secret', metadata: { name: 's' }, stringData: { password: SECRET } };
  const config = { kind: 'ConfigMap', metadata: { name: 'c' }, data: { lines: 'a\nb\n' } };
  const main = {
    name: 'main',
    image: 'x',
    command: ['java'],
    env: [{ name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'password' } } }],
    volumeMounts: [
      { name: 's', mountPath: '/etc/creds' },
      { name: 'c', mountPath: '/etc/config' },
      { name: 'd', mountPath: '/srv/data' },
    ],
    ...container,
  };
  const volumes = [
    { name: 's', secret: { secretName: 's', defaultMode: 0o440 } },
    { name: 'c', configMap: { name: 'c' } },
    { name: 'd', emptyDir: {} },
  ];
  const pod = {
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [main], volumes, ...spec },
  };
  const all = [pod, secret, config].map((one) => ({ apiVersion: 'v1', ...one }));
  return all.map((one) => JSON.stringify(one)).join('\n---\n');
}
