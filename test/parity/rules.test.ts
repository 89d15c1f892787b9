// Each rule of what need not be equal: where it holds, and beside it where it does not.
import { describe, expect, test } from 'bun:test';
import { diff } from '../../src/parity/diff.ts';
import { DIFFERENCE_RULES } from '../../src/parity/rules.ts';
import type { Declared, Entry, ProcessSeen, Snapshot } from '../../src/parity/types.ts';
import { KUBERNETES } from './_example.ts';
import {
  file,
  folder,
  PROCESS,
  snapshot,
  tmpfs,
  tree,
  value,
  variables,
  volume,
} from './_snapshots.ts';

const plan = (parts: Partial<Declared>): Snapshot => {
  const { plan: whole } = KUBERNETES;
  if (whole === undefined) throw new Error('the example has a plan');
  return { ...snapshot(), plan: { ...whole, variables: [], files: [], mounts: [], ...parts } };
};
const env = (all: Record<string, string>): Snapshot =>
  snapshot({ process: { env: variables(all) } });
const seen = (process: Partial<ProcessSeen>): Snapshot => snapshot({ process });
const at = (path: string, ...entries: Entry[]): Snapshot =>
  snapshot({ trees: [tree(path, entries, { medium: 'disk' })] });
const mounted = (path: string, more: object = {}): Snapshot => ({
  ...at(path, folder('.')),
  mounts: [tmpfs(path, more)],
});
const through = (path: string, to: string): Snapshot =>
  at('/v', folder('.'), folder(path, { through: to }));
const plainTree = at('/v', folder('.'), folder('..TS'), folder('other'));
const shm = '/dev/shm/bellhop-<uid>';
const streams = (more: object, fd: number): Snapshot =>
  seen({
    descriptors: (PROCESS.descriptors ?? []).map((one) =>
      one.fd === fd ? { ...one, ...more } : one,
    ),
  });
const declared = (name: string, more: object = {}) => ({
  variables: [{ name, from: 'literal', rule: 'spec.containers[0].env[0]', ...more }],
});
const owned = (uid: number, gid: number): Entry[] => [folder('.', { uid, gid })];
const withProcess = (one: Snapshot, process: Partial<ProcessSeen>): Snapshot => ({
  ...one,
  process: { ...one.process, ...process },
});
const app = { uids: [7, 7, 7, 7], gids: [8, 8, 8, 8] };
const ownedByApp = withProcess(at('/v', ...owned(7, 8)), app);
const merging = (mount: string): Snapshot => {
  const [own] = KUBERNETES.plan?.mounts ?? [];
  if (own === undefined) throw new Error('the example has mounts');
  return plan({ overImage: 'merge', mounts: [{ ...own, path: mount }] });
};
const merged = (path: string, mount = '/v'): Snapshot => ({
  ...merging(mount),
  ...at('/v', folder('.'), file(path, 'x')),
});
const twoPaths: Partial<Declared> = {
  mounts: ['/a', '/b'].map((path) => {
    return { path, volume: 'v', medium: 'disk', shape: 'plain', isPart: false, rule: 'r' } as const;
  }),
};
const linkTo = (target: string): Snapshot => ({
  ...plan(twoPaths),
  trees: [tree('/a', [folder('.')]), tree('/b', [folder('.', { through: target })])],
});
const direct: Snapshot = {
  ...plan(twoPaths),
  trees: [tree('/a', [folder('.')]), tree('/b', [folder('.')])],
};
const secretOnDisk = { ...volume('/v', { k: 'x' }), medium: 'disk' as const };

