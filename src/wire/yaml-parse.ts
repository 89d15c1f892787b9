// The parser of sigs.k8s.io/yaml v1.4.0, goyaml.v2/parserc.go, and the nodes of its decode.go.
import type { Node } from './yaml-node.ts';
import { makeScanner, refuseAt } from './yaml-scanner.ts';
import type { Scanner, Token, TokenType } from './yaml-scanner.ts';
import type { Source } from './yaml-source.ts';
import { peek, take } from './yaml-tokens.ts';

interface Parser {
  readonly scanner: Scanner;
  readonly depthMax: number;
  readonly anchors: Map<string, Node>;
  depth: number;
}

const NO_ITEMS: readonly Node[] = [];

/** Parses the first document of a text; what follows it is not looked at, as in Go. */
export function parseDocument(source: Source, depthMax: number): Node {
  const scanner = makeScanner(source);
  const p: Parser = { scanner, depthMax, anchors: new Map(), depth: 0 };
  let token = peek(scanner);
  if (token.type === 'end') return empty(token.start);
  if (token.type === '---') {
    take(scanner);
    token = peek(scanner);
    if (isOneOf(token, ['---', '...', 'end'])) return empty(token.start);
  }
  const root = parseNode(p, true, false);
  peek(scanner);
  return root;
}

function parseNode(p: Parser, block: boolean, indentless: boolean): Node {
  const s = p.scanner;
  const first = peek(s);
  if (first.type === '*') return parseAlias(p, first);
  const { anchor, tag } = parseProperties(s);
  const token = peek(s);
  const kind = kindOf(token.type, block, indentless);
  if (kind === undefined && token === first) {
    throw refuseAt(s, token.start, 'a value was expected here');
  }
  const items: Node[] = [];
  const made: Node = {
    kind: kind ?? 'scalar',
    start: first.start,
    tag: tagName(s, tag),
    text: kind === undefined ? '' : token.text,
    plain: kind === undefined || token.plain,
    items,
    anchored: anchor !== '',
    target: undefined,
  };
  if (anchor !== '') p.anchors.set(anchor, made);
  if (kind === 'scalar') take(s);
  else if (kind !== undefined) parseItems(p, items, token);
  return made;
}

/** Takes an anchor and a tag, in either order, each at most once. */
function parseProperties(s: Scanner): { anchor: string; tag: Token | undefined } {
  let anchor = '';
  let tag: Token | undefined;
  for (let token = peek(s); ; token = peek(s)) {
    if (token.type === '&' && anchor === '') anchor = token.text;
    else if (token.type === '!' && tag === undefined) tag = token;
    else return { anchor, tag };
    take(s);
  }
}

function parseAlias(p: Parser, { start, text }: Token): Node {
  const target = p.anchors.get(text);
  if (target === undefined) {
    throw refuseAt(p.scanner, start, 'an alias names an anchor that is not there');
  }
  take(p.scanner);
  return { ...empty(start), kind: 'alias', target };
}

function empty(start: number): Node {
  return {
    kind: 'scalar',
    start,
    tag: '',
    text: '',
    plain: true,
    items: NO_ITEMS,
    anchored: false,
    target: undefined,
  };
}

function tagName(s: Scanner, tag: Token | undefined): string {
  if (tag === undefined) return '';
  if (tag.handle === '') return tag.text;
  if (tag.handle === '!') return `!${tag.text}`;
  if (tag.handle === '!!') return `tag:yaml.org,2002:${tag.text}`;
  throw refuseAt(s, tag.start, 'a tag with a handle that nothing defines');
}

function kindOf(
  type: TokenType,
  block: boolean,
  indentless: boolean,
): 'scalar' | 'list' | 'mapping' | undefined {
  if (type === 'scalar') return 'scalar';
  if (type === '[' || (block && type === '- list') || (indentless && type === '-')) return 'list';
  return type === '{' || (block && type === '? mapping') ? 'mapping' : undefined;
}

function parseItems(p: Parser, items: Node[], { type, start }: Token): void {
  p.depth += 1;
  if (p.depth > p.depthMax) {
    throw refuseAt(p.scanner, start, `nested deeper than ${p.depthMax} levels`);
  }
  if (type !== '-') take(p.scanner);
  if (type === '[') parseFlowList(p, items);
  else if (type === '{') parseFlowMapping(p, items);
  else if (type === '? mapping') parseMapping(p, items);
  else parseList(p, items, type === '-');
  p.depth -= 1;
}

