import { describe, expect, test } from 'bun:test';
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import recorded from '../golden/jwt/assertion.json' with { type: 'json' };
import { fromBase64, fromBase64Url, toBase64Url } from '../../src/wire/base64.ts';
import { jwtClaims, jwtExpiresMs, serviceAccountAssertion } from '../../src/wire/jwt.ts';
import { signedJwt, unsignedJwt } from '../../src/wire/jwt.ts';

/** RFC 7519, section 3.1. */
const EXAMPLE =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9' +
  '.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ' +
  '.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

test('the claims of the example of RFC 7519', () => {
  expect(jwtExpiresMs(EXAMPLE)).toBe(1300819380_000);
  expect(jwtClaims(EXAMPLE)?.['iss']).toBe('joe');
});

test(`the assertion of a service account says what ${recorded.source} says`, () => {
  const assertion = serviceAccountAssertion({
    keyId: '0a1b2c',
    email: 'svc@p.iam.gserviceaccount.com',
    audience: 'https://oauth2.googleapis.com/token',
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    nowMs: recorded.nowMs,
  });
  const parts = assertion.split('.').map((part): unknown => {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  });
  expect(parts).toEqual([recorded.header, recorded.claims]);
});

test('a signed token is verified by its public key', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const unsigned = unsignedJwt({ alg: 'RS256' }, { sub: 'é' });
  const token = signedJwt(unsigned, sign('sha256', Buffer.from(unsigned), privateKey));
  const [header, claims, signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${claims}`);
  const key = createPublicKey(privateKey);
  expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
  expect(jwtClaims(token)).toEqual({ sub: 'é' });
});

describe('a token that does not say when it ends', () => {
  const claims = (value: unknown): string => `e30.${toBase64Url(JSON.stringify(value))}.x`;
  const NONE: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['an opaque token', 'ya29.a0Af'],
    ['two dots of it', 'a.b.c'],
    ['four parts', `${EXAMPLE}.x`],
    ['no Base64', 'e30.%%%.x'],
    ['a list', claims([1])],
    ['null', claims(null)],
    ['no exp', claims({})],
    ['exp as text', claims({ exp: '1' })],
  ];
  test.each([...NONE])('%s', (_, token) => expect(jwtExpiresMs(token)).toBeUndefined());
});

describe('Base64 is read strictly', () => {
  test.each(['a', 'a===', 'YQ', 'YQ=', 'Y Q=', 'YQ==\n', '=YQ=', 'Y-8='])('%j is none', (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
  test.each(['a', 'a===', 'YQ=', 'Y Q', 'YQ==\n', 'Y+8=', 'YQ==='])(
    '%j is none for URLs',
    (text) => {
      expect(fromBase64Url(text)).toBeUndefined();
    },
  );
  test('any bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
        expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
      }),
      { seed: 1 },
    );
  });
});
