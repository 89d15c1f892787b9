// How Go turns bytes and strings into text; needed because the kubelet is written in Go.

/** Length of the valid UTF-8 sequence at `i`, 0 where the byte is invalid (Go's utf8.DecodeRune). */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const first = bytes[i] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || i + length > bytes.length) return 0;
  for (let k = 1; k < length; k++) {
    if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[i + 1] ?? 0;
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  return length;
}

/** True if every byte is part of valid UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
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
    const length = sequenceLength(bytes, i);
    if (length === 0) out.push(0xef, 0xbf, 0xbd);
    else for (let k = 0; k < length; k++) out.push(bytes[i + k] ?? 0);
    i += length === 0 ? 1 : length;
  }
  return Uint8Array.from(out);
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

function quoteCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  // Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
  if (character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character;
  if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
  if (point < 0x10000) return `\\u${point.toString(16).padStart(4, '0')}`;
  return `\\U${point.toString(16).padStart(8, '0')}`;
}
