// What targets of Azure have in common: requests to the resource manager, by `az rest`.
import { objectIn, textIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import type { Request } from './_target.ts';

export const READ_ON = '2026-11-21';

/** What `resource` is told as where it is asked for. */
export const RESOURCE = 'resource';

const MANAGEMENT = 'https://management.azure.com';

/** Where a request of the resource manager goes. */
export interface Arm {
  readonly method: 'put' | 'post';
  /** From `/subscriptions/` on. */
  readonly path: string;
  readonly version: string;
}

/** One request of the resource manager, which the user's `az` makes. */
export function arm(operation: string, input: JsonObject, { method, path, version }: Arm): Request {
  const url = `${MANAGEMENT}${path}?api-version=${version}`;
  const argv = ['az', 'rest', '--method', method, '--url', url, '--body', '@-'];
  return { operation, input, send: { by: 'command', argv, stdin: JSON.stringify(input) } };
}

/** The resource that the job is made in, as the user gives it, and the request's other fields. */
export function within(given: JsonObject): { resource: string; body: JsonObject } {
  const { [RESOURCE]: _, ...body } = given;
  return { resource: (textIn(given, RESOURCE) ?? '').replace(/\/+$/, ''), body };
}

/** The one identity of a resource by which it reads secrets: an id, or `system`. */
export function identityOf(given: JsonObject): string | undefined {
  const identity = objectIn(given, 'identity');
  const ids = Object.keys(objectIn(identity, 'userAssignedIdentities'));
  if (ids.length > 0) return ids.length === 1 ? ids[0] : undefined;
  return textIn(identity, 'type') === 'SystemAssigned' ? 'system' : undefined;
}
