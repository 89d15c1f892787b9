// What the IAM policy of a plan says of keys of KMS and of roles.
import { describe, expect, test } from 'bun:test';
import { rightsOf } from '../../src/entrypoint/rights.ts';
import type { LastGood, Policy, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Right } from '../../src/stores/_store.ts';
import { planWith } from '../support/real-store.ts';

const ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const ROLE = 'arn:aws:iam::111122223333:role/r';

/** A right as one line. */
function line(right: Right): string {
  if (right.system === 'vault') return `${right.capabilities.join(' ')}: ${right.path}`;
  if (right.system === 'other') return right.text;
  if (right.system !== 'aws') return right.system;
  const { actions, resource, condition } = right;
  const under = condition === undefined ? '' : ` if ${JSON.stringify(condition)}`;
  return `${actions.join(' ')}: ${resource}${under}`;
}

/** What reading this path takes; the store may hold the last good copy, too. */
async function linesOf(options: StoreOptions, path: string, lastGood?: LastGood) {
  const policy: Policy = { ...DEFAULT_POLICY, ...(lastGood === undefined ? {} : { lastGood }) };
  const plan = planWith([{ reference: { store: 's', path }, called: 'x' }], { s: options }, policy);
  const [found] = await rightsOf(plan);
  return (found?.rights ?? []).map(line);
}

const alias = (name: string): string =>
  ` if {"ForAnyValue:StringEquals":{"kms:ResourceAliases":"${name}"}}`;
const via = (host: string): string => ` if {"StringLike":{"kms:ViaService":"${host}"}}`;

describe('a key of KMS in a policy is a key, never an alias', () => {
  test.each([
    [ID, `arn:aws:kms:eu-west-1:*:key/${ID}`],
    ['mrk-1234', 'arn:aws:kms:eu-west-1:*:key/mrk-1234'],
    [
      `arn:aws:kms:us-east-1:111122223333:key/${ID}`,
      `arn:aws:kms:us-east-1:111122223333:key/${ID}`,
    ],
    ['alias/auth', `arn:aws:kms:eu-west-1:*:key/*${alias('alias/auth')}`],
    [
      'arn:aws-cn:kms:cn-north-1:111122223333:alias/a/b',
      `arn:aws-cn:kms:cn-north-1:111122223333:key/*${alias('alias/a/b')}`,
    ],
  ])('%s', async (key, wanted) => {
    const confidant = { kind: 'confidant', url: 'https://c.test', authKey: key, to: 'x' };
    const encrypts = await linesOf({ ...confidant, region: 'eu-west-1' }, 'svc');
    expect(encrypts).toContain(`kms:Encrypt: ${wanted}`);
    const copy: LastGood = {
      to: { store: 's', path: 'b/copy' },
      key: { kms: key, store: 's' },
      maxAgeSeconds: 1,
    };
    const s3 = { kind: 's3', region: 'eu-west-1', sseKmsKeyId: key };
    const copies = await linesOf(s3, 'b/k', copy);
    expect(copies).toContain(`kms:Decrypt kms:GenerateDataKey: ${wanted}`);
    expect(copies).toContain(`kms:GenerateDataKey: ${wanted}`);
    expect(copies).toContain('s3:PutObject: arn:aws:s3:::b/copy');
  });
});

describe('what is under a key of the user is opened by its service only', () => {
  test.each([
    ['aws-ssm', 'us-east-1', '/p', 'arn:aws:kms:us-east-1:*:key/*', 'ssm.us-east-1.*'],
    ['aws-secrets-manager', undefined, 'p', 'arn:aws:kms:*:*:key/*', 'secretsmanager.*.*'],
    ['s3', 'cn-north-1', 'b/k', 'arn:aws-cn:kms:cn-north-1:*:key/*', 's3.cn-north-1.*'],
    [
      'aws-ssm',
      'us-east-1',
      'arn:aws:ssm:eu-west-1:111122223333:parameter/p',
      'arn:aws:kms:eu-west-1:*:key/*',
      'ssm.eu-west-1.*',
    ],
  ])('%s in %s: %s', async (...[kind, region, path, keys, host]) => {
    const options = region === undefined ? { kind } : { kind, region };
    expect(await linesOf(options, path)).toContain(`kms:Decrypt: ${keys}${via(host)}`);
  });

  test('a blind credential of Confidant names no key: people are told', async () => {
    const options = { kind: 'confidant', url: 'https://c.test', authKey: 'alias/a', to: 'x' };
    const text = 'kms:Decrypt on the keys that svc has blind credentials under';
    expect(await linesOf(options, 'svc?format=env')).toContain(text);
    expect(await linesOf({ ...options, blind: 'leave' }, 'svc')).not.toContain(text);
  });
});

