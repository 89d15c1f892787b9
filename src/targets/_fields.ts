// Members of what a user gives for a request: JSON that is not judged yet.
import type { Json } from '../core/canonical.ts';
import type { JsonObject, Node } from './_caps.ts';
import { isObject } from './_caps.ts';

function memberOf(from: JsonObject, name: string): Node {
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

/** A member that is an object; empty where it is anything else. */
export function objectIn(from: JsonObject, name: string): JsonObject {
  const one = memberOf(from, name);
  return isObject(one) ? one : {};
}

/** The objects of a member that is a list. */
export function objectsIn(from: JsonObject, name: string): readonly JsonObject[] {
  const one = memberOf(from, name);
  return Array.isArray(one) ? (one as readonly Json[]).filter(isObject) : [];
}

/** A member that is a text and not empty. */
export function textIn(from: JsonObject, name: string): string | undefined {
  const one = memberOf(from, name);
  return typeof one === 'string' && one !== '' ? one : undefined;
}

/** A member that is a whole number above 0; 1 where it is none. */
export function countIn(from: JsonObject, name: string): number {
  const one = memberOf(from, name);
  return typeof one === 'number' && Number.isSafeInteger(one) && one > 0 ? one : 1;
}
