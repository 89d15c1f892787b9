import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { readChallenges } from '../../src/wire/auth-challenge.ts';

test.each([
  ['Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:a/b:pull,push',
        },
      },
    ],
  ],
  [
    'bearer Realm = "a\\"b" , error=invalid_token, BASIC realm=plain',
    [
      { scheme: 'bearer', parameters: { realm: 'a"b', error: 'invalid_token' } },
      { scheme: 'basic', parameters: { realm: 'plain' } },
    ],
  ],
  [
    'Negotiate, Basic',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: {} },
    ],
  ],
  ['Basic a=1,a=2', [{ scheme: 'basic', parameters: { a: '1' } }]],
  ['Basic realm="x" ;;', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  ['', []],
  ['"', []],
  ['realm="x"', []],
])('%s', (header, challenges) => {
  expect(readChallenges(header)).toEqual(challenges);
});

test('a header that is too long says nothing', () => {
  expect(readChallenges(`Basic realm="${'x'.repeat(9000)}"`)).toEqual([]);
});

test('whatever the header, it ends', () => {
  const piece = fc.constantFrom('Bearer', ' ', '=', '"', ',', '\\', 'a', '\t', 'é');
  const texts = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 60 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => void readChallenges(text)),
    { numRuns: 3000 },
  );
});
