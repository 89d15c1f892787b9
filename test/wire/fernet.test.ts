// The vectors of the Fernet specification: test/golden/fernet.
import { describe, expect, test } from 'bun:test';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import recorded from '../golden/fernet/vectors.json' with { type: 'json' };
import { openFernet, readFernet } from '../../src/wire/fernet.ts';
import type { FernetCryptography } from '../../src/wire/fernet.ts';
import { digests } from './_digests.ts';

const cryptography: FernetCryptography = {
  ...digests,
  openAesCbc: ({ key, iv }, sealed) => {
    const cipher = createDecipheriv('aes-128-cbc', key, iv);
    try {
      return Promise.resolve(Buffer.concat([cipher.update(sealed), cipher.final()]));
    } catch {
      return Promise.resolve(undefined);
    }
  },
};

const open = async (token: string, secret: string): Promise<string | undefined> => {
  const content = await openFernet(token, secret, cryptography);
  return content === undefined ? undefined : Buffer.from(content).toString();
};

describe(`tokens of ${recorded.source}`, () => {
  for (const { token, secret, src } of [...recorded.generate, ...recorded.verify]) {
    test(`opens to ${src}`, async () => {
      expect(await open(token, secret)).toBe(src);
      expect(readFernet(token)?.timestampSeconds).toBe(499162800);
    });
  }
  for (const { desc, token, secret, now, ttl_sec } of recorded.invalid) {
    const isOfAge = /TS|TTL/.test(desc);
    test(`${isOfAge ? 'tells the time of' : 'does not open'} ${desc}`, async () => {
      if (!isOfAge) {
        expect(await open(token, secret)).toBeUndefined();
        return;
      }
      // The age is the caller's: the token opens, and says when it was made.
      expect(await open(token, secret)).toBe('');
      const ageSeconds = Date.parse(now) / 1000 - (readFernet(token)?.timestampSeconds ?? 0);
      expect(ageSeconds > ttl_sec || ageSeconds < -60).toBe(true);
    });
  }
});

const GOOD = recorded.generate[0]?.token ?? '';
const KEY = recorded.generate[0]?.secret ?? '';

describe('does not open', () => {
  const BAD: readonly (readonly [string, string, string])[] = [
    ['another version', `gQ${GOOD.slice(2)}`, KEY],
    ['a token without its padding', GOOD.replace(/=+$/, ''), KEY],
    ['nothing', '', KEY],
    ['a key that is too short', GOOD, KEY.slice(4)],
    ['a key that is no Base64', GOOD, `%${KEY.slice(1)}`],
    ['another key', GOOD, `d${KEY.slice(1)}`],
  ];
  test.each([...BAD])('%s', async (_, token, key) =>
    expect(await open(token, key)).toBeUndefined(),
  );
});

test('opens what was sealed, and nothing with one bit changed', async () => {
  const content = fc.uint8Array({ maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.nat(),
      async (plain, key, bit) => {
        const iv = key.slice(3, 19);
        const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
        const head = Buffer.from('800000000000000001', 'hex');
        const signed = Buffer.concat([head, iv, cipher.update(plain), cipher.final()]);
        const token = Buffer.concat([signed, digests.hmacSha256(key.subarray(0, 16), signed)]);
        const secret = Buffer.from(key).toString('base64url');
        const written = (bytes: Buffer): string =>
          bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
        expect(await openFernet(written(token), secret, cryptography)).toEqual(Buffer.from(plain));
        const at = bit % token.length;
        token[at] = (token[at] ?? 0) ^ (1 << (bit % 8));
        expect(await openFernet(written(token), secret, cryptography)).toBeUndefined();
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});
