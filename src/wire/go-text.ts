// How Go turns bytes and strings into text; needed because the kubelet is written in Go.

/** Bounds of the second byte where they are narrower than 80..BF: Unicode 15, table 3-7. */
const SECOND_BYTE: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);
const ANY_SECOND_BYTE = [0x80, 0xbf] as const;

function lengthBy(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}

/** Length of the valid UTF-8 sequence at `i`, 0 where there is none (Go's utf8.DecodeRune). */
export function utf8LengthAt(bytes: Uint8Array, i: number): number {
  const first = bytes[i] ?? 0;
  const length = lengthBy(first);
  if (length < 2) return length;
  if (i + length > bytes.length) return 0;
  const second = bytes[i + 1] ?? 0;
  const [least, most] = SECOND_BYTE.get(first) ?? ANY_SECOND_BYTE;
  if (second < least || second > most) return 0;
  for (let k = 2; k < length; k++) {
    if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** True if every byte is part of valid UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; ) {
    const length = utf8LengthAt(bytes, i);
    if (length === 0) return false;
    i += length;
  }
  return true;
}

/**
 * Each byte that is not UTF-8 becomes one U+FFFD, as a protobuf string on its way from the kubelet
 * to the runtime does (kubelet v1.33.13, seen; golden vector envfrom-secret-non-utf8). Other than
 * TextDecoder, which gives one U+FFFD for a whole truncated sequence.
 */
export function replaceInvalidUtf8(bytes: Uint8Array): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  const out: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const length = utf8LengthAt(bytes, i);
    if (length === 0) out.push(0xef, 0xbf, 0xbd);
    else for (let k = 0; k < length; k++) out.push(bytes[i + k] ?? 0);
    i += length === 0 ? 1 : length;
  }
  return Uint8Array.from(out);
}

/** The text of bytes as Go's JSON has it: each byte that is not UTF-8 is one U+FFFD. */
export function decodedUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(replaceInvalidUtf8(bytes));
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/**
 * Go's strconv.Quote, which is what `%q` prints in labels and annotations files
 * (k8s.io/kubernetes v1.33.13 pkg/fieldpath FormatMap).
 */
export function goQuote(text: string): string {
  let out = '"';
  for (const character of text) out += SHORT_ESCAPES[character] ?? quoteCharacter(character);
  return `${out}"`;
}

/** The same for bytes: those that are no UTF-8 are `\\xff`. */
export function goQuoteBytes(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const length = utf8LengthAt(bytes, i);
    const sequence = bytes.subarray(i, i + Math.max(1, length));
    out +=
      length === 0
        ? `\\x${Buffer.from(sequence).toString('hex')}`
        : goQuote(decodedUtf8(sequence)).slice(1, -1);
    i += sequence.length;
  }
  return `"${out}"`;
}

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/**
 * What this runtime's Unicode has and Go's has not: Go 1.26, Unicode 15.0, against Bun 1.4.5
 * (test/golden/go/print.json; the test tells the ranges that a new Bun adds).
 */
const LATER_THAN_GO = [
  '88f 897 c5c cdc 1acf-1add 1ae0-1aeb 1b4e-1b4f 1b7f 1c89-1c8a 20c1 2427-2429 2b96',
  '2ffc-2fff 31e4-31e5 31ef a7cb-a7cf a7d2 a7d4 a7da-a7dc a7f1 fbc3-fbd2 fd90-fd91',
  'fdc8-fdce 105c0-105f3 10940-10959 10d40-10d65 10d69-10d85 10d8e-10d8f 10ec2-10ec7',
  '10ed0-10ed8 10efa-10efc 11380-11389 1138b 1138e 11390-113b5 113b7-113c0 113c2 113c5',
  '113c7-113ca 113cc-113d5 113d7-113d8 113e1-113e2 116d0-116e3 11b60-11b67 11bc0-11be1',
  '11bf0-11bf9 11db0-11ddb 11de0-11de9 11f5a 13460-143fa 16100-16139 16d40-16d79',
  '16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18cff 18d09-18d1e 18d80-18df2',
  '1cc00-1ccfc 1cd00-1ceb3 1ceba-1ced0 1cee0-1cef0 1e5d0-1e5fa 1e5ff 1e6c0-1e6de',
  '1e6e0-1e6f5 1e6fe-1e6ff 1f6d8 1f777-1f77a 1f8b2-1f8bb 1f8c0-1f8c1 1f8d0-1f8d8',
  '1fa54-1fa57 1fa89-1fa8a 1fa8e-1fa8f 1fabe 1fac6 1fac8 1facd 1fadc 1fadf 1fae9-1faea',
  '1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f 2cea2-2cead 2ebf0-2ee5d 323b0-33479',
];

let laterRanges: readonly (readonly [number, number])[] | undefined;

function isLater(point: number): boolean {
  laterRanges ??= LATER_THAN_GO.flatMap((line) => line.split(' ')).map((range) => {
    const [first = '', last = first] = range.split('-');
    return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
  });
  return laterRanges.some(([first, last]) => point >= first && point <= last);
}

/** True for what Go prints as it is. */
export function isGoPrintable(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return point >= 0x20 && point !== 0x7f;
  return PRINTABLE.test(character) && !isLater(point);
}

function quoteCharacter(character: string): string {
  if (isGoPrintable(character)) return character;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
  if (point < 0x10000) return `\\u${point.toString(16).padStart(4, '0')}`;
  return `\\U${point.toString(16).padStart(8, '0')}`;
}