function isOneOf(token: Token, types: readonly TokenType[]): boolean {
  return types.includes(token.type);
}

const ENDS_ITEM: readonly TokenType[] = ['-', 'block end'];
const ENDS_INDENTLESS_ITEM: readonly TokenType[] = ['-', '?', ':', 'block end'];
const ENDS_ENTRY: readonly TokenType[] = ['?', ':', 'block end'];
const ENDS_LIST_KEY: readonly TokenType[] = [':', ',', ']'];
const ENDS_LIST_VALUE: readonly TokenType[] = [',', ']'];
const ENDS_KEY: readonly TokenType[] = [':', ',', '}'];
const ENDS_VALUE: readonly TokenType[] = [',', '}'];

function parseList(p: Parser, items: Node[], indentless: boolean): void {
  const s = p.scanner;
  for (let token = peek(s); token.type === '-'; token = peek(s)) {
    take(s);
    const ends = isOneOf(peek(s), indentless ? ENDS_INDENTLESS_ITEM : ENDS_ITEM);
    items.push(ends ? empty(token.end) : parseNode(p, true, false));
  }
  if (indentless) return;
  const end = peek(s);
  if (end.type !== 'block end') throw refuseAt(s, end.start, 'a list item `-` was expected here');
  take(s);
}

function parseMapping(p: Parser, items: Node[]): void {
  const s = p.scanner;
  for (let token = peek(s); token.type === '?'; token = peek(s)) {
    take(s);
    items.push(isOneOf(peek(s), ENDS_ENTRY) ? empty(token.end) : parseNode(p, true, true));
    const colon = peek(s);
    if (colon.type === ':') take(s);
    const none = colon.type !== ':' || isOneOf(peek(s), ENDS_ENTRY);
    items.push(none ? empty(colon.end) : parseNode(p, true, true));
  }
  const end = peek(s);
  if (end.type !== 'block end') throw refuseAt(s, end.start, 'a key was expected here');
  take(s);
}

function parseFlowList(p: Parser, items: Node[]): void {
  const s = p.scanner;
  for (let first = true; ; first = false) {
    if (endsFlow(s, ']', first)) return;
    const token = peek(s);
    if (token.type !== '?') {
      items.push(parseNode(p, false, false));
      continue;
    }
    take(s);
    const none = isOneOf(peek(s), ENDS_LIST_KEY);
    const key = none ? empty(token.end) : parseNode(p, false, false);
    // Go takes the token that ends an empty key, whatever it is.
    if (none) take(s);
    const pair = [key, parseFlowValue(p, ENDS_LIST_VALUE)];
    items.push({ ...empty(token.start), kind: 'mapping', items: pair });
  }
}

function parseFlowMapping(p: Parser, items: Node[]): void {
  const s = p.scanner;
  for (let first = true; ; first = false) {
    if (endsFlow(s, '}', first)) return;
    const token = peek(s);
    if (token.type !== '?') {
      items.push(parseNode(p, false, false), empty(peek(s).start));
      continue;
    }
    take(s);
    items.push(isOneOf(peek(s), ENDS_KEY) ? empty(token.end) : parseNode(p, false, false));
    items.push(parseFlowValue(p, ENDS_VALUE));
  }
}

/** Takes the bracket that ends a flow collection, or the comma before the next entry. */
function endsFlow(s: Scanner, bracket: ']' | '}', first: boolean): boolean {
  let token = peek(s);
  if (!first && token.type !== bracket) {
    if (token.type !== ',') throw refuseAt(s, token.start, `\`,\` or \`${bracket}\` was expected`);
    take(s);
    token = peek(s);
  }
  if (token.type !== bracket) return false;
  take(s);
  return true;
}

function parseFlowValue(p: Parser, ends: readonly TokenType[]): Node {
  const token = peek(p.scanner);
  if (token.type !== ':') return empty(token.start);
  take(p.scanner);
  return isOneOf(peek(p.scanner), ends) ? empty(token.end) : parseNode(p, false, false);
}
