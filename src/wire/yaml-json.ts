// The stream of JSON values that k8s.io/apimachinery v0.33.13 util/yaml, YAMLOrJSONDecoder, takes.
import { build } from './yaml-build.ts';
import type { Found, Node, Parsed } from './yaml-node.ts';
import { lineBreaks, positionAt, problemAt } from './yaml-source.ts';
import type { Source } from './yaml-source.ts';

interface Limits {
  readonly depthMax: number;
  readonly documentsMax: number;
}

interface JsonValue {
  readonly parsed: Parsed;
  readonly end: number;
}

/** Reads JSON values one after another, and gives what is left for YAML, if anything is. */
export function readJson(stream: Source, limits: Limits, found: Found[]): Source | undefined {
  const { text } = stream;
  const value = parseAtOnce(text, limits.depthMax);
  if (value !== undefined) {
    const parse = (): Parsed => {
      const json = scan(stream, blankEnd(text, 0), limits.depthMax);
      if (json === undefined) throw new TypeError('JSON.parse took what is no JSON');
      return json.parsed;
    };
    found.push({ source: stream, startLine: stream.startLine, value, parse });
    return undefined;
  }
  let [start, end, startLine] = [0, 0, stream.startLine];
  for (let count = 0; ; count += 1) {
    const before = start;
    start = blankEnd(text, end);
    startLine += lineBreaks(text.slice(before, start));
    if (start === text.length) return undefined;
    if (count >= limits.documentsMax) {
      throw problemAt(stream, start, `more than ${limits.documentsMax} documents`);
    }
    const json = scan(stream, start, limits.depthMax);
    if (json === undefined || !isJson(text.slice(start, json.end))) {
      // After one value, or none, kubectl goes on with YAML.
      if (count > 1) throw problemAt(stream, start, 'neither a JSON value nor the end');
      return restFrom(stream, end);
    }
    const again = json.parsed;
    found.push({ source: stream, startLine, value: build(again, 0), parse: () => again });
    end = json.end;
  }
}

// What JSON.parse reads otherwise than Go: numbers that need more than a double, -0, and half
// surrogate pairs.
const NEEDS_CARE = /\d{16}|[eE]\+?\d{3}|-0|\\u[dD][89a-fA-F]/;

function parseAtOnce(text: string, depthMax: number): unknown {
  if (NEEDS_CARE.test(text) || (text.match(/[[{]/g)?.length ?? 0) > depthMax) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function blankEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  return at;
}

/**
 * Goes on after the white space of the line and its break, which kubectl eats; it looks at four
 * bytes at a time, and gives up where there are fewer.
 */
function restFrom(stream: Source, end: number): Source {
  const blank = /(?:[^\S\n\ufeff]|\x85)*/y;
  blank.lastIndex = end;
  blank.test(stream.text);
  const looked = blank.lastIndex;
  const ahead = stream.text.slice(looked, looked + 4);
  if (new TextEncoder().encode(ahead).length < 4 || ahead.startsWith('\ufffd')) {
    throw problemAt(stream, looked, 'neither a JSON value nor the end');
  }
  const start = stream.text.startsWith('\n', looked) ? looked + 1 : looked;
  const { line, column } = positionAt(stream, start);
  return { text: stream.text.slice(start), startLine: line, startColumn: column };
}

/**
 * Finds the end and the nodes of the JSON value that starts at an offset; the grammar is not
 * checked, JSON.parse does that.
 */
function scan(source: Source, start: number, depthMax: number): JsonValue | undefined {
  const { text } = source;
  const root: Node[] = [];
  const open: Node[][] = [root];
  for (let at = start; at < text.length; ) {
    const end = tokenEnd(text, at);
    if (end === -1) return undefined;
    if (open.length > depthMax + 1) {
      throw problemAt(source, at - 1, `nested deeper than ${depthMax} levels`);
    }
    addToken(open, { text, at, end });
    at = end;
    const [node] = root;
    if (open.length <= 1 && node !== undefined) {
      return { parsed: { source, root: node, grammar: 'json' }, end };
    }
  }
  return undefined;
}

function addToken(
  open: Node[][],
  { text, at, end }: { text: string; at: number; end: number },
): void {
  const first = text.charAt(at);
  const items = open.at(-1);
  if (first === '{' || first === '[') {
    const inner: Node[] = [];
    items?.push(collection(first, at, inner));
    open.push(inner);
  } else if (first === '}' || first === ']') open.pop();
  else if (!BLANK.has(first)) items?.push(scalar(text, at, end));
}

const BLANK = new Set(',: \t\n\r');
// A number ends where Go's decoder sees its end: `00` are two numbers, `1e` is none.
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+|(?!\.))(?:[eE][-+]?\d+|(?![eE]))|true|false|null/y;

function tokenEnd(text: string, at: number): number {
  const first = text.charAt(at);
  if ('{}[],: \t\n\r'.includes(first)) return at + 1;
  if (first !== '"') {
    LITERAL.lastIndex = at;
    return LITERAL.test(text) ? LITERAL.lastIndex : -1;
  }
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charAt(end - 1 - slashes) === '\\') slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  return -1;
}

const NOTHING = { tag: '', text: '', plain: true, items: [], anchored: false, target: undefined };

function collection(bracket: '{' | '[', start: number, items: Node[]): Node {
  return { ...NOTHING, kind: bracket === '{' ? 'mapping' : 'list', start, items };
}

function scalar(text: string, start: number, end: number): Node {
  const own = text.slice(start, end);
  if (!own.startsWith('"')) return { ...NOTHING, kind: 'scalar', start, text: own };
  return { ...NOTHING, kind: 'scalar', start, text: unquote(own), plain: false };
}

/** Half a surrogate pair becomes U+FFFD, as in Go. */
function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted)).toWellFormed();
  } catch {
    // JSON.parse will refuse the whole as well.
    return '';
  }
}
