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

const VERSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * `valueFrom` of ECS and Batch: a secret by its ARN, whole or one key of it, in a version, or a
 * parameter by its ARN. What has no ARN is left to the entrypoint (the job may run in another
 * region), and so are stores that are asked elsewhere or as somebody else.
 * `ARN:json-key:version-stage:version-id`: aws/amazon-ecs-agent@03b7f2b, agent/asm/asm.go.
 */
export function valueFrom({ reference, store }: SecretWish): string | undefined {
  const { path, key = '', version = '' } = reference;
  if (['auth', 'endpoint', 'ca'].some((name) => store[name] !== undefined)) return undefined;
  if (key === '' && version === '') {
    return SECRET.test(path) || PARAMETER.test(path) ? path : undefined;
  }
  // The agent takes them apart at each colon.
  if (!SECRET.test(path) || [key, version].some((one) => one.includes(':'))) return undefined;
  const [stage, id] = VERSION_ID.test(version) ? ['', version] : [version, ''];
  return `${path}:${key}:${stage}:${id}`;
}
