// The state of the scanner of sigs.k8s.io/yaml v1.4.0, goyaml.v2/scannerc.go.
import { problemAt } from './yaml-source.ts';
import type { Source, YamlProblem } from './yaml-source.ts';

/** What a token is; flow indicators are their own names. */
export type TokenType =
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | '- list'
  | '? mapping'
  | 'block end'
  | '-'
  | '?'
  | ':'
  | '*'
  | '&'
  | '!'
  | 'scalar'
  | '---'
  | '...'
  | 'end';

/** A token; `text` is the name or the value, `handle` that of a tag. */
export interface Token {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly handle: string;
  readonly plain: boolean;
}

/** A place where a key may have begun, if a colon follows on its line. */
export interface SimpleKey {
  possible: boolean;
  readonly required: boolean;
  readonly token: number;
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

/** The state of the scanner; the text ends with a NUL. */
export interface Scanner {
  readonly source: Source;
  readonly text: string;
  at: number;
  line: number;
  lineStart: number;
  indent: number;
  readonly indents: number[];
  flow: number;
  keyAllowed: boolean;
  readonly keys: SimpleKey[];
  readonly keyOfToken: Map<number, number>;
  tokens: Token[];
  head: number;
  taken: number;
  /** The head of the tokens cannot change any more. */
  ready: boolean;
}

/** No key. */
export const NO_KEY: SimpleKey = {
  possible: false,
  required: false,
  token: 0,
  at: 0,
  line: 0,
  column: 0,
};

/** Makes a scanner for the text of one document. */
export function makeScanner(source: Source): Scanner {
  return {
    source,
    text: `${source.text}\0`,
    at: 0,
    line: 0,
    lineStart: 0,
    indent: -1,
    indents: [],
    flow: 0,
    keyAllowed: true,
    keys: [{ ...NO_KEY }],
    keyOfToken: new Map(),
    tokens: [],
    head: 0,
    taken: 0,
    ready: false,
  };
}

/** Makes the problem for an offset into the scanner's text. */
export function refuseAt(s: Scanner, offset: number, what: string): YamlProblem {
  return problemAt(s.source, offset, what);
}

/** Says whether a code is a line break; CR and NEL became line feeds before. */
export function isBreak(code: number): boolean {
  return code === 10 || code === 0x2028 || code === 0x2029;
}

/** Says whether a code is white space, a line break, or the end. */
export function isBlankOrEnd(code: number): boolean {
  return code === 32 || code === 10 || code === 9 || code === 0 || isBreak(code);
}

/** Steps over a line break. */
export function newLine(s: Scanner): void {
  s.at += 1;
  s.line += 1;
  s.lineStart = s.at;
}

const SPACES = / */y;

/** Steps over spaces; a pattern does it faster than a loop where there is no JIT. */
export function skipSpaces(s: Scanner): void {
  SPACES.lastIndex = s.at;
  SPACES.test(s.text);
  s.at = SPACES.lastIndex;
}

/** Says whether `---` or `...` stands at the start of a line. */
export function isDocumentMark(s: Scanner): boolean {
  if (s.at !== s.lineStart) return false;
  const marks = s.text.startsWith('---', s.at) || s.text.startsWith('...', s.at);
  return marks && isBlankOrEnd(s.text.charCodeAt(s.at + 3));
}
