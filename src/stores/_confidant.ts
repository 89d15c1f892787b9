// How Confidant's clients prove who they are, and how they open what its server cannot.
import { BellhopError } from '../core/errors.ts';
import { fromBase64 } from '../wire/base64.ts';
import type { BlindCredential, Json, Pairs } from '../wire/confidant.ts';
import { isJsonObject, pairsOf, readJsonText, tokenText, tokenTimes } from '../wire/confidant.ts';
import { openFernet } from '../wire/fernet.ts';
import type { Aws } from './_aws.ts';
import type { EncryptionContext } from './_aws-kms.ts';
import { openKms } from './_aws-kms.ts';
import { regionOf } from './_aws-settings.ts';
import { openShared } from './_shared.ts';

/** Who asks, and how that is proven. */
export interface TokenFacts {
  /** An id, alias or ARN of KMS. */
  readonly authKey: string;
  /** The IAM role or user that asks. */
  readonly from: string;
  /** The server's own name. */
  readonly to: string;
  readonly userType: string;
  readonly version: 1 | 2;
  readonly lifetimeMinutes: number;
}

/** The user's name of a token. */
export function tokenUser({ version, userType, from }: TokenFacts): string {
  return version === 1 ? from : `${version}/${userType}/${from}`;
}

/** A token that stores share, made once and anew only when it ends soon. */
export interface Tokens {
  token(by: Aws): Promise<string>;
}

/** A token that ends sooner is not used. */
const LEFT_MS_MIN = 60_000;

export function openTokens(facts: TokenFacts): Tokens {
  const shared = openShared(async (by: Aws) => {
    const { notAfterMs } = tokenTimes(by.context.io.clock.now(), facts.lifetimeMinutes);
    return { token: await makeToken(by, facts), notAfterMs };
  });
  return {
    token: async (by) => {
      const { clock } = by.context.io;
      const { token } = await shared.get(by, ({ notAfterMs }) => {
        return notAfterMs - clock.now() >= LEFT_MS_MIN;
      });
      return token;
    },
  };
}

/** One call of KMS; two where it taught us that our clock is wrong. */
async function makeToken(aws: Aws, facts: TokenFacts): Promise<string> {
  const { from, to, userType, version, authKey, lifetimeMinutes } = facts;
  const context = version === 1 ? { from, to } : { from, to, user_type: userType };
  for (;;) {
    const { aheadMs } = aws.clock;
    const times = tokenTimes(aws.context.io.clock.now() + aheadMs, lifetimeMinutes);
    const plain = Buffer.from(tokenText(times));
    const sealed = await openKms(aws).encrypt(authKey, plain, context);
    if (aws.clock.aheadMs === aheadMs) return Buffer.from(sealed).toString('base64');
  }
}

/**
 * The pairs of a blind credential: its data key is opened by KMS in our region, its pairs by that
 * key. Throws a BellhopError; a credential that is not for our region is one, too.
 */
export async function openBlind(
  aws: Aws,
  credential: BlindCredential,
  authKey: string,
): Promise<Pairs> {
  const { name, cipher } = credential;
  const where = [`store ${aws.context.name}`, `blind credential ${name}`];
  const fail = (what: string): never => {
    throw new BellhopError('BH_ERR_VALUE', { where, what, help: HELP });
  };
  if (cipher !== 'fernet 2') fail(`its cipher is ${cipher}, and only fernet 2 is known`);
  const region = aws.settings.region ?? regionOf(aws.context, aws.settings, authKey);
  const { [region]: dataKey } = credential.dataKeys;
  const { [region]: sealed } = credential.sealedPairs;
  const context = contextOf(credential.contexts[region]);
  const sealedKey = typeof dataKey === 'string' ? fromBase64(dataKey) : undefined;
  if (sealedKey === undefined || typeof sealed !== 'string' || context === undefined) {
    const regions = Object.keys(credential.dataKeys).join(', ') || 'none';
    return fail(`it cannot be opened in ${region} (regions that it has: ${regions})`);
  }
  const key = await openKms(aws).decrypt(sealedKey, context, { region });
  const text = await openFernet(sealed, Buffer.from(key).toString('latin1'), aws.context.io.crypto);
  if (text === undefined) return fail('its data key does not open it: it was changed');
  const pairs = pairsOf(readJsonText(new TextDecoder().decode(text)));
  return pairs ?? fail('what is in it are no keys and values');
}

const HELP = 'seal it again for this region, or leave such credentials out with `blind: leave`';

function contextOf(value: Json | undefined): EncryptionContext | undefined {
  if (!isJsonObject(value)) return undefined;
  const texts = Object.entries(value).flatMap(([name, one]) => {
    return typeof one === 'string' ? [[name, one] as const] : [];
  });
  return texts.length === Object.keys(value).length ? Object.fromEntries(texts) : undefined;
}
