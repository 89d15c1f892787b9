// The judge judged: a snapshot equals itself, one change is one difference, and only what the
// table names is forgiven.
import { describe, expect, test } from 'bun:test';
import path from 'node:path';
import { CLUSTER_VALUES } from './command-line.ts';
import { compare } from './compare.ts';
import type { Context } from './normalise.ts';
import { MODES, type Mode } from './run.ts';
import {
  containersOf,
  type Entry,
  GOLDEN,
  type Mount,
  readVectors,
  type Seen,
  type Text,
} from './vectors.ts';

interface Case {
  recorded: Seen;
  context: Context;
}

function vectorCase(id: string, mode: Mode = 'mount', name?: string): Case {
  const [vector] = readVectors(path.join(GOLDEN, `${id}.json`));
  const all = vector === undefined ? [] : containersOf(vector.pod);
  const found = all.find(({ container }) => name === undefined || container.name === name);
  const recorded = found && vector?.snapshot?.[found.group]?.[found.container.name];
  if (!vector || !found || !recorded) throw new Error(`no snapshot of ${id} ${name}`);
  return { recorded, context: { vector, container: found.container, mode } };
}

/** Differences after one change of what we got. */
function changed({ recorded, context }: Case, change: (seen: Seen) => void): string[] {
  const got = structuredClone(recorded);
  change(got);
  return compare(recorded, got, context).map((difference) => difference.path);
}

function mountOf(seen: Seen, at: string): Mount {
  const mount = seen.mounts.find((candidate) => candidate.path === at);
  if (mount === undefined) throw new Error(`no mount ${at}`);
  return mount;
}

function entryOf(seen: Seen, at: string, name: string): Entry {
  const entry = mountOf(seen, at).entries.find((candidate) => candidate.path === name);
  if (entry === undefined) throw new Error(`no entry ${name} in ${at}`);
  return entry;
}

const isApiServers = (name: Text): boolean => JSON.stringify(name).startsWith('"KUBERNETES_');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a snapshot equals itself', () => {
  for (const vector of readVectors(GOLDEN)) {
    for (const { group, container } of containersOf(vector.pod)) {
      const recorded = vector.snapshot?.[group]?.[container.name];
      // The one vector with a bug of the kubelet: what was recorded is not what is expected.
      if (recorded === undefined || vector.id === 'expand-dollar-unicode') continue;
      test.each([...MODES])(`${vector.id} ${container.name} [%s]`, (mode) => {
        expect(compare(recorded, recorded, { vector, container, mode })).toEqual([]);
      });
    }
  }
});

const CHANGES: [string, (seen: Seen) => void, string][] = [
  ['an argument more', (s) => s.argv.push('x'), 'argv'],
  ['a variable less', (s) => s.env.shift(), 'env[HOME]'],
  ['a variable more', (s) => s.env.push({ name: 'X', value: '' }), 'env[X]'],
  ['a variable twice', (s) => s.env.push({ name: 'PATH', value: '/x' }), 'env[PATH]'],
  ['another cwd', (s) => (s.cwd = '/x'), 'cwd'],
  ['another uid', (s) => (s.uid = 7), 'uid'],
  ['another gid', (s) => (s.gid = 7), 'gid'],
  ['another group', (s) => s.groups.push(7), 'groups'],
  ['another umask', (s) => (s['umask'] = '0077'), 'umask'],
  ['another pid', (s) => (s.pid = 2), 'pid'],
  ['a blocked signal', (s) => (s['SigBlk'] = '0000000000000001'), 'SigBlk'],
  ['an ignored signal', (s) => (s['SigIgn'] = '0000000000001000'), 'SigIgn'],
  ['no_new_privs', (s) => (s['NoNewPrivs'] = '1'), 'NoNewPrivs'],
  [
    'a descriptor more',
    (s) => s.fds.push({ fd: 3, tty: false, flags: '0', target: 'pipe' }),
    'fds[3]',
  ],
  ['a mount less', (s) => s.mounts.pop(), 'mounts[/etc/creds]'],
  ['a mount more', (s) => s.mounts.push({ ...mountOf(s, '/etc/creds'), path: '/x' }), 'mounts[/x]'],
  [
    'disk for memory',
    (s) => Object.assign(mountOf(s, '/etc/creds'), { fstype: 'ext4', magic: '0xef53' }),
    'mounts[/etc/creds].fstype',
  ],
  [
    'a mount that can be written',
    (s) => (mountOf(s, '/etc/creds').readOnly = false),
    'mounts[/etc/creds].readOnly',
  ],
  [
    'another parent',
    (s) => Object.assign(mountOf(s, '/etc/creds').parents[0] ?? {}, { mode: '0700' }),
    'mounts[/etc/creds].parents[/etc].mode',
  ],
];

