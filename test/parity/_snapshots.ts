// Snapshots for tests: one container in plain words, and what is different in another.
import { SNAPSHOT_VERSION } from '../../src/parity/types.ts';
import type {
  Entry,
  MountSeen,
  ProcessSeen,
  Snapshot,
  Tree,
  Value,
  Variable,
} from '../../src/parity/types.ts';

/** A value as it is digested under the key of these tests. */
export function value(text: string): Value {
  const hasher = new Bun.CryptoHasher('sha256', 'the key of these tests').update(text);
  return { bytes: Buffer.byteLength(text), digest: hasher.digest('hex').slice(0, 32) };
}

export function variables(env: Readonly<Record<string, string>>): Variable[] {
  return Object.entries(env)
    .map(([name, text]) => ({ name, value: value(text) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const owned = { uid: 0, gid: 0 };

export const folder = (path: string, more: Partial<Entry> = {}): Entry => {
  return { path, type: 'dir', mode: '0755', ...owned, ...more };
};
export const file = (path: string, text: string, more: Partial<Entry> = {}): Entry => {
  return { path, type: 'file', mode: '0644', ...owned, content: value(text), ...more };
};
export const link = (path: string, target: string): Entry => {
  return { path, type: 'link', mode: '0777', ...owned, target };
};

/** A volume in the kubelet's shape. */
export function volume(path: string, files: Readonly<Record<string, string>>): Tree {
  const entries = [
    folder('.', { mode: '1777' }),
    link('..data', '..TS'),
    folder('..TS'),
    ...Object.entries(files).flatMap(([name, text]) => [
      file(`..TS/${name}`, text),
      link(name, `..data/${name}`),
    ]),
  ];
  return tree(path, entries, { medium: 'memory' });
}

export function tree(path: string, entries: readonly Entry[], more: Partial<Tree> = {}): Tree {
  return {
    path,
    why: 'mount',
    entries: entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ...more,
  };
}

export const tmpfs = (path: string, more: Partial<MountSeen> = {}): MountSeen => {
  return { path, type: 'tmpfs', medium: 'memory', readOnly: true, options: ['relatime'], ...more };
};

const none = '0000000000000000';
const some = '00000000a80425fb';

export const PROCESS: ProcessSeen = {
  argv: ['python', 'train.py'].map(value),
  env: [],
  cwd: '/app',
  uids: [0, 0, 0, 0],
  gids: [0, 0, 0, 0],
  groups: [],
  capabilities: {
    inheritable: none,
    permitted: some,
    effective: some,
    bounding: some,
    ambient: none,
  },
  noNewPrivileges: false,
  seccomp: 2,
  umask: '0022',
  limits: { 'open files': ['1024', '1048576'], 'core file size': ['0', 'unlimited'] },
  signals: { ignored: none, blocked: none, pending: none },
  descriptors: [0, 1, 2].map((fd) => {
    const access = fd === 0 ? 'read' : 'write';
    return { fd, target: 'pipe', access, append: false, nonBlocking: false } as const;
  }),
  isFirst: true,
};

/** A whole snapshot with these parts. */
export function snapshot(
  parts: Partial<Omit<Snapshot, 'process'>> & { readonly process?: Partial<ProcessSeen> } = {},
): Snapshot {
  return {
    apiVersion: SNAPSHOT_VERSION,
    requires: [],
    bellhop: '0.1.0',
    takenAt: '2026-11-21T09:30:12.000Z',
    of: 'command',
    key: '0123456789abcdef',
    surroundings: { kernel: '6.18.5', cgroup: 'v2', hostname: value('trainer-0') },
    mounts: [],
    trees: [],
    parents: [],
    cuts: [],
    ...parts,
    process: { ...PROCESS, ...parts.process },
  };
}
