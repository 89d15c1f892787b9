// What of a recorded snapshot cannot, or need not, be equal outside a cluster, and why. The table
// is the code: each row takes out of both snapshots what it names, and nothing else.
import * as step from './normalise.ts';
import type { Context, Pair } from './normalise.ts';
import { dropStartVolume, flattenSecrets } from './routes.ts';
import type { Mode } from './run.ts';
import { mountPath } from './vectors.ts';

/** One thing that is not compared. */
export interface Rule {
  what: string;
  why: string;
  modes: readonly Mode[];
  apply: (pair: Pair, context: Context) => void;
}

const BOTH: readonly Mode[] = ['mount', 'no-mount'];
const WITHOUT_MOUNT: readonly Mode[] = ['no-mount'];
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TMPFS_MAGIC = '0x1021994';
const O_LARGEFILE = 0o100000;

/** Everything that is not compared; the rows are applied in this order. */
export const NOT_COMPARABLE: readonly Rule[] = [
  {
    what: 'timestamps, pod uid, addresses, container ids',
    why: 'differ in each run; written as the recorder wrote them (..TS, <POD_UID>, <POD_IP> …)',
    modes: BOTH,
    apply: ({ got }) => step.scrubSeen(got),
  },
  {
    what: '`$` before a character outside ASCII',
    why: 'v1.33.13 corrupts it; fixed by kubernetes#136325: the expected value is the fixed one',
    modes: BOTH,
    apply: step.mendDollars,
  },
  {
    what: 'platformMounts, except whether / is read-only',
    why: "the platform's runtime makes them",
    modes: BOTH,
    apply: ({ expected, got }) => [expected, got].forEach(step.rootReadOnly),
  },
  {
    what: 'etcHosts',
    why: "the platform's: the kubelet and containerd write /etc/hosts",
    modes: BOTH,
    apply: ({ expected, got }) => [expected, got].forEach((seen) => delete seen.etcHosts),
  },
  {
    what: 'the volume at /bellhop-start, of pods that came by the webhook',
    why: 'the launcher and what it starts lie there; elsewhere `run` itself becomes the program',
    modes: BOTH,
    apply: (pair, { vector }) => {
      if (vector.settings !== undefined) dropStartVolume(pair);
    },
  },
  {
    what: 'owner of files of annotations, their folders, and whether they share one mount',
    why: 'the init container of a webhook writes as a user of its own into one volume; `run` makes a read-only mount a file. Paths, modes and bytes are compared',
    modes: BOTH,
    apply: (pair, { vector }) => {
      if (vector.settings !== undefined) flattenSecrets(pair);
    },
  },
  {
    what: "the API server's eight KUBERNETES_* variables, where absent and not set by the pod",
    why: "the platform's; where we have one it must be equal, and `$(KUBERNETES_…)` is compared",
    modes: BOTH,
    apply: step.dropApiServerVariables,
  },
  {
    what: 'the token volume that no manifest declares',
    why: 'only a cluster can give the token; automount is implied, so it is not delivered',
    modes: BOTH,
    apply: (pair, { container }) =>
      step.dropAbsentMounts(pair, (at) => at === TOKEN_PATH && !step.declaredAt(container, at)),
  },
  {
    what: 'the file of terminationMessagePath',
    why: "the kubelet reads it when the container is gone; elsewhere it is the platform's",
    modes: BOTH,
    apply: (pair, { container }) =>
      step.dropAbsentMounts(pair, (at) => at === mountPath(container.terminationMessagePath ?? '')),
  },
  {
    what: '/dev/shm, where the pod mounts nothing there',
    why: "the platform's own mount",
    modes: BOTH,
    apply: ({ got }, { container }) => {
      const declared = step.declaredAt(container, '/dev/shm') !== undefined;
      if (!declared) got.mounts = got.mounts.filter(({ path }) => path !== '/dev/shm');
    },
  },
  {
    what: 'files that other containers wrote into a shared emptyDir',
    why: '`run` delivers one container; the others do not run beside it',
    modes: BOTH,
    apply: step.dropForeignData,
  },
  {
    what: 'folders that mounts of other containers make in a shared volume',
    why: '`run` delivers one container; a folder for a mount inside of a volume is empty',
    modes: BOTH,
    apply: step.dropForeignFolders,
  },
  {
    what: 'kubernetes.io/config.seen and config.source in files of annotations',
    why: 'the kubelet adds them; the API object has neither',
    modes: BOTH,
    apply: (pair) => step.eachEntry(pair, step.dropConfigLines),
  },
  {
    what: 'bytes of service account tokens and of the cluster CA',
    why: 'random; path, mode and owner are compared',
    modes: BOTH,
    apply: step.dropRandomBytes,
  },
  {
    what: 'size and digest of a file with one of the above inside',
    why: 'follow from the bytes, which are compared',
    modes: BOTH,
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
    what: 'pid under shareProcessNamespace',
    why: 'the pause process of the pod is 1; elsewhere there is none',
    modes: BOTH,
    apply: ({ expected, got }) => {
      if (expected.pid === '<PID>') got.pid = '<PID>';
    },
  },
  {
    what: 'O_LARGEFILE of descriptors',
    why: 'depends on the program that opened them; no meaning on 64 bits',
    modes: BOTH,
    apply: ({ expected, got }) => {
      for (const fd of [...expected.fds, ...got.fds]) {
        fd.flags = `0${(Number.parseInt(fd.flags, 8) & ~O_LARGEFILE).toString(8)}`;
      }
    },
  },
  {
    what: 'mount options but ro, file system but "tmpfs or disk"',
    why: "the node's",
    modes: BOTH,
    apply: (pair) =>
      step.eachMount(pair, (mount) => {
        mount.options = '';
        mount.fstype = mount.magic === TMPFS_MAGIC ? 'tmpfs' : 'disk';
        mount.magic = '';
      }),
  },
  {
    what: "size of a tmpfs that has the node's memory, size of disks",
    why: "the node's",
    modes: BOTH,
    apply: ({ expected, got }) => {
      for (const mount of expected.mounts) {
        if (typeof mount.sizeBytes === 'number') continue;
        delete mount.sizeBytes;
        delete got.mounts.find((other) => other.path === mount.path)?.sizeBytes;
      }
    },
  },
  {
    what: 'tmpfs or disk, read-only, size of mounts; read-only root',
    why: 'a process without mount rights cannot make a mount (named difference)',
    modes: WITHOUT_MOUNT,
    apply: (pair) => {
      step.eachMount(pair, (mount) => {
        mount.fstype = '';
        mount.readOnly = false;
        delete mount.sizeBytes;
      });
      for (const seen of [pair.expected, pair.got]) delete seen['rootReadOnly'];
    },
  },
  {
    what: '`..TS` is a link into /dev/shm/bellhop-<uid>/; the path of a subPath is a link; the second path of a volume is a link to the first',
    why: 'Secret bytes live in memory, and nothing can be mounted (named difference)',
    modes: WITHOUT_MOUNT,
    apply: step.dropOwnLinks,
  },
  {
    what: 'how a mount inside of a volume looks from that volume; the working directory in a volume that is mounted twice',
    why: 'there is the other volume itself, or a link, where a mount would cover a folder (named difference)',
    modes: WITHOUT_MOUNT,
    apply: (pair, context) => {
      step.dropNested(pair, context);
      step.dropLinkedCwd(pair, context);
    },
  },
  {
    what: '/dev/shm/bellhop-<uid> in a volume at /dev/shm',
    why: 'the bytes that the links above point to (named difference)',
    modes: WITHOUT_MOUNT,
    apply: ({ got }) => {
      const shm = got.mounts.find((mount) => mount.path === '/dev/shm');
      if (shm) shm.entries = shm.entries.filter(({ path }) => !/^bellhop-\d+(\/|$)/.test(path));
    },
  },
];
