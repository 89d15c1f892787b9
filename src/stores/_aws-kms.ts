import { fromBase64 } from '../wire/base64.ts';
import type { Aws } from './_aws.ts';
import { AWS } from './_aws-endpoints.ts';
import { KEY_OF_IT } from './_aws-errors.ts';
import { callJson } from './_aws-send.ts';
import { regionOf } from './_aws-settings.ts';
import type { DataKeys } from './_store.ts';

/** What is bound to a ciphertext: it opens only with the same. Not secret. */
export type EncryptionContext = Readonly<Record<string, string>>;

/** A key of 32 bytes, and the same wrapped under a key of KMS. */
export interface DataKey {
  readonly key: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** What KMS does for us. Each fails as BellhopError. */
export interface Kms {
  /**
   * At most 4,096 bytes (botocore 1.44.5, service model), under a key: its id, its ARN,
   * `alias/NAME` or that alias's ARN.
   */
  encrypt(keyId: string, plain: Uint8Array, context: EncryptionContext): Promise<Uint8Array>;
  /**
   * `under` says where: a key, which then must be the one that it is under, in that key's region;
   * or a region alone, where the ciphertext says which key. The store's region by default.
   */
  decrypt(
    ciphertext: Uint8Array,
    context: EncryptionContext,
    under?: { readonly keyId?: string; readonly region?: string },
  ): Promise<Uint8Array>;
  generateDataKey(keyId: string, context: EncryptionContext): Promise<DataKey>;
}

const BODY_BYTES_MAX = 256 * 1024;

/** Asks with the store's identity; the address is KMS's own (AWS_ENDPOINT_URL_KMS). */
export function openKms(aws: Aws): Kms {
  return {
    encrypt: async (keyId, plain, context) => {
      const input = { KeyId: keyId, Plaintext: base64(plain), EncryptionContext: context };
      return ask(aws, { keyId, operation: 'Encrypt', input }, bytesOf('CiphertextBlob'));
    },
    decrypt: async (ciphertext, context, { keyId, region } = {}) => {
      const blob = { CiphertextBlob: base64(ciphertext), EncryptionContext: context };
      const input = keyId === undefined ? blob : { ...blob, KeyId: keyId };
      const key = keyId === undefined ? {} : { keyId };
      return ask(aws, { ...key, region, operation: 'Decrypt', input }, bytesOf('Plaintext'));
    },
    generateDataKey: async (keyId, context) => {
      const input = { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: context };
      return ask(aws, { keyId, operation: 'GenerateDataKey', input }, (body) => {
        const key = bytesOf('Plaintext')(body);
        const wrapped = bytesOf('CiphertextBlob')(body);
        return key?.length !== DATA_KEY_BYTES || wrapped === undefined
          ? undefined
          : { key, wrapped };
      });
    },
  };
}

const DATA_KEY_BYTES = 32;

type JsonObject = Readonly<Record<string, unknown>>;

interface Operation {
  readonly operation: string;
  readonly input: JsonObject;
  /** Its ARN may have a region of its own. */
  readonly keyId?: string;
  readonly region?: string | undefined;
}

async function ask<T>(
  aws: Aws,
  { operation, input, keyId, region }: Operation,
  read: (body: JsonObject) => T | undefined,
): Promise<T> {
  return callJson<T>(aws, {
    service: AWS.kms,
    region: region ?? regionOf(aws.context, aws.settings, keyId),
    signer: aws.signer,
    operation,
    action: `kms:${operation} on ${keyId ?? KEY_OF_IT}`,
    input,
    bodyBytesMax: BODY_BYTES_MAX,
    done: (body) => {
      const value = read(body);
      if (value === undefined) return { kind: 'again', why: 'an answer without what was asked' };
      return { kind: 'done', value };
    },
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function bytesOf(name: string): (body: JsonObject) => Uint8Array | undefined {
  return (body) => {
    const text = body[name];
    return typeof text === 'string' ? fromBase64(text) : undefined;
  };
}

/** What our data keys are bound to: no other program's ciphertext opens as one. */
const CONTEXT: EncryptionContext = { application: 'bellhop' };

/** Keys that KMS wraps: with nothing around, so that only the policy says key and region. */
export function awsDataKeys(aws: Aws): DataKeys {
  const kms = openKms(aws);
  return {
    make: async (keyId) => kms.generateDataKey(keyId, CONTEXT),
    open: async (keyId, wrapped) => kms.decrypt(wrapped, CONTEXT, { keyId }),
  };
}
