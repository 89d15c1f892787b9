// The scanner of sigs.k8s.io/yaml v1.4.0, goyaml.v2/scannerc.go: tokens and simple keys. It is
// followed step by step, so that what kubectl takes or refuses is taken or refused here.
import { scanAnchor, scanTag } from './yaml-properties.ts';
import {
  isBlankOrEnd,
  isBreak,
  isDocumentMark,
  newLine,
  NO_KEY,
  refuseAt,
  skipSpaces,
} from './yaml-scanner.ts';
import type { Scanner, SimpleKey, Token, TokenType } from './yaml-scanner.ts';
import { codePoints } from './yaml-source.ts';
import { scanBlock, scanPlain, scanQuoted } from './yaml-text.ts';

const KEY_LENGTH_MAX = 1024;

/** Gives the next token without taking it. */
export function peek(s: Scanner): Token {
  for (;;) {
    const token = s.tokens[s.head];
    if (token !== undefined) {
      if (s.ready) return token;
      const index = s.keyOfToken.get(s.taken);
      const key = index === undefined ? undefined : s.keys[index];
      // A token that may turn out to be a key waits for what follows it.
      if (key === undefined || !isKeyPossible(s, key)) {
        s.ready = true;
        return token;
      }
    }
    fetch(s);
  }
}

/** Takes the token that `peek` gave. */
export function take(s: Scanner): void {
  s.ready = false;
  s.head += 1;
  s.taken += 1;
  if (s.head === s.tokens.length) {
    s.tokens = [];
    s.head = 0;
  }
}

function isKeyPossible(s: Scanner, key: SimpleKey): boolean {
  if (!key.possible) return false;
  const units = s.at - key.at;
  const tooLong = units > KEY_LENGTH_MAX && codePoints(s.text.slice(key.at, s.at)) > KEY_LENGTH_MAX;
  if (key.line === s.line && !tooLong) return true;
  if (key.required) throw refuseAt(s, key.at, 'a key without `:` on its line');
  key.possible = false;
  return false;
}

function push(s: Scanner, type: TokenType, length: number): void {
  const end = s.at + length;
  s.tokens.push({ type, start: s.at, end, text: '', handle: '', plain: false });
  s.at = end;
}

function insert(s: Scanner, type: TokenType, where: { number: number; at: number }): void {
  const token = { type, start: where.at, end: where.at, text: '', handle: '', plain: false };
  s.tokens.splice(s.head + where.number - s.taken, 0, token);
}

function saveKey(s: Scanner): void {
  if (!s.keyAllowed) return;
  const column = s.at - s.lineStart;
  dropKey(s);
  const token = s.taken + s.tokens.length - s.head;
  s.keys[s.keys.length - 1] = {
    possible: true,
    required: s.flow === 0 && s.indent === column,
    token,
    at: s.at,
    line: s.line,
    column,
  };
  s.keyOfToken.set(token, s.keys.length - 1);
}

function dropKey(s: Scanner): void {
  const key = s.keys.at(-1);
  if (key === undefined || !key.possible) return;
  if (key.required) throw refuseAt(s, key.at, 'a key without `:` on its line');
  key.possible = false;
  s.keyOfToken.delete(key.token);
}

function rollIndent(
  s: Scanner,
  type: TokenType,
  where: { column: number; number: number; at: number },
): void {
  if (s.flow > 0 || s.indent >= where.column) return;
  s.indents.push(s.indent);
  s.indent = where.column;
  insert(s, type, where);
}

function unrollIndent(s: Scanner, column: number): void {
  if (s.flow > 0) return;
  while (s.indent > column) {
    push(s, 'block end', 0);
    s.indent = s.indents.pop() ?? -1;
  }
}

function skipToToken(s: Scanner): void {
  for (;;) {
    skipSpaces(s);
    let code = s.text.charCodeAt(s.at);
    while (code === 32 || (code === 9 && (s.flow > 0 || !s.keyAllowed))) {
      code = s.text.charCodeAt(++s.at);
    }
    if (code === 35) while (code !== 0 && !isBreak(code)) code = s.text.charCodeAt(++s.at);
    if (!isBreak(code)) return;
    newLine(s);
    if (s.flow === 0) s.keyAllowed = true;
  }
}

function fetch(s: Scanner): void {
  skipToToken(s);
  const column = s.at - s.lineStart;
  unrollIndent(s, column);
  const first = s.text.charAt(s.at);
  if (first === '\0') return fetchEnd(s);
  if (column === 0 && (first === '%' || isDocumentMark(s))) return fetchMark(s, first);
  const fetcher = FETCHERS.get(first) ?? fetchPlain;
  fetcher(s, first);
}

