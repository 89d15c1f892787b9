// Which stores can hold the last good copy, and which have the key that it is under.
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { STORE_KINDS } from '../../src/stores/_all.gen.ts';
import { call, folder } from '../cli/_call.ts';
import { openReal } from '../support/real-store.ts';

const HERE = 'http://127.0.0.1:9';
const TOKEN_FILE = path.join(folder, 'token');
writeFileSync(TOKEN_FILE, 'x');

type Options = Readonly<Record<string, unknown>>;

/** Options that each kind opens with; a kind may stand here twice. */
const OPENED: readonly (readonly [kind: string, options: Options])[] = [
  ['aws-secrets-manager', { region: 'us-east-1' }],
  ['aws-ssm', { region: 'us-east-1' }],
  ['azure-blob', { account: 'teama' }],
  ['azure-key-vault', { vault: 'team-a' }],
  ['confidant', { url: HERE, authKey: 'alias/a', to: 'x', region: 'us-east-1' }],
  ['consul', { address: HERE }],
  ['embedded', {}],
  ['env', {}],
  ['etcd', { endpoints: [HERE] }],
  ['file', { folder }],
  ['file', { file: path.join(folder, 'all.json') }],
  ['gcp-secret-manager', { project: 'p' }],
  ['gcs', {}],
  ['http', { url: HERE }],
  ['kubernetes', { url: 'https://127.0.0.1:9', auth: { tokenFile: TOKEN_FILE } }],
  ['redis', { url: 'redis://127.0.0.1:9' }],
  ['s3', { region: 'us-east-1' }],
  ['vault', { address: HERE }],
];

test('every kind is here', () => {
  const kinds = new Set(OPENED.map(([kind]) => kind));
  expect([...kinds].toSorted()).toEqual([...STORE_KINDS.keys()].toSorted());
});

describe.each([...OPENED])('%s with %j', (kind, options) => {
  test('what planning knows of writing to it is so when it is open', async () => {
    const { store } = await openReal({ kind, ...options });
    const { writes, hasKeys } = STORE_KINDS.get(kind) ?? {};
    const { needs } = writes ?? {};
    const canPut = writes !== undefined && (needs === undefined || Object.hasOwn(options, needs));
    expect([store.put !== undefined, store.dataKey !== undefined]).toEqual([
      canPut,
      hasKeys ?? false,
    ]);
  });
});

/** What planning says of this place of the copy. */
function planned(store: string, key = '{ age: "e:K" }') {
  const file = path.join(folder, 'last-good.yaml');
  const lastGood = `{ to: "s:copy/x", key: ${key}, maxAgeSeconds: 10 }`;
  const text = `apiVersion: bellhop/v1
stores: { s: ${store}, e: { kind: env } }
env: { A: "e:X" }
policy: { lastGood: ${lastGood} }
`;
  writeFileSync(file, text);
  return call(['plan', '-c', file]);
}

describe('where the last good copy cannot be written, planning says so', () => {
  test.each([
    ['{ kind: aws-secrets-manager }', 'nothing can be written to a store of kind'],
    ['{ kind: aws-ssm }', 'of kind aws-ssm, only to azure-blob, consul, etcd, file, gcs, http, s3'],
    ['{ kind: vault }', 'of kind vault, only to azure-blob, consul, etcd, file, gcs, http, s3'],
    ['{ kind: file, file: /x.json }', 'a store of kind file can be written to only with `folder`'],
  ])('%s', (store, what) => {
    const { code, out, err } = planned(store);
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain('last-good.yaml:4:27, policy.lastGood.to: ');
    expect(err).toContain(what);
  });

  test.each(['{ kind: s3 }', '{ kind: file, folder: /x }'])('%s can hold it', (store) => {
    expect(planned(store)).toMatchObject({ code: 0, err: '' });
  });
});

describe('a key of KMS is one of a store of AWS', () => {
  test('else planning says so', () => {
    const { code, err } = planned('{ kind: file, folder: /x }', '{ kms: alias/a, store: s }');
    expect(code).toBe(78);
    expect(err).toContain('policy.lastGood.key: a store of kind file has no KMS, only ');
    expect(err).toContain('only aws-secrets-manager, aws-ssm, s3');
  });

  test('s3 has it', () => {
    expect(planned('{ kind: s3 }', '{ kms: alias/a, store: s }')).toMatchObject({ code: 0 });
  });
});
