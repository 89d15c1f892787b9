import { BellhopError } from '../core/errors.ts';
import type { LastGoodKey } from '../plan/types.ts';
import type { CopyContext } from './last-good.ts';
import { openStore, secretOf } from './open-store.ts';

/** A data key and itself encrypted under the policy's key. */
export interface DataKey {
  readonly key: Uint8Array;
  readonly wrapped: Uint8Array;
}

const KEY_BYTES = 32;

/** A new AES-256 data key under a KMS key of an AWS store, or under an age identity. */
export async function makeDataKey(context: CopyContext, key: LastGoodKey): Promise<DataKey> {
  if ('kms' in key) return (await kmsOf(context, key.store)).make(key.kms);
  const { identityToRecipient, Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await ageIdentity(context, key)));
  const dataKey = context.stores.io.random(KEY_BYTES);
  return { key: dataKey, wrapped: await encrypter.encrypt(dataKey) };
}

/** The data key of a copy; throws where the policy's key is another one. */
export async function openDataKey(
  context: CopyContext,
  key: LastGoodKey,
  wrapped: Uint8Array,
): Promise<Uint8Array> {
  if ('kms' in key) return (await kmsOf(context, key.store)).open(key.kms, wrapped);
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(await ageIdentity(context, key));
  try {
    return await decrypter.decrypt(wrapped);
  } catch (cause) {
    const what = 'the age identity is not the one that the copy was encrypted for';
    throw new BellhopError('BH_ERR_STORE_DENIED', { where: ['policy.lastGood.key'], what, cause });
  }
}

async function ageIdentity(
  { plan, stores, budget }: CopyContext,
  { age }: Extract<LastGoodKey, { age: unknown }>,
): Promise<string> {
  const opening = { name: 'policy.lastGood', budget, attemptsMax: Infinity, waiting: [] };
  const value = await secretOf({ plan, context: stores, opening }, age);
  const lines = new TextDecoder().decode(value.reveal()).split('\n');
  const identity = lines.map((line) => line.trim()).find((line) => line.startsWith('AGE-SECRET-'));
  if (identity !== undefined) return identity;
  const what = 'is no age identity (AGE-SECRET-KEY-1…)';
  throw new BellhopError('BH_ERR_SETTINGS', { where: ['policy.lastGood.key'], what });
}

async function kmsOf({ plan, stores, budget }: CopyContext, name: string) {
  const opening = { name, budget, attemptsMax: Infinity, waiting: [] };
  const { dataKey } = await openStore(plan, stores, opening);
  if (dataKey !== undefined) return dataKey;
  const what = 'this kind of store has no KMS';
  throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
}
