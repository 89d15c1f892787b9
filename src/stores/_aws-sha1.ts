// SHA-1 (FIPS 180-4): only names files here, as the AWS SDKs name their cached SSO tokens.

/** Lower-case hexadecimal of the digest of a short text. */
export function sha1Hex(text: string): string {
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = padded(new TextEncoder().encode(text));
  for (let at = 0; at < words.length; at += BLOCK_WORDS) {
    addBlock(state, words.slice(at, at + BLOCK_WORDS));
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

const BLOCK_WORDS = 16;
const BLOCK_BYTES = 64;

/** The message, a bit 1, zeros, and its length in bits, as big-endian words. */
function padded(message: Uint8Array): number[] {
  const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 4, message.length * 8);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4));
}

function addBlock(state: number[], words: number[]): void {
  for (let i = BLOCK_WORDS; i < 80; i += 1) words.push(rotated(mixed(words, i), 1));
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
  words.forEach((word, round) => {
    const next = (rotated(a, 5) + chosen(round, { b, c, d }) + e + word) | 0;
    [a, b, c, d, e] = [next, a, rotated(b, 30), c, d];
  });
  [a, b, c, d, e].forEach((word, index) => {
    state[index] = ((state[index] ?? 0) + word) | 0;
  });
}

function mixed(words: readonly number[], i: number): number {
  const at = (back: number): number => words[i - back] ?? 0;
  return at(3) ^ at(8) ^ at(14) ^ at(16);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** The function and the constant of a round. */
function chosen(round: number, { b, c, d }: Record<'b' | 'c' | 'd', number>): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}
