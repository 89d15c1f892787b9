// What of a recorded snapshot cannot, or need not, be equal outside a cluster, and why. The table
// is the code: each row takes out of both snapshots what it names, and nothing else.
import * as links from './links.ts';
import * as step from './normalise.ts';
import type { Context, Pair } from './normalise.ts';
import { dropStartVolume, flattenSecrets } from './routes.ts';
import { isWithoutMounts, MODES, type Mode } from './run.ts';
import { mountPath } from './vectors.ts';

/** One thing that is not compared. */
export interface Rule {
  /** Its row of DIFFERENCE_RULES; '' for what only the judge itself brings about. */
  named: string;
  what: string;
  why: string;
  modes: readonly Mode[];
  apply: (pair: Pair, context: Context) => void;
}

const ALL: readonly Mode[] = MODES;
const WITHOUT_MOUNT: readonly Mode[] = MODES.filter(isWithoutMounts);
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TMPFS_MAGIC = '0x1021994';
const O_LARGEFILE = 0o100000;

/** Everything that is not compared; the rows are applied in this order. */
export const NOT_COMPARABLE: readonly Rule[] = [
  {
    named: '',
    what: 'timestamps, pod uid, addresses, container ids',
    why: 'differ in each run; written as the recorder wrote them (..TS, <POD_UID>, <POD_IP> …)',
    modes: ALL,
    apply: ({ got }) => step.scrubSeen(got, step.scrub),
  },
  {
    named: 'odd-dollar',
    what: '`$` before a character outside ASCII',
    why: 'v1.33.13 corrupts it; fixed by kubernetes#136325: the expected value is the fixed one',
    modes: ALL,
    apply: step.mendDollars,
  },
  {
    named: 'platform-mounts',
    what: 'platformMounts, except whether / is read-only',
    why: "the platform's runtime makes them",
    modes: ALL,
    apply: ({ expected, got }) => [expected, got].forEach(step.rootReadOnly),
  },
  {
    named: 'platform-files',
    what: 'etcHosts',
    why: "the platform's: the kubelet and containerd write /etc/hosts",
    modes: ALL,
    apply: ({ expected, got }) => [expected, got].forEach((seen) => delete seen.etcHosts),
  },
  {
    named: '',
    what: 'the volume at /bellhop-start, of pods that came by the webhook',
    why: 'the launcher and what it starts lie there; elsewhere `run` itself becomes the program',
    modes: ALL,
    apply: (pair, { vector }) => {
      if (vector.settings !== undefined) dropStartVolume(pair);
    },
  },
  {
    named: '',
    what: 'owner of files of annotations, their folders, and whether they share one mount',
    why: 'the init container of a webhook writes as a user of its own into one volume; `run` makes a read-only mount a file. Paths, modes and bytes are compared',
    modes: ALL,
    apply: (pair, { vector }) => {
      if (vector.settings !== undefined) flattenSecrets(pair);
    },
  },
  {
    named: 'service-variables',
    what: "the API server's eight KUBERNETES_* variables, where absent and not set by the pod",
    why: "the platform's; where we have one it must be equal, and `$(KUBERNETES_…)` is compared",
    modes: ALL,
    apply: step.dropApiServerVariables,
  },
  {
    named: 'service-account',
    what: 'the token volume that no manifest declares',
    why: 'only a cluster can give the token; automount is implied, so it is not delivered',
    modes: ALL,
    apply: (pair, { container }) =>
      step.dropAbsentMounts(pair, (at) => at === TOKEN_PATH && !step.declaredAt(container, at)),
  },
  {
    named: 'platform-files',
    what: 'the file of terminationMessagePath',
    why: "the kubelet reads it when the container is gone; elsewhere it is the platform's",
    modes: ALL,
    apply: (pair, { container }) =>
      step.dropAbsentMounts(pair, (at) => at === mountPath(container.terminationMessagePath ?? '')),
  },
  {
    named: 'platform-files',
    what: '/dev/shm, where the pod mounts nothing there',
    why: "the platform's own mount",
    modes: ALL,
    apply: ({ got }, { container }) => {
      const declared = step.declaredAt(container, '/dev/shm') !== undefined;
      if (!declared) got.mounts = got.mounts.filter(({ path }) => path !== '/dev/shm');
    },
  },
  {
    named: '',
    what: 'files that other containers wrote into a shared emptyDir',
    why: '`run` delivers one container; the others do not run beside it',
    modes: ALL,
    apply: step.dropForeignData,
  },
  {
    named: '',
    what: 'folders that mounts of other containers make in a shared volume',
    why: '`run` delivers one container; a folder for a mount inside of a volume is empty',
    modes: ALL,
    apply: step.dropForeignFolders,
  },
  {
    named: 'annotation-lines',
    what: 'kubernetes.io/config.seen and config.source in files of annotations',
    why: 'the kubelet adds them; the API object has neither',
    modes: ALL,
    apply: (pair) => step.eachEntry(pair, step.dropConfigLines),
  },
  {
    named: 'service-account',
    what: 'bytes of service account tokens and of the cluster CA',
    why: 'random; path, mode and owner are compared',
    modes: ALL,
    apply: step.dropRandomBytes,
  },
  {
    named: '',
    what: 'size and digest of a file with one of the above inside',
    why: 'follow from the bytes, which are compared',
    modes: ALL,
    apply: (pair) =>
      step.eachEntry(pair, (entry, mount) => {
        const sides = [
          step.entryOf(pair.expected, mount, entry),
          step.entryOf(pair.got, mount, entry),
        ];
        const loose = sides.some((side) => side?.normalised || side?.content?.startsWith('<'));
        if (loose) sides.forEach((side) => side && step.loosen(side));
      }),
  },
  {
    named: 'first-process',
    what: 'pid under shareProcessNamespace',
    why: 'the pause process of the pod is 1; elsewhere there is none',
    modes: ALL,
    apply: ({ expected, got }) => {
      if (expected.pid === '<PID>') got.pid = '<PID>';
    },
  },
  {
    named: '',
    what: 'O_LARGEFILE of descriptors',
    why: 'depends on the program that opened them; no meaning on 64 bits',
    modes: ALL,
    apply: ({ expected, got }) => {
      for (const fd of [...expected.fds, ...got.fds]) {
        fd.flags = `0${(Number.parseInt(fd.flags, 8) & ~O_LARGEFILE).toString(8)}`;
      }
    },
  },
  {
    named: 'mount-details',
    what: 'mount options but ro, file system but "tmpfs or disk"',
    why: "the node's",
    modes: ALL,
    apply: (pair) =>
      step.eachMount(pair, (mount) => {
        mount.options = '';
        mount.fstype = mount.magic === TMPFS_MAGIC ? 'tmpfs' : 'disk';
        mount.magic = '';
      }),
  },
  {
    named: 'mount-details',
    what: "size of a tmpfs that has the node's memory, size of disks",
    why: "the node's",
    modes: ALL,
    apply: ({ expected, got }) => {
      for (const mount of expected.mounts) {
        if (typeof mount.sizeBytes === 'number') continue;
        delete mount.sizeBytes;
        delete got.mounts.find((other) => other.path === mount.path)?.sizeBytes;
      }
    },
  },
  {
    named: 'mount-as-folder',
    what: 'read-only, size of mounts',
    why: 'a process without mount rights cannot make a mount',
    modes: WITHOUT_MOUNT,
    apply: (pair) =>
      step.eachMount(pair, (mount) => {
        mount.readOnly = false;
        delete mount.sizeBytes;
      }),
  },
  {
    named: 'folder-on-disk',
    what: 'tmpfs or disk',
    why: 'the same; bytes of Secrets stay in memory',
    modes: WITHOUT_MOUNT,
    apply: (pair) => step.eachMount(pair, (mount) => (mount.fstype = '')),
  },
  {
    named: 'read-only-root',
    what: 'read-only root',
    why: 'the same',
    modes: WITHOUT_MOUNT,
    apply: ({ expected, got }) => [expected, got].forEach((seen) => delete seen['rootReadOnly']),
  },
  {
    named: 'memory-link',
    what: '`..TS` is a link into /dev/shm/bellhop-<uid>/',
    why: 'Secret bytes live in memory, and nothing can be mounted',
    modes: WITHOUT_MOUNT,
    apply: links.dropMemoryLinks,
  },
  {
    named: 'file-link',
    what: 'the path of a subPath is a link into /dev/shm/bellhop-<uid>/',
    why: 'the same',
    modes: WITHOUT_MOUNT,
    apply: links.dropFileLinks,
  },
  {
    named: 'second-path-link',
    what: 'the second path of a volume is a link to the first',
    why: 'there are no bind mounts',
    modes: WITHOUT_MOUNT,
    apply: links.dropSecondPaths,
  },
  {
    named: 'mount-as-folder',
    what: 'how a mount inside of a volume looks from that volume; the working directory in a volume that is mounted twice',
    why: 'there is the other volume itself, or a link, where a mount would cover a folder (named difference)',
    modes: WITHOUT_MOUNT,
    apply: (pair, context) => {
      step.dropNested(pair, context);
      step.dropLinkedCwd(pair, context);
    },
  },
  {
    named: 'memory-link',
    what: '/dev/shm/bellhop-<uid> in a volume at /dev/shm',
    why: 'the bytes that the links above point to (named difference)',
    modes: WITHOUT_MOUNT,
    apply: ({ got }) => {
      const shm = got.mounts.find((mount) => mount.path === '/dev/shm');
      if (shm) shm.entries = shm.entries.filter(({ path }) => !/^bellhop-\d+(\/|$)/.test(path));
    },
  },
];