type Pair = readonly [Snapshot, Snapshot];
/** By rule: two snapshots that differ only by it, and two that differ where it does not hold. */
const CASES: Readonly<Record<string, { readonly holds: Pair; readonly not: Pair }>> = {
  'cluster-fields': {
    holds: [
      { ...plan(declared('IP', { isClusters: true })), ...withEnv('IP', '1') },
      env({ IP: '2' }),
    ],
    not: [{ ...plan(declared('IP')), ...withEnv('IP', '1') }, env({ IP: '2' })],
  },
  'service-variables': {
    holds: [env({ KUBERNETES_SERVICE_HOST: 'x' }), env({})],
    not: [env({ KUBERNETES_SERVICE_NAME: 'x' }), env({})],
  },
  'platform-variables': {
    holds: [env({ JOB_ID: '1' }), env({})],
    not: [{ ...plan(declared('JOB_ID')), ...withEnv('JOB_ID', '1') }, env({})],
  },
  hostname: {
    holds: [env({ HOSTNAME: 'a' }), env({ HOSTNAME: 'b' })],
    not: [env({ HOST: 'a' }), env({})],
  },
  'runtime-variables': {
    holds: [env({ TERM: 'xterm' }), env({})],
    not: [env({ TERM: 'a' }), env({ TERM: 'b' })],
  },
  'platform-files': {
    holds: [at('/etc/hosts', file('.', 'a')), at('/etc/hosts', file('.', 'b'))],
    not: [at('/etc/passwd', file('.', 'a')), at('/etc/passwd', file('.', 'b'))],
  },
  'service-account': {
    holds: [
      mounted('/var/run/secrets/kubernetes.io/serviceaccount'),
      snapshot({ trees: [tree('/var/run', [], { error: 'ENOENT' })] }),
    ],
    not: [
      mounted('/var/run/secrets/other'),
      snapshot({ trees: [tree('/var/run', [], { error: 'ENOENT' })] }),
    ],
  },
  'annotation-lines': {
    holds: [at('/v', file('.', 'a', { normalised: ['config lines'] })), at('/v', file('.', 'a'))],
    not: [at('/v', file('.', '', { normalised: ['cluster token'] })), at('/v', file('.', ''))],
  },
  'mount-details': {
    holds: [mounted('/v', { sizeBytes: 1 }), mounted('/v')],
    not: [mounted('/v', { readOnly: false }), mounted('/v')],
  },
  'platform-mounts': {
    holds: [
      snapshot({ mounts: [tmpfs('/')] }),
      snapshot({ mounts: [tmpfs('/', { medium: 'disk' })] }),
    ],
    not: [snapshot({ mounts: [tmpfs('/etc/host')] }), snapshot()],
  },
  'standard-streams': {
    holds: [streams({ target: '/dev/pts/N', access: 'both' }, 1), seen({})],
    not: [streams({ nonBlocking: true }, 1), seen({})],
  },
  'first-process': {
    holds: [seen({ isFirst: false }), seen({})],
    not: [seen({ umask: '0000' }), seen({})],
  },
  limits: {
    holds: [seen({ limits: { ...PROCESS.limits, 'open files': ['1', '2'] } }), seen({})],
    not: [seen({ cwd: '/' }), seen({})],
  },
  sandbox: {
    holds: [seen({ seccomp: 0 }), seen({})],
    not: [seen({ noNewPrivileges: true }), seen({})],
  },
  surroundings: {
    holds: [
      {
        ...snapshot(),
        surroundings: { kernel: '5.10', cgroup: 'v1', hostname: value('trainer-0') },
      },
      snapshot(),
    ],
    not: [seen({ signals: { ...noSignals(), ignored: '0000000000001000' } }), seen({})],
  },
  'memory-link': {
    holds: [plainTree, mergeTrees(through('..TS', shm))],
    not: [plainTree, mergeTrees(through('..TS', '/elsewhere'))],
  },
  'file-link': {
    holds: [plainTree, mergeTrees(through('other', shm))],
    not: [plainTree, mergeTrees(through('other', '/x/bellhop-0'))],
  },
  'second-path-link': { holds: [direct, linkTo('/a')], not: [direct, linkTo('/c')] },
  'mount-as-folder': {
    holds: [mounted('/v'), at('/v', folder('.'))],
    not: [mounted('/v'), snapshot({ trees: [tree('/v', [], { error: 'ENOENT' })] })],
  },
  'folder-on-disk': {
    holds: [
      snapshot({ trees: [tree('/v', [folder('.')], { medium: 'memory' })] }),
      at('/v', folder('.')),
    ],
    not: [snapshot({ trees: [volume('/v', { k: 'x' })] }), snapshot({ trees: [secretOnDisk] })],
  },
  'read-only-root': {
    holds: [
      snapshot({ mounts: [tmpfs('/')] }),
      snapshot({ mounts: [tmpfs('/', { readOnly: false })] }),
    ],
    not: [mounted('/v'), mounted('/v', { readOnly: false })],
  },
  owner: {
    holds: [withProcess({ ...at('/v', ...owned(0, 0)), mounts: [tmpfs('/v')] }, app), ownedByApp],
    // Where nothing was delivered somebody else has made it so.
    not: [withProcess(at('/v', ...owned(0, 0)), app), ownedByApp],
  },
  'image-content': {
    holds: [{ ...merging('/v'), trees: at('/v', folder('.')).trees }, merged('of-the-image')],
    // Beside the mounts nothing is merged: another image, or a file that somebody wrote.
    not: [{ ...merging('/w'), trees: at('/v', folder('.')).trees }, merged('of-the-image', '/w')],
  },
  'identity-kept': {
    holds: [plan({ identity: 'keep' }), seen({ ...app, groups: [9] })],
    not: [plan({}), seen({ ...app, groups: [9] })],
  },
  'odd-dollar': {
    holds: [
      { ...plan(declared('P', { hasOddDollar: true })), ...withEnv('P', '$Ã') },
      env({ P: '$é' }),
    ],
    not: [{ ...plan(declared('P')), ...withEnv('P', '$Ã') }, env({ P: '$é' })],
  },
};

const compared = (left: Snapshot, right: Snapshot) => {
  return diff(left, right, (name) => name === 'JOB_ID');
};

function withEnv(name: string, text: string): Pick<Snapshot, 'process'> {
  return { process: { ...PROCESS, env: variables({ [name]: text }) } };
}

function noSignals() {
  const none = '0000000000000000';
  return { ignored: none, blocked: none, pending: none };
}

/** The same tree with one entry in the place of another. */
function mergeTrees(changed: Snapshot): Snapshot {
  const [own] = changed.trees;
  const [whole] = plainTree.trees;
  const entries = (whole?.entries ?? []).map(
    (entry) => own?.entries.find(({ path }) => path === entry.path) ?? entry,
  );
  return snapshot({ trees: [tree('/v', entries, { medium: 'disk' })] });
}

describe.each(DIFFERENCE_RULES.map(({ name, group }) => [name, group] as const))(
  '%s',
  (name, group) => {
    const { holds, not } = CASES[name] ?? { holds: undefined, not: undefined };

    test('explains what it is for, whichever side has it', () => {
      if (holds === undefined) throw new Error('a rule without a case');
      const [one, other] = holds;
      for (const { differences } of [compared(one, other), compared(other, one)]) {
        expect(differences.length).toBeGreaterThan(0);
        expect(
          differences.filter((is) => is.rule !== name && is.rule !== 'mount-as-folder'),
        ).toEqual([]);
        expect(differences.some((is) => is.rule === name && is.group === group)).toBe(true);
      }
    });

    test('does not explain what is beside it', () => {
      if (not === undefined) throw new Error('a rule without a case');
      const { differences } = compared(...not);
      expect(differences.map(({ rule }) => rule)).not.toContain(name);
      expect(differences.some((is) => is.group === 'must-not-differ')).toBe(true);
    });
  },
);