describe('what policies would take for a pattern is the name that it is', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:a*';
  test.each([
    ['s3', 'bkt/team-a*', 's3:GetObject: arn:aws:s3:::bkt/team-a${*}'],
    ['s3', 'bkt/a?b', 's3:GetObject: arn:aws:s3:::bkt/a${?}b'],
    ['s3', 'bkt/${aws:username}', 's3:GetObject: arn:aws:s3:::bkt/${$}{aws:username}'],
    ['aws-ssm', '/p*', 'ssm:GetParameters: arn:aws:ssm:eu-west-1:*:parameter/p${*}'],
    ['aws-ssm', '/p?/', 'ssm:GetParametersByPath: arn:aws:ssm:eu-west-1:*:parameter/p${?}'],
    [
      'aws-secrets-manager',
      'p*',
      'secretsmanager:GetSecretValue: arn:aws:secretsmanager:eu-west-1:*:secret:p${*}-??????',
    ],
    [
      'aws-secrets-manager',
      arn,
      'secretsmanager:GetSecretValue: ' + arn.replace('*', '$${*}-??????'),
    ],
  ])('%s: %s', async (kind, path, wanted) => {
    expect(await linesOf({ kind, region: 'eu-west-1' }, path)).toContain(wanted);
  });

  test.each([
    ['secret/team*', ['secret/data/team*', 'the * at its end']],
    ['secret/+/a', ['secret/data/+/a', 'the segment +']],
  ])('Vault cannot name %s alone: it is told, and nothing wider is given', async (...row) => {
    const [path, words] = row;
    const options = { kind: 'vault', address: 'https://v.test', mounts: { secret: 'kv2' } };
    const lines = await linesOf(options, path);
    expect(lines.length).toBe(1);
    for (const word of words) expect(lines[0]).toContain(word);
    expect(lines[0]).not.toMatch(/^read: /);
  });

  test('a * or + elsewhere is itself for Vault', async () => {
    const options = { kind: 'vault', address: 'https://v.test', mounts: { secret: 'kv2' } };
    expect(await linesOf(options, 'secret/a*b/c+d')).toEqual(['read: secret/data/a*b/c+d']);
  });
});

describe('a role that is assumed', () => {
  const stores: readonly (readonly [string, StoreOptions, string])[] = [
    ['aws-ssm', { kind: 'aws-ssm' }, '/p'],
    ['aws-secrets-manager', { kind: 'aws-secrets-manager' }, 'p'],
    ['s3', { kind: 's3' }, 'b/k'],
    ['confidant', { kind: 'confidant', url: 'https://c.test', authKey: ID, to: 'x' }, 'svc'],
  ];
  test.each([...stores])('%s needs sts:AssumeRole on it', async (_, options, path) => {
    const lines = await linesOf({ ...options, auth: { roleArn: ROLE } }, path);
    expect(lines).toContain(`sts:AssumeRole: ${ROLE}`);
    expect(lines.join('\n')).toContain(`belong to role ${ROLE}, whose trust policy must name`);
  });

  test('by a web identity it needs none: the role trusts the token', async () => {
    const auth = { roleArn: ROLE, webIdentityTokenFile: '/t' };
    const lines = await linesOf({ kind: 'aws-ssm', auth }, '/p');
    expect(lines.join('\n')).not.toContain('sts:AssumeRole');
    expect(lines.join('\n')).toContain('whose trust policy must take the token');
  });

  test('Vault needs it only where its login is AWS', async () => {
    const vault = { kind: 'vault', mounts: { secret: 'kv2' } };
    const auth = { method: 'aws', aws: { roleArn: ROLE } };
    expect(await linesOf({ ...vault, auth }, 'secret/a')).toContain(`sts:AssumeRole: ${ROLE}`);
    const token = await linesOf({ ...vault, auth: { ...auth, method: 'token' } }, 'secret/a');
    expect(token).toEqual(['read: secret/data/a']);
  });
});

describe('a path of Vault with fields, where the engine is not declared', () => {
  test.each([
    ['secret/a', [], ['read: secret/data/a', 'read: secret/a']],
    ['pki/issue/web?common_name=app', [], ['read: pki/data/issue/web', 'read: pki/issue/web']],
    ['pki/issue/web?common_name=app', ['pki/issue'], ['update: pki/issue/web']],
  ])('%s, write %p', async (path, write, wanted) => {
    expect(await linesOf({ kind: 'vault', write }, path)).toEqual(wanted);
  });
});
