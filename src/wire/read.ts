import { BellhopError } from '../core/errors.ts';

/** A path inside a document: member names and list indexes. */
export type Path = readonly (string | number)[];

/** Where a document came from, and where in it something stands. */
export interface Source {
  /** The file's name, for messages. */
  readonly name: string;
  /** 1-based position of the value at this path (of its nearest parent where it is absent). */
  locate(path: Path): { readonly line: number; readonly column: number };
}

/** A foreign value on its way to being typed: what it is, where it stands, whom to tell. */
export interface At {
  readonly value: unknown;
  readonly path: Path;
  readonly source: Source;
  /** What the document is, e.g. `Pod train`; part of every message. */
  readonly subject: string;
  readonly problems: BellhopError[];
  /** Where elements of lists come from that do not stand where they were written. */
  readonly origins?: ReadonlyMap<unknown, Path>;
}

/**
 * The path as Kubernetes writes it: `spec.containers[0].env[2].name`. What an annotation has put
 * into a pod has no place of its own: the annotation's stands for it.
 */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path.slice(0, annotationEnd(path))) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Where the path of an annotation ends in this one; undefined where it is in none. */
function annotationEnd(path: Path): number | undefined {
  const at = path.indexOf('annotations');
  const isOfOne = at > 0 && path[at - 1] === 'metadata' && at + 1 < path.length;
  return isOfOne ? at + 2 : undefined;
}

/** The annotation that has put this into a pod; undefined where the author wrote it there. */
export function annotationOf({ path, origins }: At): string | undefined {
  const end = origins === undefined ? undefined : annotationEnd(path);
  return end === undefined ? undefined : String(path[end - 1]);
}

const ANNOTATION = /^((?:[A-Za-z]+\.)*metadata\.annotations)\.(.+)$/s;

/** The path that `pathText` wrote so; undefined for any other text. */
export function parsePath(text: string): Path | undefined {
  const [, above = '', annotation] = ANNOTATION.exec(text) ?? [];
  if (annotation !== undefined) return [...above.split('.'), annotation];
  if (!/^[A-Za-z]+(?:\.[A-Za-z]+|\[\d+\])+$/.test(text)) return undefined;
  const steps = text.match(/[A-Za-z]+|\d+/g) ?? [];
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** Reports a problem at this place; never throws, so that all of them are told at once. */
export function complain(
  at: At,
  what: string,
  code: 'BH_ERR_POD_INVALID' | 'BH_ERR_POD_UNSUPPORTED' = 'BH_ERR_POD_INVALID',
): void {
  const { line, column } = at.source.locate(at.path);
  const where = [`${at.source.name}:${line}:${column}`, at.subject, pathText(at.path)];
  at.problems.push(new BellhopError(code, { where, what }));
}

/** What stands at a path of a document that was not judged; undefined where nothing does. */
export function nodeAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((one, step) => {
    if (typeof step === 'number') return Array.isArray(one) ? (one as unknown[])[step] : undefined;
    return isRecord(one) && Object.hasOwn(one, step) ? one[step] : undefined;
  }, document);
}

/** The member of this name; undefined where it is absent or null, as Kubernetes reads it. */
export function member(at: At, name: string): At | undefined {
  if (!isRecord(at.value)) return undefined;
  const value = Object.hasOwn(at.value, name) ? at.value[name] : undefined;
  return value === undefined || value === null
    ? undefined
    : { ...at, value, path: [...at.path, name] };
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Complains unless this is an object; absent is fine. */
export function record(at: At | undefined): At | undefined {
  if (at === undefined || isRecord(at.value)) return at;
  return wrong(at, 'an object');
}

/** The elements of a list; a list that is absent is empty. */
export function list(at: At | undefined): At[] {
  if (at === undefined) return [];
  if (!Array.isArray(at.value)) {
    wrong(at, 'a list');
    return [];
  }
  return at.value.map((value: unknown, index) => {
    return { ...at, value, path: at.origins?.get(value) ?? [...at.path, index] };
  });
}

/** The elements of a list of objects; what is no object is a problem and left out. */
export function records(at: At | undefined): At[] {
  return list(at).flatMap((one) => record(one) ?? []);
}

/** The members of an object as places, in their order. */
export function members(at: At | undefined): [string, At][] {
  if (at === undefined) return [];
  if (!isRecord(at.value)) {
    wrong(at, 'an object');
    return [];
  }
  const { value: object } = at;
  return Object.keys(object).map((name) => {
    return [name, { ...at, value: object[name], path: [...at.path, name] }];
  });
}

/**
 * The members that say what kind this is: the known ones, or where there are none all others, for
 * a newer Kubernetes may know them.
 */
export function sources(at: At, known: readonly string[]): [string, At][] {
  const given = members(at).filter(([, one]) => one.value !== null);
  const familiar = given.filter(([name]) => known.includes(name));
  return familiar.length > 0 ? familiar : given;
}

/** A string; anything else is a problem with its position (kubectl does not turn 1 into "1"). */
export function text(at: At | undefined): string | undefined {
  if (at === undefined || typeof at.value === 'string') return at?.value as string | undefined;
  wrong(at, 'a string');
  return undefined;
}

/** A string that must be there. */
export function needText(at: At, name: string): string {
  const found = member(at, name);
  const value = text(found);
  if (value !== undefined && value !== '') return value;
  if (found === undefined || value === '') complain(found ?? at, `${name} is required`);
  return '';
}

/** A list of strings, undefined where the list is absent. */
export function texts(at: At | undefined): string[] | undefined {
  if (at === undefined) return undefined;
  return list(at).map((one) => text(one) ?? '');
}

/** A boolean, with a default for absent. */
export function flag(at: At | undefined, absent: boolean): boolean {
  if (at === undefined) return absent;
  if (typeof at.value === 'boolean') return at.value;
  wrong(at, 'true or false');
  return absent;
}

/** A whole number within bounds. */
export function integer(
  at: At | undefined,
  bounds: { readonly min: number; readonly max: number; readonly said?: string },
): number | undefined {
  if (at === undefined) return undefined;
  const { value } = at;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    wrong(at, 'a whole number');
    return undefined;
  }
  if (value < bounds.min || value > bounds.max) {
    complain(at, `must be between ${bounds.said ?? `${bounds.min} and ${bounds.max}`}`);
    return undefined;
  }
  return value;
}

/** A map of strings: labels, annotations. */
export function textMap(at: At | undefined): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [name, one] of members(at)) {
    if (one.value === null) map.set(name, '');
    else map.set(name, text(one) ?? '');
  }
  return map;
}

function wrong(at: At, wanted: string): undefined {
  const hint = wanted === 'a string' && isScalar(at.value) ? ' (quote it if text is meant)' : '';
  complain(at, `must be ${wanted}, is ${kindOf(at.value)}${hint}`);
  return undefined;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'boolean' || typeof value === 'number';
}

/** The kind of a JSON value, never the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
}
