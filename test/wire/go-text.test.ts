import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { goQuote, isGoPrintable, isUtf8, replaceInvalidUtf8 } from '../../src/wire/go-text.ts';

function golden<T>(name: string): T {
  const file = new URL(`../golden/go/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

const text = golden<{
  quote: { text: string; quote: string }[];
  replace: { hex: string; valid: boolean; replaced: string }[];
}>('text');

describe('goQuote is strconv.Quote', () => {
  test.each(text.quote)('$quote', (vector) => {
    expect(goQuote(vector.text)).toBe(vector.quote);
  });

  test('every code point is printable here exactly where it is in Go', () => {
    const inGo = new Set<number>();
    for (const [first, last] of golden<[number, number][]>('print')) {
      for (let point = first; point <= last; point++) inGo.add(point);
    }
    const different: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const is = isGoPrintable(String.fromCodePoint(point));
      if (is !== inGo.has(point)) different.push(point.toString(16));
    }
    expect(different).toEqual([]);
  });
});

describe('bytes that are not UTF-8 become one U+FFFD each, as in Go', () => {
  test('all recorded sequences', () => {
    for (const { hex, valid, replaced } of text.replace) {
      const bytes = Buffer.from(hex, 'hex');
      expect([hex, isUtf8(bytes)]).toEqual([hex, valid]);
      const ours = Buffer.from(replaceInvalidUtf8(bytes)).toString('hex');
      expect([hex, ours]).toEqual([hex, replaced]);
    }
    expect(text.replace.length).toBeGreaterThan(500);
  });

  test('valid bytes are given back as they are, not copied', () => {
    const bytes = new TextEncoder().encode('é日😀');
    expect(replaceInvalidUtf8(bytes)).toBe(bytes);
  });

  test('a truncated sequence is one U+FFFD a byte, other than TextDecoder', () => {
    const bytes = Uint8Array.of(0xf0, 0x9f, 0x98);
    expect(new TextDecoder().decode(replaceInvalidUtf8(bytes))).toBe('\ufffd\ufffd\ufffd');
  });
});
