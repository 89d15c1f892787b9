import type { Json } from '../core/canonical.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { isObject, nodesAt } from '../targets/_caps.ts';

// Fields of a request by their path: `a.b` is a member of a member.

/** A text at a path; undefined where there is none, or an empty one. */
export function textAt(request: JsonObject, at: string): string | undefined {
  const [node] = nodesAt(request, at);
  return typeof node === 'string' && node !== '' ? node : undefined;
}

/** The texts of a list at a path; none where there is no list. */
export function textsAt(request: JsonObject, at: string | undefined): readonly string[] {
  const [node] = at === undefined ? [] : nodesAt(request, at);
  return Array.isArray(node)
    ? (node as readonly Json[]).filter((one) => typeof one === 'string')
    : [];
}

/** The request with this node at a path, or without one; objects on the way stay or are made. */
export function withAt(request: JsonObject, at: string, node: Json | undefined): JsonObject {
  const [name = '', ...rest] = at.split('.');
  const members = Object.entries(request).filter(([one]) => one !== name);
  const there = Object.hasOwn(request, name) ? request[name] : undefined;
  if (rest.length === 0) {
    return Object.fromEntries(node === undefined ? members : [...members, [name, node]]);
  }
  if (there === undefined && node === undefined) return request;
  const inner = there !== undefined && isObject(there) ? there : {};
  return Object.fromEntries([...members, [name, withAt(inner, rest.join('.'), node)]]);
}
