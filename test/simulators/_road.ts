// What a round trip goes by: a platform, what renders its request, and where both stand.
import type { Base } from '../kubelet/rootfs.ts';
import type { AwsWorld } from './_aws.ts';
import type { Yard } from './_container.ts';
import type { BuiltImage, Mounted, Ran, Wish } from './_types.ts';
import type { Web } from './_web.ts';

/** What a renderer is given: the files that a user would have. */
export interface Declared {
  readonly dir: string;
  /** Flags of `bellhop submit` that say which container, image and cluster. */
  readonly flags: readonly string[];
}

/** What came of rendering: requests by operation, or the refusal. */
export type Rendered =
  | { readonly requests: Readonly<Record<string, unknown>> }
  | { readonly refused: string };

/** One platform as a round trip uses it. */
export interface Way {
  readonly name: string;
  /** What tests call it, where several have the same name. */
  readonly title?: string;
  /** The request's own fields: `submit.targets.NAME`. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Who starts bellhop: the request, or the image's ENTRYPOINT, which no request replaces. */
  readonly entrypoint: 'request' | 'image';
  /** Where Secrets are, and what is spilled: a service by HTTP; S3 where absent. */
  readonly keeps?: 'web';
  /** More of `policy` in bellhop.yaml. */
  readonly policy?: object;
  /** What differs, as docs/targets.md says. */
  readonly differs?: RegExp;
  /** Of the pods that tests take through most platforms those that this one can have. */
  readonly few?: readonly string[];
  /** What an image for this platform has beside the program. */
  readonly tools?: readonly Mounted[];
  run(requests: Readonly<Record<string, unknown>>, place: Place): Promise<Ran>;
}

/** Where a container of a round trip runs. */
export interface Place {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  readonly web: Web;
  readonly image: BuiltImage;
  readonly wish: Wish;
}

/** What all trips share. */
export interface Road {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  readonly web: Web;
  readonly base: Base;
  readonly dist: string;
  readonly bucket: string;
  readonly render: (declared: Declared, target: string) => Promise<Rendered>;
  /** Where the container looks for its Secrets, instead of the S3 server. */
  readonly store?: string;
  /** What a test wants of the run beside. */
  readonly wish?: Wish;
}

/** The request of one operation. */
export function request<T>(requests: Readonly<Record<string, unknown>>, operation: string): T {
  return requests[operation] as T;
}

export const IMAGE = 'image';
/** The executable in every image. */
export const EXECUTABLE = '/bellhop/bellhop';
