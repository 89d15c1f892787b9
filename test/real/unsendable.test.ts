// Settings and credentials that become headers and cannot: refused by name, and never an outage.
import { afterAll, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound } from '../../src/plan/types.ts';
import { gatherReal } from '../support/real-store.ts';
import { answerOf, faultServer } from './_faults.ts';

const CANARY = 'canary-c5d2';
const FALLBACK = 'from the fallback';
const server = await faultServer({ answer: () => answerOf(200, { access_token: 'right' }) });
afterAll(async () => server.close());

const { url } = server;
const ODD = `${CANARY}\nb`;
const KEY = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' };
const AWS = { kind: 'aws-secrets-manager', endpoint: url };
const GOOGLE = { kind: 'gcp-secret-manager', project: 'p1', endpoint: url };

interface Row {
  readonly store: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly env: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly header: string;
}

const ROWS: readonly (readonly [string, Row])[] = [
  [
    'VAULT_NAMESPACE',
    {
      store: { kind: 'vault', address: url, mounts: { kv: 'kv1' } },
      env: { VAULT_TOKEN: 't', VAULT_NAMESPACE: ODD },
      path: 'kv/x',
      header: 'x-vault-namespace',
    },
  ],
  [
    'the option `namespace`',
    {
      store: { kind: 'vault', address: url, mounts: { kv: 'kv1' }, namespace: ODD },
      env: { VAULT_TOKEN: 't' },
      path: 'kv/x',
      header: 'x-vault-namespace',
    },
  ],
  [
    'AWS_ACCESS_KEY_ID',
    { store: AWS, env: { ...KEY, AWS_ACCESS_KEY_ID: ODD }, header: 'authorization' },
  ],
  [
    'AWS_SESSION_TOKEN',
    { store: AWS, env: { ...KEY, AWS_SESSION_TOKEN: ODD }, header: 'x-amz-security-token' },
  ],
  [
    'IDENTITY_HEADER',
    {
      store: { kind: 'azure-key-vault', url: 'https://vault.invalid' },
      env: { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: ODD },
      header: 'x-identity-header',
    },
  ],
  [
    'quotaProject',
    {
      store: { ...GOOGLE, quotaProject: ODD },
      env: { GCE_METADATA_HOST: new URL(url).host },
      header: 'x-goog-user-project',
    },
  ],
];

test.each(ROWS)(
  '%s with a line break: told by the header, asked once, no fallback',
  async (_, row) => {
    const { store, env, path = 'x', header } = row;
    server.clear();
    server.always({
      kind: 'edit',
      edit: (right) => ({ ...right, headers: { ...right.headers, 'metadata-flavor': 'Google' } }),
    });
    const bound: Bound = {
      called: 'secret s',
      reference: { store: 'mine', path },
      fallbacks: [{ store: 'vars', path: 'FALLBACK' }],
    };
    const { answers, warnings, trace } = await gatherReal([bound], {
      stores: { mine: store, vars: { kind: 'env' } },
      env: { ...env, FALLBACK },
      startMsMax: 3000,
    });
    const problem = selectValue(answers, bound);
    if (!(problem instanceof BellhopError)) return expect.unreachable();
    expect(problem.code).toBe('BH_ERR_SETTINGS');
    expect(problem.message).toContain(`the header ${header}`);
    const tries = trace.spans().filter(({ outcome }) => outcome === 'header');
    expect(tries.length).toBe(1);
    const words = JSON.stringify([problem.message, problem.help, warnings, trace.spans()]);
    expect(words).not.toContain(CANARY);
  },
);
