import type { Json } from '../core/canonical.ts';
import type { JsonObject } from './_caps.ts';
import { isObject } from './_caps.ts';
import type { Job, Variable } from './_target.ts';

/**
 * Our members of a request over what the user gives: objects are merged, anything else is ours
 * where we have it. Members that are undefined are left out.
 */
export function over(
  given: JsonObject,
  ours: { readonly [name: string]: Json | undefined },
): JsonObject {
  const merged: Record<string, Json> = { ...given };
  for (const [name, value] of Object.entries(ours)) {
    const there = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) continue;
    const isDeep = isObject(there) && isObject(value);
    Object.defineProperty(merged, name, {
      value: isDeep ? over(there, value) : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

/** A list of the user's with ours behind it; elements of the same `by` member are ours alone. */
export function appended(given: Json | undefined, ours: readonly JsonObject[], by: string): Json[] {
  const kept = Array.isArray(given) ? (given as readonly Json[]) : [];
  const names = ours.map((one) => one[by]);
  return [...kept.filter((one) => !isObject(one) || !names.includes(one[by])), ...ours];
}

/** Variables as a map, as SageMaker and Lambda take them; undefined where there are none. */
export function asMap(variables: readonly Variable[]): JsonObject | undefined {
  return variables.length === 0 ? undefined : Object.fromEntries(variables);
}

/** Variables as `{name, value}` elements, as ECS, Batch and Google take them. */
export function asList(variables: readonly Variable[]): JsonObject[] {
  return variables.map(([name, value]) => ({ name, value }));
}

/** Tags that say what submitted it; `key` and `value` as the API spells them. */
export function tags(job: Job, spelling: readonly [key: string, value: string]): JsonObject[] {
  const [key, value] = spelling;
  return [{ [key]: 'bellhop/digest', [value]: job.digest }];
}

/**
 * A name of at most `lengthMax` letters, digits and dashes, from a workload's: the end is the
 * digest's beginning, so that other content has another name.
 */
export function digestName(name: string, digest: string, lengthMax: number): string {
  const end = digest.slice(0, NAME_DIGEST_LENGTH);
  const plain = name.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-+/, '');
  const head = plain.slice(0, lengthMax - end.length - 1).replace(/-+$/, '');
  return head === '' ? `job-${end}` : `${head}-${end}`;
}

const NAME_DIGEST_LENGTH = 12;
