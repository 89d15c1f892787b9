import type { Needs } from '../plan/needs.ts';
import type { Reference, StoreOptions } from '../plan/types.ts';
import type { Cap, Fact, JsonObject } from './_caps.ts';
import type { Adapting } from './_adapting.ts';
import type { Gives, Reserved } from './_names.ts';
import type { Running } from './_running.ts';

/** One variable of a request. */
export type Variable = readonly [name: string, value: string];

/** A secret that the platform itself puts into a variable: its name, and where from. */
export interface NativeSecret {
  readonly name: string;
  /** In the platform's own words, e.g. an ARN. */
  readonly from: string;
}

/** Everything that a target makes its requests from; the split has made it fit. */
export interface Job {
  /** Of this submission: the same input has the same name. */
  readonly name: string;
  /** 64 hexadecimal digits of all that was submitted: for client tokens and tags. */
  readonly digest: string;
  readonly image: string;
  /** The container's name in the pod. */
  readonly container: string;
  /** What the platform is to start: bellhop, or nothing where the image's ENTRYPOINT is bellhop. */
  readonly start: readonly string[];
  /** Pointer first; values are already written as the platform must be sent them. */
  readonly variables: readonly Variable[];
  readonly secrets: readonly NativeSecret[];
  readonly hyperparameters: readonly Variable[];
  /** The object's address where the platform itself brings it: an input channel. */
  readonly channel?: string;
  readonly needs: Needs;
  /** As whom the container is to start, where the image's USER is not whom bellhop needs. */
  readonly user?: string;
  /** The user's own fields of an operation's request: bellhop.yaml, `submit.targets`. */
  readonly given: (operation: string) => JsonObject;
}

/** One call of the platform's API, as data. */
export interface Request {
  readonly operation: string;
  /** Exactly what the platform's own CLI and SDK take. */
  readonly input: JsonObject;
  readonly send: Send;
  /** Not made where this one finds something: what it makes is there already. */
  readonly unless?: Look;
  /** Codes of errors that say: what this makes is there already. */
  readonly doneCodes?: readonly string[];
  /** Why an answer that came is a refusal all the same; undefined where it is none. */
  readonly refusal?: (answer: JsonObject) => string | undefined;
  /** True where asking twice does harm: one attempt only. */
  readonly once?: true;
}

/** How a request reaches the platform. */
export type Send =
  /** POST with X-Amz-Target, signed. */
  | { readonly by: 'aws json'; readonly service: AwsApi; readonly target: string }
  /** REST with JSON, signed; `{name}` in the path is a member of the input. */
  | {
      readonly by: 'aws rest';
      readonly service: AwsApi;
      readonly method: 'GET' | 'POST';
      readonly path: string;
    }
  /**
   * REST with JSON and a bearer token; `{name}` and `{+name}` in the path are members of the input,
   * the others are the body. `+` keeps slashes.
   */
  | {
      readonly by: 'google rest';
      readonly service: GoogleApi;
      readonly method: 'GET' | 'POST';
      readonly path: string;
    }
  /** Not called by us: the platform's own tool is, with this text on its standard input. */
  | { readonly by: 'command'; readonly argv: readonly string[]; readonly stdin?: string };

/** A service of Google: its host, CLOUDSDK_API_ENDPOINT_OVERRIDES_<…>. */
export interface GoogleApi {
  readonly host: string;
  readonly variable: string;
}

/** A service of AWS: what it is signed as, its host's first label, AWS_ENDPOINT_URL_<…>. */
export interface AwsApi {
  readonly signed: string;
  readonly host: string;
  readonly variable: string;
  /** The name in `aws SERVICE …`. */
  readonly cli: string;
}

/** A question to the platform, and what its answer means. */
export interface Look {
  readonly request: Request;
  /** Codes of the error that says: there is no such thing. */
  readonly absentCodes: readonly string[];
  isThere(answer: JsonObject): boolean;
}

/** How far a job is. */
export interface Progress {
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed';
  /** The platform's own words, e.g. `Training`. */
  readonly said: string;
  /** Why it failed, as the platform says it. */
  readonly reason?: string;
}

/** How a job is followed after it was submitted. */
export interface Follow {
  /** Asks how far it is, from what the last request was answered. */
  ask(job: Job, answer: JsonObject): Request;
  read(answer: JsonObject): Progress;
}

/** What a container can look at to find out where it is; pure. */
export interface Inside {
  /** A variable on arrival; undefined where it is not set or empty. */
  variable(name: string): string | undefined;
  /** True where there is a file or folder. */
  exists(path: string): boolean;
  /** A small text file; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** The words behind `bellhop run`. */
  readonly words: readonly string[];
}

/** What a container was found to be. */
export interface Detected {
  /** The platform's name or id of the job. */
  readonly job?: string;
  readonly region?: string;
  /** How many containers of the job start at the same time; 1 where absent. */
  readonly nodes?: number;
  /** Which of the job's tasks this is, from 0 on, as the platform tells it. */
  readonly index?: string;
}

