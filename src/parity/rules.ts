import type { Finding, Group } from './diff-types.ts';
import { isPlatformMount, PLATFORM_FILES } from './proc.ts';
import {
  API_SERVER,
  SERVICE_ACCOUNT,
  isClusters,
  isDeclared,
  isService,
  onlyOf,
  isOwn,
  pathOfOneVolume,
  isInMemory,
  isUnmounted,
  bytesOnDisk,
  isDelivered,
  isOwnersWord,
} from './rule-checks.ts';
import type { Pair } from './side.ts';
import { declaredArgument, declaredFile, declaredVariable, ownMount } from './side.ts';

// Which differences are no defect, and why: the one list of them, for reports and for docs.

/** Differences of one cause that need not be equal. */
export interface DifferenceRule {
  /** Stays the same for ever: reports and docs name it. */
  readonly name: string;
  /** `platform`: not bellhop's to give. `policy`: known, named, and allowed. */
  readonly group: Exclude<Group, 'must-not-differ'>;
  readonly what: string;
  readonly why: string;
  readonly matches: (finding: Finding, pair: Pair) => boolean;
}

/** Rows are looked at in this order; the first that fits explains the difference. */
export const DIFFERENCE_RULES: readonly DifferenceRule[] = [
  {
    name: 'cluster-fields',
    group: 'platform',
    what: 'values of `status.*`, `spec.nodeName`, `metadata.uid` and of resources',
    why: 'only the cluster knows them, and each pod has its own',
    matches: ({ kind, name, aspect }, pair) => {
      if (kind === 'variable') {
        return aspect === 'value' && isClusters(declaredVariable(pair, name));
      }
      if (kind === 'argument') return declaredArgument(pair, Number(name))?.isClusters === true;
      return kind === 'file' && aspect === 'content' && isClusters(declaredFile(pair, name));
    },
  },
  {
    name: 'service-variables',
    group: 'platform',
    what: '`KUBERNETES_…` and `{SERVICE}_SERVICE_HOST` and the like, unless the plan has them',
    why: 'the kubelet adds them for the API server and for each Service of the namespace',
    matches: ({ kind, name }, pair) => {
      if (kind !== 'variable' || isDeclared(pair, name)) return false;
      return API_SERVER.test(name) || isService(pair, name);
    },
  },
  {
    name: 'platform-variables',
    group: 'platform',
    what: 'variables that a platform gives of itself (docs/targets.md), unless the plan has them',
    why: 'the platform tells every container where it is and how to log in',
    matches: ({ kind, name, aspect, left }, pair) => {
      if (kind !== 'variable' || aspect !== 'presence' || isDeclared(pair, name)) return false;
      const there = left === undefined ? pair.right : pair.left;
      return pair.isPlatforms(name, there.variables);
    },
  },
  {
    name: 'hostname',
    group: 'platform',
    what: 'the host name, and `HOSTNAME` unless the plan has it',
    why: 'it is the name of the pod there, and what the platform calls its container elsewhere',
    matches: ({ kind, name }, pair) => {
      if (kind === 'surroundings') return name === 'hostname';
      return kind === 'variable' && name === 'HOSTNAME' && !isDeclared(pair, name);
    },
  },
  {
    name: 'runtime-variables',
    group: 'platform',
    what: '`HOME`; `PATH` and `TERM` on one side only; each unless the plan has it',
    why: 'the container runtime sets them: HOME from the passwd file of the image, the others where the image has none',
    matches: ({ kind, name, aspect }, pair) => {
      if (kind !== 'variable' || isDeclared(pair, name)) return false;
      return name === 'HOME' || (aspect === 'presence' && (name === 'PATH' || name === 'TERM'));
    },
  },
  {
    name: 'platform-files',
    group: 'platform',
    what: '`/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`, `/dev/termination-log`, `/dev/shm`',
    why: 'the platform writes or mounts them into every container',
    matches: ({ kind, name }, pair) => {
      if (kind !== 'file' && kind !== 'mount') return false;
      const isTheirs =
        PLATFORM_FILES.includes(name) || /^\/dev\/(termination-log|shm(\/.*)?)$/.test(name);
      return isTheirs && declaredFile(pair, name) === undefined;
    },
  },
  {
    name: 'service-account',
    group: 'platform',
    what: 'the token volume below `/var/run/secrets/kubernetes.io`, unless the plan has it',
    why: 'only a cluster can give the token; it is no file to invent',
    matches: ({ kind, name }, pair) => {
      if (kind !== 'file' && kind !== 'mount') return false;
      return SERVICE_ACCOUNT.test(name) && declaredFile(pair, name) === undefined;
    },
  },
  {
    name: 'annotation-lines',
    group: 'platform',
    what: '`kubernetes.io/config.seen` and `config.source` in files of annotations',
    why: 'the kubelet adds them; the API object has neither',
    matches: ({ kind, aspect, left = '', right = '' }) => {
      if (kind !== 'file' || aspect !== 'normalised') return false;
      return [left, right].every((one) => one === 'config lines' || one === 'nothing');
    },
  },
  {
    name: 'mount-details',
    group: 'platform',
    what: 'kind and size of the file system of a mount, and its options but read-only',
    why: "the node's; what counts is memory or disk, and whether it can be written",
    matches: ({ kind, aspect }) => {
      return kind === 'mount' && ['type', 'options', 'size'].includes(aspect);
    },
  },
  {
    name: 'platform-mounts',
    group: 'platform',
    what: 'the root file system and other mounts that every container has',
    why: 'the container runtime makes them',
    matches: ({ kind, name, aspect }) => {
      const isRootState = name === '/' && aspect === 'readOnly';
      return kind === 'mount' && isPlatformMount(name) && !isRootState;
    },
  },
  {
    name: 'standard-streams',
    group: 'platform',
    what: 'what standard input, output and error lead to',
    why: 'the platform, or the shell, connects them; that they are open is compared',
    matches: ({ kind, name, aspect }) => {
      const isStream = kind === 'descriptor' && /^[012]$/.test(name);
      return isStream && (aspect === 'target' || aspect === 'access');
    },
  },
  {
    name: 'first-process',
    group: 'platform',
    what: 'whether the program is process 1',
    why: 'some platforms start containers with an init of their own, or share processes',
    matches: ({ kind, name }) => kind === 'process' && name === 'process 1',
  },
  {
    name: 'limits',
    group: 'platform',
    what: 'resource limits (ulimit)',
    why: 'no manifest can set them: the container runtime does, and `run` passes them on',
    matches: ({ kind }) => kind === 'limit',
  },
  {
    name: 'sandbox',
    group: 'platform',
    what: 'capabilities and the seccomp filter',
    why: 'the container runtime grants them; `run` can only take away what the pod drops',
    matches: ({ kind, name }) => {
      return kind === 'process' && (name.endsWith('capabilities') || name === 'seccomp');
    },
  },
  {
    name: 'surroundings',
    group: 'platform',
    what: 'the kernel, and version 1 or 2 of cgroups',
    why: "the node's",
    matches: ({ kind }) => kind === 'surroundings',
  },
  {
    name: 'memory-link',
    group: 'policy',
    what: '`..<timestamp>` of a Secret volume is a link into `/dev/shm/bellhop-<uid>/`',
    why: 'without the right to mount, its bytes must stay in memory all the same',
    matches: ({ kind, name, aspect, left, right }, pair) => {
      if (kind !== 'file' || aspect !== 'through' || !isInMemory(pair, name)) return false;
      return /\/\.\.TS(~\d+)?$/.test(name) && isOwn(onlyOf(left, right));
    },
  },
  {
    name: 'file-link',
    group: 'policy',
    what: 'a `subPath` of a Secret, or a file from a store, is a link into `/dev/shm/bellhop-<uid>/`',
    why: 'without the right to mount, its bytes must stay in memory all the same',
    matches: ({ kind, name, aspect, left, right }, pair) => {
      if (kind !== 'file' || aspect !== 'through' || !isInMemory(pair, name)) return false;
      return isOwn(onlyOf(left, right));
    },
  },
  {
    name: 'second-path-link',
    group: 'policy',
    what: 'the second path of a volume that is mounted twice is a link to the first',
    why: 'without the right to mount there are no bind mounts',
    matches: ({ kind, name, aspect, left, right }, pair) => {
      if (kind !== 'file' || aspect !== 'through') return false;
      const other = onlyOf(left, right);
      return other !== undefined && !isOwn(other) && pathOfOneVolume(pair, name, other);
    },
  },
  {
    name: 'mount-as-folder',
    group: 'policy',
    what: 'a folder or link stands where Kubernetes has a mount; it can be written, and may lie on the disk',
    why: 'without the right to mount; what is in it is compared all the same',
    matches: ({ kind, name, aspect, left }, { left: one, right: other }) => {
      if (kind !== 'mount' || aspect !== 'presence') return false;
      return (left === undefined ? one : other).entries.has(name);
    },
  },
  {
    name: 'folder-on-disk',
    group: 'policy',
    what: 'an emptyDir of medium Memory, or the folder of links of a Secret volume, lies on the disk',
    why: 'without the right to mount there is no tmpfs of its own; bytes of Secrets stay in memory',
    matches: ({ kind, name, aspect, left }, pair) => {
      if (kind !== 'file' || aspect !== 'medium') return false;
      const isLeft = left === 'disk';
      const [disk, memory] = isLeft ? [pair.left, pair.right] : [pair.right, pair.left];
      if (isUnmounted(disk, name)) return !bytesOnDisk(disk, name);
      return isUnmounted(memory, name);
    },
  },
  {
    name: 'read-only-root',
    group: 'policy',
    what: 'a read-only root file system can be written',
    why: 'it cannot be made read-only without the right to mount',
    matches: ({ kind, name, aspect }) => {
      return kind === 'mount' && name === '/' && aspect === 'readOnly';
    },
  },
  {
    name: 'owner',
    group: 'policy',
    what: 'files belong to the user that bellhop runs as',
    why: 'a process that is not root may not give files away',
    matches: ({ kind, name, aspect, left, right }, pair) => {
      if (kind !== 'file' || aspect !== 'owner' || !isDelivered(pair, name)) return false;
      return isOwnersWord(pair.left, name, left) || isOwnersWord(pair.right, name, right);
    },
  },
  {
    name: 'image-content',
    group: 'policy',
    what: "content of the image at a mount path is kept beside the volume's (`policy.overImage: merge`)",
    why: 'without the right to mount it cannot be hidden; without that policy it is refused',
    matches: ({ kind, name, aspect, left }, pair) => {
      if (kind !== 'file' || aspect !== 'presence') return false;
      const side = left === undefined ? pair.right : pair.left;
      if (pair.declared?.overImage !== 'merge' || ownMount(side, name) !== undefined) return false;
      return declaredFile(pair, name) !== undefined;
    },
  },
  {
    name: 'identity-kept',
    group: 'policy',
    what: 'user and groups stay what the container has (`policy.identity: keep`)',
    why: 'the policy allows it where the user that the pod asks for cannot be had',
    matches: ({ kind, name }, { declared }) => {
      const isIdentity = kind === 'process' && ['user', 'group', 'groups'].includes(name);
      return isIdentity && declared?.identity === 'keep';
    },
  },
  {
    name: 'odd-dollar',
    group: 'policy',
    what: '`$` before a character outside of ASCII',
    why: 'kubelets before kubernetes#136325 garble it; bellhop gives it as the fixed ones do',
    matches: ({ kind, name, aspect }, pair) => {
      if (kind === 'argument') return declaredArgument(pair, Number(name))?.hasOddDollar === true;
      if (kind !== 'variable' || aspect !== 'value') return false;
      return declaredVariable(pair, name)?.by.some((one) => one.hasOddDollar === true) === true;
    },
  },
];
