// The protobuf text format as golang/protobuf 1.5.4 reads it (proto.UnmarshalText), for the one
// message that Flyte writes: flat, with strings and one enum. Its leniencies and the words of its
// errors are part of what users see (golden vectors unmarshal-text, mutate-annotations).
//
// The text is handled as bytes, one character each: Go counts bytes and keeps those that are no
// UTF-8.
import { decodedUtf8, goQuoteBytes, utf8LengthAt } from './go-text.ts';

/** What is wrong with a text, in the words of golang/protobuf. */
export class TextProblem extends Error {
  constructor({ line, offset }: Place, what: string) {
    super(line === 1 ? `line 1.${offset}: ${what}` : `line ${line}: ${what}`);
  }
}

/** How a field is read. */
export type FieldKind = 'string' | { readonly enum: ReadonlyMap<string, number> };

/** The message: its name as errors call it, and its fields by their names. */
export interface MessageShape {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldKind>;
}

/** Fields that are there, by name. Bytes of a string that are no UTF-8 are U+FFFD. */
export type Message = ReadonlyMap<string, string | number>;

interface Place {
  readonly line: number;
  /** In bytes, from the start of the text. */
  readonly offset: number;
}

interface Token extends Place {
  /** As written; empty at the end of the text. */
  readonly text: string;
  /** What a quoted string stands for. */
  readonly unquoted?: string;
}

/** Reads a message. Throws TextProblem. */
export function readTextMessage(bytes: Uint8Array, shape: MessageShape): Message {
  const tokens = openTokens(Buffer.from(bytes).toString('latin1'));
  const message = new Map<string, string | number>();
  for (;;) {
    const token = tokens.next();
    if (token.text === '') return message;
    if (token.text === '[') throw extensionProblem(tokens);
    const name = token.text;
    const kind = shape.fields.get(name);
    if (kind === undefined) {
      throw new TextProblem(token, `unknown field name ${quoted(name)} in ${shape.name}`);
    }
    if (message.has(name)) {
      throw new TextProblem(token, `non-repeated field ${quoted(name)} was repeated`);
    }
    const colon = tokens.next();
    if (colon.text !== ':') {
      throw new TextProblem(colon, `expected ':', found ${quoted(colon.text)}`);
    }
    message.set(name, valueOf(tokens.next(), kind));
    const separator = tokens.next();
    if (separator.text !== ';' && separator.text !== ',') tokens.back();
  }
}

function quoted(text: string): string {
  return goQuoteBytes(Buffer.from(text, 'latin1'));
}

/** Text of bytes, for messages and values. */
function shown(text: string): string {
  return decodedUtf8(Buffer.from(text, 'latin1'));
}

