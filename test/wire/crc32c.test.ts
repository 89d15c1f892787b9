import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { crc32c } from '../../src/wire/crc32c.ts';

/** RFC 3720 B.4 prints the bytes of the checksum in the order of the wire, the lowest first. */
const PUBLISHED: readonly (readonly [string, number[], string])[] = [
  ['32 bytes of zeroes', Array.from({ length: 32 }, () => 0), 'aa 36 91 8a'],
  ['32 bytes of ones', Array.from({ length: 32 }, () => 0xff), '43 ab a8 62'],
  ['32 bytes that count up', Array.from({ length: 32 }, (_, i) => i), '4e 79 dd 46'],
  ['32 bytes that count down', Array.from({ length: 32 }, (_, i) => 31 - i), '5c db 3f 11'],
  [
    'a SCSI READ (10) command',
    [
      ...Buffer.from('01c00000000000000000000000000000', 'hex'),
      ...Buffer.from('14000000000004000000001400000018', 'hex'),
      ...Buffer.from('28000000000000000200000000000000', 'hex'),
    ],
    '56 3a 96 d9',
  ],
];

describe('the vectors of RFC 3720', () => {
  test.each([...PUBLISHED])('%s', (_, bytes, wire) => {
    const low = Buffer.alloc(4);
    low.writeUInt32LE(crc32c(Uint8Array.from(bytes)));
    expect(low.toString('hex')).toBe(wire.replaceAll(' ', ''));
  });
  test('the check value of the catalogue of CRCs', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });
  test('nothing is 0', () => expect(crc32c(new Uint8Array())).toBe(0));
});

/** The definition: a remainder of polynomials, bit by bit. */
function byDivision(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) * 0x82f63b78n);
  }
  return Number(crc ^ 0xffffffffn);
}

test('every byte string has the remainder of its polynomial', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(crc32c(bytes)).toBe(byDivision(bytes));
    }),
    { seed: 1, numRuns: 500 },
  );
});
