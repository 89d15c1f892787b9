// RFC 6902, as far as pods are patched: what we bring is added, and nothing else is written anew.
import { isRecord } from './read.ts';

/** One operation. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** A JSON pointer (RFC 6901): numbers are indices, `-` is behind the end of a list. */
export function pointer(...segments: readonly (string | number)[]): string {
  let text = '';
  for (const one of segments) text += `/${typeof one === 'number' ? one : escaped(one)}`;
  return text;
}

function escaped(segment: string): string {
  const isPlain = !segment.includes('/') && !segment.includes('~');
  return isPlain ? segment : segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A patch that does not fit the document. */
export class PatchProblem extends Error {}

type Json = unknown;

/** The document with the operations done; what was given stays as it is. Throws PatchProblem. */
export function applyPatch(document: Json, patch: readonly PatchOperation[]): Json {
  return patch.reduce<Json>(
    (now, operation) => done(now, segmentsOf(operation.path), operation),
    document,
  );
}

function segmentsOf(path: string): readonly string[] {
  if (path !== '' && !path.startsWith('/')) throw new PatchProblem(`${path} is no JSON pointer`);
  const [, ...segments] = path.split('/');
  return segments.map((one) => one.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function done(at: Json, segments: readonly string[], operation: PatchOperation): Json {
  const [name, ...rest] = segments;
  if (name === undefined) {
    if (operation.op === 'remove') throw new PatchProblem('the whole document cannot be removed');
    return operation.value;
  }
  if (Array.isArray(at)) return inList(at, { name, rest }, operation);
  if (!isRecord(at)) throw new PatchProblem(`there is nothing at ${operation.path}`);
  const isThere = Object.hasOwn(at, name);
  if (rest.length > 0 || operation.op !== 'add') {
    if (!isThere) throw new PatchProblem(`there is nothing at ${operation.path}`);
  }
  if (rest.length > 0) return { ...at, [name]: done(at[name], rest, operation) };
  const { [name]: _, ...others } = at;
  return operation.op === 'remove' ? others : { ...at, [name]: operation.value };
}

function inList(
  list: readonly Json[],
  { name, rest }: { readonly name: string; readonly rest: readonly string[] },
  operation: PatchOperation,
): Json {
  const isInsert = rest.length === 0 && operation.op === 'add';
  const index = isInsert && name === '-' ? list.length : Number(name);
  const isIndex = name === '-' ? isInsert : /^(?:0|[1-9]\d*)$/.test(name);
  if (!isIndex || index > list.length - (isInsert ? 0 : 1)) {
    throw new PatchProblem(`there is no place ${operation.path}`);
  }
  if (rest.length > 0) return list.with(index, done(list[index], rest, operation));
  if (operation.op === 'add') return list.toSpliced(index, 0, operation.value);
  return operation.op === 'remove' ? list.toSpliced(index, 1) : list.with(index, operation.value);
}
