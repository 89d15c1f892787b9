// Limits of platforms as data, and how much of each a request uses. Counting is exact: where it is
// not settled whether a platform counts characters or bytes, the larger is counted, and that is
// always UTF-8 bytes; JSON is counted as Python's json.dumps writes it (boto3), the longest form.
import type { Json } from '../core/canonical.ts';

/** Where a number comes from. */
export interface Fact {
  /** Who says so: package and version, document and commit. */
  readonly source: string;
  /** When it was read: YYYY-MM-DD. */
  readonly readOn: string;
  readonly sure: 'service model' | 'documented' | 'measured' | 'public report' | 'weak';
  /**
   * Where botocore's service models have it, `service Operation.member.member`: `[]` is an element,
   * `{k}` a key and `{v}` a value. `npm run caps` compares these.
   */
  readonly model?: string;
}

/** What a limit counts of the node that it is about. */
export type Counted =
  /** Members of a map, or elements of a list. */
  | 'entries'
  /** The longest name: a map's keys, or `name` of `{name, value}` elements. */
  | 'name'
  /** The longest value: a map's values, `value` of elements, or texts of a list. */
  | 'value'
  /** Names and values together, over all nodes of the path. */
  | 'total'
  /** The longest `NAME=value` with its NUL, as execve counts it. */
  | 'entry'
  /** All of them, with 8 bytes for the pointer to each. */
  | 'environment'
  /** A text, in bytes. */
  | 'text'
  /** A number as it stands. */
  | 'number'
  /** Seconds, in a text such as `600s` (Google) or `PT600S` (ISO 8601). */
  | 'seconds'
  /** JSON of the node, in bytes. */
  | 'json';

/** A number that a field of a request may not exceed. */
export interface Limit extends Fact {
  readonly kind: 'limit';
  /** The operation whose request it is about. */
  readonly operation: string;
  /** The field: `Environment`, `containerDefinitions[].command`; '' is the whole request. */
  readonly at: string;
  readonly counts: Counted;
  readonly max: number;
  readonly min?: number;
}

/** A form that names or values of a field must have. */
export interface Form extends Fact {
  readonly kind: 'form';
  readonly operation: string;
  readonly at: string;
  readonly of: 'name' | 'value' | 'text';
  /** The whole text must match. */
  readonly pattern: string;
  /** Why nothing else can be there, where that is not the platform's own rule. */
  readonly why?: string;
}

export type Cap = Limit | Form;

/** A part of JSON. */
export type Node = Json | undefined;

export type JsonObject = { readonly [name: string]: Json };