function valueOf(token: Token, kind: FieldKind): string | number {
  if (token.text === '') throw new TextProblem(token, 'unexpected EOF');
  if (kind === 'string') {
    if (token.unquoted !== undefined) return shown(token.unquoted);
    throw new TextProblem(token, `invalid string: ${shown(token.text)}`);
  }
  const number = goInt32(token.text) ?? kind.enum.get(token.text);
  if (number !== undefined) return number;
  throw new TextProblem(token, `invalid enum: ${shown(token.text)}`);
}

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const INTEGER =
  /^([-+]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/;

/** Go's strconv.ParseInt(text, 0, 32). */
function goInt32(text: string): number | undefined {
  const [, sign, digits] = INTEGER.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const plain = digits.replaceAll('_', '');
  const isOldOctal = /^0[0-7]/.test(plain);
  const value = Number(isOldOctal ? `0o${plain.slice(1)}` : plain) * (sign === '-' ? -1 : 1);
  return value <= INT32_MAX && value >= INT32_MIN ? value : undefined;
}

/** No extension of the message is known, so every use of one is a problem. */
function extensionProblem(tokens: Tokens): TextProblem {
  const { text, unquoted, ...place } = tokens.next();
  if (unquoted !== undefined && text.length > 2) {
    const end = tokens.next();
    if (end.text === ']') return new TextProblem(end, `unrecognized extension ${quoted(unquoted)}`);
    return new TextProblem(end, `expected "]", found ${quoted(end.text)}`);
  }
  let name = '';
  let last: Token = { text, ...place };
  while (last.text !== ']') {
    name += last.text;
    last = tokens.next();
    if (last.text === '') return new TextProblem(last, 'unclosed type_url or extension name');
  }
  return new TextProblem(last, `unrecognized extension ${quoted(name)}`);
}

interface Tokens {
  next(): Token;
  /** The token that was given last is given once more. */
  back(): void;
}

function openTokens(text: string): Tokens {
  const scanner = openScanner(text);
  let current: Token = { text: '', line: 1, offset: 0 };
  let isBack = false;
  return {
    back: () => void (isBack = true),
    next: () => {
      if (isBack) isBack = false;
      else current = scanner.token(current);
      return current;
    },
  };
}

const SYMBOLS = '<>{}:[];,/';
const WORD = /[A-Za-z0-9\-+._]*/y;

function openScanner(text: string) {
  let at = 0;
  let line = 1;
  const skipSpace = (): void => {
    for (; at < text.length; at++) {
      if (text[at] === '#') {
        const end = text.indexOf('\n', at);
        at = end === -1 ? text.length : end;
      }
      if (text[at] === '\n') line += 1;
      else if (!/[ \t\r]/.test(text[at] ?? 'end')) return;
    }
  };
  const one = (): Token => {
    const place = { line, offset: at };
    const first = text[at] ?? '';
    if (first === '"' || first === "'") {
      const token = quotedToken(text, place);
      at += token.text.length;
      return token;
    }
    WORD.lastIndex = at;
    const word = SYMBOLS.includes(first) ? first : (WORD.exec(text)?.[0] ?? '');
    if (word === '') {
      throw new TextProblem(place, `unexpected byte 0x${first.charCodeAt(0).toString(16)}`);
    }
    at += word.length;
    return { ...place, text: word };
  };
  return {
    /** At the end of the text the place of the token before stays, as in Go. */
    token: (before: Token): Token => {
      skipSpace();
      if (at >= text.length) return { line: before.line, offset: before.offset, text: '' };
      let token = one();
      // Strings beside each other are one.
      while (token.unquoted !== undefined) {
        skipSpace();
        if (at >= text.length || !/["']/.test(text[at] ?? '')) break;
        const more = one();
        const unquoted: string = token.unquoted + (more.unquoted ?? '');
        token = { ...token, text: `${token.text} ${more.text}`, unquoted };
      }
      return token;
    },
  };
}

function quotedToken(text: string, place: Place): Token {
  const quote = text[place.offset] ?? '';
  let end = place.offset + 1;
  for (; end < text.length && text[end] !== quote && text[end] !== '\n'; end++) {
    if (text[end] === '\\' && end + 1 < text.length) end += 1;
  }
  if (text[end] !== quote) throw new TextProblem(place, 'unmatched quote');
  const whole = text.slice(place.offset, end + 1);
  const read = unquote(whole.slice(1, -1));
  if ('text' in read) return { ...place, text: whole, unquoted: read.text };
  throw new TextProblem(place, `invalid quoted string ${shown(whole)}: ${read.wrong}`);
}

type Read = { readonly text: string; readonly length: number } | { readonly wrong: string };

/** `U` and eight digits. */
const ESCAPE_BYTES_MAX = 9;

/** What stands between quotes; where nothing is escaped it is taken as it is, UTF-8 or not. */
function unquote(inner: string): { text: string } | { wrong: string } {
  if (!inner.includes('\\')) return { text: inner };
  const bytes = Buffer.from(inner, 'latin1');
  let text = '';
  for (let i = 0; i < inner.length; ) {
    if (inner[i] !== '\\') {
      const length = utf8LengthAt(bytes, i);
      if (length === 0) return { wrong: 'proto: bad UTF-8' };
      text += inner.slice(i, i + length);
      i += length;
      continue;
    }
    const read = escapeAt(inner.slice(i + 1, i + 1 + ESCAPE_BYTES_MAX));
    if ('wrong' in read) return read;
    text += read.text;
    i += 1 + read.length;
  }
  return { text };
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['?', '?'],
  ["'", "'"],
  ['"', '"'],
  ['\\', '\\'],
]);
const DIGITS: Readonly<Record<string, number>> = { x: 2, X: 2, u: 4, U: 8 };
const CODE_POINT_MAX = 0x10ffff;

/** What follows a backslash. */
function escapeAt(text: string): Read {
  const length = utf8LengthAt(Buffer.from(text, 'latin1'), 0);
  const letter = text.slice(0, length);
  if (letter === '') return { wrong: 'proto: bad UTF-8' };
  const short = SHORT.get(letter);
  if (short !== undefined) return { text: short, length: 1 };
  if (/[0-7]/.test(letter)) return octalAt(text);
  const count = DIGITS[letter];
  if (count === undefined) return { wrong: `unknown escape \\${shown(letter)}` };
  const digits = text.slice(1, 1 + count);
  if (digits.length < count) return { wrong: `\\${letter} requires ${count} following digits` };
  if (!/^[0-9a-fA-F]+$/.test(digits)) {
    return { wrong: `\\${letter}${shown(digits)} contains non-hexadecimal digits` };
  }
  const point = Number.parseInt(digits, 16);
  if (count === 2) return { text: String.fromCharCode(point), length: 1 + count };
  if (point > CODE_POINT_MAX) {
    return { wrong: `\\${letter}${digits} is not a valid Unicode code point` };
  }
  // Half a surrogate pair is no character.
  const isHalf = point >= 0xd800 && point <= 0xdfff;
  const character = isHalf ? '\ufffd' : String.fromCodePoint(point);
  return { text: Buffer.from(character).toString('latin1'), length: 1 + count };
}

function octalAt(text: string): Read {
  const digits = text.slice(0, 3);
  if (digits.length < 3) return { wrong: `\\${digits[0]} requires 2 following digits` };
  const value = /^[0-7]{3}$/.test(digits) ? Number.parseInt(digits, 8) : Infinity;
  if (value > 0xff) return { wrong: `\\${shown(digits)} contains non-octal digits` };
  return { text: String.fromCharCode(value), length: 3 };
}
