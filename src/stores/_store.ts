import type { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Sealed } from '../core/sealed.ts';
import type { DataObject } from '../wire/objects.ts';

/** What a store is asked for: a path, in a version if the store has versions. */
export interface Wanted {
  readonly path: string;
  readonly version?: string;
}

/**
 * What a store says of one path: a value, a map of values, that it is absent (the store said so),
 * or why it cannot say (denied, unreachable: never taken for absence).
 */
export type Answer =
  | { readonly kind: 'value'; readonly value: Sealed }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Sealed> }
  | { readonly kind: 'absent'; readonly what: string }
  | { readonly kind: 'failed'; readonly problem: BellhopError };

/** An open store. */
export interface Store {
  /** One answer for each path, in the same order. Never throws for a single path. */
  fetch(wanted: readonly Wanted[]): Promise<readonly Answer[]>;
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
}

/** One kind of store: the default export of its file in this folder. */
export interface StoreKind {
  /** The word after `kind:` in bellhop.yaml. */
  readonly kind: string;
  /** One line for the docs. */
  readonly summary: string;
  /** True if `path@version` has a meaning. */
  readonly hasVersions: boolean;
  /** Options beside `kind`: name → one line for the docs. */
  readonly options: Readonly<Record<string, string>>;
  /** Throws a BellhopError for options that it cannot use. */
  open(options: Readonly<Record<string, unknown>>, context: StoreContext): Store;
}
