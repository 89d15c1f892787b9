// What every simulator speaks of: images, requests that are refused, and what a container is given.
import type { Image } from '../kubelet/vectors.ts';

/** One thing that the platform's API answers a request with instead of taking it. */
export interface Refusal {
  /** The error's code as the service names it. */
  readonly code: string;
  /** Where in the request, in the platform's own names. */
  readonly at: string;
  /** The service's sentence where it is known, without the value. */
  readonly message: string;
}

/** An image that a container runtime has pulled and unpacked. */
export interface BuiltImage {
  /** Folders of the file system, the topmost first. */
  readonly layers: readonly string[];
  readonly config: Image;
}

/** A file or folder that the platform itself puts into the container before it starts. */
export interface Placed {
  readonly at: string;
  /** Bytes of a file; a folder has none. */
  readonly bytes?: Uint8Array | string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A mount of the platform's. */
export type Mounted =
  | { readonly kind: 'bind'; readonly at: string; readonly from: string; readonly ro?: boolean }
  | {
      readonly kind: 'tmpfs';
      readonly at: string;
      readonly bytesMax: number;
      readonly mode?: number;
      readonly options?: string;
    };

/** What answers at an address inside of the container: a handler, or a port of this machine. */
export type Service =
  | ((request: Request) => Response | Promise<Response>)
  | { readonly loopbackPort: number };

/** One address of the container's own network. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly service: Service;
}

/** Who a process is. */
export interface Ids {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Everything a container sees when it starts, and how the platform ends it. */
export interface View {
  readonly image: BuiltImage;
  readonly argv: readonly string[];
  /** In the order of the process; a name stands once. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly cwd: string;
  readonly ids: Ids;
  readonly hostname: string;
  readonly placed: readonly Placed[];
  readonly mounts: readonly Mounted[];
  /** Size of /dev/shm; undefined: the container has none. */
  readonly shmBytes: number | undefined;
  readonly rootReadOnly: boolean;
  /** Empty: a network with nothing but its own loopback. */
  readonly network: readonly Listener[];
  /** Lines of /etc/hosts by name. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly privileged: boolean;
  /** Whether the program is PID 1, or the child of a small init or agent. */
  readonly isPidOne: boolean;
  /** Standard input: at its end, a pipe that stays open, or a terminal on 0, 1 and 2. */
  readonly input: 'closed' | 'open' | 'terminal';
  /** Time between SIGTERM and SIGKILL. */
  readonly stopMs: number;
  /** Paths that are kept of what the container wrote, if they are no bind. */
  readonly collected: readonly string[];
}

/** What the platform's own values are named, so that a comparison can set them aside. */
export interface Own {
  readonly env: readonly string[];
  readonly paths: readonly string[];
}

/** What the test wants of one run, beyond what the request says. */
export interface Wish {
  /** Stops the container, as the platform would, once its output has this. */
  readonly stopWhen?: string;
  /** Stops the container, as the platform would, when this comes about. */
  readonly stopAfter?: Promise<unknown>;
  /** Instead of the platform's time between SIGTERM and SIGKILL. */
  readonly stopMs?: number;
  /** The longest that a container may run; 30 s if not given. */
  readonly runMsMax?: number;
  /** Mounts of the test's own, for example of the executable that is tested. */
  readonly mounts?: readonly Mounted[];
  /** Which attempt this is, counted from 1. */
  readonly attempt?: number;
  /** Which node of several, counted from 0. */
  readonly node?: number;
}

/** How a container ended, and what is left of it. */
export interface Outcome {
  readonly exit: number;
  /** The signal that ended PID 1, or 0. */
  readonly signal: number;
  readonly ended: 'itself' | 'stopped' | 'killed after the stop' | 'killed at the limit of the run';
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  /** Files that were kept, by their path in the container. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly own: Own;
}

/** What a job came to: refused by the API, not started by the agent, or ended. */
export type Ran =
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'not started'; readonly reason: string }
  | {
      readonly kind: 'ended';
      readonly outcome: Outcome;
      /** The job's last status, in the platform's own word. */
      readonly status: string;
      /** What the platform then says of a failure. */
      readonly reason?: string;
    };

/** A platform: what it refuses, and what it does with what it takes. */
export interface Simulator<Request, World> {
  readonly name: string;
  /** Everything that the API answers instead of taking the request; empty where it takes it. */
  readonly refusals: (request: Request) => Refusal[];
  /** Hands the request in and, where it is taken, runs its container to the end. */
  readonly run: (request: Request, world: World, wish?: Wish) => Promise<Ran>;
}

/** A part of a platform's contract that a simulator does not have; never taken for a refusal. */
export class NotSimulated extends Error {}
