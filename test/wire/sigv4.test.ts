// The signature, compared with the one of AWS's own SDK for JavaScript.
import { describe, expect, test } from 'bun:test';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { encodePath, encodeQuery, objectPath } from '../../src/wire/aws-url.ts';
import { OBJECT_STORAGE, presignUrl, signRequest } from '../../src/wire/sigv4.ts';
import { digests } from './_digests.ts';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI+K7/EXAMPLE' };
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    'a b',
    '+',
    '&=',
    '*~',
    '%',
    '%2F',
    "!'()",
    'é',
    '字',
    '😀',
    'a;b',
  ),
);
const headerName = fc.constantFrom('X-Amz-Target', 'content-type', 'Range', 'x-a', 'If-None-Match');
const unsignedName = fc.constantFrom('User-Agent', 'Cache-Control', 'Expect', 'Proxy-X', 'sec-x');
const headerValue = fc.string({
  unit: fc.constantFrom('a', 'B', '1', ' ', ' ', '\t', ',', ';', '"', '='),
  maxLength: 12,
});
const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'HEAD', 'DELETE'),
  host: fc.constantFrom('a.s3.amazonaws.com', 'localhost:9000', '[::1]:8080'),
  segments: fc.array(text, { maxLength: 4 }),
  query: fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  headers: fc.dictionary(fc.oneof(headerName, unsignedName), headerValue, {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  body: fc.oneof(fc.string(), fc.uint8Array({ maxLength: 20 })),
  token: fc.option(fc.string({ unit: fc.constantFrom('a', '/', '+', '='), minLength: 1 })),
});

describe.each([true, false])('the SDK gives the same signature, S3: %p', (isStorage) => {
  test('for 2,000 requests at random', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (one) => {
        const credentials =
          one.token === null ? CREDENTIALS : { ...CREDENTIALS, sessionToken: one.token };
        const path = `/${encodePath(one.segments.join('/'))}`;
        const query = Object.entries(one.query).flatMap(([name, value]) =>
          [value].flat().map((each) => [name, each] as const),
        );
        const sent = signRequest(
          {
            method: one.method,
            url: `http://${one.host}${path}?${encodeQuery(query)}`,
            headers: one.headers,
            body: one.body,
          },
          {
            credentials,
            region: 'eu-west-1',
            service: 'anything',
            nowMs: NOW_MS,
            ...(isStorage ? OBJECT_STORAGE : {}),
          },
          digests,
        );
        const official = await new SignatureV4({
          credentials,
          region: 'eu-west-1',
          service: 'anything',
          sha256: Sha256,
          uriEscapePath: !isStorage,
          applyChecksum: isStorage,
        }).sign(
          {
            method: one.method,
            protocol: 'http:',
            hostname: one.host,
            path,
            query: one.query,
            headers: { ...one.headers, host: one.host },
            body: one.body,
          },
          { signingDate: new Date(NOW_MS) },
        );
        const { host: _, ...expected } = official.headers;
        const lower = Object.entries(expected).map(([name, value]) => [name.toLowerCase(), value]);
        expect(sent).toEqual(Object.fromEntries(lower));
      }),
      { seed: 20260102, numRuns: 2_000 },
    );
  });
});

test('the SDK presigns the same URL', async () => {
  const credentials = { ...CREDENTIALS, sessionToken: 'a/b+c=' };
  const signing = { credentials, region: 'us-east-1', service: 'sts', nowMs: NOW_MS };
  const url = 'https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15';
  const official = await new SignatureV4({ ...signing, sha256: Sha256 }).presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: 'sts.us-east-1.amazonaws.com',
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: 'sts.us-east-1.amazonaws.com', 'x-k8s-aws-id': 'c' },
    },
    { signingDate: new Date(NOW_MS), expiresIn: 60 },
  );
  const headers = { 'x-k8s-aws-id': 'c' };
  const ours = presignUrl(
    { method: 'GET', url, headers },
    { ...signing, expiresSeconds: 60 },
    digests,
  );
  expect(Object.fromEntries(new URL(ours).searchParams)).toEqual(
    official.query as Record<string, string>,
  );
});

const SIGNING = {
  credentials: CREDENTIALS,
  region: 'eu-west-1',
  service: 'anything',
  nowMs: NOW_MS,
  ...OBJECT_STORAGE,
};

function signatureOf(url: string, headers: Record<string, string> = {}): string {
  return signRequest({ method: 'GET', url, headers }, SIGNING, digests)['authorization'] ?? '';
}

describe('URLs that mean one request have one signature', () => {
  const SAME: readonly (readonly [why: string, string, string])[] = [
    ['a default port is not in Host', 'https://h:443/a', 'https://h/a'],
    ['a host has no case', 'https://H/a', 'https://h/a'],
    ['no path is /', 'https://h', 'https://h/'],
    ['a name without = has an empty value', 'https://h/?acl', 'https://h/?acl='],
    ['parameters have no order', 'https://h/?b=1&a=2&a=1', 'https://h/?a=1&a=2&b=1'],
    ['escapes have no case', 'https://h/?a=%2f', 'https://h/?a=%2F'],
    ['what needs no escape has none', 'https://h/?a=%7E', 'https://h/?a=~'],
    ['a percent sign alone is one', 'https://h/?a=%zz', 'https://h/?a=%25zz'],
    ['an empty pair is none', 'https://h/?&a=1&', 'https://h/?a=1'],
  ];
  test.each([...SAME])('%s', (_, a, b) => expect(signatureOf(a)).toBe(signatureOf(b)));
  test('headers that differ in case only are one', () => {
    const together = signatureOf('https://h/', { a: '1,2' });
    expect(signatureOf('https://h/', { a: '1', A: '2' })).toBe(together);
  });
});

test('a segment of dots cannot be sent, however it is written', () => {
  expect(new URL('https://h/a/%2E%2E/b').pathname).toBe('/b');
});

describe('the path for a key', () => {
  const KEYS: readonly (readonly [key: string, path: string | undefined])[] = [
    ['a b/c+d&e', '/a%20b/c%2Bd%26e'],
    ['é/字/😀', '/%C3%A9/%E5%AD%97/%F0%9F%98%80'],
    ['a//b/', '/a//b/'],
    ["*~!'()", '/%2A~%21%27%28%29'],
    ['a%2Fb', '/a%252Fb'],
    ['.../.a', '/.../.a'],
    ['\ud800', '/%EF%BF%BD'],
    ['a/../b', undefined],
    ['.', undefined],
  ];
  test.each([...KEYS])('%j', (key, path) => {
    expect(objectPath(key)).toBe(path);
    // What a client would send is what was signed.
    if (path !== undefined) expect(new URL(`https://h${path}`).pathname).toBe(path);
  });
});
