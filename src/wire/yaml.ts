// Reads YAML and JSON as kubectl does: cli-runtime's StreamVisitor over k8s.io/apimachinery
// v0.33.13 util/yaml and sigs.k8s.io/yaml v1.4.0; recorded in test/golden/yaml/vectors.json.
import { build } from './yaml-build.ts';
import { readJson } from './yaml-json.ts';
import { findPlace, numberTextOf } from './yaml-locate.ts';
import type { Found, Node, Parsed } from './yaml-node.ts';
import { parseDocument } from './yaml-parse.ts';
import { decodeText, lineBreaks, positionAt, problemAt } from './yaml-source.ts';
import type { Position, Source } from './yaml-source.ts';

export { type Position, YamlProblem } from './yaml-source.ts';

/** What a text may cost; a text beyond a limit is refused before the work is done. */
export interface YamlLimits {
  readonly textBytesMax: number;
  /** Levels of mappings and lists. */
  readonly depthMax: number;
  /** Nodes that aliases stand for in one document, beside the rule of Go's decoder. */
  readonly aliasNodesMax: number;
  readonly documentsMax: number;
}

/** What a reader wants otherwise than by default. */
export interface YamlOptions extends Partial<YamlLimits> {
  /**
   * What plain keys are: what kubectl makes of them (default), or the words as they are written,
   * none of which is then lost: `no`, `1.50`, `010`, `~`.
   */
  readonly keys?: 'kubectl' | 'written';
}

/** The way from the root of a document to a value. */
export type YamlPath = readonly (string | number)[];

/** One document; what aliases share in the text is shared in the value: do not change it. */
export interface YamlDocument {
  /** JSON values only; a number is the nearest double, `numberText` has all its digits. */
  readonly value: unknown;
  /** The line on which the text of the document starts, with its comments. */
  readonly startLine: number;
  /** Gives the position of the value, or of the nearest container that is there. */
  locate(path: YamlPath): Position;
  /** Gives the position of the value's key or list item, or of the nearest container. */
  locateKey(path: YamlPath): Position;
  /** Gives a number as kubectl sends it in JSON, or undefined where there is no number. */
  numberText(path: YamlPath): string | undefined;
}

const DEFAULTS: YamlLimits = {
  textBytesMax: 32 * 1024 * 1024,
  depthMax: 1000,
  aliasNodesMax: 400_000,
  documentsMax: 10_000,
};

/**
 * Reads every document that `kubectl apply -f` would take from a text (empty ones are none), or
 * throws a YamlProblem; all or nothing, where kubectl applies what stands before an error.
 *
 * Everything else is as kubectl has it, duplicate keys (the last wins) and what stands behind
 * `...` (dropped) included, but for what is refused here and taken there:
 *
 * | refused | because |
 * |---|---|
 * | the tag !!timestamp | Go's time.Parse would have to be copied to check it |
 * | !!binary that is not UTF-8 | kubectl sends other bytes |
 * | directives (%YAML, %TAG) | kubectl drops the document that they belong to |
 * | a byte order mark inside a text | what Go does depends on the state of its buffer |
 * | UTF-16, bytes in JSON that are not UTF-8 | kubectl sends U+FFFD for the latter |
 * | float keys of more than 6 digits, -0.0 as a key | kubectl prints them as float32 |
 * | keys 1 and '1', or 1 and 1.0, in one mapping | Go keeps one of them by chance |
 * | .inf or .nan that a duplicate key replaces | nobody can mean it |
 * | more levels, nodes, documents, bytes than the limits | Go's own limits are ten times higher |
 */
export function readDocuments(
  input: string | Uint8Array,
  options: YamlOptions = {},
): YamlDocument[] {
  const limits = { ...DEFAULTS, ...options };
  let rest: Source | undefined = {
    text: decodeText(input, limits.textBytesMax),
    startLine: 1,
    startColumn: 1,
  };
  const found: Found[] = [];
  if (/^(?:[^\S\ufeff]|\x85)*\{/.test(rest.text)) rest = readJson(rest, limits, found);
  if (rest !== undefined) readYaml(rest, limits, found);
  return found.filter(({ value }) => value !== null).map(document);
}

function readYaml(stream: Source, limits: YamlLimits & YamlOptions, found: Found[]): void {
  const grammar = limits.keys === 'written' ? 'words' : 'yaml';
  for (const part of split(stream)) {
    if (found.length >= limits.documentsMax) {
      throw problemAt(part, 0, `more than ${limits.documentsMax} documents`);
    }
    const source = clean(part);
    const parse = (): Parsed => ({
      source,
      root: parseDocument(source, limits.depthMax),
      grammar,
    });
    const value = build(parse(), limits.aliasNodesMax);
    found.push({ source, startLine: source.startLine, parse, value });
  }
}

/**
 * Splits as YAMLReader does: every line that starts with `---` separates, wherever it stands, and
 * may carry a comment only; the first such line of a document belongs to it.
 */
function split(stream: Source): Source[] {
  const { text } = stream;
  const parts: Source[] = [];
  let [start, startLine, countedTo] = [0, stream.startLine, 0];
  const add = (end: number): void => {
    const startColumn = start === 0 ? stream.startColumn : 1;
    startLine += lineBreaks(text.slice(countedTo, start));
    countedTo = start;
    const part = text.slice(start, end);
    // kubectl's reader ends every line, so the last one too.
    parts.push({ text: part.endsWith('\n') ? part : `${part}\n`, startLine, startColumn });
  };
  for (let at = text.startsWith('---') ? 0 : nextSeparator(text, 0); at !== -1; ) {
    const lineEnd = text.indexOf('\n', at);
    const end = lineEnd === -1 ? text.length : lineEnd + 1;
    if (!/^---(?:[^\S\ufeff]|\x85)*(?:#|$)/.test(text.slice(at, end))) {
      throw problemAt(stream, at, 'only a comment may follow the separator --- on its line');
    }
    if (at > start) {
      add(at);
      start = end;
    }
    at = nextSeparator(text, at);
  }
  if (start < text.length) add(text.length);
  return parts;
}

function nextSeparator(text: string, from: number): number {
  const at = text.indexOf('\n---', from);
  return at === -1 ? -1 : at + 1;
}

// What goyaml.v2 refuses, and a byte order mark, which it takes by chance.
const UNREADABLE = /[^\t\n\x20-\x7e\xa0-\ufefe\uff00-\ufffd]/;

/** Takes the byte order mark away, and makes line feeds of what Go reads as such. */
function clean(part: Source): Source {
  let { text } = part;
  if (text.startsWith('\ufeff')) text = text.slice(1);
  if (text.includes('\r') || text.includes('\x85')) text = text.replaceAll(/\r\n?|\x85/g, '\n');
  const source = { ...part, text };
  const bad = text.search(UNREADABLE);
  if (bad === -1) return source;
  throw problemAt(source, bad, 'a character that YAML allows only as an escape in double quotes');
}

function document({ source, startLine, value, parse }: Found): YamlDocument {
  let kept: Parsed | undefined;
  const parsed = (): Parsed => (kept ??= parse());
  const at = (node: Node): Position => positionAt(source, node.start);
  return {
    value,
    startLine,
    locate: (path) => at(findPlace(parsed(), path).value),
    locateKey: (path) => at(findPlace(parsed(), path).key),
    numberText: (path) => {
      const place = findPlace(parsed(), path);
      return place.steps < path.length ? undefined : numberTextOf(place.value, parsed().grammar);
    },
  };
}
