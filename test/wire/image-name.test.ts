// Names of images, after the cases of distribution/reference v0.6.0 (normalize_test.go).
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { imageText, readImageName } from '../../src/wire/image-name.ts';

const SHA = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  ['python', 'docker.io/library/python:latest'],
  ['python:3', 'docker.io/library/python:3'],
  ['team/app', 'docker.io/team/app:latest'],
  ['docker.io/python', 'docker.io/library/python:latest'],
  ['index.docker.io/python:3', 'docker.io/library/python:3'],
  ['docker.io/team/app', 'docker.io/team/app:latest'],
  ['ghcr.io/team/app:v1', 'ghcr.io/team/app:v1'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['registry:5000/a/b/c:t', 'registry:5000/a/b/c:t'],
  ['registry:5000', 'docker.io/library/registry:5000'],
  ['Registry.Example/app', 'registry.example/app:latest'],
  ['[2001:db8::1]:5000/app:t', '[2001:db8::1]:5000/app:t'],
  ['a__b/c--d.e_f', 'docker.io/a__b/c--d.e_f:latest'],
  [`app@${SHA}`, `docker.io/library/app@${SHA}`],
  [`app:1@${SHA}`, `docker.io/library/app@${SHA}`],
])('%s is %s', (text, whole) => {
  const name = readImageName(text);
  expect(name && imageText(name)).toBe(whole);
});

test.each([
  '',
  ':tag',
  'REGISTRY/app',
  'App',
  'a//b',
  '/a',
  'a/',
  'a..b',
  'a___b',
  '-a',
  'a-',
  'host.example/',
  'host.example:x/a',
  'a:',
  `a:${'t'.repeat(129)}`,
  'a:-t',
  'a b',
  'a?b',
  'a@sha256:12',
  `a@${SHA.toUpperCase()}`,
  `a@${SHA}@${SHA}`,
  'a@md5:0123456789abcdef0123456789abcdef',
  'user@host/a',
  '../a',
  'host.example/../a',
  'host.example/a%2f',
  'a#b',
  `${'a/'.repeat(130)}a`,
])('%p is none', (text) => {
  expect(readImageName(text)).toBeUndefined();
});

describe('whatever the text', () => {
  test('what is read goes into a URL as it is, and reads the same again', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '.',
      '..',
      '/',
      ':',
      '@',
      '-',
      '_',
      '%',
      '?',
      '#',
      SHA,
      '5000',
      '[',
      ']',
      ' ',
      '\n',
      '\\',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 9 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const name = readImageName(text);
        if (name === undefined) return;
        const url = new URL(`https://${name.host}/v2/${name.repository}/x`);
        expect([url.pathname, url.search, url.hash]).toEqual([`/v2/${name.repository}/x`, '', '']);
        expect([url.username, url.password]).toEqual(['', '']);
        expect(readImageName(imageText(name))).toEqual(name);
      }),
      { numRuns: 3000 },
    );
  });
});
