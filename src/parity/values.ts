import type { Io } from '../core/io/types.ts';
import type { Text, Value } from './types.ts';

/** 128 bits: enough that no two values of a container meet. */
const DIGEST_HEX = 32;
const KEY_NAME_HEX = 16;

/** Makes values of bytes under one key. */
export interface Valuer {
  /** Names the key without telling it. */
  readonly keyName: string;
  value(bytes: Uint8Array): Value;
}

/** Makes values under this key; of at most `showBytesMax` they are kept beside their digests. */
export function valuer(io: Io, key: Uint8Array, showBytesMax: number | undefined): Valuer {
  const digest = (bytes: Uint8Array | string): string =>
    Buffer.from(io.crypto.hmacSha256(key, bytes)).toString('hex');
  return {
    keyName: digest('bellhop snapshot key').slice(0, KEY_NAME_HEX),
    value: (bytes) => {
      const plain = { bytes: bytes.length, digest: digest(bytes).slice(0, DIGEST_HEX) };
      const isShown = showBytesMax !== undefined && bytes.length <= showBytesMax;
      return isShown ? { ...plain, shown: textOf(bytes) } : plain;
    },
  };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text, where they are. */
export function textOf(bytes: Uint8Array): Text {
  try {
    return UTF8.decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

/** Text in one line, for people. */
export function plainText(text: Text): string {
  return typeof text === 'string' ? text : `base64:${text.base64}`;
}