const FETCHERS = new Map<string, (s: Scanner, first: string) => void>([
  ['[', (s) => openFlow(s, '[')],
  ['{', (s) => openFlow(s, '{')],
  [']', (s) => closeFlow(s, ']')],
  ['}', (s) => closeFlow(s, '}')],
  [',', (s) => closeFlow(s, ',')],
  ['-', (s) => (isIndicator(s, '-') ? fetchIndicator(s, '-') : fetchPlain(s, '-'))],
  ['?', (s) => (isIndicator(s, '?') ? fetchIndicator(s, '?') : fetchPlain(s, '?'))],
  [':', (s) => (isIndicator(s, ':') ? fetchValue(s) : fetchPlain(s, ':'))],
  ['*', (s) => fetchInline(s, () => scanAnchor(s, '*'))],
  ['&', (s) => fetchInline(s, () => scanAnchor(s, '&'))],
  ['!', (s) => fetchInline(s, () => scanTag(s))],
  ["'", (s) => fetchInline(s, () => scanQuoted(s, "'"))],
  ['"', (s) => fetchInline(s, () => scanQuoted(s, '"'))],
  ['|', (s) => fetchBlock(s, '|')],
  ['>', (s) => fetchBlock(s, '>')],
]);

function fetchInline(s: Scanner, scan: () => Token): void {
  saveKey(s);
  s.keyAllowed = false;
  s.tokens.push(scan());
}

function fetchBlock(s: Scanner, style: '|' | '>'): void {
  if (s.flow > 0) return fetchPlain(s, style);
  dropKey(s);
  s.keyAllowed = true;
  s.tokens.push(scanBlock(s, style));
}

function fetchEnd(s: Scanner): void {
  if (s.at !== s.lineStart) s.line += 1;
  unrollIndent(s, -1);
  dropKey(s);
  s.keyAllowed = false;
  push(s, 'end', 0);
}

function fetchMark(s: Scanner, first: string): void {
  unrollIndent(s, -1);
  dropKey(s);
  s.keyAllowed = false;
  if (first === '%') throw refuseAt(s, s.at, 'a directive is not supported');
  push(s, first === '-' ? '---' : '...', 3);
}

function openFlow(s: Scanner, first: '[' | '{'): void {
  saveKey(s);
  s.keys.push({ ...NO_KEY, token: s.taken + s.tokens.length - s.head });
  s.flow += 1;
  s.keyAllowed = true;
  push(s, first, 1);
}

function closeFlow(s: Scanner, first: ']' | '}' | ','): void {
  dropKey(s);
  if (first !== ',' && s.flow > 0) {
    s.flow -= 1;
    const key = s.keys.pop();
    if (key !== undefined) s.keyOfToken.delete(key.token);
  }
  s.keyAllowed = first === ',';
  push(s, first, 1);
}

function isIndicator(s: Scanner, first: '-' | '?' | ':'): boolean {
  return isBlankOrEnd(s.text.charCodeAt(s.at + 1)) || (first !== '-' && s.flow > 0);
}

function fetchIndicator(s: Scanner, first: '-' | '?'): void {
  startBlock(s, first === '-' ? '- list' : '? mapping');
  dropKey(s);
  s.keyAllowed = first === '-' || s.flow === 0;
  push(s, first, 1);
}

function startBlock(s: Scanner, type: TokenType): void {
  if (s.flow > 0) return;
  if (!s.keyAllowed) {
    const what = type === '- list' ? 'a list item' : 'a mapping';
    throw refuseAt(s, s.at, `${what} cannot start here`);
  }
  const number = s.taken + s.tokens.length - s.head;
  rollIndent(s, type, { column: s.at - s.lineStart, number, at: s.at });
}

function fetchValue(s: Scanner): void {
  const key = s.keys.at(-1) ?? { ...NO_KEY };
  if (isKeyPossible(s, key)) {
    insert(s, '?', { number: key.token, at: key.at });
    rollIndent(s, '? mapping', { column: key.column, number: key.token, at: key.at });
    key.possible = false;
    s.keyOfToken.delete(key.token);
    s.keyAllowed = false;
  } else {
    startBlock(s, '? mapping');
    s.keyAllowed = s.flow === 0;
  }
  push(s, ':', 1);
}

function fetchPlain(s: Scanner, first: string): void {
  // An indicator comes here only if it is none: with something behind it, or `|` and `>` in flow.
  if ('\t#|>%@`'.includes(first)) throw refuseAt(s, s.at, 'a character that cannot start a value');
  fetchInline(s, () => scanPlain(s));
}
