// What every AWS store does with refusals that a real server cannot be made to give on demand:
// clocks, throttling, faults, rubbish; and SSO, for which there is no emulator.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'bun:test';
import type { HttpAnswer, HttpRequest } from '../../src/core/io/net-types.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { openIdentity } from '../../src/stores/_aws-credentials.ts';
import { AWS } from '../../src/stores/_aws-endpoints.ts';
import type { AwsGround } from '../../src/stores/_aws-send.ts';
import { readAwsSettings } from '../../src/stores/_aws-settings.ts';
import type { Lent } from '../../src/stores/_aws-sts.ts';
import type { StoreContext } from '../../src/stores/_store.ts';
import { fakeIo } from '../support/fake-io.ts';
import { simulation } from '../support/simulated.ts';
import { CANARY, codeOf, failure, fetched, json, VALUE } from './_aws-simulated.ts';

const MINUTE_MS = 60_000;

const dateOf = (ms: number): { date: string } => ({ date: new Date(ms).toUTCString() });
const stampOf = (request: HttpRequest | undefined): string => request?.headers['x-amz-date'] ?? '';

describe('a clock that is off', () => {
  for (const code of ['RequestTimeTooSkewed', 'InvalidSignatureException', 'RequestExpired']) {
    test(`${code}: the server's date is taken, for all requests after it`, async () => {
      const aheadMs = 20 * MINUTE_MS;
      const react = (_: HttpRequest, nth: number) =>
        nth === 1 ? failure(code, 403, dateOf(aheadMs)) : VALUE;
      const { answers, sent } = await fetched({ react });
      expect(answers.map(codeOf)).toEqual(['value']);
      expect(stampOf(sent[0])).toBe('19700101T000000Z');
      expect(stampOf(sent[1])).toBe('19700101T002000Z');
    });
  }

  test('is corrected once: then the credentials are to blame', async () => {
    const react = () => failure('InvalidSignatureException', 403, dateOf(20 * MINUTE_MS));
    const { answers, sent } = await fetched({ react });
    expect(answers.map(codeOf)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(sent.length).toBe(2);
  });

  test('what was refused by it stays refused where nothing better is heard', async () => {
    const react = (_: HttpRequest, nth: number) =>
      nth === 1 ? failure('RequestExpired', 403, dateOf(20 * MINUTE_MS)) : json(503, '');
    const { answers, sent } = await fetched({ react });
    expect(answers.map(codeOf)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(sent.length).toBeGreaterThan(2);
  });

  test('that is right is not to blame', async () => {
    const react = () => failure('InvalidSignatureException', 403, dateOf(MINUTE_MS));
    const { sent } = await fetched({ react });
    expect(sent.length).toBe(1);
  });
});

const REFUSALS: readonly (readonly [
  answer: Partial<HttpAnswer>,
  code: string,
  requests: number,
])[] = [
  [failure('AccessDeniedException', 400), 'BH_ERR_STORE_DENIED', 1],
  [failure('AccessDeniedException', 403), 'BH_ERR_STORE_DENIED', 1],
  [failure('UnrecognizedClientException', 400), 'BH_ERR_CREDENTIALS', 1],
  [failure('ResourceNotFoundException', 404), 'absent', 1],
  [failure('ResourceNotFoundException', 400), 'absent', 1],
  [failure('DecryptionFailure', 400), 'BH_ERR_STORE_DENIED', 1],
  [failure('ValidationException', 400), 'BH_ERR_SETTINGS', 1],
  [json(401, '<html>a proxy says no</html>'), 'BH_ERR_CREDENTIALS', 1],
  [json(403, '<html>a proxy says no</html>'), 'BH_ERR_STORE_DENIED', 1],
  [json(404, ''), 'BH_ERR_SETTINGS', 1],
  [
    json(403, '', { 'x-amzn-errortype': 'AccessDeniedException:http://x/' }),
    'BH_ERR_STORE_DENIED',
    1,
  ],
];
for (const [answer, code, requests] of REFUSALS) {
  const body = Buffer.from(answer.body ?? '')
    .toString()
    .slice(0, 60);
  test(`HTTP ${answer.status} ${body} is ${code} at once`, async () => {
    const { answers, sent } = await fetched({ react: () => answer });
    expect(answers.map(codeOf)).toEqual([code]);
    expect(sent.length).toBe(requests);
  });
}

test('a denial by the key of KMS says which right is missing', async () => {
  const body = { __type: 'AccessDeniedException', Message: 'Access to KMS is not allowed' };
  const { answers } = await fetched({ react: () => json(400, body) });
  const [answer] = answers;
  expect(answer).toMatchObject({ problem: { help: expect.stringContaining('kms:Decrypt') } });
});

test.each(['Access to KMS is not allowed', 'User: u is not authorized to perform: kms:Encrypt'])(
  'KMS that denies confidant its token says which right is missing, on which key: %s',
  async (Message) => {
    const options = { url: 'https://c.test', authKey: 'alias/a', to: 'c', from: 'me' };
    const react = () => json(400, { __type: 'AccessDeniedException', Message });
    const { answers } = await fetched({ kind: 'confidant', options, react });
    const help = expect.stringContaining('kms:Encrypt on alias/a');
    expect(answers).toMatchObject([{ problem: { code: 'BH_ERR_STORE_DENIED', help } }]);
  },
);

test.each([
  [{ path: '/train/params' }, 'there is no such parameter; all below it would be /train/params/'],
  [{ path: 'plain' }, 'there is no such parameter'],
  [
    { path: '/train/params', version: '3' },
    'there is no such parameter, or it has no such version',
  ],
])('a parameter that is not there: %j', async (wanted, what) => {
  const name = 'version' in wanted ? `${wanted.path}:${wanted.version}` : wanted.path;
  const react = () => json(200, { Parameters: [], InvalidParameters: [name] });
  const { answers } = await fetched({ kind: 'aws-ssm', react }, wanted);
  expect(answers).toEqual([{ kind: 'absent', what }]);
});

const PASSING: readonly Partial<HttpAnswer>[] = [
  failure('ThrottlingException'),
  failure('Throttling'),
  failure('TooManyRequestsException', 429),
  failure('RequestLimitExceeded', 503),
  failure('ProvisionedThroughputExceededException'),
  failure('SlowDown', 503),
  failure('InternalServiceError', 500),
  failure('InternalFailure', 500),
  failure('SomethingNew', 503),
  json(502, '<html>bad gateway</html>'),
  json(200, '<html>a portal</html>'),
  json(200, { SecretString: 1 }),
  json(200, { SecretBinary: '!' }),
  json(200, '{"SecretString": "cu'),
  { ...json(200, ''), body: Buffer.from('{"SecretString": "\xff, no UTF-8"}', 'latin1') },
];
for (const answer of PASSING) {
  const body = Buffer.from(answer.body ?? '')
    .toString()
    .slice(0, 50);
  test(`HTTP ${answer.status} ${body} is tried again`, async () => {
    const react = (_: HttpRequest, nth: number) => (nth === 1 ? answer : VALUE);
    const { answers, sent } = await fetched({ react });
    expect(answers.map(codeOf)).toEqual(['value']);
    expect(sent.length).toBe(2);
  });
}

test('an outage ends with the budget, and is an outage', async () => {
  const { answers, tookMs } = await fetched({ react: () => failure('InternalFailure', 500) });
  expect(answers.map(codeOf)).toEqual(['BH_ERR_STORE']);
  expect(tookMs).toBeLessThanOrEqual(10_000);
});

const SSO_CONFIG = `[default]
sso_session = my-sso
sso_account_id = 123456789012
sso_role_name = R ole
[sso-session my-sso]
sso_start_url = https://x.awsapps.com/start
sso_region = us-west-2
`;
const LEGACY_CONFIG = SSO_CONFIG.replace('sso_session = my-sso', '').replace(
  '[sso-session my-sso]\n',
  '',
);
const cache = (cachedAs: string): string => {
  return `/h/.aws/sso/cache/${createHash('sha1').update(cachedAs).digest('hex')}.json`;
};
const token = (expiresAt: string): string => JSON.stringify({ accessToken: CANARY, expiresAt });

describe('SSO', () => {
  const role = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't', expiration: 4e12 };
  const react = (request: HttpRequest) =>
    request.url.includes('/federation/') ? json(200, { roleCredentials: role }) : VALUE;
  for (const [config, cachedAs, end] of [
    [SSO_CONFIG, 'my-sso', '2099-01-01T00:00:00Z'],
    [LEGACY_CONFIG, 'https://x.awsapps.com/start', '2099-01-01T00:00:00UTC'],
  ] as const) {
    test(`the token cached for ${cachedAs} gets the role's credentials, as botocore does`, async () => {
      const files = { '/h/.aws/config': config, [cache(cachedAs)]: token(end) };
      const { answers, sent } = await fetched({ react, env: {}, files });
      expect(answers.map(codeOf)).toEqual(['value']);
      expect(sent[0]).toMatchObject({
        method: 'GET',
        url: 'https://portal.sso.us-west-2.amazonaws.com/federation/credentials?role_name=R%20ole&account_id=123456789012',
        headers: { 'x-amz-sso_bearer_token': CANARY },
      });
      expect(sent[1]?.headers['x-amz-security-token']).toBe('t');
    });
  }

  for (const [what, files] of [
    ['no token', {}],
    ['a token that has ended', { [cache('my-sso')]: token('1969-01-01T00:00:00Z') }],
    ['a token without an end', { [cache('my-sso')]: '{"accessToken":"x"}' }],
    ['rubbish', { [cache('my-sso')]: '{' }],
  ] as const) {
    test(`${what} in the cache says how to log in, and sends nothing`, async () => {
      const all = { '/h/.aws/config': SSO_CONFIG, ...files };
      const { answers, sent } = await fetched({ react, env: {}, files: all });
      const [answer] = answers;
      expect(codeOf(answer)).toBe('BH_ERR_CREDENTIALS');
      expect(answer).toMatchObject({
        problem: { help: 'run `aws sso login --profile default`' },
      });
      expect(sent).toEqual([]);
    });
  }
});

test('a credential_process is said to be unsupported', async () => {
  const files = { '/h/.aws/config': '[default]\ncredential_process = /bin/x\n' };
  const { answers } = await fetched({ react: () => VALUE, env: {}, files });
  expect(answers[0]).toMatchObject({
    problem: { message: expect.stringContaining('credential_process, which bellhop does not run') },
  });
});

test('stores of one identity share credentials, and none gives up for another', async () => {
  const outage = new BellhopError('BH_ERR_STORE', { where: [], what: 'down' });
  const answers: (Lent | BellhopError)[] = [];
  const asked: string[] = [];
  const ground = (name: string): AwsGround => {
    const env: Record<string, string> = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' };
    const send = async (): Promise<unknown> => {
      asked.push(name);
      const next = answers.shift();
      if (next instanceof BellhopError) throw next;
      return next;
    };
    const io = { ...fakeIo({}), clock: simulation().clock };
    const variable = (one: string): string | undefined => env[one];
    const context = { name, io, variable, caller: { send } } as unknown as StoreContext;
    return { context, settings: readAwsSettings(AWS.s3, {}, context), clock: { aheadMs: 0 } };
  };
  const [hasty, patient] = [ground('hasty'), ground('patient')];
  const identity = openIdentity();
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
  answers.push(outage, { credentials });
  const both = [hasty, hasty, patient].map(async (one) => identity.get(one).catch(String));
  expect(await Promise.all(both)).toEqual([`${outage}`, `${outage}`, credentials]);
  expect(await identity.get(hasty)).toBe(credentials);
  expect(asked).toEqual(['hasty', 'patient']);

  answers.push({ credentials: { ...credentials, sessionToken: 'b' }, untilMs: 100_000 });
  const renewed = [hasty, patient].map(async (one) => identity.get(one, credentials));
  expect(new Set((await Promise.all(renewed)).map(({ sessionToken }) => sessionToken))).toEqual(
    new Set(['b']),
  );
  expect(asked.length).toBe(3);
});
