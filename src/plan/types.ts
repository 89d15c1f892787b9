import type { Metrics } from '../wire/metrics.ts';

// The plan: what must appear in one container, where, and from which store. Value-free: no byte of
// a Secret, ConfigMap or store is ever in it; literals of the manifest and $(VAR) templates are.

/** The version that this code writes; readers take it and, one day, the one before. */
export const PLAN_VERSION = 'bellhop/plan/v1';

export interface Plan {
  readonly apiVersion: typeof PLAN_VERSION;
  /** Features that a reader must know to carry this plan out; it refuses unknown ones. */
  readonly requires: readonly string[];
  readonly origin: Origin;
  readonly stores: Readonly<Record<string, StoreOptions>>;
  readonly policy: Policy;
  readonly image: Image;
  readonly identity: Identity;
  /** Where the program is one of an Indexed Job's: its index is read at the start. */
  readonly index?: CompletionIndex;
  /** Where metrics go, and the relay beside the program. */
  readonly metrics?: Metrics;
  /** The container's workingDir; '' where the manifest says nothing. */
  readonly workingDir: string;
  /** In order: later variables see and override earlier ones as the kubelet has it. */
  readonly placements: readonly Placement[];
}

/** How the program's completion index is found; the same plan serves all tasks of a job. */
export interface CompletionIndex {
  /** What it is where neither the platform nor a variable tells it; nothing starts where absent. */
  readonly otherwise?: string;
  /** How many pods the Job has: every index is below it. Any index is taken where absent. */
  readonly below?: number;
  /**
   * Variables of the platform that tell it; the first that is set counts. Absent where nobody knows
   * yet where this will run: then the variable on arrival counts, else what the container looks
   * like.
   */
  readonly toldBy?: readonly string[];
}

/** Where the declaration came from; for people and for templates. */
export interface Origin {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly container: string;
}

/** A store's settings as bellhop.yaml has them: its kind and what that kind takes. */
export type StoreOptions = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** Names a value without holding it. */
export interface Reference {
  readonly store: string;
  readonly path: string;
  readonly key?: string;
  readonly version?: string;
}

/** A reference with what to do where it has no value. */
export interface Bound {
  readonly reference: Reference;
  /** Key of the Secret or ConfigMap that the reference stands for as a whole. */
  readonly member?: string;
  readonly optional?: true;
  /** Used where the store says that the value does not exist. */
  readonly default?: string;
  /** The default covers an outage of the store, too. */
  readonly defaultOn?: 'outage';
  /**
   * Asked in this order where the reference's own store is down. One that is down or lacks it is
   * passed over; what one refuses stays so.
   */
  readonly fallbacks?: readonly Reference[];
  /** Only text counts: `binaryData` of a ConfigMap never becomes a variable. */
  readonly textOnly?: true;
  /** What Kubernetes calls it, e.g. `secret db, key password`; for messages. */
  readonly called: string;
}

/** Where a variable's or a file's content comes from. */
export type Source =
  /** Expanded at delivery: $(VAR) sees what the kubelet would see. */
  | { readonly kind: 'template'; readonly text: string }
  /** As it is; `of` names what it is, e.g. `metadata.name` or `service db`. */
  | { readonly kind: 'text'; readonly text: string; readonly of: string }
  /** All annotations as a downward API file; the kubelet adds the time to them. */
  | { readonly kind: 'annotations'; readonly entries: Readonly<Record<string, string>> }
  /** All labels as such a file, the completion index among them. */
  | { readonly kind: 'labels'; readonly entries: Readonly<Record<string, string>> }
  /** The completion index, read at the start; `of` names the field. */
  | { readonly kind: 'index'; readonly of: string }
  | { readonly kind: 'value'; readonly bound: Bound }
  /** Optional and neither in the input nor bound: the variable or file is left out. */
  | { readonly kind: 'absent'; readonly called: string };

/** What only a file of its own can hold; the variables are those of the plan. */
export type MadeSource =
  /** What `bellhop become` reads: variables and arguments, put together in the container. */
  | { readonly kind: 'start'; readonly targets: readonly StartTarget[] }
  /** What the kubelet reads for `fileKeyRef`. */
  | { readonly kind: 'envFile'; readonly names: readonly string[] }
  /** The static launcher of this release, for this machine. */
  | { readonly kind: 'launcher' }
  /**
   * A JSON object of texts over which the members of the platform's own file at this path go; the
   * file is replaced.
   */
  | { readonly kind: 'hyperparameters'; readonly bound: Bound };

const MADE: ReadonlySet<string> = new Set<MadeSource['kind']>([
  'start',
  'envFile',
  'launcher',
  'hyperparameters',
]);

/** Whether only a file of its own can hold it. */
export function isMade(source: Source | MadeSource): source is MadeSource {
  return MADE.has(source.kind);
}

/** A variable by its name, or an argument by its place (0 is the program), and what it becomes. */
export type StartTarget = ({ readonly variable: string } | { readonly argument: number }) & {
  readonly parts: readonly StartPart[];
};

export type StartPart =
  | { readonly text: string }
  /** A variable of the plan; as it was written, `$(NAME)`, where it has no value. */
  | { readonly of: string }
  /** A variable that the container has from elsewhere; the same where it has none. */
  | { readonly from: string };

