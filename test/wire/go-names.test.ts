import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { goLower, goUpper } from '../../src/wire/go-case.ts';
import { cleanPath, isBelow, joinPath } from '../../src/wire/go-path.ts';

interface Exceptions {
  readonly upper: Readonly<Record<string, string>>;
  readonly lower: Readonly<Record<string, string>>;
}
const FILE = path.join(import.meta.dir, '../golden/flyte/casemap-exceptions.json');
const recorded = JSON.parse(readFileSync(FILE, 'utf8')) as Exceptions;

describe('case', () => {
  test.each(['upper', 'lower'] as const)('%s: every exception that Go was seen to make', (way) => {
    const map = way === 'upper' ? goUpper : goLower;
    for (const [from, to] of Object.entries(recorded[way]))
      expect([from, map(from)]).toEqual([from, to]);
  });
  test('every other code point is mapped as JavaScript does it, to one', () => {
    const odd: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const character = String.fromCodePoint(point);
      const isUpper = Object.hasOwn(recorded.upper, character);
      const isLower = Object.hasOwn(recorded.lower, character);
      if (!isUpper && goUpper(character) !== character.toUpperCase()) odd.push(character);
      if (!isLower && goLower(character) !== character.toLowerCase()) odd.push(character);
    }
    expect(odd).toEqual([]);
  });
  test('no letter sees its neighbours', () => {
    expect(goLower('ΟΔΟΣ')).toBe('οδοσ');
    expect(goUpper('straße')).toBe('STRAßE');
    expect(goLower('İ')).toBe('i');
  });
});

describe('paths', () => {
  test.each([
    ['', '.'],
    ['a//b/./c/..', 'a/b'],
    ['/..//a/../..', '/'],
    ['../../a', '../../a'],
    ['a/../..', '..'],
    ['/a/b/', '/a/b'],
    ['./', '.'],
  ])('%p is cleaned', (given, wanted) => expect(cleanPath(given)).toBe(wanted));
  test('empty parts count for nothing', () => {
    expect(joinPath('/etc/x', '', '../y', 'z/')).toBe('/etc/y/z');
    expect(joinPath('', '')).toBe('');
  });
});

describe('what lies below a folder', () => {
  test.each([
    ['/a', '/a/b', true],
    ['/a/', '/a/b/../c', true],
    ['/a', '/a/..b', true],
    ['/', '/b', true],
    ['.', 'b', true],
    ['..', '../b', true],
    ['/a', '/a', false],
    ['/a', '/ab', false],
    ['/a', '/a/../b', false],
    ['/a', '/a/b\0', false],
    ['/', '/', false],
    ['.', '/b', false],
    ['.', '../b', false],
    ['.', '.', false],
    ['..', '../../b', false],
    ['..', '../..', false],
    ['a', 'a/../../b', false],
  ])('%p, %p: %p', (folder, path, wanted) => expect(isBelow(folder, path)).toBe(wanted));
});
