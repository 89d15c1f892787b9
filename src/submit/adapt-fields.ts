import type { Json } from '../core/canonical.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { isObject, nodesAt } from '../targets/_caps.ts';
import type { Variable } from '../targets/_target.ts';

// Fields of a request by their path: `a.b` is a member of a member, `a[].b` one of the first
// element of a list.

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

/** Names and texts of a map, or of a list of `{name, value}`; what is no text is left out. */
export function variablesAt(request: JsonObject, at: string | undefined): readonly Variable[] {
  const [node] = at === undefined ? [] : nodesAt(request, at);
  if (node === undefined) return [];
  const pairs = Array.isArray(node)
    ? (node as readonly Json[]).map((one) => (isPair(one) ? [one['name'], one['value']] : []))
    : Object.entries(isObject(node) ? node : {});
  return pairs.flatMap(([name, value]): Variable[] => {
    return typeof name === 'string' && typeof value === 'string' ? [[name, value]] : [];
  });
}

/** True for `{name, value}` of two texts and nothing else. */
export function isPair(node: Json): node is { readonly name: string; readonly value: string } {
  if (!isObject(node) || Object.keys(node).length !== 2) return false;
  return typeof node['name'] === 'string' && typeof node['value'] === 'string';
}

/** The request with this node at a path, or without one; objects on the way stay or are made. */
export function withAt(request: JsonObject, at: string, node: Json | undefined): JsonObject {
  const [step = '', ...rest] = at.split('.');
  const isList = step.endsWith('[]');
  const name = isList ? step.slice(0, -2) : step;
  const members = Object.entries(request).filter(([one]) => one !== name);
  const there = Object.hasOwn(request, name) ? request[name] : undefined;
  if (rest.length === 0) {
    return Object.fromEntries(node === undefined ? members : [...members, [name, node]]);
  }
  if (there === undefined && node === undefined) return request;
  const [first, ...others] = isList && Array.isArray(there) ? (there as Json[]) : [there];
  const made = withAt(isObject(first) ? first : {}, rest.join('.'), node);
  return Object.fromEntries([...members, [name, isList ? [made, ...others] : made]]);
}
