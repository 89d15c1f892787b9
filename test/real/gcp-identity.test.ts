// Every way of proving who we are to Google: what goes out is compared with what the vendor's
// libraries were seen to send (test/golden/google), the tokens are those of the stub.
import { afterAll, describe, expect, test } from 'bun:test';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import recorded from '../golden/google/requests.json' with { type: 'json' };
import type { Routed, Routing } from '../support/routed-store.ts';
import { json, openRouted, shown, thrownBy } from '../support/routed-store.ts';
import { simulation } from '../support/simulated.ts';
import { realServer } from './_servers.ts';

const gsm = await realServer('gsm');
const ENDPOINT = gsm.missing === undefined ? gsm.get('GSM_ENDPOINT') : '';
const CANARY = 'canary-51c3';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-gcp-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = {
  type: 'service_account',
  project_id: 'p',
  private_key_id: '0a1b2c',
  private_key: PEM,
  client_email: 'svc@p.iam.gserviceaccount.com',
};
const FEDERATED = {
  type: 'external_account',
  audience: recorded.federation.audience,
  subject_token_type: recorded.federation.subject_token_type,
  token_url: 'https://sts.googleapis.com/v1/token',
  project_id: 'p',
};
const IMPERSONATION = `https://iamcredentials.googleapis.com${recorded.impersonation.path}`;

