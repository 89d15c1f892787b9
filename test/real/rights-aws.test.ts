// The IAM policy that `plan -o iam` prints, put on a fresh user of ministack, which enforces IAM:
// it is enough for everything that the plan does, the last good copy too, and for nothing else.
// ministack 1.5.33 knows no condition of KMS: what is allowed under one is denied there. It opens
// what lies under a key without looking for the right to, and asks for GetParameters on `*` instead
// of on the parameters. These are held by test/stores/aws-rights.test.ts alone.
import { beforeAll, describe, expect, test } from 'bun:test';
import { rightsDocuments } from '../../src/cli/rights-text.ts';
import { rightsOf } from '../../src/entrypoint/rights.ts';
import type { Bound, Policy, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { openReal, planWith } from '../support/real-store.ts';
import type { AwsKey } from './_aws-call.ts';
import { awsCall, errorType, keyOf } from './_aws-call.ts';
import { CANARY, envOf, messages, recorder, RUN, shown, userOfPolicy } from './_aws-world.ts';
import { start } from './_outage.ts';
import { realServer } from './_servers.ts';

const server = await realServer('ministack');
const skip = server.missing !== undefined;
const region = 'us-east-1';
const bucket = `rights-${RUN}`;
const name = (what: string): string => `rights-${RUN}/${what}`;
const url = (): string => `${server.get('AWS_ENDPOINT_URL')}/`;

async function made(service: string, target: string, body: object): Promise<string> {
  const answer = await awsCall({ service, url: url(), target, body, key: keyOf(server) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${target}: HTTP ${answer.status} ${text}`);
  return text;
}

async function newKmsKey(): Promise<string> {
  const text = await made('kms', 'TrentService.CreateKey', {});
  return /"KeyId": ?"([^"]+)"/.exec(text)?.[1] ?? '';
}

async function putObject(key: string, body: string): Promise<void> {
  const at = `${url()}${bucket}${key === '' ? '' : `/${key}`}`;
  await awsCall({ service: 's3', url: at, method: 'PUT', body, key: keyOf(server) });
}

const stores: Readonly<Record<string, StoreOptions>> = {
  secrets: { kind: 'aws-secrets-manager', region },
  parameters: { kind: 'aws-ssm', region },
  objects: { kind: 's3', region },
  keys: { kind: 'aws-ssm', region },
};
const bound = (store: string, path: string): Bound => {
  return { reference: { store, path }, called: `${store} ${path}` };
};
const BOUNDS = [
  bound('secrets', name('db')),
  bound('secrets', name('api')),
  bound('parameters', `/${name('p')}`),
  bound('objects', `${bucket}/app`),
];
const OTHERS: readonly Bound[] = [
  bound('secrets', name('other')),
  bound('objects', `${bucket}/other`),
];

describe.skipIf(skip)('the IAM policy of a plan in ministack', () => {
  let kmsKey: string;
  let otherKey: string;
  let user: AwsKey;
  let policy: Partial<Policy>;
  beforeAll(async () => {
    [kmsKey, otherKey] = [await newKmsKey(), await newKmsKey()];
    for (const one of ['db', 'api', 'other']) {
      const input = { Name: name(one), SecretString: CANARY, ClientRequestToken: RUN.repeat(6) };
      await made('secretsmanager', 'secretsmanager.CreateSecret', input);
    }
    const parameter = { Name: `/${name('p')}`, Value: CANARY, Type: 'SecureString' };
    await made('ssm', 'AmazonSSM.PutParameter', { ...parameter, KeyId: otherKey });
    await putObject('', '');
    await putObject('app', CANARY);
    await putObject('other', CANARY);
    const to = { store: 'objects', path: `${bucket}/copy` };
    policy = { lastGood: { to, key: { kms: kmsKey, store: 'keys' }, maxAgeSeconds: 60 } };
    const plan = planWith(BOUNDS, stores, { ...DEFAULT_POLICY, ...policy });
    const { aws } = rightsDocuments(await rightsOf(plan), 'x');
    const Statement = (aws?.Statement ?? []).map((one) => {
      return one.Action.includes('ssm:GetParameters') ? { ...one, Resource: ['*'] } : one;
    });
    user = await userOfPolicy(server, 'rights', { ...aws, Statement });
  });
  const env = () => envOf(server.get('AWS_ENDPOINT_URL'), user);

  test('gives every value, writes the copy, and opens it when stores are down', async () => {
    using front = recorder(server.get('AWS_ENDPOINT_URL'));
    const fronted = {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: front.url,
      AWS_ENDPOINT_URL_SSM: front.url,
    };
    const around = { stores, env: { ...env(), ...fronted }, policy, startMsMax: 3000 };
    const values = BOUNDS.map(() => CANARY);
    expect(await start(BOUNDS, around)).toMatchObject({ values, warnings: [] });
    front.react = () => new Response('', { status: 503 });
    const later = await start(BOUNDS, around);
    expect(later.values).toEqual(values);
    expect(later.warnings).toEqual([expect.stringContaining('last good copy')]);
  });

  test.each(OTHERS)('and nothing else: $called', async ({ reference: { store, path } }) => {
    const mine = await openReal(stores[store] ?? { kind: '' }, { env: env() });
    const answers = await mine.fetch(path);
    expect(shown(answers)).toEqual(['BH_ERR_STORE_DENIED']);
    expect(messages(answers)).not.toContain(CANARY);
  });

  test('no other object is written', async () => {
    const { store } = await openReal({ kind: 's3', region }, { env: env() });
    const writing = store.put?.(`${bucket}/other`, Buffer.from('x')) ?? Promise.resolve();
    expect(writing).rejects.toMatchObject({ code: 'BH_ERR_STORE_DENIED' });
  });

  test('another key makes no data keys, and opens none by itself', async () => {
    const input = { KeyId: otherKey, KeySpec: 'AES_256' };
    const own = await made('kms', 'TrentService.GenerateDataKey', input);
    const { CiphertextBlob } = JSON.parse(own) as { CiphertextBlob: string };
    for (const [operation, body] of [
      ['GenerateDataKey', input],
      ['Decrypt', { CiphertextBlob }],
    ] as const) {
      const target = `TrentService.${operation}`;
      const answer = await awsCall({ service: 'kms', url: url(), target, body, key: user });
      expect([operation, await errorType(answer)]).toEqual([operation, 'AccessDeniedException']);
    }
  });
});
