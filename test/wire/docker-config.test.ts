// Logins of images: the cases of k8s.io/kubernetes v1.33, pkg/credentialprovider/keyring_test.go.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { loginsFor } from '../../src/wire/docker-config.ts';
import { readImageName } from '../../src/wire/image-name.ts';

const LOGIN = { username: 'foo', password: 'b:ar' };
const AUTH = { auth: btoa('foo:b:ar') };
const found = (auths: object, image: string) => {
  const name = readImageName(image);
  return name === undefined ? expect.unreachable() : loginsFor({ auths }, name);
};

test.each([
  ['foo.example', 'foo.example/bar'],
  ['https://foo.example', 'foo.example/bar'],
  ['http://foo.example/', 'foo.example/bar'],
  ['https://foo.example/v1/', 'foo.example/bar'],
  ['https://foo.example/v2/', 'foo.example/bar'],
  ['*.example', 'foo.example/bar'],
  ['f*o.exam*', 'foo.example/bar'],
  ['*.*.example', 'a.b.example/bar'],
  ['foo.example:5000', 'foo.example:5000/bar'],
  ['foo.example/bar', 'foo.example/bar/baz'],
  ['https://foo.example/v2/bar', 'foo.example/bar/baz'],
  ['https://index.docker.io/v1/', 'python'],
  ['index.docker.io', 'docker.io/team/app'],
  ['docker.io', 'python'],
])('%s is for %s', (place, image) => {
  expect(found({ [place]: AUTH }, image)).toEqual([LOGIN]);
});

test.each([
  ['foo.example', 'bar.foo.example/x'],
  ['*.example', 'a.b.example/x'],
  ['foo.example', 'foo.example:5000/x'],
  ['foo.example:5000', 'foo.example/x'],
  ['foo.example/other', 'foo.example/bar'],
  ['*oo.example', 'bar.example/x'],
  ['https://index.docker.io/v1/', 'ghcr.io/team/app'],
  ['', 'foo.example/x'],
  ['https://', 'foo.example/x'],
])('%s is not for %s', (place, image) => {
  expect(found({ [place]: AUTH }, image)).toEqual([]);
});

describe('of several', () => {
  test('the more special place is first', () => {
    const auths = {
      'foo.example': { username: 'a', password: 'x' },
      'foo.example/bar/baz': { username: 'c', password: 'x' },
      'foo.example/bar': { username: 'b', password: 'x' },
    };
    const names = found(auths, 'foo.example/bar/baz/q').map(({ username }) => username);
    expect(names).toEqual(['c', 'b', 'a']);
  });

  test('what is no login is passed over', () => {
    const auths = {
      'foo.example': { auth: 'no base 64' },
      '*.example': { auth: btoa('nocolon') },
      'f*.example': AUTH,
    };
    expect(found(auths, 'foo.example/x')).toEqual([LOGIN]);
  });
});

test('the older shape has places at its top', () => {
  const name = readImageName('foo.example/x');
  expect(name && loginsFor({ 'foo.example': LOGIN }, name)).toEqual([LOGIN]);
});

test('whatever the document, nothing is thrown', () => {
  const name = readImageName('foo.example/x');
  if (name === undefined) return expect.unreachable();
  fc.assert(fc.property(fc.jsonValue(), (value) => void loginsFor(value, name)));
  return undefined;
});
