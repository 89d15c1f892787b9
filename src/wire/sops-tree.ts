// The trees of sops 3.13.3 files (stores/yaml, stores/json, stores/dotenv): mappings in the order
// of the text, which the checksum of a file depends on.
import { readDocuments } from './yaml.ts';
import type { YamlDocument, YamlPath } from './yaml.ts';

/** A value that is no mapping and no list. */
export type SopsLeaf =
  | { readonly type: 'str'; readonly bytes: Uint8Array }
  | { readonly type: 'bool'; readonly value: boolean }
  /** As written in decimal digits. */
  | { readonly type: 'number'; readonly text: string }
  | { readonly type: 'null' }
  /** Stands for a comment in a list, and is no value. */
  | { readonly type: 'comment' };

export type SopsNode =
  | { readonly kind: 'leaf'; readonly leaf: SopsLeaf }
  | { readonly kind: 'list'; readonly items: readonly SopsNode[] }
  | { readonly kind: 'map'; readonly entries: readonly SopsEntry[] };
export type SopsEntry = readonly [name: string, value: SopsNode];

const encoder = new TextEncoder();

/** A leaf of text. */
export function textLeaf(text: string): SopsNode {
  return { kind: 'leaf', leaf: { type: 'str', bytes: encoder.encode(text) } };
}

/** The documents of a YAML or JSON text; throws a YamlProblem. */
export function treesOf(input: string): SopsNode[] {
  const lines = input.split('\n');
  return readDocuments(input).map((document) => nodeOf({ document, lines }, [], document.value));
}

interface Origin {
  readonly document: YamlDocument;
  readonly lines: readonly string[];
}

function nodeOf(origin: Origin, path: YamlPath, value: unknown): SopsNode {
  if (typeof value === 'string') return textLeaf(value);
  if (value === null) return { kind: 'leaf', leaf: { type: 'null' } };
  if (typeof value === 'boolean') return booleanOf(origin, path, value);
  if (Array.isArray(value)) {
    const items = value.map((one, index) => nodeOf(origin, [...path, index], one));
    return { kind: 'list', items };
  }
  if (typeof value === 'object') {
    const entries = inTextOrder(origin, path, Object.entries(value));
    return {
      kind: 'map',
      entries: entries.map(([name, one]) => [name, nodeOf(origin, [...path, name], one)]),
    };
  }
  const text = origin.document.numberText(path) ?? JSON.stringify(value);
  return { kind: 'leaf', leaf: { type: 'number', text } };
}

/** sops reads YAML 1.2: `yes` and `off`, which are booleans for kubectl, are text for it. */
function booleanOf({ document, lines }: Origin, path: YamlPath, value: boolean): SopsNode {
  const { line, column } = document.locate(path);
  const rest = Array.from(lines[line - 1] ?? '')
    .slice(column - 1)
    .join('');
  const [word = ''] = /^[A-Za-z]*/.exec(rest) ?? [];
  if (/^(?:y|n|yes|no|on|off)$/i.test(word)) return textLeaf(word);
  return { kind: 'leaf', leaf: { type: 'bool', value } };
}

/** JavaScript moves names like `10` to the front; where there are any, the text tells. */
function inTextOrder(
  { document }: Origin,
  path: YamlPath,
  entries: readonly [string, unknown][],
): readonly [string, unknown][] {
  if (!entries.some(([name]) => /^\d+$/.test(name))) return entries;
  const placed = entries.map((entry) => ({ entry, at: document.locateKey([...path, entry[0]]) }));
  return placed
    .toSorted(({ at: a }, { at: b }) => a.line - b.line || a.column - b.column)
    .map(({ entry }) => entry);
}

/** A .env file as sops has it: `NAME=value` without quotes, `\n` for a line feed. */
export function dotenvEntries(input: string): SopsEntry[] | undefined {
  const lines = input.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const entries = lines.map((line): SopsEntry | undefined => {
    const equals = line.indexOf('=');
    if (equals === -1) return undefined;
    return [line.slice(0, equals), textLeaf(line.slice(equals + 1).replaceAll('\\n', '\n'))];
  });
  const found = entries.filter((entry) => entry !== undefined);
  return found.length === entries.length ? found : undefined;
}

/** A tree as compact JSON; numbers keep their digits, bytes that are no UTF-8 become U+FFFD. */
export function jsonOf(node: SopsNode): string {
  switch (node.kind) {
    case 'leaf':
      return leafJson(node.leaf);
    case 'list':
      return `[${node.items.filter(isValue).map(jsonOf).join(',')}]`;
    case 'map': {
      const members = node.entries.filter(([, value]) => isValue(value));
      const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${jsonOf(value)}`);
      return `{${texts.join(',')}}`;
    }
  }
}

function isValue(node: SopsNode): boolean {
  return node.kind !== 'leaf' || node.leaf.type !== 'comment';
}

function leafJson(leaf: SopsLeaf): string {
  switch (leaf.type) {
    case 'str':
      return JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(leaf.bytes));
    case 'bool':
      return String(leaf.value);
    case 'number':
      return leaf.text;
    case 'null':
    case 'comment':
      return 'null';
  }
}
