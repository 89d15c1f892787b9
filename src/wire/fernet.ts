// Fernet tokens: https://github.com/fernet/spec/blob/master/Spec.md, version 0x80.
import { fromBase64Url } from './base64.ts';
import { equalBytes } from './digests.ts';
import type { Digests } from './digests.ts';

/** A token taken apart; nothing is checked but its shape. */
export interface FernetParts {
  /** Seconds since 1970. */
  readonly timestampSeconds: number;
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** What the HMAC is of. */
  readonly signed: Uint8Array;
  readonly hmac: Uint8Array;
}

/** What opens a token, passed in. */
export interface FernetCryptography extends Pick<Digests, 'hmacSha256'> {
  /** AES-128-CBC with PKCS#7 padding; undefined where the padding is wrong. */
  openAesCbc(
    key: { readonly key: Uint8Array; readonly iv: Uint8Array },
    sealed: Uint8Array,
  ): Promise<Uint8Array | undefined>;
}

const VERSION = 0x80;
const IV_AT = 9;
const CIPHERTEXT_AT = 25;
const HMAC_BYTES = 32;
const BLOCK_BYTES = 16;

/** Undefined where the text is no Fernet token of version 0x80. */
export function readFernet(token: string): FernetParts | undefined {
  const bytes = token.length % 4 === 0 ? fromBase64Url(token) : undefined;
  if (bytes === undefined || bytes[0] !== VERSION) return undefined;
  const hmacAt = bytes.length - HMAC_BYTES;
  const ciphertext = bytes.subarray(CIPHERTEXT_AT, Math.max(hmacAt, CIPHERTEXT_AT));
  if (ciphertext.length === 0 || ciphertext.length % BLOCK_BYTES !== 0) return undefined;
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1);
  return {
    timestampSeconds: Number(seconds),
    iv: bytes.subarray(IV_AT, CIPHERTEXT_AT),
    ciphertext,
    signed: bytes.subarray(0, hmacAt),
    hmac: bytes.subarray(hmacAt),
  };
}

/**
 * The content of a token under a key of 32 bytes as Base64 for URLs. Undefined where token, key or
 * signature do not fit. The age of a token is left to the caller: Confidant's have no end.
 */
export async function openFernet(
  token: string,
  key: string,
  cryptography: FernetCryptography,
): Promise<Uint8Array | undefined> {
  const keys = fromBase64Url(key);
  const parts = readFernet(token);
  if (parts === undefined || keys?.length !== 32) return undefined;
  const hmac = cryptography.hmacSha256(keys.subarray(0, 16), parts.signed);
  if (!equalBytes(hmac, parts.hmac)) return undefined;
  return cryptography.openAesCbc({ key: keys.subarray(16), iv: parts.iv }, parts.ciphertext);
}
