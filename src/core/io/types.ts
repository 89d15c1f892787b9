import type { Cryptography, Net } from './net-types.ts';
import type { Packing } from './packing.ts';

/**
 * The outside, as one record that is passed in. Nothing but this folder and `main.ts` touches the
 * file system, the clock, randomness, the process or foreign functions (a test holds this).
 */
export interface Io {
  readonly net: Net;
  readonly crypto: Cryptography;
  readonly fs: MachineFs;
  /** The files of a folder as a program sees them whose root it is. */
  filesBelow(folder: string, ids?: IdMap): Promise<Fs>;
  /** What the process was started with, byte for byte. */
  readonly arrival: Arrival;
  readonly kernel: Kernel;
  /** The file of the program that runs; the launcher lies beside it. */
  readonly programPath: string;
  readonly clock: Clock;
  readonly packing: Packing;
  /** `count` bytes from the system's random source. */
  random(count: number): Uint8Array;
  /** Writes all of `text` without touching the flags of the descriptor. */
  stdout(text: string | Uint8Array): void;
  stderr(text: string | Uint8Array): void;
  /** Reads all of standard input, at most `bytesMax` bytes. */
  stdin(bytesMax: number): Uint8Array;
  isTerminal(descriptor: 1 | 2): boolean;
  /** Columns of the terminal behind stdout, 80 where there is none. */
  columns(): number;
  /**
   * Calls `work` at each SIGTERM and SIGINT, which then do not end the process; the function that
   * comes back gives them their own effect again. For servers only.
   */
  onEndSignal(work: () => void): () => void;
  /**
   * Calls `work` with what was thrown where nobody could take it, which then does not end the
   * process: `rejection` of a promise, or an `exception` of a callback. The function that comes
   * back ends that. For servers only.
   */
  onFault(work: (error: unknown, kind: 'rejection' | 'exception') => void): () => void;
}

/** The outside as it is seen from a root that need not be the machine's. */
export type InnerIo = Omit<Io, 'fs'> & { readonly fs: Fs };

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
  /**
   * Does `work` once after `ms` milliseconds; the function that comes back cancels it. The process
   * stays for what waits here: a start that waits before its next attempt has nothing else open.
   */
  after(ms: number, work: () => void): () => void;
}

/** argv (without the program's own name) and environment as the kernel passed them. */
export interface Arrival {
  readonly argv: readonly Uint8Array[];
  /** Entries `NAME=value` in their order, also duplicate and odd ones. */
  readonly env: readonly Uint8Array[];
}

/** What the launcher found and has changed for the time of its work; it puts all of it back. */
export interface ArrivalState {
  /** Signals as bit sets, bit 0 is signal 1. */
  readonly ignored: bigint;
  readonly blocked: bigint;
  readonly pending: bigint;
  readonly openFiles: { readonly soft: bigint; readonly hard: bigint };
  readonly fileSize: { readonly soft: bigint; readonly hard: bigint };
}

export type FileKind = 'dir' | 'file' | 'link' | 'other';

export interface FileStat {
  readonly kind: FileKind;
  /** Of kind `other`: what it is, e.g. `pipe` or `character device 1:3`. */
  readonly special?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly inode: number;
  /** When it was made, in milliseconds; 0 where the file system does not say. */
  readonly bornMs: number;
  readonly device: number;
}

/**
 * Synchronous file operations: delivery is a few dozen of them, and one after another is the
 * fastest way. Paths are UTF-8 strings. Each throws `FsError`.
 */
export interface Fs {
  /** Never waits: a pipe is refused, and so is a device that has nothing to say. */
  read(path: string, bytesMax: number): Uint8Array;
  /** Creates the file (it must not exist) with exactly this mode, whatever the umask. */
  write(path: string, content: Uint8Array, mode: number): void;
  mkdir(path: string, mode: number): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  /** Like lstat; undefined where nothing is. */
  stat(path: string): FileStat | undefined;
  /** Like stat, through links; undefined where nothing is. */
  statThrough(path: string): FileStat | undefined;
  list(path: string): string[];
  rename(from: string, to: string): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  /** Removes what is there with all below it, whatever bytes the names have; follows no link. */
  remove(path: string): void;
  chmod(path: string, mode: number): void;
  /** Changes owner and group of the entry itself, never of what a link points to; -1 keeps. */
  lchown(path: string, owner: { uid: number; gid: number }): void;
  /** statfs: the file system's magic number and the free bytes. */
  fileSystem(path: string): { magic: number; freeBytes: number };
  realpath(path: string): string;
}

/** Files of the machine as we see it, with what is for people and platforms around the start. */
export interface MachineFs extends Fs {
  /** As `read`, but waits for a pipe to be written and closed: `-f <(…)`. */
  readWaiting(path: string, bytesMax: number): Uint8Array;
  /**
   * Gives a file this content, also one that is a mount and cannot be replaced; made with mode 0644
   * where it is not there. Not all or nothing: for reports alone.
   */
  overwrite(path: string, content: Uint8Array): void;
}

/** What a write to a pipe says whose reader has ended: no error that anybody waits for. */
export const READER_GONE = 'its reader has ended (EPIPE)';

/** One user and one group that are seen as others; whoever is neither is seen as nobody. */
export interface IdMap {
  readonly inside: { readonly uid: number; readonly gid: number };
  readonly outside: { readonly uid: number; readonly gid: number };
}

/** What the file system said, by errno name; the path is the one we asked for. */
export class FsError extends Error {
  readonly errno: string;
  readonly path: string;
  constructor(errno: string, path: string, operation: string) {
    super(`${operation} ${path}: ${errno}`);
    this.errno = errno;
    this.path = path;
  }
}

