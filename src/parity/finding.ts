import type { Finding } from './diff-types.ts';
import type { Value } from './types.ts';

// What every comparison makes its findings with.

type About = Pick<Finding, 'kind' | 'name' | 'aspect'>;

/** What both sides have of one thing, each as text; nothing where they are the same. */
export function changed(of: About, left: string | undefined, right: string | undefined): Finding[] {
  return left === right ? [] : [{ ...of, left, right }];
}

/** Size and the beginning of the digest: enough to tell two values apart. */
export function valueText({ bytes, digest }: Value): string {
  return `${bytes === 1 ? '1 byte' : `${bytes} bytes`} ${digest.slice(0, 8)}`;
}

/** True where two values are equal, as far as digests tell. */
export function sameValue(left: Value, right: Value): boolean {
  return left.bytes === right.bytes && left.digest === right.digest;
}

/** The same of two values, told by size and digest; nothing where neither side has one. */
export function valueFinding(
  of: About,
  left: Value | undefined,
  right: Value | undefined,
): Finding[] {
  if (left === undefined && right === undefined) return [];
  if (left !== undefined && right !== undefined && sameValue(left, right)) return [];
  const text = (value: Value | undefined) => (value === undefined ? undefined : valueText(value));
  const values = {
    ...(left === undefined ? {} : { left }),
    ...(right === undefined ? {} : { right }),
  };
  return [{ ...of, left: text(left), right: text(right), values }];
}