/** What a pod may ask for beyond variables: each target says of each how it is had. */
export const FEATURES = [
  'variables',
  'secretVariables',
  'files',
  'hyperparameters',
  'command',
  'workingDir',
  'user',
  'cpuAndMemory',
  'gpu',
  'memoryVolume',
  'isolation',
  'sidecars',
  'initContainers',
  'persistentVolume',
  'hostPath',
  'hostNamespaces',
  'privileged',
  'devices',
  'stdin',
  'tty',
  'retries',
  'timeLimit',
  'completions',
  'completionIndex',
] as const;

export type Feature = (typeof FEATURES)[number];

/** How a target has a feature: in its request, by the entrypoint, or not at all. */
export interface Said {
  readonly by: 'request' | 'entrypoint' | 'nobody';
  /** The field, how it is delivered, or the nearest way; one line. */
  readonly how: string;
}

/** A store's reference that the platform may deliver itself. */
export interface SecretWish {
  readonly name: string;
  readonly reference: Reference;
  readonly store: StoreOptions;
  /** The user's own fields of an operation's request. */
  readonly given: (operation: string) => JsonObject;
}

/** Where the container's own outcome is written for the platform. */
export interface FailureFile extends Fact {
  readonly path: string;
  /** What the platform shows of it. */
  readonly charactersMax: number;
}

/** Hyperparameters as a platform delivers them. */
export interface Hyperparameters extends Fact {
  /** The file that the platform writes them to. */
  readonly path: string;
  /** What a tool of the platform takes less of than the file can hold. */
  readonly tool?: Fact & {
    readonly called: string;
    readonly bytesMax: number;
    /** A hyperparameter that a job has because this tool runs it. */
    readonly knownBy: string;
  };
}

/** Objects that the platform downloads before the container starts. */
export interface Channel extends Fact {
  /** What its address must begin with, e.g. `s3://`. */
  readonly scheme: string;
  /** The folder in which the container finds the object. */
  readonly folder: string;
}

/** Where a container can be written. */
export interface Writable {
  /** What lies below one of these. */
  readonly folders: readonly string[];
  /** There is a memory file system among them. */
  readonly hasMemory: boolean;
  /** False where the image may have more of them. */
  readonly isAll: boolean;
}

/** One platform: the default export of its file in this folder. */
export interface Target {
  readonly name: string;
  readonly summary: string;
  /** The field of the request that takes variables: a map, or a list of `{name, value}`. */
  readonly variablesAt: { readonly operation: string; readonly at: string };
  /** Every operation that it makes a request of, in their order. */
  readonly operations: readonly string[];
  readonly caps: readonly Cap[];
  readonly reserved: readonly Reserved[];
  readonly gives?: readonly Gives[];
  readonly features: Readonly<Record<Feature, Said>>;
  /**
   * How bellhop becomes the entrypoint. `request`: a field replaces the image's ENTRYPOINT.
   * `words`: the request has arguments only, so an image with another ENTRYPOINT cannot be used.
   * `image`: no field at all, the image's ENTRYPOINT must be `bellhop run --`.
   */
  readonly start: 'request' | 'words' | 'image';
  /** How the container is asked to stop, and how long it has. */
  readonly stop: string;
  readonly failure?: FailureFile;
  readonly hyperparameters?: Hyperparameters;
  readonly channel?: Channel;
  /** Of several targets that are found the one of the highest rank counts: Batch runs on ECS. */
  readonly rank: number;
  detect(inside: Inside): Detected | undefined;
  /** The variable that tells which of a job's tasks this is, from 0 on; absent where none does. */
  readonly indexVariable?: string;
  /** A value as it must be sent to arrive unchanged; undefined where it cannot be; as it is. */
  readonly literal?: (value: string) => string | undefined;
  /** The platform's own words for a secret that it delivers in the same shape. */
  readonly secret?: (wish: SecretWish) => string | undefined;
  /** The field that says as whom the container starts; the image's USER does where absent. */
  readonly userAt?: { readonly operation: string; readonly at: string };
  /** Where the container can be written; everywhere where absent or undefined. */
  writable?(job: Pick<Job, 'given'>): Writable | undefined;
  /** Variables of the platform's own shell, which no pod means: they are not passed on. */
  readonly strips?: readonly string[];
  /** What a program sees differ from Kubernetes whatever is done; one line each. */
  readonly differs?: readonly string[];
  /** Whether the container may mount; nobody knows where absent or undefined. */
  mounts?(job: Pick<Job, 'given'>): boolean | undefined;
  /** How many containers the job starts at the same time; 1 where absent. */
  nodes?(job: Pick<Job, 'given'>): number;
  /** Where a request says how often, how long and how many times the program is run. */
  readonly running?: Running;
  /** True where the container will have no network. */
  isIsolated?(job: Pick<Job, 'given'>): boolean;
  /** A name of the platform's own rules, from the workload's; the same input gives the same. */
  nameOf(name: string, digest: string): string;
  /** The requests in their order; the last one starts the job. */
  render(job: Job): readonly Request[];
  readonly follow?: Follow;
  /** Requests that `bellhop adapt` takes; the first whose name is in a request is its kind. */
  readonly adapt?: readonly Adapting[];
  /**
   * What a request must have that pods seldom say: operation → field → what it is. Of fields with
   * ` | ` between them one suffices.
   */
  readonly wants: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
