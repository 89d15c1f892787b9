// KMS by moto (encryption contexts) and ministack (signatures).
import { beforeAll, describe, expect, test } from 'bun:test';
import { AWS } from '../../src/stores/_aws-endpoints.ts';
import type { Kms } from '../../src/stores/_aws-kms.ts';
import { openKms } from '../../src/stores/_aws-kms.ts';
import { openAws } from '../../src/stores/_aws.ts';
import type { StoreContext } from '../../src/stores/_store.ts';
import { openReal, realIo } from '../support/real-store.ts';
import { openBudget } from '../../src/core/budget.ts';
import { openCaller } from '../../src/core/caller.ts';
import { openHedging } from '../../src/core/hedge.ts';
import { openSlots } from '../../src/core/slots.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import type { AwsKey } from './_aws-call.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import { CANARY, envOf, iamUser } from './_aws-world.ts';
import { realServer } from './_servers.ts';

const PLAIN = Buffer.from(`${CANARY}\0\xff`, 'latin1');
const BOUND = { from: 'a', to: 'b', user_type: 'service' };

async function failureOf(work: Promise<unknown> | undefined): Promise<unknown> {
  return work?.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A way to KMS without a store, as Confidant's needs it. */
function kmsOf(env: Record<string, string>): Kms {
  const io = realIo(env);
  const budget = openBudget(io.clock, 20_000);
  const made = new Map<string, Promise<unknown>>();
  const context = {
    name: 'mine',
    io,
    caller: openCaller({
      store: 'mine',
      net: io.net,
      clock: io.clock,
      random: () => 0.5,
      budget,
      trace: NO_TRACE,
      attemptsMax: 3,
      hedging: openHedging(undefined),
      slots: openSlots(8),
    }),
    variable: (name: string) => env[name],
    once: async <T>(key: string, make: () => Promise<T>) => {
      const before = made.get(key) as Promise<T> | undefined;
      if (before !== undefined) return before;
      const now = make();
      made.set(key, now);
      return now;
    },
  } as unknown as StoreContext;
  return openKms(openAws(AWS.kms, {}, context));
}

for (const name of ['moto', 'ministack'] as const) {
  const server = await realServer(name);
  describe.skipIf(server.missing !== undefined)(`KMS by ${name}`, () => {
    let keyId: string;
    let user: AwsKey;
    let env: Record<string, string>;
    beforeAll(async () => {
      const url = server.get('AWS_ENDPOINT_URL');
      const key = keyOf(server);
      const target = 'TrentService.CreateKey';
      const made = await awsCall({ service: 'kms', url: `${url}/`, target, body: {}, key });
      const { KeyMetadata } = (await made.json()) as { KeyMetadata: { Arn: string } };
      keyId = KeyMetadata.Arn;
      user = name === 'moto' ? key : await iamUser(server, 'kms', [['kms:*', '*']]);
      env = envOf(url, user);
    });

    test('what is encrypted is decrypted with the same context only', async () => {
      const kms = kmsOf(env);
      const ciphertext = await kms.encrypt(keyId, PLAIN, BOUND);
      expect(Buffer.from(ciphertext).includes(CANARY)).toBe(false);
      expect(Buffer.from(await kms.decrypt(ciphertext, BOUND))).toEqual(PLAIN);
      const other = await failureOf(kms.decrypt(ciphertext, { ...BOUND, to: 'c' }));
      expect(other).toMatchObject({ code: 'BH_ERR_SETTINGS' });
    });

    test('wrong credentials and a key that is not there are refused', async () => {
      const nothing = kmsOf(env).encrypt(
        keyId.replace(/.$/, (end) => (end === '0' ? '1' : '0')),
        PLAIN,
        {},
      );
      expect(await failureOf(nothing)).toMatchObject({ code: 'BH_ERR_SETTINGS' });
      if (name === 'moto') return;
      const wrong = kmsOf({ ...env, AWS_SECRET_ACCESS_KEY: 'wrong' }).encrypt(keyId, PLAIN, {});
      expect(await failureOf(wrong)).toMatchObject({ code: 'BH_ERR_CREDENTIALS' });
    });

    test('every AWS store makes data keys, and opens what another one has wrapped', async () => {
      const kinds = ['aws-secrets-manager', 'aws-ssm', 's3'];
      const opened = await Promise.all(kinds.map(async (kind) => openReal({ kind }, { env })));
      const keys = opened.map(({ store }) => store.dataKey);
      const made = await keys[0]?.make(keyId);
      expect(made?.key.length).toBe(32);
      for (const one of keys) {
        expect(await one?.open(made?.wrapped ?? Buffer.of())).toEqual(made?.key ?? Buffer.of());
      }
      for (const rubbish of [Buffer.of(), Buffer.from('x'), Buffer.from('A b\0x')]) {
        const opening = await failureOf(keys[0]?.open(rubbish));
        expect(opening).toMatchObject({ code: 'BH_ERR_STORE_ANSWER' });
      }
    });
  });
}
