// What targets of AWS have in common: secrets that the agent of ECS fetches, and requests.
import type { Json } from '../core/canonical.ts';
import type { JsonObject } from './_caps.ts';
import { isObject } from './_caps.ts';
import type { SecretWish } from './_target.ts';

/** A member that is an object; empty where it is anything else. */
export function objectIn(from: JsonObject, name: string): JsonObject {
  const one = Object.hasOwn(from, name) ? from[name] : undefined;
  return one !== undefined && isObject(one) ? one : {};
}

/** The objects of a member that is a list. */
export function objectsIn(from: JsonObject, name: string): readonly JsonObject[] {
  const one = Object.hasOwn(from, name) ? from[name] : undefined;
  return Array.isArray(one) ? (one as readonly Json[]).filter(isObject) : [];
}

/** A member that is a text and not empty. */
export function textIn(from: JsonObject, name: string): string | undefined {
  const one = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof one === 'string' && one !== '' ? one : undefined;
}

/** A member that is a whole number above 0; 1 where it is none. */
export function countIn(from: JsonObject, name: string): number {
  const one = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof one === 'number' && Number.isSafeInteger(one) && one > 0 ? one : 1;
}

const SECRET = /^arn:[^:]*:secretsmanager:[^:]*:\d*:secret:[^:]+$/;
const PARAMETER = /^arn:[^:]*:ssm:[^:]*:\d*:parameter\/.+$/;

/**
 * `valueFrom` of ECS and Batch, where it gives the same bytes: a whole secret by its ARN, or a
 * parameter by its ARN. One key of a secret is left to the entrypoint: the agent prints a number
 * in its own way. So is what has no ARN (the job may run in another region), and stores that are
 * asked elsewhere or as somebody else.
 */
export function valueFrom({ reference, store }: SecretWish): string | undefined {
  const { path, key, version } = reference;
  if (key !== undefined || version !== undefined) return undefined;
  if (['auth', 'endpoint', 'ca'].some((name) => store[name] !== undefined)) return undefined;
  return SECRET.test(path) || PARAMETER.test(path) ? path : undefined;
}