const ENTRY_CHANGES: [string, string, Partial<Entry>, string][] = [
  ['another mode', '..TS/password', { mode: '0600' }, '.mode'],
  ['another owner', '..TS/password', { uid: 5 }, '.uid'],
  ['another group', '..TS/password', { gid: 5 }, '.gid'],
  ['another type', '..TS', { type: 'link' }, '.type'],
  ['another target', '..data', { target: 'x' }, '.target'],
  ['another byte', '..TS/password', { content: base64('x'), sha256: 'x', size: 1 }, '.content'],
  ['a link that we followed', '..TS', { link: '/dev/shm/bellhop-0/x' }, '.link'],
  ['the mode of the root', '.', { mode: '0755' }, '.mode'],
];

describe('one change is one difference:', () => {
  test.each(CHANGES)('%s', (_, change, at) => {
    expect(changed(vectorCase('secret-all-keys'), change)).toEqual([at]);
  });
  test.each(ENTRY_CHANGES)('%s of %s', (...[, name, change, at]) => {
    const paths = changed(vectorCase('secret-all-keys'), (seen) =>
      Object.assign(entryOf(seen, '/etc/creds', name), change),
    );
    expect(paths).toEqual([`mounts[/etc/creds].entries[${name}]${at}`]);
  });
  test('an entry less, an entry more', () => {
    const at = 'mounts[/etc/creds].entries';
    const less = changed(vectorCase('secret-all-keys'), (s) =>
      mountOf(s, '/etc/creds').entries.pop(),
    );
    expect(less).toEqual([`${at}[username]`]);
    const more = changed(vectorCase('secret-all-keys'), (s) => {
      const { entries } = mountOf(s, '/etc/creds');
      entries.push({ ...entryOf(s, '/etc/creds', 'username'), path: 'x' });
    });
    expect(more).toEqual([`${at}[x]`]);
  });
  test('a large file by its digest, a memory limit by its size, a root that can be written', () => {
    const large = changed(vectorCase('secret-900k'), (s) => {
      for (const mount of s.mounts) {
        for (const e of mount.entries) if (e.sha256 && !e.content) e.sha256 = 'x';
      }
    });
    expect(large).toHaveLength(1);
    const size = changed(vectorCase('emptydir-memory-limit'), (s) => {
      mountOf(s, '/mem').sizeBytes = 1;
    });
    expect(size).toEqual(['mounts[/mem].sizeBytes']);
    const root = changed(vectorCase('user-readonly-root'), (s) => {
      for (const mount of s.platformMounts) mount.options = 'rw';
    });
    expect(root).toEqual(['rootReadOnly']);
  });
});

describe('forgiven:', () => {
  test("the platform's mounts, hosts, service variables and token volume", () => {
    const paths = changed(vectorCase('example-wordpress-mysql'), (seen) => {
      seen.platformMounts = [];
      seen.etcHosts = '';
      seen.env = seen.env.filter(({ name }) => !isApiServers(name));
      seen.mounts = seen.mounts.filter((mount) => !mount.path.includes('serviceaccount'));
    });
    expect(paths).toEqual([]);
  });
  test('but not a service variable with another value, or one that the pod set', () => {
    const other = changed(vectorCase('secret-all-keys'), (seen) => {
      for (const v of seen.env) if (v.name === 'KUBERNETES_PORT') v.value = 'x';
    });
    expect(other).toEqual(['env[KUBERNETES_PORT]']);
    const absent = changed(vectorCase('env-kubernetes-vars-override'), (seen) => {
      seen.env = seen.env.filter(({ name }) => !isApiServers(name));
    });
    expect(absent).toEqual(['env[KUBERNETES_PORT]', 'env[KUBERNETES_SERVICE_HOST]']);
  });
  test('the time in names and links, uid and addresses of the pod', () => {
    const stamp = '..2026_01_02_03_04_05.123';
    const times = changed(vectorCase('secret-all-keys'), (seen) => {
      for (const e of mountOf(seen, '/etc/creds').entries) {
        e.path = e.path.replace('..TS', stamp);
        if (e.target !== undefined) e.target = e.target.replace('..TS', stamp);
      }
    });
    expect(times).toEqual([]);
    const addresses = changed(vectorCase('fieldref-status'), (seen) => {
      const unmark = (text: unknown): string =>
        String(text)
          .replace('<POD_IP>', CLUSTER_VALUES['<POD_IP>'])
          .replace('<HOST_IP>', CLUSTER_VALUES['<HOST_IP>']);
      seen.argv = seen.argv.map(unmark);
      for (const v of seen.env) v.value = unmark(v.value);
    });
    expect(addresses).toEqual([]);
  });
  test('config.seen and config.source, but no other annotation', () => {
    const annotations = vectorCase('downward-annotations');
    const strip = (more: string) => (seen: Seen) => {
      const entry = entryOf(seen, '/podinfo', '..TS/annotations');
      const text = Buffer.from(entry.content ?? '', 'base64').toString();
      const kept = text.split('\n').filter((line) => !line.includes('kubernetes.io/config.'));
      entry.content = base64(kept.join('\n') + more);
      entry.size = 1;
      delete entry.normalised;
    };
    expect(changed(annotations, strip(''))).toEqual([]);
    const at = 'mounts[/podinfo].entries[..TS/annotations].content';
    expect(changed(annotations, strip('x'))).toEqual([at]);
  });
  test('what another container wrote into a shared volume, but nothing of our own', () => {
    const dropFiles = (seen: Seen): void => {
      for (const mount of seen.mounts) {
        mount.entries = mount.entries.filter((entry) => !/HEAD|database-config/.test(entry.path));
      }
    };
    expect(changed(vectorCase('example-git-sync-ssh', 'mount', 'app'), dropFiles)).toEqual([]);
    expect(changed(vectorCase('example-git-sync-ssh', 'mount', 'git-sync'), dropFiles)).toEqual([
      'mounts[/git].entries[HEAD]',
    ]);
  });
  test('the corruption behind a dollar sign: the fixed value is the expected one', () => {
    const dollar = vectorCase('expand-dollar-unicode');
    expect(changed(dollar, () => {})).toEqual(['env[P]']);
    const fixed = changed(dollar, (seen) => {
      for (const v of seen.env) if (v.name === 'P') v.value = 'price $é end';
    });
    expect(fixed).toEqual([]);
  });
});