export function isObject(node: Node): node is JsonObject {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The nodes at a path; none where there is nothing. */
export function nodesAt(root: Json, at: string): readonly Json[] {
  const steps = at === '' ? [] : at.split('.');
  let nodes: readonly Json[] = [root];
  for (const step of steps) {
    const isList = step.endsWith('[]');
    const name = isList ? step.slice(0, -2) : step;
    nodes = nodes.flatMap((node) => {
      const next = isObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
      if (next === undefined) return [];
      return isList && Array.isArray(next) ? (next as readonly Json[]) : [next];
    });
  }
  return nodes;
}

/** Names and values of a node that holds variables or words; words have no names. */
export function pairsOf(node: Json): readonly (readonly [name: string, value: string])[] {
  if (Array.isArray(node)) {
    return (node as readonly Json[]).map((one): readonly [string, string] => {
      if (!isObject(one)) return ['', textOf(one)];
      return [textOf(one['name']), textOf(one['value'] ?? one['valueFrom'])];
    });
  }
  if (!isObject(node)) return [];
  return Object.entries(node).map(([name, value]) => [name, textOf(value)]);
}

function textOf(node: Node): string {
  return typeof node === 'string' ? node : '';
}

/** UTF-8 bytes: never less than characters, however they are counted. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** How much of a limit a request uses. */
export function usedOf({ at, counts }: Pick<Limit, 'at' | 'counts'>, request: Json): number {
  const nodes = nodesAt(request, at);
  const longest = (texts: readonly string[]): number => {
    return texts.reduce((most, text) => Math.max(most, bytesOf(text)), 0);
  };
  switch (counts) {
    case 'entries':
      return Math.max(0, ...nodes.map(entriesOf));
    case 'name':
      return longest(nodes.flatMap((node) => pairsOf(node).map(([name]) => name)));
    case 'value':
      return longest(nodes.flatMap((node) => pairsOf(node).map(([, value]) => value)));
    case 'total':
      return nodes.flatMap(pairsOf).reduce((sum, [a, b]) => sum + bytesOf(a) + bytesOf(b), 0);
    case 'entry':
      return Math.max(0, ...nodes.flatMap(pairsOf).map(entryBytes));
    case 'environment':
      return nodes
        .flatMap(pairsOf)
        .reduce((sum, pair) => sum + entryBytes(pair) + POINTER_BYTES, 0);
    case 'text':
      return longest(nodes.map(textOf));
    case 'number':
      return Math.max(0, ...nodes.map((node) => (typeof node === 'number' ? node : 0)));
    case 'seconds':
      return Math.max(0, ...nodes.map((node) => secondsOf(textOf(node))));
    case 'json':
      return nodes.reduce<number>((sum, node) => sum + jsonBytes(node), 0);
  }
}

/** What else stands there is not counted: the platform judges it. */
function secondsOf(text: string): number {
  const [, iso, google] = /^(?:PT(\d+)S|(\d+)s)$/.exec(text) ?? [];
  return Number(iso ?? google ?? 0);
}

const POINTER_BYTES = 8;

function entryBytes([name, value]: readonly [string, string]): number {
  return bytesOf(name) + 1 + bytesOf(value) + 1;
}

function entriesOf(node: Json): number {
  if (Array.isArray(node)) return node.length;
  return isObject(node) ? Object.keys(node).length : 0;
}

/** Bytes of a value as json.dumps of Python writes it: `", "`, `": "`, ASCII with escapes. */
export function jsonBytes(value: Json): number {
  if (typeof value === 'string') return jsonTextBytes(value);
  if (Array.isArray(value)) {
    const parts = (value as readonly Json[]).map(jsonBytes);
    return 2 + parts.reduce((sum, one) => sum + one, 0) + 2 * Math.max(0, parts.length - 1);
  }
  if (!isObject(value)) return JSON.stringify(value).length;
  const parts = Object.entries(value).map(
    ([name, one]) => jsonTextBytes(name) + 2 + jsonBytes(one),
  );
  return 2 + parts.reduce((sum, one) => sum + one, 0) + 2 * Math.max(0, parts.length - 1);
}

/** Every escape in JSON has two bytes (`\n`, `\"`) or six (`\u00e9`). */
function jsonTextBytes(text: string): number {
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22 || unit === 0x5c || (unit >= 0x08 && unit <= 0x0d && unit !== 0x0b)) {
      bytes += 2;
    } else bytes += unit < 0x20 || unit > 0x7e ? 6 : 1;
  }
  return bytes;
}

/** One way in which a request breaks a cap, never with a value. */
export interface Breach {
  readonly cap: Cap;
  /** What is over it, e.g. `513 bytes, at most 512`. */
  readonly what: string;
}

/** Every cap of the operation that a request breaks. */
export function breachesOf(caps: readonly Cap[], operation: string, request: Json): Breach[] {
  return caps.flatMap((cap): Breach[] => {
    if (cap.operation !== operation) return [];
    const what = cap.kind === 'limit' ? overLimit(cap, request) : offForm(cap, request);
    return what === undefined ? [] : [{ cap, what }];
  });
}

const UNITS: Partial<Record<Counted, string>> = { entries: 'entries', number: '', seconds: 's' };

function overLimit(cap: Limit, request: Json): string | undefined {
  const used = usedOf(cap, request);
  const unit = UNITS[cap.counts] ?? 'bytes';
  const said = (limit: string): string => `${used} ${unit}, ${limit}`.replace(' ,', ',');
  if (used > cap.max) return said(`at most ${cap.max}`);
  const isThere = nodesAt(request, cap.at).length > 0;
  return isThere && cap.min !== undefined && used < cap.min
    ? said(`at least ${cap.min}`)
    : undefined;
}

function offForm(cap: Form, request: Json): string | undefined {
  const nodes = nodesAt(request, cap.at);
  const texts =
    cap.of === 'text'
      ? nodes.map(textOf)
      : nodes.flatMap(pairsOf).map(([name, value]) => (cap.of === 'name' ? name : value));
  const off = texts.filter((text) => !hasForm(cap, text)).length;
  if (off === 0) return undefined;
  return cap.why ?? `${off} of ${texts.length} are not of the form ${cap.pattern}`;
}

/** True where the whole text is of the form; a dot is no line break, as in Java and Python. */
export function hasForm({ pattern }: Pick<Form, 'pattern'>, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'u').test(text);
}
