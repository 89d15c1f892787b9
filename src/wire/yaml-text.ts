// The three kinds of scalars of sigs.k8s.io/yaml v1.4.0, goyaml.v2/scannerc.go.
import {
  isBlankOrEnd,
  isBreak,
  isDocumentMark,
  newLine,
  refuseAt,
  skipSpaces,
} from './yaml-scanner.ts';
import type { Scanner, Token } from './yaml-scanner.ts';

/** White space and line breaks between two pieces of a scalar that may be folded. */
interface Gap {
  spaces: string;
  leading: string;
  trailing: string;
}

/** Scans a scalar without quotes. */
export function scanPlain(s: Scanner): Token {
  const start = s.at;
  const indent = s.indent + 1;
  const gap: Gap = { spaces: '', leading: '', trailing: '' };
  let text = '';
  let end = start;
  while (!isDocumentMark(s) && s.text.charCodeAt(s.at) !== 35) {
    const from = s.at;
    skipPlain(s);
    if (s.at > from) {
      text += takeGap(gap) + s.text.slice(from, s.at);
      end = s.at;
    }
    const code = s.text.charCodeAt(s.at);
    if (code !== 32 && code !== 9 && !isBreak(code)) break;
    readGap(s, gap, { start, indent });
    if (s.flow === 0 && s.at - s.lineStart < indent) break;
  }
  if (gap.leading !== '') s.keyAllowed = true;
  return { type: 'scalar', start, end, text, handle: '', plain: true };
}

const WORD = /[\w./=+@$-]*/y;

function skipPlain(s: Scanner): void {
  // Characters that end nothing, whatever follows; the loop does the rest.
  WORD.lastIndex = s.at;
  WORD.test(s.text);
  s.at = WORD.lastIndex;
  for (let code = s.text.charCodeAt(s.at); !isBlankOrEnd(code); code = s.text.charCodeAt(++s.at)) {
    if (code === 58) {
      if (isBlankOrEnd(s.text.charCodeAt(s.at + 1))) return;
    } else if (s.flow > 0 && (code === 44 || code === 63 || isBracket(code))) return;
  }
}

function isBracket(code: number): boolean {
  return code === 91 || code === 93 || code === 123 || code === 125;
}

function takeGap(gap: Gap): string {
  let text = gap.spaces;
  if (gap.leading === '\n') text = gap.trailing === '' ? ' ' : gap.trailing;
  else if (gap.leading !== '') text = gap.leading + gap.trailing;
  gap.spaces = gap.leading = gap.trailing = '';
  return text;
}

function readGap(s: Scanner, gap: Gap, plain?: { start: number; indent: number }): void {
  const from = s.at;
  for (let code = s.text.charCodeAt(s.at); ; code = s.text.charCodeAt(s.at)) {
    if (isBreak(code)) {
      if (gap.leading === '') gap.leading = s.text.charAt(s.at);
      else gap.trailing += s.text.charAt(s.at);
      newLine(s);
      skipSpaces(s);
    } else if (code === 32 || code === 9) {
      const abuse = code === 9 && plain !== undefined && gap.leading !== '';
      if (abuse && s.at - s.lineStart < plain.indent) {
        throw refuseAt(s, s.at, 'a tab in the indentation');
      }
      s.at += 1;
    } else break;
  }
  if (gap.leading === '') gap.spaces = s.text.slice(from, s.at);
}

/** Scans a scalar in single or double quotes. */
export function scanQuoted(s: Scanner, quote: "'" | '"'): Token {
  const start = s.at;
  const token = { type: 'scalar', start, handle: '', plain: false } as const;
  const close = s.text.indexOf(quote, start + 1);
  const short = s.text.slice(start + 1, close);
  const isShort = close !== -1 && !/[\\\n\u2028\u2029]/.test(short);
  if (isShort && (quote === '"' || s.text.charAt(close + 1) !== quote)) {
    s.at = close + 1;
    return { ...token, end: s.at, text: short };
  }
  let text = '';
  const gap: Gap = { spaces: '', leading: '', trailing: '' };
  s.at += 1;
  for (;;) {
    if (isDocumentMark(s)) throw refuseAt(s, start, 'a document ends inside quotes');
    if (s.text.charCodeAt(s.at) === 0) throw refuseAt(s, start, 'quotes that never close');
    const escapedBreak = quote === "'" ? undefined : readDouble(s);
    text += escapedBreak === undefined ? readSingle(s) : escapedBreak.text;
    if (s.text.charAt(s.at) === quote) break;
    // Behind an escaped line break there is nothing to fold: only the further breaks count.
    text += foldQuoted(s, gap, escapedBreak?.broken === true);
  }
  s.at += 1;
  return { ...token, end: s.at, text };
}

function foldQuoted(s: Scanner, gap: Gap, broken: boolean): string {
  if (!broken) {
    readGap(s, gap);
    return takeGap(gap);
  }
  // As if a leading break of no text had been read.
  let text = '';
  for (let code = s.text.charCodeAt(s.at); ; code = s.text.charCodeAt(s.at)) {
    if (isBreak(code)) {
      text += s.text.charAt(s.at);
      newLine(s);
    } else if (code === 32 || code === 9) s.at += 1;
    else return text;
  }
}

