// Where the AWS stores ask, by options, variables and files; and what they make of odd answers.
import { describe, expect, test } from 'bun:test';
import secretsManager from '../../src/stores/aws-secrets-manager.ts';
import ssm from '../../src/stores/aws-ssm.ts';
import type { StoreKind, Wanted } from '../../src/stores/_store.ts';
import s3 from '../../src/stores/s3.ts';
import type { World } from './_aws-simulated.ts';
import { CANARY, codeOf, failure, fetched, json, VALUE } from './_aws-simulated.ts';

const KEY = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: CANARY };
const SERVICES = `[default]
services = mine
endpoint_url = http://all.in.file
[services mine]
secrets_manager =
  endpoint_url = http://one.in.file
`;

type Place = Pick<World, 'env' | 'files' | 'options'>;
const ASKED: readonly (readonly [what: string, place: Place, url: string])[] = [
  ['AWS_REGION', {}, 'https://secretsmanager.eu-west-1.amazonaws.com/'],
  [
    'the option before AWS_REGION',
    { options: { region: 'us-east-2' } },
    'https://secretsmanager.us-east-2.amazonaws.com/',
  ],
  [
    'AWS_DEFAULT_REGION',
    { env: { ...KEY, AWS_REGION: '', AWS_DEFAULT_REGION: 'cn-north-1' } },
    'https://secretsmanager.cn-north-1.amazonaws.com.cn/',
  ],
  [
    "the profile's region",
    {
      env: { ...KEY, AWS_REGION: '' },
      files: { '/h/.aws/config': '[default]\nregion=us-gov-west-1' },
    },
    'https://secretsmanager.us-gov-west-1.amazonaws.com/',
  ],
  [
    'FIPS by a variable',
    { env: { ...KEY, AWS_USE_FIPS_ENDPOINT: 'true' } },
    'https://secretsmanager-fips.eu-west-1.amazonaws.com/',
  ],
  [
    'FIPS by an option',
    { options: { fips: true } },
    'https://secretsmanager-fips.eu-west-1.amazonaws.com/',
  ],
  ['the option endpoint', { options: { endpoint: 'http://o:1/x/' } }, 'http://o:1/x/'],
  [
    "the service's variable before the general one, and both before files",
    {
      env: {
        ...KEY,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://one',
        AWS_ENDPOINT_URL: 'http://all',
      },
      files: { '/h/.aws/config': SERVICES },
    },
    'http://one/',
  ],
  [
    'the general variable before files',
    { env: { ...KEY, AWS_ENDPOINT_URL: 'http://all' }, files: { '/h/.aws/config': SERVICES } },
    'http://all/',
  ],
  [
    "the service's setting in the file",
    { files: { '/h/.aws/config': SERVICES } },
    'http://one.in.file/',
  ],
  [
    'no configured endpoint where they are ignored',
    {
      env: { ...KEY, AWS_ENDPOINT_URL: 'http://all', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      files: { '/h/.aws/config': SERVICES },
    },
    'https://secretsmanager.eu-west-1.amazonaws.com/',
  ],
];
for (const [what, place, url] of ASKED) {
  test(`asked is what ${what} says: ${url}`, async () => {
    const { answers, sent } = await fetched({ react: () => VALUE, ...place });
    expect(answers.map(codeOf)).toEqual(['value']);
    expect(sent.map((one) => one.url)).toEqual([url]);
  });
}

const WRONG: readonly (readonly [what: string, place: Place])[] = [
  ['no region', { env: { ...KEY, AWS_REGION: '' } }],
  ['a region that is no name', { options: { region: 'evil.example/' } }],
  ['an endpoint that is no URL', { options: { endpoint: 'nowhere' } }],
  ['an endpoint with a password', { options: { endpoint: 'http://u:p@h' } }],
  ['a CA file that is not there', { options: { ca: '/none.pem' } }],
  ['half a key', { options: { auth: { accessKeyId: 'mine:x' } } }],
];
for (const [what, place] of WRONG) {
  test(`${what} is BH_ERR_SETTINGS, and nothing is sent`, async () => {
    const outcome = fetched({ react: () => VALUE, ...place }).then(
      ({ answers, sent }) => ({ codes: answers.map(codeOf), sent }),
      (error: { code?: string }) => ({ codes: [error.code], sent: [] }),
    );
    expect(await outcome).toEqual({ codes: ['BH_ERR_SETTINGS'], sent: [] });
  });
}

test('the authorities of AWS_CA_BUNDLE are trusted, over TLS only', async () => {
  const env = { ...KEY, AWS_CA_BUNDLE: '/ca.pem' };
  const files = { '/ca.pem': 'PEM' };
  const secure = await fetched({ react: () => VALUE, env, files });
  expect(secure.sent[0]?.tls).toEqual({ ca: 'PEM' });
  const options = { endpoint: 'http://plain' };
  const plain = await fetched({ react: () => VALUE, env, files, options });
  expect(plain.sent[0]?.tls).toBeUndefined();
});

test('the old global STS is asked where `legacy` says so', async () => {
  const options = { auth: { roleArn: 'arn:aws:iam::1:role/r' } };
  const react = () => failure('AccessDenied', 403);
  for (const [mode, url] of [
    ['legacy', 'https://sts.amazonaws.com/'],
    ['regional', 'https://sts.eu-west-1.amazonaws.com/'],
  ]) {
    const env = { ...KEY, AWS_STS_REGIONAL_ENDPOINTS: mode ?? '' };
    const { sent, answers } = await fetched({ react, options, env });
    expect(sent.map((one) => one.url)).toEqual([url ?? '']);
    expect(answers.map(codeOf)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(sent[0]?.headers['authorization']).toContain(
      mode === 'legacy' ? '/us-east-1/sts/' : '/eu-west-1/sts/',
    );
  }
});

describe('two accounts with secrets of one name', () => {
  const arn = (account: number): string => `arn:aws:secretsmanager:eu-west-1:${account}:secret:db`;
  const value = (account: number): object => {
    return { ARN: `${arn(account)}-AbCdEf`, Name: 'db', SecretString: `of ${account}` };
  };
  const texts = (answers: Awaited<ReturnType<typeof fetched>>['answers']): unknown[] =>
    answers.map((one) => (one.kind === 'value' ? Buffer.from(one.value.reveal()).toString() : one));

  test('are asked for apart where a name and an ARN meet', async () => {
    const { answers, sent } = await fetched(
      { react: ({ body }) => json(200, value(String(body).includes('arn:') ? 2 : 1)) },
      { path: 'db' },
      { path: arn(2) },
    );
    expect(texts(answers)).toEqual(['of 1', 'of 2']);
    expect(sent.map((one) => one.headers['x-amz-target'])).toEqual(
      Array(2).fill('secretsmanager.GetSecretValue'),
    );
  });

  test('are never mixed up in an answer that has both', async () => {
    const both = { SecretValues: [value(2), value(1), { Name: 'x', ARN: 'x', SecretString: 'x' }] };
    const { answers, sent } = await fetched(
      {
        react: ({ headers }) =>
          headers['x-amz-target']?.includes('Batch') ? json(200, both) : json(200, value(1)),
      },
      { path: 'db' },
      { path: 'x' },
    );
    expect(texts(answers)).toEqual(['of 1', 'x']);
    expect(sent.length).toBe(2);
  });
});

describe('the least rights', () => {
  const at = (path: string, version?: string) =>
    version === undefined ? { path } : { path, version };
  /** Without those of KMS, which test/stores/aws-rights.test.ts holds. */
  const rightsOf = (kind: StoreKind, options: object, wanted: readonly Wanted[]) => {
    const all = kind.rights?.({ ...options }, wanted) ?? [];
    return all.filter((one) => one.system !== 'aws' || !one.actions.includes('kms:Decrypt'));
  };
  test('Secrets Manager: the batch only where there is one', () => {
    const resource = 'arn:aws-cn:secretsmanager:cn-north-1:*:secret:a-??????';
    const one = { system: 'aws', actions: ['secretsmanager:GetSecretValue'], resource } as const;
    const options = { region: 'cn-north-1' };
    expect(rightsOf(secretsManager, options, [at('a'), at('a', 'v')])).toEqual([one]);
    const arn = 'arn:aws:secretsmanager:r:1:secret:';
    for (const [end, ...ends] of [
      ['a', 'a-??????'],
      ['a-Ab3dEf', 'a-Ab3dEf'],
      ['my-config', 'my-config', 'my-config-??????'],
    ]) {
      const rights = rightsOf(secretsManager, {}, [at(`${arn}${end}`)]);
      expect(rights.map((right) => 'resource' in right && right.resource)).toEqual(
        ends.map((one) => `${arn}${one}`),
      );
    }
    const two = rightsOf(secretsManager, options, [at('a'), at('b')]);
    expect(two.at(-1)).toMatchObject({ actions: ['secretsmanager:BatchGetSecretValue'] });
  });

  test('Parameter Store and S3', () => {
    expect(rightsOf(ssm, {}, [at('/a/b'), at('c', '1'), at('/d/')])).toMatchObject([
      { actions: ['ssm:GetParameters'], resource: 'arn:aws:ssm:*:*:parameter/a/b' },
      { actions: ['ssm:GetParameters'], resource: 'arn:aws:ssm:*:*:parameter/c' },
      { actions: ['ssm:GetParametersByPath'], resource: 'arn:aws:ssm:*:*:parameter/d' },
    ]);
    expect(rightsOf(s3, {}, [at('b/k'), at('b/l', 'v')])).toMatchObject([
      { actions: ['s3:GetObject'], resource: 'arn:aws:s3:::b/k' },
      { actions: ['s3:ListBucket'], resource: 'arn:aws:s3:::b' },
      { actions: ['s3:GetObjectVersion'], resource: 'arn:aws:s3:::b/l' },
    ]);
  });
});
