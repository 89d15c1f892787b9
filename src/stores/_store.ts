import type { Caller } from '../core/call.ts';
import type { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Sealed } from '../core/sealed.ts';
import type { DataObject } from '../wire/objects.ts';
import type { Options, OptionSpecs } from './_options.ts';

/** What a store is asked for: a path, in a version if the store has versions. */
export interface Wanted {
  readonly path: string;
  readonly version?: string;
}

/** What a store tells of a value beside it; never a value. */
export interface AnswerFacts {
  /** Which version it is, in the store's own words. */
  readonly version?: string;
  /** How long it stays valid, where the store lends it; 0 where it does not say for how long. */
  readonly leaseMs?: number;
}

/**
 * What a store says of one path: a value, a map of values, that it is absent (the store said so),
 * or why it cannot say (denied, unreachable: never taken for absence).
 */
export type Answer =
  | { readonly kind: 'value'; readonly value: Sealed; readonly facts?: AnswerFacts }
  | {
      readonly kind: 'map';
      readonly entries: ReadonlyMap<string, Sealed>;
      readonly facts?: AnswerFacts;
    }
  | { readonly kind: 'absent'; readonly what: string }
  | { readonly kind: 'failed'; readonly problem: BellhopError };

/** An open store. */
export interface Store {
  /**
   * One answer for each path, in the same order, by the fewest requests that the store's API has.
   * May throw a BellhopError that holds for all paths; what is wrong with one path is its answer.
   */
  fetch(wanted: readonly Wanted[]): Promise<readonly Answer[]>;
  /** Writes one value, for stores that last good or an overflow can be written to. */
  put?(path: string, content: Uint8Array, how?: PutHow): Promise<void>;
  /** Who we are to this store, e.g. an ARN; never a credential. For `check`. */
  identity?(): Promise<string>;
  /** Keys that the store's key service wraps: what last good is encrypted under. */
  readonly dataKey?: DataKeys;
}

/** How something is written. */
export interface PutHow {
  /** Told to the store as it can be told: a tag for its lifecycle rules, a header, a lease. */
  readonly expireDays?: number;
  /** The path says what the content is: an equal one that is there need not be written again. */
  readonly isNamedByContent?: true;
}

/** Keys for data, wrapped by a key that never leaves the service. Failures are BellhopError. */
export interface DataKeys {
  /** A new key of 32 bytes, and what it can be had again from. */
  make(keyId: string): Promise<{ readonly key: Uint8Array; readonly wrapped: Uint8Array }>;
  /** Fails where it was wrapped under another key. */
  open(keyId: string, wrapped: Uint8Array): Promise<Uint8Array>;
}

/** What opening a store is given. */
export interface StoreContext {
  /** The store's name in bellhop.yaml, for messages. */
  readonly name: string;
  readonly io: Io;
  /** Secrets and ConfigMaps of the input. */
  readonly objects: readonly DataObject[];
  /** The namespace of the workload. */
  readonly namespace: string;
  /** Sends requests, inside of the start's budget. */
  readonly caller: Caller;
  /** A variable that bellhop was started with; undefined where it is not set or empty. */
  variable(name: string): string | undefined;
  /** The value that an option of type `reference` names, from another store. */
  secret(reference: unknown): Promise<Sealed>;
  /** Makes something once for all stores of this start, e.g. credentials; failures too. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
}

/** IAM's conditions: operator, then condition key, then the value. */
export type IamCondition = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What an IAM policy allows. */
export interface AwsRight {
  readonly system: 'aws';
  readonly actions: readonly string[];
  readonly resource: string;
  readonly condition?: IamCondition;
}

/** What a plan needs to be allowed, in the words of the system that allows it. */
export type Right =
  | AwsRight
  | { readonly system: 'vault'; readonly path: string; readonly capabilities: readonly string[] }
  | { readonly system: 'google' | 'azure'; readonly role: string; readonly scope: string }
  | {
      readonly system: 'kubernetes';
      readonly namespace: string;
      readonly resource: string;
      readonly name: string;
    }
  /** Where rights have no form of their own: a sentence. */
  | { readonly system: 'other'; readonly text: string };

/** What one request of the store's API takes and gives. */
export interface PerCall {
  /** Paths in one request; 1 where the API has no batch. */
  readonly paths: number;
  /** Requests on their way at a time. */
  readonly inFlight: number;
  /** The largest value, where the API has a limit. */
  readonly valueBytes?: number;
}

/** What planning must know of a kind. */
export interface StoreFacts {
  readonly hasVersions: boolean;
  /** Its stores have `dataKey`. */
  readonly hasKeys: boolean;
  /** Its stores have `put`: all, or those with the option that it needs. */
  readonly writes?: { readonly needs?: string };
  readonly options: OptionSpecs;
}

/** One kind of store: the default export of its file in this folder. */
export interface StoreKind {
  /** The word after `kind:` in bellhop.yaml. */
  readonly kind: string;
  /** One line for the docs. */
  readonly summary: string;
  /** What a path names, with an example; one line for the docs. */
  readonly path: string;
  /** What `path@version` means; absent where the store has no versions. */
  readonly version?: string;
  readonly perCall: PerCall;
  /** Options beside `kind`. */
  readonly options: OptionSpecs;
  /** The ways of proving who we are: name → one line for the docs. */
  readonly auth: Readonly<Record<string, string>>;
  /** Variables of other tools that mean here what they mean there: name → one line. */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * Which of them say where the store is (address, region, namespace, project, profile), not who we
   * are: a last good copy of one place is never taken for another.
   */
  readonly places: readonly string[];
  /** Throws a BellhopError for options that it cannot use. Makes no request. */
  open(options: Options, context: StoreContext): Store;
  /** The least rights that reading these needs. */
  rights?(options: Options, wanted: readonly Wanted[]): readonly Right[];
  /** Where stores of this kind can have `put`. */
  readonly writes?: {
    /** The option without which one has it not. */
    readonly needs?: string;
    /** The largest value that can be written, where that is less than `perCall` says. */
    readonly bytesMax?: number;
    /** A path as platforms call it that download it themselves, e.g. `s3://bucket/key`. */
    readonly address?: (path: string) => string | undefined;
    /** The least rights that writing needs, beside those of reading. */
    rights(options: Options, path: string): readonly Right[];
  };
  /** Where stores of this kind have `dataKey`. */
  readonly dataKeys?: {
    /** The least rights that making and opening keys under this one needs. */
    rights(options: Options, keyId: string): readonly Right[];
  };
}
