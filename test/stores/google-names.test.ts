import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readSecretName, resourceOf } from '../../src/stores/_google-names.ts';

const NAMES: readonly (readonly [string, string | undefined, string])[] = [
  ['db_password-1', undefined, 'projects/own/secrets/db_password-1'],
  ['db', 'europe-west1', 'projects/own/locations/europe-west1/secrets/db'],
  ['projects/p/secrets/s', 'europe-west1', 'projects/p/secrets/s'],
  ['projects/123/secrets/s/versions/7', undefined, 'projects/123/secrets/s'],
  ['projects/example.com:p/secrets/s', undefined, 'projects/example.com:p/secrets/s'],
  ['projects/p/locations/l/secrets/s', undefined, 'projects/p/locations/l/secrets/s'],
];

describe('a path is read as the resource', () => {
  test.each([...NAMES])('%s (location %s) is %s', (path, location, resource) => {
    const name = readSecretName(path, location);
    if (typeof name === 'string') throw new Error(name);
    expect(resourceOf({ project: 'own', ...name })).toBe(resource);
  });
});

test('the version of a whole name is kept', () => {
  expect(readSecretName('projects/p/secrets/s/versions/7', undefined)).toEqual({
    project: 'p',
    secret: 's',
    version: '7',
  });
});

const WRONG: readonly (readonly [string, string | undefined])[] = [
  ['', undefined],
  ['a b', undefined],
  ['é', undefined],
  ['s', 'evil.example/'],
  ['s'.repeat(256), undefined],
  ['projects/p/secrets/', undefined],
  ['projects/p/secrets/s/x', undefined],
  ['projects/p/locations/a.evil/secrets/s', undefined],
  ['projects/../secrets/s', undefined],
  ['/projects/p/secrets/s', undefined],
];

describe('is no name of a secret', () => {
  test.each([...WRONG])('%p (location %p)', (path, location) => {
    expect(typeof readSecretName(path, location)).toBe('string');
  });
});

test('whatever is asked for, it stays one segment of the path and part of one host', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (path, location) => {
      const name = readSecretName(path, location);
      if (typeof name === 'string') return;
      expect(name.secret).toMatch(/^[\w-]+$/);
      expect(name.location ?? 'l').toMatch(/^[a-z0-9-]+$/);
    }),
  );
});