function readSingle(s: Scanner): string {
  const from = s.at;
  for (let code = s.text.charCodeAt(s.at); !isBlankOrEnd(code); code = s.text.charCodeAt(s.at)) {
    if (code === 39 && s.text.charCodeAt(s.at + 1) !== 39) break;
    s.at += code === 39 ? 2 : 1;
  }
  return s.text.slice(from, s.at).replaceAll("''", "'");
}

function readDouble(s: Scanner): { text: string; broken: boolean } {
  let text = '';
  let from = s.at;
  for (let code = s.text.charCodeAt(s.at); !isBlankOrEnd(code); code = s.text.charCodeAt(s.at)) {
    if (code === 34) break;
    if (code !== 92) {
      s.at += 1;
      continue;
    }
    text += s.text.slice(from, s.at);
    if (isBreak(s.text.charCodeAt(s.at + 1))) {
      s.at += 1;
      newLine(s);
      return { text, broken: true };
    }
    text += readEscape(s);
    from = s.at;
  }
  return { text: text + s.text.slice(from, s.at), broken: false };
}

const ESCAPES = new Map(
  Object.entries({
    '0': '\0',
    a: '\x07',
    b: '\b',
    t: '\t',
    '\t': '\t',
    n: '\n',
    v: '\v',
    f: '\f',
    r: '\r',
    e: '\x1b',
    ' ': ' ',
    '"': '"',
    "'": "'",
    '\\': '\\',
    N: '\x85',
    _: '\xa0',
    L: '\u2028',
    P: '\u2029',
  }),
);
const ESCAPE_DIGITS = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

function readEscape(s: Scanner): string {
  const at = s.at;
  const letter = s.text.charAt(at + 1);
  const simple = ESCAPES.get(letter);
  s.at += 2;
  if (simple !== undefined) return simple;
  const length = ESCAPE_DIGITS.get(letter);
  if (length === undefined) throw refuseAt(s, at, 'an unknown escape in double quotes');
  const digits = s.text.slice(s.at, s.at + length);
  const code = /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : -1;
  if (digits.length < length || code < 0) {
    throw refuseAt(s, at, `an escape without its ${length} hexadecimal digits`);
  }
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw refuseAt(s, at, 'an escape that is no Unicode character');
  }
  s.at += length;
  return String.fromCodePoint(code);
}

/** Scans a literal or folded block. */
export function scanBlock(s: Scanner, style: '|' | '>'): Token {
  const start = s.at;
  const { chomping, increment } = readHeader(s);
  const first = readBlockBreaks(s, increment === 0 ? 0 : Math.max(s.indent, 0) + increment);
  const { indent } = first;
  let text = '';
  let leading = '';
  let afterBlank = style === '|';
  let trailing = first.breaks;
  while (s.at - s.lineStart === indent && s.text.charCodeAt(s.at) !== 0) {
    const blank = ' \t'.includes(s.text.charAt(s.at));
    const folds = !afterBlank && !blank && leading === '\n';
    text += folds ? trailing || ' ' : leading + trailing;
    afterBlank = blank || style === '|';
    const from = s.at;
    skipLine(s);
    text += s.text.slice(from, s.at);
    leading = readBreak(s);
    trailing = readBlockBreaks(s, indent).breaks;
  }
  if (chomping !== '-') text += leading;
  if (chomping === '+') text += trailing;
  return { type: 'scalar', start, end: s.at, text, handle: '', plain: false };
}

function readBreak(s: Scanner): string {
  if (s.text.charCodeAt(s.at) === 0) return '';
  newLine(s);
  return s.text.charAt(s.at - 1);
}

function skipLine(s: Scanner): void {
  let code = s.text.charCodeAt(s.at);
  while (code !== 0 && !isBreak(code)) code = s.text.charCodeAt(++s.at);
}

function readHeader(s: Scanner): { chomping: string; increment: number } {
  const header = /[|>](?:([-+])([0-9])?|([0-9])([-+])?)?[ \t]*/y;
  header.lastIndex = s.at;
  const [all = '', sign1, digit1, digit2, sign2] = header.exec(s.text) ?? [];
  const digit = digit1 ?? digit2;
  if (digit === '0') throw refuseAt(s, s.at, 'a block with an indentation of 0');
  s.at += all.length;
  if (s.text.charAt(s.at) === '#') skipLine(s);
  const code = s.text.charCodeAt(s.at);
  if (isBreak(code)) newLine(s);
  else if (code !== 0) throw refuseAt(s, s.at, 'a block with text on the line of its | or >');
  return { chomping: sign1 ?? sign2 ?? '', increment: Number(digit ?? 0) };
}

function readBlockBreaks(s: Scanner, fixed: number): { indent: number; breaks: string } {
  let breaks = '';
  let widest = 0;
  for (;;) {
    const inIndent = (): boolean => fixed === 0 || s.at - s.lineStart < fixed;
    while (inIndent() && s.text.charCodeAt(s.at) === 32) s.at += 1;
    widest = Math.max(widest, s.at - s.lineStart);
    const code = s.text.charCodeAt(s.at);
    if (code === 9 && inIndent()) throw refuseAt(s, s.at, 'a tab in the indentation of a block');
    if (!isBreak(code)) break;
    breaks += s.text.charAt(s.at);
    newLine(s);
  }
  return { indent: fixed === 0 ? Math.max(widest, s.indent + 1, 1) : fixed, breaks };
}
