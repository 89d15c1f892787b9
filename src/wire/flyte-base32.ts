// Base32 as Flyte writes annotations: an alphabet of its own, no padding. Go's encoding/base32 with
// NoPadding, its leniencies included (flyteorg/flyte@6fadb90d65, golden vectors unmarshal-text).

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz123456';
const VALUES: ReadonlyMap<string, number> = new Map(
  Array.from(ALPHABET, (character, value) => [character, value]),
);
const BITS = 5;
/** Bytes that a last group of so many characters gives; other lengths give none at all. */
const BYTES_OF_REST: Readonly<Record<number, number>> = { 2: 1, 4: 2, 5: 3, 7: 4 };

/** A character that is not of the alphabet, by its place in the text without line ends. */
export class Base32Problem extends Error {
  constructor(at: number) {
    super(`illegal base32 data at input byte ${at}`);
  }
}

export function encodeFlyteBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    heldBits += 8;
    for (; heldBits >= BITS; heldBits -= BITS) text += ALPHABET[(held >> (heldBits - BITS)) & 31];
  }
  return heldBits === 0 ? text : text + (ALPHABET[(held << (BITS - heldBits)) & 31] ?? '');
}

/**
 * CR and LF are ignored, trailing bits that are not zero are accepted, and a last group of an
 * impossible length is dropped whole. Throws Base32Problem.
 */
export function decodeFlyteBase32(text: string): Uint8Array {
  const values: number[] = [];
  let at = 0;
  // By bytes, as Go counts them.
  for (const byte of Buffer.from(text)) {
    if (byte === 0x0a || byte === 0x0d) continue;
    const value = VALUES.get(String.fromCharCode(byte));
    if (value === undefined) throw new Base32Problem(at);
    values.push(value);
    at += 1;
  }
  const rest = values.length % 8;
  const length = Math.floor(values.length / 8) * 5 + (BYTES_OF_REST[rest] ?? 0);
  const bytes = new Uint8Array(length);
  let held = 0;
  let heldBits = 0;
  let next = 0;
  for (const value of values) {
    held = ((held << BITS) | value) & 0xfff;
    heldBits += BITS;
    if (heldBits < 8 || next === length) continue;
    heldBits -= 8;
    bytes[next++] = (held >> heldBits) & 0xff;
  }
  return bytes;
}
