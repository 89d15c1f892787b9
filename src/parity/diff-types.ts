import type { Value } from './types.ts';

/** Kinds of differences, in the order in which they are listed. */
export const KINDS = [
  'variable',
  'argument',
  'file',
  'mount',
  'process',
  'signal',
  'descriptor',
  'limit',
  'surroundings',
] as const;

/** What a difference is about. */
export type Kind = (typeof KINDS)[number];

/** What of the thing differs; `presence` where only one side has it. */
export type Aspect =
  | 'presence'
  | 'value'
  | 'count'
  | 'type'
  | 'mode'
  | 'owner'
  | 'target'
  | 'through'
  | 'content'
  | 'normalised'
  | 'unread'
  | 'medium'
  | 'options'
  | 'size'
  | 'readOnly'
  | 'access'
  | 'state';

/** One deviation between two snapshots, before anybody has judged it. Never a value. */
export interface Finding {
  readonly kind: Kind;
  /** The variable, path, number or name that it is about. */
  readonly name: string;
  readonly aspect: Aspect;
  /** What the side has, for people; undefined where it has nothing. */
  readonly left: string | undefined;
  readonly right: string | undefined;
  /** For `--show`, where both snapshots were taken with it. */
  readonly values?: { readonly left?: Value; readonly right?: Value };
}

/** Whose the difference is. */
export type Group = 'must-not-differ' | 'platform' | 'policy';

/** A finding with whose it is, where it likely comes from, and what to do. */
export interface Difference extends Finding {
  readonly group: Group;
  /** The row of DIFFERENCE_RULES that explains it. */
  readonly rule?: string;
  readonly reason: string;
  /** Empty where there is nothing to do. */
  readonly remedy: string;
}