/** A string of the exec document: bytes of ours, or entry `raw` of what arrived, untouched. */
export type ExecString = { readonly raw: number } | { readonly bytes: Uint8Array };

/** What the process is to become. The launcher carries it out; without it `execve` in here does. */
export interface ExecDocument {
  /** As execvp: with a slash it is the path, else it is looked up in `path`. */
  readonly program: Uint8Array;
  /** The directories to look in, separated by colons (the delivered PATH). */
  readonly path: Uint8Array;
  /** `raw` counts from the first argument after the program's own name. */
  readonly argv: readonly ExecString[];
  readonly env: readonly ExecString[];
  readonly cwd?: string;
  /** The process changes its root to this directory first. */
  readonly root?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly noNewPrivileges?: boolean;
  /** Capabilities to take from the bounding and inheritable sets, by number. */
  readonly dropCapabilities?: readonly number[];
  readonly umask?: number;
  readonly limits?: readonly ExecLimit[];
  /** The relay that is started first, beside the program; only the launcher can. */
  readonly relay?: RelayDocument;
  /**
   * The whole report to print where exec fails, by reason; the exit code is 127 or 126.
   * `{{why}}` in it becomes the step and the error, e.g. `execve: ENOENT (2)`.
   */
  readonly failure: {
    readonly notFound: string;
    readonly notAllowed: string;
    readonly other: string;
  };
}

/** What the relay listens at and where it sends; src/launcher/relay.h is the other end. */
export interface RelayDocument {
  /** Where a listener cannot be had, nothing starts and this is the exit code; 0: it is told. */
  readonly failExit: number;
  /** Added to each metric, as `job:train,host:a`; '' for none. */
  readonly tags: string;
  /** The report where there can be no relay at all, with `{{why}}`. */
  readonly notStarted: string;
  /** Name servers as sockaddrs of the kernel; none where no name is looked up again. */
  readonly servers: readonly Uint8Array[];
  /** How long after one look-up of the gateway's name the next one begins; never 0. */
  readonly lookMs: number;
  /** Questions to a name server for the gateway's address: the first that has an answer counts. */
  readonly questions: readonly Uint8Array[];
  /** The first is the gateway of the metrics, where there is one. */
  readonly targets: readonly RelayTarget[];
  readonly listeners: readonly RelayListener[];
}

export interface RelayTarget {
  readonly stream: boolean;
  /** Bytes of a packet of metrics; 0 where none go there. */
  readonly packetBytesMax: number;
  /** A sockaddr of the kernel; empty where its name could not be looked up. */
  readonly address: Uint8Array;
}

/** How a listener is read. */
export type RelayUse = 'statsd' | 'statsdFrames' | 'statsdLines' | 'datagrams' | 'stream';

export interface RelayListener {
  readonly use: RelayUse;
  /** The place of its target in the list. */
  readonly target: number;
  /** Where the machine has no such family of addresses, it is left out in silence. */
  readonly lenient: boolean;
  readonly address: Uint8Array;
  /** The warning, or report, where it cannot be had, with `{{why}}`. */
  readonly report: string;
}

/** A resource limit by its RLIMIT_* number; 2n ** 64n - 1n is unlimited. */
export interface ExecLimit {
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
}

/** What needs more than file operations. `launcher` carries it out for us; alone we have less. */
export interface Kernel {
  readonly kind: 'launcher' | 'alone';
  /** The process that becomes the user's program. */
  readonly pid: number;
  /** Its state on arrival, where it was kept: the launcher does, the runtime alone cannot. */
  readonly arrival?: ArrivalState;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups that the process has now. */
  readonly groups: readonly number[];
  /** Effective capabilities of this process as a bit set, from /proc/self/status. */
  readonly capabilities: bigint;
  /** Bytes that argv and env may have together, from the stack limit. */
  readonly execBytesMax: number;
  /** Where the paths that the program will see lie for us: '' or a directory below /proc. */
  readonly rootPrefix: string;
  /** Returns an errno name, or undefined on success. 'ENOSYS' where we are alone. */
  mount(request: MountRequest): string | undefined;
  unmount(path: string, options?: { detach?: boolean }): string | undefined;
  /** Whether `enterNamespaces` would work, which cannot be undone; nothing changes. */
  tryNamespaces(): string | undefined;
  /** Enters a mount namespace of its own, with a user namespace where root rights are lacking. */
  enterNamespaces(ids: NamespaceIds): string | undefined;
  /** Makes a mount point of that namespace the root: from now on mounts have the paths inside. */
  enterRoot(path: string): string | undefined;
  /** From here on SIGTERM waits: what was begun is finished or undone, then the process ends. */
  finishFirst?(): void;
  /** The launcher's process becomes a relay until it is asked to end; absent without it. */
  relay?(document: RelayDocument): never;
  /** Hands over and never returns when we are a child of the launcher or exec succeeds. */
  exec(document: ExecDocument): never;
}

/**
 * Who we are in a user namespace: these ids and nobody else, or everybody as outside, which takes
 * the right to become anybody.
 */
export type NamespaceIds = { readonly uid: number; readonly gid: number } | 'all';

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  /** '' for bind mounts and remounts. */
  readonly type: string;
  /** MS_* bits of mount(2). */
  readonly flags: number;
  /** Options as text, e.g. `mode=1777,size=65536`. */
  readonly data: string;
}

/** MS_* of mount(2), Linux uapi/linux/mount.h. */
export const MS = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  move: 8192,
  recursive: 16384,
  private: 1 << 18,
  slave: 1 << 19,
} as const;
