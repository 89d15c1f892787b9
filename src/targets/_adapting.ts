/** Where a request that somebody else made has what bellhop takes over: `bellhop adapt`. */
export interface Adapting {
  readonly operation: string;
  /** Fields of the request; `a.b` is a member of a member, `a[].b` one of the only element. */
  readonly name: string;
  readonly image: string;
  /** What replaces the image's ENTRYPOINT, and what replaces its CMD. */
  readonly entrypoint?: string;
  readonly arguments?: string;
  /** What the platform adds to the image's ENTRYPOINT where the request has no arguments. */
  readonly argumentsDefault?: readonly string[];
  readonly hyperparameters?: string;
  /** Variables are a list of `{name, value}`, and what else the platform sets is in this one. */
  readonly secrets?: string;
  /** What the platform itself replaces in arguments, which then stay in the request. */
  readonly replaced?: string;
  /** Fields that say in another way what runs, and are not adapted. */
  readonly others?: readonly string[];
  /** Fields that stay as the author wrote them, whatever a submission has there. */
  readonly kept: readonly string[];
}
