import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { impersonating, readGoogleCredentials } from '../../src/stores/_google-credentials.ts';

const KEY = { type: 'service_account', client_email: 'a@p', private_key: 'canary-91d2' };
const FEDERATED = {
  type: 'external_account',
  audience: '//iam.googleapis.com/x',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
};
const USER = {
  type: 'authorized_user',
  client_id: 'c',
  client_secret: 'canary-91d2',
  refresh_token: 'canary-91d2',
};
const read = (file: unknown) => readGoogleCredentials(JSON.stringify(file), ['f']);

test('a service account key gives its project and its quota project', () => {
  const file = { ...KEY, project_id: 'p', quota_project_id: 'q', private_key_id: 'k' };
  expect(read(file)).toEqual({
    type: 'service_account',
    common: { project: 'p', quotaProject: 'q' },
    email: 'a@p',
    keyId: 'k',
    privateKeyPem: 'canary-91d2',
  });
});

test('a federation that impersonates is an impersonation with the federation as its source', () => {
  const url =
    'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p:generateAccessToken';
  const found = read({
    ...FEDERATED,
    credential_source: { file: '/token', format: { type: 'json', subject_token_field_name: 't' } },
    service_account_impersonation_url: url,
    service_account_impersonation: { token_lifetime_seconds: 600 },
  });
  expect(found).toMatchObject({ type: 'impersonated', url, lifetimeSeconds: 600 });
  expect(found).toHaveProperty('source.source', { kind: 'file', path: '/token', member: 't' });
});

test('the option impersonate puts the account into the address, escaped', () => {
  const found = impersonating(read(USER), 'a/b@p');
  expect(found).toHaveProperty(
    'url',
    'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a%2Fb%40p:generateAccessToken',
  );
});

const SOURCES: readonly (readonly [object, string])[] = [
  [{ file: '/t' }, 'file'],
  [{ url: 'http://169.254.169.254/x', headers: { Metadata: 'true' } }, 'url'],
  [{ environment_id: 'aws1', regional_cred_verification_url: 'https://x' }, 'aws'],
];
test.each([...SOURCES])('the source %p is of kind %s', (source, kind) => {
  expect(read({ ...FEDERATED, credential_source: source })).toHaveProperty('source.kind', kind);
});

const UNUSABLE: readonly (readonly [string, unknown])[] = [
  ['no object', 'canary-91d2'],
  ['a list', ['canary-91d2']],
  ['no type', { private_key: 'canary-91d2' }],
  ['another type', { ...USER, type: 'gdch_service_account' }],
  ['a type that is no word', { ...USER, type: 'canary-91d2 x' }],
  ['another cloud', { ...KEY, universe_domain: 'example.goog' }],
  ['no key', { type: 'service_account', client_email: 'a@p' }],
  ['a user without a refresh token', { ...USER, refresh_token: undefined }],
  ['a command', { ...FEDERATED, credential_source: { executable: { command: 'canary-91d2' } } }],
  ['a certificate', { ...FEDERATED, credential_source: { certificate: {} } }],
  ['another environment', { ...FEDERATED, credential_source: { environment_id: 'aws2' } }],
  ['JSON without its field', { ...FEDERATED, credential_source: { format: { type: 'json' } } }],
  [
    'a token URL in the clear',
    { ...FEDERATED, token_url: 'http://x', credential_source: { file: 'x' } },
  ],
];

describe('cannot be used, and says so without a secret', () => {
  test.each([...UNUSABLE])('%s', (_, file) => {
    let thrown: unknown;
    try {
      read(file);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof BellhopError)) throw new Error('it was taken');
    expect(thrown.code).toBe('BH_ERR_CREDENTIALS');
    expect(thrown.message).not.toContain('canary-91d2');
  });
});
