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
  let text: string;
  try {
    text = decoder.decode(bytes);
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  } catch {
    return undefined;
  }
  return membersOf(compact(text));
}

/** Valid JSON without the white space outside of its strings. */
function compact(text: string): string {
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

/** Index behind the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** `text` is a compact, valid object: `{"a":1,"b":[2]}`. */
function membersOf(text: string): Map<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  let i = 1;
  while (i < text.length && text[i] === '"') {
    const nameEnd = stringEnd(text, i);
    const name: unknown = JSON.parse(text.slice(i, nameEnd));
    const end = valueEnd(text, nameEnd + 1);
    members.set(String(name), valueBytes(text.slice(nameEnd + 1, end)));
    i = end + 1;
  }
  return members;
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
  return encoder.encode(String(JSON.parse(source)));
}
