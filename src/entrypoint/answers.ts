import type { Bound, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';

/** What a store said: for the reference itself (level 0), or for one of its fallbacks. */
export interface Given {
  readonly answer: Answer;
  readonly level: number;
  /** Its store was given up before the time was over: something was behind it. */
  readonly isEarly?: true;
  /** The levels of fallbacks that do not have it: neither they nor their copy are asked again. */
  readonly lacks?: readonly number[];
  /** No store has said it: it is of the last good copy. */
  readonly isCopied?: true;
}

/** What the stores said, by what they were asked. */
export type Answers = ReadonlyMap<string, Given>;

/** Where one bound reference's answer stands in the answers; its keys make no difference. */
export function answerKey(bound: Bound): string {
  // A path may hold anything, so only the quotes of JSON keep two of them apart.
  if ((bound.fallbacks ?? []).length === 0) return pathKey(bound.reference);
  return JSON.stringify(levelsOf(bound).map(pathKey));
}

/** The reference itself, then its fallbacks. */
export function levelsOf({ reference, fallbacks = [] }: Bound): readonly Reference[] {
  return [reference, ...fallbacks];
}

/** What a store is asked for once, whatever key of it is wanted. */
export function pathKey({ store, path, version }: Reference): string {
  // A store's name has none of these marks, so that no two questions have one key.
  if (version === undefined) return `${store}:${path}`;
  return `${store}@${version.length}:${version}:${path}`;
}