describe('forgiven only without the right to mount:', () => {
  const unmounted = (seen: Seen): void => {
    for (const mount of seen.mounts) {
      Object.assign(mount, { fstype: 'none', magic: '0x794c7630', readOnly: false, sizeBytes: 1 });
    }
  };
  test('the kind of file system, read-only, size', () => {
    expect(changed(vectorCase('secret-all-keys', 'no-mount'), unmounted)).toEqual([]);
    expect(changed(vectorCase('secret-all-keys', 'mount'), unmounted)).toEqual([
      'mounts[/etc/creds].fstype',
      'mounts[/etc/creds].readOnly',
    ]);
  });
  test('..TS as a link into our own folder in memory, and nowhere else', () => {
    const link = (target: string) => (seen: Seen) => {
      entryOf(seen, '/etc/creds', '..TS').link = target;
    };
    const at = 'mounts[/etc/creds].entries[..TS].link';
    const noMount = vectorCase('secret-all-keys', 'no-mount');
    expect(changed(noMount, link('/dev/shm/bellhop-0/a'))).toEqual([]);
    expect(changed(noMount, link('/dev/shm/other/a'))).toEqual([at]);
    expect(changed(vectorCase('secret-all-keys'), link('/dev/shm/bellhop-0/a'))).toEqual([at]);
  });
  test('the path of a subPath as a link, but not the path of a volume', () => {
    const link = (seen: Seen): void => {
      for (const mount of seen.mounts) {
        for (const entry of mount.entries) if (entry.path === '.') entry.link = '/dev/shm/x';
      }
    };
    expect(changed(vectorCase('subpath-secret-key', 'no-mount'), link)).toEqual([]);
    expect(changed(vectorCase('secret-all-keys', 'no-mount'), link)).toEqual([
      'mounts[/etc/creds].entries[.].link',
    ]);
  });
  test('the second path of a volume as a link to the first, but to nowhere else', () => {
    const link = (target: string) => (seen: Seen) => {
      entryOf(seen, '/rw', '.').link = target;
    };
    const at = 'mounts[/rw].entries[.].link';
    const noMount = vectorCase('emptydir-readonly', 'no-mount');
    expect(changed(noMount, link('/ro'))).toEqual([]);
    expect(changed(noMount, link('/elsewhere'))).toEqual([at]);
    expect(changed(vectorCase('emptydir-readonly'), link('/ro'))).toEqual([at]);
  });
  test('our folder in a volume at /dev/shm', () => {
    const own = (seen: Seen): void => {
      const { entries } = mountOf(seen, '/dev/shm');
      entries.push({ path: 'bellhop-0', type: 'dir', mode: '0700', uid: 0, gid: 0 });
    };
    const id = 'example-ml-training-job';
    expect(changed(vectorCase(id, 'no-mount'), own)).toEqual([]);
    expect(changed(vectorCase(id), own)).toEqual(['mounts[/dev/shm].entries[bellhop-0]']);
  });
});
