// What a container sees, as a document that can be sent around: values are keyed digests.

/** The version that this code writes and reads. */
export const SNAPSHOT_VERSION = 'bellhop/snapshot/v1';

/** Text as the process has it; bytes that are not UTF-8 in base64. */
export type Text = string | { readonly base64: string };

/** A value, without the value: its size, and an HMAC of its bytes. */
export interface Value {
  readonly bytes: number;
  /** HMAC-SHA256 under the key of the snapshot, the first 128 bits in hexadecimal. */
  readonly digest: string;
  /** The value itself; only where `--show` was given. */
  readonly shown?: Text;
}

/** One entry of the environment. */
export interface Variable {
  readonly name: Text;
  readonly value: Value;
  /** It has no `=`: all of it is the value, and it has no name. */
  readonly odd?: true;
}

/** Signals as bit sets of 16 hexadecimal digits, bit 0 is signal 1. */
export interface Signals {
  readonly ignored: string;
  readonly blocked: string;
  readonly pending: string;
}

/** An open descriptor; those that close on exec are the program's own and not listed. */
export interface Descriptor {
  readonly fd: number;
  /** What it leads to; numbers of pipes, sockets and terminals are left out. */
  readonly target: string;
  readonly access: 'read' | 'write' | 'both';
  readonly append: boolean;
  readonly nonBlocking: boolean;
}

/** Capability sets as bit sets of 16 hexadecimal digits. */
export interface Capabilities {
  readonly inheritable: string;
  readonly permitted: string;
  readonly effective: string;
  readonly bounding: string;
  readonly ambient: string;
}

/** What a process was given; members that could not be known are absent. */
export interface ProcessSeen {
  /** The command line; absent where no program is started. */
  readonly argv?: readonly Value[];
  /** Sorted by name. */
  readonly env: readonly Variable[];
  readonly cwd?: string;
  /** Real, effective, saved and file system id. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Supplementary groups, sorted. */
  readonly groups: readonly number[];
  readonly capabilities: Capabilities;
  readonly noNewPrivileges?: boolean;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp?: number;
  /** Octal, as `0022`. */
  readonly umask?: string;
  /** By the kernel's name, e.g. `open files`: soft and hard, a number or `unlimited`. */
  readonly limits: Readonly<Record<string, readonly [string, string]>>;
  readonly signals?: Signals;
  /** Sorted by number; absent where they may not be read. */
  readonly descriptors?: readonly Descriptor[];
  /** Whether it is process 1 of its namespace. */
  readonly isFirst: boolean;
}

/** What surrounds every process there. */
export interface Surroundings {
  readonly kernel: string;
  readonly cgroup: 'v1' | 'v2' | 'none';
  readonly hostname?: Value;
}

/** A mount that the process sees; those below /proc, /sys and /dev are left out, but /dev/shm. */
export interface MountSeen {
  readonly path: string;
  /** Name of the file system, e.g. `tmpfs`. */
  readonly type: string;
  readonly medium: 'memory' | 'disk';
  readonly readOnly: boolean;
  /** Sorted, without ro and rw. */
  readonly options: readonly string[];
  readonly sizeBytes?: number;
}

/** `other` is a device, a pipe or a socket. */
type EntryType = 'dir' | 'file' | 'link' | 'other';

/** One file, folder or link. */
export interface Entry {
  /** Below the tree's path; `.` is the tree itself. */
  readonly path: string;
  readonly type: EntryType;
  /** Of type `other`: what it is, e.g. `pipe` or `character device 1:3`. */
  readonly special?: string;
  /** Octal, as `0644`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Of a link. */
  readonly target?: string;
  /** It is reached by this link, which leads to bellhop's own folder or to another mount. */
  readonly through?: string;
  /** Where it lies behind that link, if in bellhop's own folder. */
  readonly throughMedium?: 'memory' | 'disk';
  /** Another mount lies here, and is not looked at: one that every container has. */
  readonly mount?: true;
  /** Of a file, after normalising. */
  readonly content?: Value;
  /** Size of a file whose content was not read. */
  readonly bytes?: number;
  /** What was taken out before the digest was made. */
  readonly normalised?: readonly string[];
  /** Why nothing more is known, e.g. EACCES, or the name of a limit. */
  readonly error?: string;
}

/** A folder above trees. */
export interface Parent {
  readonly path: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
}

/** What was looked at below one path. */
export interface Tree {
  readonly path: string;
  /** What asked for it: `--path`, the plan, a mount, or always. */
  readonly why: 'path' | 'plan' | 'mount' | 'platform';
  /** Absent where nothing is there. */
  readonly medium?: 'memory' | 'disk';
  /** Why there are no entries, e.g. ENOENT. */
  readonly error?: string;
  /** Sorted by path. */
  readonly entries: readonly Entry[];
}

/** What a plan says of one variable, or of all that match `prefix*`. */
export interface DeclaredVariable {
  readonly name: string;
  readonly from: string;
  readonly rule: string;
  /** Only a cluster knows what it comes from. */
  readonly isClusters?: true;
  /** It has a `$` before a character outside of ASCII. */
  readonly hasOddDollar?: true;
}

/** An argument of the pod that another kubelet gives otherwise; its place is known from behind. */
export interface DeclaredArgument {
  /** 0 is the last. */
  readonly fromLast: number;
  readonly isClusters?: true;
  readonly hasOddDollar?: true;
}

/** What a plan says of one file, or of all below `folder/*`. */
export interface DeclaredFile {
  readonly path: string;
  readonly from: string;
  readonly rule: string;
  readonly isClusters?: true;
}

/** A mount of the plan. */
export interface DeclaredMount {
  readonly path: string;
  readonly volume: string;
  readonly medium: 'memory' | 'disk';
  readonly shape: 'versioned' | 'plain';
  readonly isPart: boolean;
  readonly rule: string;
}

/** What of a plan helps to say where a difference comes from. Never a value. */
export interface Declared {
  readonly digest: string;
  readonly workload: string;
  readonly container: string;
  readonly variables: readonly DeclaredVariable[];
  readonly arguments: readonly DeclaredArgument[];
  readonly files: readonly DeclaredFile[];
  readonly mounts: readonly DeclaredMount[];
  readonly overImage: 'refuse' | 'merge';
  readonly identity: 'become' | 'keep';
}

/** Where gathering stopped before it had seen everything. */
export interface Cut {
  readonly limit: string;
  readonly max: number;
  readonly path: string;
}

/** One container as it was seen once: what `bellhop snapshot` writes and `bellhop diff` reads. */
export interface Snapshot {
  readonly apiVersion: typeof SNAPSHOT_VERSION;
  /** Features that a reader must know; it refuses unknown ones. */
  readonly requires: readonly string[];
  /** The release that took it. */
  readonly bellhop: string;
  readonly takenAt: string;
  /** What was looked at: the command to be started, the process itself, or another one. */
  readonly of: 'command' | 'self' | 'process';
  /** Names the key without telling it: two snapshots of one key have the same. */
  readonly key: string;
  readonly plan?: Declared;
  readonly process: ProcessSeen;
  readonly surroundings: Surroundings;
  readonly mounts: readonly MountSeen[];
  readonly trees: readonly Tree[];
  /** Folders above the trees, where no tree has them; sorted by path. */
  readonly parents: readonly Parent[];
  readonly cuts: readonly Cut[];
}