function write(file: string, content: unknown): string {
  const full = path.join(folder, file);
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

function bearerOf({ headers }: HttpRequest): string {
  return /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
}

function jwtIsOurs(token: string): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${claims}`);
  return verify('sha256', signed, createPublicKey(privateKey), Buffer.from(signature, 'base64url'));
}

/** The vendor's addresses, led to the stub; what a key has signed is taken as the stub's token. */
const google: Routing = (request) => {
  const { host, pathname } = new URL(request.url);
  if (host === 'oauth2.googleapis.com') return { ...request, url: `${ENDPOINT}/token` };
  if (host === 'sts.googleapis.com') return { ...request, url: `${ENDPOINT}/v1/token` };
  if (pathname.endsWith(':generateAccessToken')) return json(200, { accessToken: 'testbed' });
  const token = bearerOf(request);
  if (!token.startsWith('eyJ')) return request;
  return jwtIsOurs(token) ? { ...request, headers: { authorization: 'Bearer testbed' } } : request;
};

async function open(file: object, more: object = {}, routing = google): Promise<Routed> {
  const env = { GOOGLE_APPLICATION_CREDENTIALS: write(`${Math.random()}.json`, file) };
  return openRouted({ kind: 'gcp-secret-manager', endpoint: ENDPOINT, ...more }, { env }, routing);
}

const form = (request: HttpRequest | undefined): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(String(request?.body)));

describe.skipIf(gsm.missing !== undefined)('who we are to Google', () => {
  test('the key of a service account signs what the vendor signs, auth: service account key', async () => {
    const { fetch: ask, requests, store } = await open(KEY);
    expect(shown((await ask('gone'))[0])).toEqual({ absent: 'there is no such secret' });
    expect(requests).toHaveLength(1);
    const token = bearerOf(requests[0] ?? expect.unreachable());
    const [header, claims] = token
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString());
    const { iat } = JSON.parse(claims ?? '');
    const { selfSigned } = recorded;
    expect(header).toBe(JSON.stringify(selfSigned.header));
    expect(claims).toBe(JSON.stringify({ ...selfSigned.claims, exp: iat + 3600, iat }));
    expect(Math.abs(Date.now() / 1000 - iat)).toBeLessThan(60);
    expect(await store.identity?.()).toBe('svc@p.iam.gserviceaccount.com');
  });

  test('a key may come from another store, and names the project, auth: service account key', async () => {
    const opened = await openRouted(
      { kind: 'gcp-secret-manager', endpoint: ENDPOINT, auth: { credentials: 'env:KEY' } },
      { env: { KEY: JSON.stringify(KEY) }, stores: { env: { kind: 'env' } } },
      google,
    );
    expect((await opened.fetch('gone'))[0]?.kind).toBe('absent');
    expect(opened.requests[0]?.url).toBe(
      `${ENDPOINT}/v1/projects/p/secrets/gone/versions/latest:access`,
    );
  });

  test('a refresh token is exchanged, the quota project goes along, auth: user', async () => {
    const user = { client_id: 'c', client_secret: 'd/=', refresh_token: CANARY };
    const file = { type: 'authorized_user', ...user, quota_project_id: 'q' };
    const { fetch: ask, requests } = await open(file, { project: 'p' });
    expect((await ask('gone'))[0]?.kind).toBe('absent');
    expect(form(requests[0])).toEqual({ grant_type: 'refresh_token', ...user });
    expect(requests[1]?.headers['x-goog-user-project']).toBe('q');
  });

  const SUBJECTS: readonly (readonly [string, object])[] = [
    ['a file', { file: write('subject', 'subject-token\n') }],
    [
      'JSON in a file',
      {
        file: write('subject.json', { value: 'subject-token' }),
        format: { type: 'json', subject_token_field_name: 'value' },
      },
    ],
    ['an address', { url: 'http://169.254.169.254/subject', headers: { Metadata: 'true' } }],
  ];
  test.each([...SUBJECTS])(
    'sends what the vendor sends by %s, auth: workload identity federation',
    async (_, source) => {
      const file = { ...FEDERATED, credential_source: source };
      const { fetch: ask, requests } = await open(file, {}, (request) => {
        if (!request.url.startsWith('http://169.254')) return google(request);
        expect(request).toMatchObject({ proxy: 'never', headers: { Metadata: 'true' } });
        return { answer: { body: Buffer.from('subject-token') } };
      });
      expect((await ask('gone'))[0]?.kind).toBe('absent');
      const sts = requests.find(({ url }) => url === FEDERATED.token_url);
      expect(form(sts)).toEqual(recorded.federation);
    },
  );

  const ACTING: readonly (readonly [string, object, object])[] = [
    [
      'a federation',
      {
        ...FEDERATED,
        service_account_impersonation_url: IMPERSONATION,
        credential_source: { file: write('s', 'subject-token') },
      },
      {},
    ],
    [
      'a file of gcloud',
      {
        type: 'impersonated_service_account',
        source_credentials: KEY,
        service_account_impersonation_url: IMPERSONATION,
      },
      { project: 'p' },
    ],
    ['the option impersonate', KEY, { auth: { impersonate: 'svc@p.iam.gserviceaccount.com' } }],
  ];
  test.each([...ACTING])(
    'acting as another account by %s, auth: impersonation',
    async (_, file, more) => {
      const { fetch: ask, requests, store } = await open(file, more);
      expect((await ask('gone'))[0]?.kind).toBe('absent');
      const asked = requests.find(({ url }) => url.includes('iamcredentials'));
      expect(decodeURIComponent(asked?.url ?? '')).toBe(IMPERSONATION);
      expect(JSON.parse(String(asked?.body))).toEqual(recorded.impersonation.body);
      expect(bearerOf(asked ?? expect.unreachable())).not.toBe('');
      expect(bearerOf(requests.at(-1) ?? expect.unreachable())).toBe('testbed');
      expect(await store.identity?.()).toBe('svc@p.iam.gserviceaccount.com');
    },
  );

  test('delegates of an impersonation go along as resources', async () => {
    const file = {
      type: 'impersonated_service_account',
      source_credentials: KEY,
      service_account_impersonation_url: IMPERSONATION,
      delegates: ['a@p', 'projects/-/serviceAccounts/b@p'],
    };
    const { fetch: ask, requests } = await open(file, { project: 'p' });
    await ask('gone');
    const body = String(requests[0]?.body);
    expect(JSON.parse(body)).toEqual({
      delegates: ['projects/-/serviceAccounts/a@p', 'projects/-/serviceAccounts/b@p'],
      scope: [SCOPE],
      lifetime: '3600s',
    });
  });

  const REFUSED: readonly (readonly [string, object])[] = [
    ['a key that is none', { ...KEY, private_key: CANARY }],
    [
      'a token file that is not there',
      { ...FEDERATED, credential_source: { file: '/nonexistent' } },
    ],
    ['an empty token file', { ...FEDERATED, credential_source: { file: write('empty', '') } }],
    [
      'a refresh token that has ended',
      { type: 'authorized_user', client_id: 'c', client_secret: CANARY, refresh_token: CANARY },
    ],
    [
      'a federation that is refused',
      { ...FEDERATED, credential_source: { file: write('c', CANARY) } },
    ],
  ];
  test.each([...REFUSED])('%s is a problem of credentials that shows none', async (_, file) => {
    const opened = await open(file, { project: 'p' }, (request) => {
      if (!/oauth2|sts/.test(request.url)) return google(request);
      return json(400, { error: 'invalid_grant', error_description: 'Bad Request' });
    });
    const problem = await thrownBy(opened.fetch('s'));
    expect(problem.code).toBe('BH_ERR_CREDENTIALS');
    expect(`${problem.message} ${problem.help}`).not.toContain(CANARY);
  });
});

describe('where there is no file and no metadata server', () => {
  const nowhere: Routing = () => new NetError('name not found', 'metadata.google.internal');
  const options = { kind: 'gcp-secret-manager', project: 'p' };
  const io = { fs: { read: () => Buffer.from('Standard PC'), statThrough: () => undefined } };
  test('elsewhere, there are no credentials', async () => {
    const around = { env: { HOME: '/nonexistent' }, io: io as never };
    const problem = await thrownBy((await openRouted(options, around, nowhere)).fetch('s'));
    expect(problem.code).toBe('BH_ERR_CREDENTIALS');
    expect(problem.help).toContain('GOOGLE_APPLICATION_CREDENTIALS');
  });
  test('a network that swallows the request costs one second, and no more', async () => {
    const world = simulation();
    const around = { env: { HOME: '/nonexistent' }, io: { ...io, clock: world.clock } as never };
    const opened = await openRouted(options, around, () => 'hang');
    const problem = await world.run(thrownBy(opened.fetch('s')));
    expect([problem.code, world.clock.monotonicMs()]).toEqual(['BH_ERR_CREDENTIALS', 1000]);
  });
  test("on a platform of Google's it is an outage", async () => {
    const around = { env: { K_SERVICE: 'job' }, io: io as never };
    const problem = await thrownBy((await openRouted(options, around, nowhere)).fetch('s'));
    expect(problem.code).toBe('BH_ERR_STORE');
  });
  test.each([401, 403, 404])('HTTP %i of something else there is no outage', async (status) => {
    const around = { env: { K_SERVICE: 'job' }, io: io as never };
    const routing: Routing = () => ({ answer: { status, body: Buffer.from('<html>no</html>') } });
    const opened = await openRouted(options, around, routing);
    expect((await thrownBy(opened.fetch('s'))).code).toBe('BH_ERR_CREDENTIALS');
    expect(opened.requests.length).toBe(1);
  });
});
