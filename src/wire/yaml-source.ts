/** A position in the input, both numbers from 1; a column counts Unicode code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The text of one document and the line of the input on which it starts. */
export interface Source {
  readonly text: string;
  readonly startLine: number;
  readonly startColumn: number;
}

/** Says where and why a text cannot be read, never with anything that stood in the text. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
  readonly line: number;
  readonly column: number;
  readonly what: string;

  constructor(where: Position, what: string) {
    super(`line ${where.line}, column ${where.column}: ${what}`);
    this.line = where.line;
    this.column = where.column;
    this.what = what;
  }
}

/** Turns an offset into the text of a document into a position in the input. */
export function positionAt(source: Source, offset: number): Position {
  const before = source.text.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = source.startLine + lineBreaks(before);
  const columnBase = lineStart === 0 ? source.startColumn : 1;
  return { line, column: columnBase + codePoints(before.slice(lineStart)) };
}

/** Makes the problem for an offset into the text of a document. */
export function problemAt(source: Source, offset: number, what: string): YamlProblem {
  return new YamlProblem(positionAt(source, offset), what);
}

/** Counts characters as YAML does. */
export function codePoints(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Makes text of the input, with line feeds only, or throws a YamlProblem. */
export function decodeText(input: string | Uint8Array, bytesMax: number): string {
  const start = { line: 1, column: 1 };
  if (input.length > bytesMax) throw new YamlProblem(start, `larger than ${bytesMax} bytes`);
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (typeof input === 'string' && input.length * 3 > bytesMax) {
    const { length } = new TextEncoder().encode(input);
    if (length > bytesMax) throw new YamlProblem(start, `larger than ${bytesMax} bytes`);
  }
  if (!text.isWellFormed()) {
    const offset = text.search(LONE_SURROGATE);
    throw problemAt({ text, startLine: 1, startColumn: 1 }, offset, 'half a surrogate pair');
  }
  return text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The longest prefix without an error ends in front of the byte that makes it one.
    let [valid, invalid] = [0, bytes.length];
    while (invalid - valid > 1) {
      const middle = (valid + invalid) >> 1;
      if (isUtf8Prefix(bytes.subarray(0, middle))) valid = middle;
      else invalid = middle;
    }
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const text = decoder.decode(bytes.subarray(0, valid), { stream: true });
    throw problemAt(
      { text, startLine: 1, startColumn: 1 },
      text.length,
      'bytes that are not UTF-8',
    );
  }
}

function isUtf8Prefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Counts line feeds. */
export function lineBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
