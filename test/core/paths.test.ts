import { describe, expect, test } from 'bun:test';
import { cleanPath, isWithin, mountedPath } from '../../src/core/paths.ts';

describe("cleanPath is Go's path.Clean, with '' for '.'", () => {
  test.each([
    ['', ''],
    ['.', ''],
    ['/', '/'],
    ['//a//b/', '/a/b'],
    ['a/./b/.', 'a/b'],
    ['/a/../b', '/b'],
    ['/../../etc', '/etc'],
    ['/a/b/../../..', '/'],
    ['a/../..', '..'],
    ['../../a', '../../a'],
    ['/a/...', '/a/...'],
    ['/..data', '/..data'],
  ])('%j becomes %j', (path, wanted) => {
    expect(cleanPath(path)).toBe(wanted);
  });
});

test.each([
  ['/a', '/a', true],
  ['/a/b', '/a', true],
  ['/ab', '/a', false],
  ['/', '/a', false],
  ['/a', '/', true],
  ['/', '/', true],
  ['', '/', false],
])('%j is within %j: %j', (path, folder, wanted) => expect(isWithin(path, folder)).toBe(wanted));

test('a path of mountinfo has its white space and backslashes again', () => {
  expect(mountedPath('/a\\040b\\134040\\011')).toBe('/a b\\040\t');
});
