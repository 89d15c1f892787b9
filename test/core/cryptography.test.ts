// Known answers: a hash that is wrong here is a signature that a store refuses.
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CRYPTOGRAPHY as crypto } from '../../src/core/io/cryptography.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (data: Uint8Array | undefined): string | undefined =>
  data === undefined ? undefined : Buffer.from(data).toString('hex');

test('SHA-256 of FIPS 180-4, of text and of bytes', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(hex(crypto.sha256('abc'))).toBe(abc);
  expect(hex(crypto.sha256(Buffer.from('xabcx').subarray(1, 4)))).toBe(abc);
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(hex(crypto.sha256(''))).toBe(empty);
  expect(hex(crypto.sha256('\u00e9'))).toBe(hex(crypto.sha256(bytes('c3a9'))));
});

/** RFC 4231, cases 1, 2, 3 and 6 (a key longer than a block). */
const HMACS = [
  [
    '0b'.repeat(20),
    '4869205468657265',
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    '4a656665',
    '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'aa'.repeat(20),
    'dd'.repeat(50),
    '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  ],
  [
    'aa'.repeat(131),
    Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First').toString('hex'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
] as const;

for (const [key, data, expected] of HMACS) {
  test(`HMAC-SHA-256 under a key of ${key.length / 2} bytes`, () => {
    expect(hex(crypto.hmacSha256(bytes(key), bytes(data)))).toBe(expected);
  });
}

test('HMAC-SHA-256 of texts is that of their UTF-8, also under an empty key', () => {
  const expected = hex(crypto.hmacSha256(bytes('4a656665'), bytes('c3a9')));
  expect(hex(crypto.hmacSha256('Jefe', '\u00e9'))).toBe(expected);
  const empty = 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad';
  expect(hex(crypto.hmacSha256('', ''))).toBe(empty);
});

const KEY = 'feffe9928665731c6d6a8f9467308308';
const PLAIN =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
const AAD = 'feedfacedeadbeeffeedfacedeadbeefabaddad2';
const NONCE = 'cafebabefacedbaddecaf888';
const LONG_NONCE =
  '9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b';

/** McGrew and Viega, "The Galois/Counter Mode of Operation", cases 4, 6, 16 and 18. */
const GCMS = [
  [
    KEY,
    NONCE,
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
  ],
  [
    KEY,
    LONG_NONCE,
    '8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5619cc5aefffe0bfa462af43c1699d050',
  ],
  [
    KEY + KEY,
    NONCE,
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
  ],
  [
    KEY + KEY,
    LONG_NONCE,
    '5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3fa44a8266ee1c8eb0c8b5d4cf5ae9f19a',
  ],
] as const;

for (const [key, nonce, sealed] of GCMS) {
  test(`AES-GCM with ${key.length * 4} bits and a nonce of ${nonce.length / 2} bytes`, async () => {
    const how = { key: bytes(key), nonce: bytes(nonce), aad: bytes(AAD) };
    expect(hex(await crypto.sealAesGcm(how, bytes(PLAIN)))).toBe(sealed);
    expect(hex(await crypto.openAesGcm(how, bytes(sealed)))).toBe(PLAIN);
  });
}

test('AES-256-GCM opens what OpenSSL 3 sealed under a nonce of 32 bytes, as sops does', async () => {
  const nonce = Uint8Array.from({ length: 32 }, (_, index) => index);
  const how = { key: new Uint8Array(32).fill(7), nonce, aad: Buffer.from('db:password:') };
  const plain = await crypto.openAesGcm(how, bytes(FROM_OPENSSL));
  expect(Buffer.from(plain ?? []).toString()).toBe('hunter2');
});

/** By Node 20.20.2's createCipheriv('aes-256-gcm'), the tag at the end. */
const FROM_OPENSSL = 'b1bf6fe8c18a7463399e92a164895fbd1247c342d496b8';

test('AES-GCM opens nothing that was changed, nor under another key, nonce or aad', async () => {
  const how = { key: bytes(KEY), nonce: bytes(NONCE), aad: bytes(AAD) };
  const sealed = await crypto.sealAesGcm(how, Buffer.from('secret'));
  const changed = Uint8Array.from(sealed);
  changed[0] = (changed[0] ?? 0) ^ 1;
  const wrong = [
    crypto.openAesGcm(how, changed),
    crypto.openAesGcm(how, sealed.subarray(1)),
    crypto.openAesGcm(how, new Uint8Array(3)),
    crypto.openAesGcm({ ...how, key: bytes(KEY + KEY) }, sealed),
    crypto.openAesGcm({ ...how, key: new Uint8Array(5) }, sealed),
    crypto.openAesGcm({ ...how, nonce: bytes(LONG_NONCE) }, sealed),
    crypto.openAesGcm({ ...how, nonce: new Uint8Array(0) }, sealed),
    crypto.openAesGcm({ ...how, aad: new Uint8Array(0) }, sealed),
  ];
  expect(await Promise.all(wrong)).toEqual(wrong.map(() => undefined));
});

test('AES-128-CBC opens the token of the Fernet specification (verify.json)', async () => {
  const key = Buffer.from('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=', 'base64url');
  const token =
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
  const parts = Buffer.from(token, 'base64url');
  const [signed, signature] = [parts.subarray(0, -32), parts.subarray(-32)];
  expect(hex(crypto.hmacSha256(key.subarray(0, 16), signed))).toBe(hex(signature));
  const how = { key: key.subarray(16), iv: parts.subarray(9, 25) };
  const sealed = signed.subarray(25);
  expect(Buffer.from((await crypto.openAesCbc(how, sealed)) ?? []).toString()).toBe('hello');
  const other = { ...how, iv: new Uint8Array(16) };
  expect(await crypto.openAesCbc(other, sealed)).toBeUndefined();
  expect(await crypto.openAesCbc(how, sealed.subarray(1))).toBeUndefined();
  expect(await crypto.openAesCbc({ ...how, key: new Uint8Array(3) }, sealed)).toBeUndefined();
});

test('RS256 signs as openssl does, and takes PKCS#8 alone', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-rs256-'));
  try {
    const openssl = (...args: readonly string[]): void => {
      const run = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
      if (run.status !== 0) throw new Error(`openssl: ${run.stderr}`);
    };
    const read = (name: string): Buffer => readFileSync(path.join(folder, name));
    writeFileSync(path.join(folder, 'data'), 'header.payload');
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'key');
    openssl('dgst', '-sha256', '-sign', 'key', '-out', 'signature', 'data');
    openssl('rsa', '-in', 'key', '-traditional', '-out', 'pkcs1');
    const [pem, data] = [read('key').toString(), read('data')];
    expect(hex(await crypto.signRs256(pem, data))).toBe(hex(read('signature')));
    const windows = pem.replaceAll('\n', '\r\n');
    expect(hex(await crypto.signRs256(windows, data))).toBe(hex(read('signature')));
    expect(await crypto.signRs256(read('pkcs1').toString(), data)).toBeUndefined();
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec');
    expect(await crypto.signRs256(read('ec').toString(), data)).toBeUndefined();
    expect(await crypto.signRs256('', data)).toBeUndefined();
    const half = pem.slice(0, 200) + pem.slice(pem.indexOf('\n-----END'));
    expect(await crypto.signRs256(half, data)).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
