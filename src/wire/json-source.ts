// Members of a JSON object as their source text: numbers keep their digits (`1.0`, 2^53+1), which a
// parse and print would change. RFC 8259.

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();
const SPACE = new Set([' ', '\t', '\n', '\r']);

/**
 * The members of a JSON object: strings without quotes, anything else as its source without
 * insignificant white space. Undefined where the bytes are no JSON object. The last of several
 * members with one name counts.
 */
export function jsonMembers(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> | undefined {
  const read = objectOf(bytes);
  if (read === undefined) return undefined;
  return membersOfParsed(read.parsed) ?? membersOf(compact(read.text));
}

/** JSON that was parsed already, beside its bytes. */
export interface ParsedJson {
  readonly bytes: Uint8Array;
  readonly parsed: unknown;
}

/**
 * The same for an object inside of the object, by the names that lead to it. Its source is only
 * looked at where what was parsed is not enough.
 */
export function jsonMembersAt(
  { bytes, parsed }: ParsedJson,
  names: readonly string[],
): ReadonlyMap<string, Uint8Array> | undefined {
  const inner = names.reduce<unknown>((one, name) => memberOf(one, name), parsed);
  if (!isObject(inner)) return undefined;
  const direct = membersOfParsed(inner);
  if (direct !== undefined) return direct;
  let source: Uint8Array = bytes;
  for (const name of names) source = jsonMembers(source)?.get(name) ?? new Uint8Array();
  return jsonMembers(source);
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(
  bytes: Uint8Array,
): { readonly text: string; readonly parsed: JsonObject } | undefined {
  try {
    const text = decoder.decode(bytes);
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? { text, parsed } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * Strings and literals are what they were parsed as; undefined where something else is among them,
 * whose source counts, or a name that would change its place.
 */
function membersOfParsed(parsed: JsonObject): Map<string, Uint8Array> | undefined {
  const members = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(parsed)) {
    const isLiteral = value === null || typeof value === 'boolean';
    if (!isLiteral && typeof value !== 'string') return undefined;
    if (/^\d+$/.test(name)) return undefined;
    members.set(name, encoder.encode(String(value)));
  }
  return members;
}

/** Valid JSON without the white space outside of its strings. */
function compact(text: string): string {
  if (!/\s/.test(text)) return text;
  let out = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (character === '"') i = stringEnd(text, i) - 1;
    else if (SPACE.has(character)) {
      out += text.slice(start, i);
      start = i + 1;
    }
  }
  return out + text.slice(start);
}

/** Index behind the string that starts at `start`. Looked for natively: a start has no JIT. */
function stringEnd(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** `text` is a compact, valid object: `{"a":1,"b":[2]}`. */
function membersOf(text: string): Map<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  let i = 1;
  while (i < text.length && text[i] === '"') {
    const nameEnd = stringEnd(text, i);
    const name = stringOf(text.slice(i, nameEnd));
    const end = valueEnd(text, nameEnd + 1);
    members.set(name, valueBytes(text.slice(nameEnd + 1, end)));
    i = end + 1;
  }
  return members;
}

/** What a string's source stands for. */
function stringOf(source: string): string {
  return source.includes('\\') ? String(JSON.parse(source)) : source.slice(1, -1);
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  let i = start;
  while (i < text.length) {
    const character = text[i] ?? '';
    if (character === '"') {
      i = stringEnd(text, i);
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}')) return i;
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    i++;
  }
  return i;
}

function valueBytes(source: string): Uint8Array {
  if (!source.startsWith('"')) return encoder.encode(source);
  return encoder.encode(stringOf(source));
}