/** Which rule wins: later layers override earlier ones; only envFrom, service and env see $(…). */
export type Layer = 'settings' | 'service' | 'envFrom' | 'env';

export interface VariablePlacement {
  readonly kind: 'variable';
  readonly layer: Layer;
  readonly name: string;
  readonly source: Source;
  /** Left out where anything else sets one of these: another placement, the image, the platform. */
  readonly unless?: readonly string[];
  readonly rule: string;
}

/** All keys of an object as variables; which ones is known when it was fetched. */
export interface VariablesPlacement {
  readonly kind: 'variables';
  readonly layer: Layer;
  readonly prefix: string;
  readonly bound: Bound;
  readonly rule: string;
}

/** The pod's command and args; each empty where the manifest has none. */
export interface ArgvPlacement {
  readonly kind: 'argv';
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly rule: string;
}

export interface Mount {
  /** Absolute and clean. */
  readonly path: string;
  readonly subPath?: string;
  /** Expanded at delivery; an unknown variable is an error here. */
  readonly subPathExpr?: string;
  readonly readOnly: boolean;
  readonly rule: string;
}

/** A volume: its content and every place where the container sees it. */
export interface DirectoryPlacement {
  readonly kind: 'directory';
  readonly volume: string;
  /** Memory: tmpfs, root folder 1777. Disk: root folder 0777. */
  readonly medium: 'memory' | 'disk';
  /** Content in the kubelet's shape (timestamped folder and links), or a plain empty folder. */
  readonly shape: 'versioned' | 'plain';
  readonly sizeBytesMax?: number;
  readonly fsGroup?: number;
  readonly contents: readonly Content[];
  /** Folders in its root that the kubelet makes for mounts of the pod's other containers. */
  readonly nested?: readonly string[];
  readonly mounts: readonly Mount[];
  readonly rule: string;
}

export type Content =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      /** Owner of a service account token; root where absent. */
      readonly uid?: number;
      readonly source: Source;
      readonly rule: string;
    }
  | {
      readonly kind: 'files';
      readonly mode: number;
      readonly bound: Bound;
      readonly rule: string;
    };

/** One file at a path of its own, outside of volumes. */
export interface FilePlacement {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly medium: 'memory' | 'disk';
  /** A file that is there already is left as it is. */
  readonly keep?: true;
  readonly source: Source | MadeSource;
  readonly rule: string;
}

export type Placement =
  | VariablePlacement
  | VariablesPlacement
  | ArgvPlacement
  | DirectoryPlacement
  | FilePlacement;

/** What the image's own configuration says; bellhop cannot see it from inside and is told. */
export interface Image {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
}

/** Who the program is to be; absent members keep what the container has. */
export interface Identity {
  readonly user?: number;
  readonly group?: number;
  readonly supplementalGroups: readonly number[];
  readonly nonRoot?: boolean;
  readonly noNewPrivileges?: true;
  readonly dropCapabilities?: readonly string[];
  readonly addCapabilities?: readonly string[];
  readonly readOnlyRoot?: true;
}

/** How strict delivery is; each member's default is its first value. */
export interface Policy {
  /** Content of the image at a mount path, where mounting is not allowed. */
  readonly overImage: 'refuse' | 'merge';
  /** Secret bytes on a disk, where there is no memory file system. */
  readonly disk: 'refuse' | 'allow';
  /** Secret bytes that are not UTF-8, in variables and arguments. */
  readonly nonUtf8Env: 'replace' | 'bytes';
  /** Init containers of the pod, which `run` does not run. */
  readonly initContainers: 'refuse' | 'ignore';
  /** The user and groups that the pod asks for, where they cannot be had. */
  readonly identity: 'become' | 'keep';
  /** Variables that were there on arrival and are not passed on. */
  readonly stripEnv: readonly string[];
  /** From the exec of bellhop to that of the program, or to the report; START_MS_DEFAULT. */
  readonly startMsMax?: number;
  /** Attempts of one request, but for throttling; as many as the time has where absent. */
  readonly attemptsMax?: number;
  /** When a second request may go out beside a slow one; never where absent. */
  readonly hedgeAfterMs?: number;
  /** How long the job may take: what is lent must last as long. */
  readonly jobSecondsMax?: number;
  /** What is lent for less than `jobSecondsMax`; refuse where absent. */
  readonly shortLease?: 'refuse' | 'allow';
  /** A copy of everything, for when every store is down; none where absent. */
  readonly lastGood?: LastGood;
}

/** Where the encrypted copy of the last complete success is kept, and for how long it may serve. */
export interface LastGood {
  readonly to: Reference;
  readonly key: LastGoodKey;
  readonly maxAgeSeconds: number;
}

/** What the copy is encrypted under: a KMS key of an AWS store, or an age identity. */
export type LastGoodKey =
  | { readonly kms: string; readonly store: string }
  | { readonly age: Reference };

/** Where the policy does not say how long a start may take. */
export const START_MS_DEFAULT = 30_000;

export const DEFAULT_POLICY: Policy = {
  overImage: 'refuse',
  disk: 'refuse',
  nonUtf8Env: 'replace',
  initContainers: 'refuse',
  identity: 'become',
  stripEnv: [],
};
