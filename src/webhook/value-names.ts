// What Secrets with values are called. Names can be seen by many who may not see the values: a
// plain digest would let them try values until one fits.
import type { Cryptography } from '../core/io/net-types.ts';
import { Refusal } from '../injectors/_injector.ts';
import { hex } from '../wire/digests.ts';
import type { NameKey } from './name-key.ts';
import type { OwnerFacts } from './pod-owner.ts';
import type { KeptValue } from './pod-state.ts';
import { SECRET_NAME } from './pod-values.ts';

/** What a Secret is to hold, and for whom. */
export interface WantedSecret {
  readonly namespace: string;
  /** It goes when the owner goes. */
  readonly owner: OwnerFacts | undefined;
  readonly values: readonly KeptValue[];
}

/** Gives a Secret its name: equal for equal ones. Rejects with Refusal where it cannot. */
export type NameOf = (wanted: WantedSecret, how: { readonly dryRun: boolean }) => Promise<string>;

/** Names that depend on values, by a key that only webhooks have. */
export function namesByKey(key: NameKey, { hmacSha256 }: Pick<Cryptography, 'hmacSha256'>): NameOf {
  return async (wanted, { dryRun }) => {
    const bytes = await key.get({ mayCreate: !dryRun });
    if (bytes === undefined) {
      throw new Refusal('the webhook has no key for names of Secrets yet; try again');
    }
    const { namespace, owner, values } = wanted;
    const data = Object.entries(dataOf(values));
    // All of the owner: under another's uid with a wrong name it is collected at once.
    const { apiVersion = '', kind = '', name: ownerName = '', uid = '' } = owner ?? {};
    const all = JSON.stringify([namespace, [apiVersion, kind, ownerName, uid], data]);
    return nameWith(hex(hmacSha256(bytes, all)));
  };
}

/** Names without any key, which say nothing of values: what is shown outside of a cluster. */
export function namesByNames(sha256: (text: string) => string): NameOf {
  return async ({ namespace, owner, values }) => {
    const keys = values.map(({ key }) => key);
    return nameWith(sha256(JSON.stringify([namespace, owner?.uid ?? '', keys])));
  };
}

/** What the Secret holds: members of `data`. */
export function dataOf(values: readonly KeptValue[]): Readonly<Record<string, string>> {
  const texts = values.map(({ key, value }) => {
    return [key, Buffer.from(value.reveal()).toString('base64')] as const;
  });
  return Object.fromEntries(texts);
}

function nameWith(digest: string): string {
  return `${SECRET_NAME.start}${digest.slice(0, SECRET_NAME.digits)}`;
}
