// A store with a fault server in front, and an encrypted copy on an object storage with another.
import { generateIdentity } from 'age-encryption';
import type { LastGood } from '../../src/plan/types.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { FaultServer } from './_faults.ts';
import { faultServer } from './_faults.ts';
import type { Around, Outcome, Stand } from './_outage.ts';
import { boundsOf, start } from './_outage.ts';
import { fresh, vaultStand } from './_outage-stands.ts';
import { realServer } from './_servers.ts';

const DAY_SECONDS = 86_400;
const AWS_KEY = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'];

/** What a start may have otherwise than the one that wrote the copy. */
export interface Changed {
  readonly around?: (usual: Around) => Around;
  readonly lastGood?: Partial<LastGood>;
  readonly startMsMax?: number;
}

/** The scene of all tests of last good. */
export interface Scene extends AsyncDisposable {
  readonly stand: Stand;
  /** In front of the store. */
  readonly store: FaultServer;
  /** In front of the object storage. */
  readonly copies: FaultServer;
  readonly around: Around;
  /** `policy.lastGood` as bellhop.yaml has it. */
  readonly lastGood: LastGood;
  readonly start: (changed?: Changed) => Promise<Outcome>;
}

/** Undefined where a server cannot be had. */
export async function lastGoodScene(): Promise<Scene | undefined> {
  const [{ stand }, storage] = await Promise.all([vaultStand(), realServer('rclone-s3')]);
  if (stand === undefined || storage.missing !== undefined) return undefined;
  const address = storage.get('AWS_ENDPOINT_URL_S3');
  const bucket = fresh('copies');
  const made = { service: 's3', method: 'PUT', key: keyOf(storage) } as const;
  await awsCall({ ...made, url: `${address}/${bucket}` });
  const store = await faultServer({ upstream: stand.upstream });
  const copies = await faultServer({ upstream: { url: address } });
  const usual = stand.around(store.url);
  const key = AWS_KEY.map((name) => [name, storage.get(name)] as const);
  const identities = { AGE: await generateIdentity(), OTHER_AGE: await generateIdentity() };
  const around: Around = {
    env: { ...usual.env, ...Object.fromEntries(key), ...identities },
    stores: {
      ...usual.stores,
      env: { kind: 'env' },
      copies: { kind: 's3', endpoint: copies.url },
    },
  };
  const policy: LastGood = {
    to: { store: 'copies', path: `${bucket}/last-good` },
    key: { age: { store: 'env', path: 'AGE' } },
    maxAgeSeconds: 7 * DAY_SECONDS,
  };
  return {
    stand,
    store,
    copies,
    around,
    lastGood: policy,
    start: async ({ around: change = (one: Around): Around => one, lastGood, startMsMax } = {}) => {
      const { policy: given, ...rest } = change(around);
      const time = startMsMax === undefined ? {} : { startMsMax };
      return start(boundsOf(stand.references), {
        ...rest,
        ...time,
        policy: { ...given, lastGood: { ...policy, ...lastGood } },
      });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([store.close(), copies.close()]);
    },
  };
}
