// Where requests that somebody else made have what bellhop takes over: `bellhop adapt`.
import type { Cap, JsonObject } from './_caps.ts';

/** A field that takes objects which the platform downloads before the container starts. */
export interface AdaptedChannel {
  /** A list in the request. */
  readonly at: string;
  /** Members by which its elements are told apart: no other one may have what ours has. */
  readonly by: readonly string[];
  readonly of: (address: string) => JsonObject;
}

/** One request. Its fields: `a.b` is a member of a member, `a[].b` one of the only element. */
export interface Adapting {
  readonly operation: string;
  /** The field that names what is made; by it the request is recognised. */
  readonly name: string;
  /** Absent where a definition of an earlier request has the image. */
  readonly image?: string;
  /** A map of texts, or a list of `{name, value}`. */
  readonly variables: string;
  readonly isList?: true;
  /** What replaces the image's ENTRYPOINT, and what replaces its CMD. */
  readonly entrypoint?: string;
  readonly arguments?: string;
  /** What the platform adds to the image's ENTRYPOINT where the request has no arguments. */
  readonly argumentsDefault?: readonly string[];
  /**
   * It is sent for a definition of an earlier request, whose variables and words it overrides:
   * `arguments` come behind the definition's entrypoint, a `command` is all that is started.
   */
  readonly over?: 'arguments' | 'command';
  /** True for such a definition where later requests may bring arguments of their own. */
  readonly isDefinition?: true;
  readonly hyperparameters?: string;
  readonly channel?: AdaptedChannel;
  /** True there: the container will have no network. */
  readonly isolation?: string;
  /** How many containers start at the same time. */
  readonly nodes?: string;
  /** Where the platform has other variables that it sets. */
  readonly secrets?: string;
  /** What the platform itself replaces in arguments, which then stay in the request. */
  readonly replaced?: string;
  /** Fields that say in another way what runs, and are not adapted. */
  readonly others?: readonly string[];
  /** Of an operation that `submit` does not use; the target has those of the others. */
  readonly caps?: readonly Cap[];
}
