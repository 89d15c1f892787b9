// Who we are to AWS. Keys, sessions and roles are ministack's, which checks signatures and session
// tokens; what hands them out elsewhere (instance, container, SSO) is a stub that answers and
// demands what botocore 1.44.5 was seen to send.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openReal } from '../support/real-store.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { AwsKey } from './_aws-call.ts';
import type { Recorded, Recorder } from './_aws-world.ts';
import {
  awsError,
  CANARY,
  envOf,
  iamUser,
  imds,
  messages,
  recorder,
  RUN,
  shown,
} from './_aws-world.ts';
import { realServer } from './_servers.ts';

const KIND = 'aws-secrets-manager';
const SECRET = `${RUN}/who`;
const ROLE = `arn:aws:iam::000000000000:role/reader-${RUN}`;
const ministack = await realServer('ministack');

describe.skipIf(ministack.missing !== undefined)('AWS credentials', () => {
  const upstream = ministack.missing === undefined ? ministack.get('AWS_ENDPOINT_URL') : '';
  let proxy: Recorder;
  let user: AwsKey;
  let home: string;
  beforeAll(async () => {
    proxy = recorder(upstream);
    home = mkdtempSync(path.join(tmpdir(), 'bellhop-aws-'));
    mkdirSync(path.join(home, '.aws'));
    user = await iamUser(ministack, 'who', [
      ['secretsmanager:GetSecretValue', '*'],
      ['sts:*', '*'],
    ]);
    const root = keyOf(ministack);
    const target = 'secretsmanager.CreateSecret';
    const body = { Name: SECRET, SecretString: CANARY };
    await awsCall({ service: 'secretsmanager', url: `${upstream}/`, target, body, key: root });
    await makeRole();
  });
  afterAll(() => {
    proxy[Symbol.dispose]();
    rmSync(home, { recursive: true });
  });
  beforeEach(() => {
    proxy.clear();
    for (const file of ['config', 'credentials']) rmSync(aws(file), { force: true });
  });
  const aws = (file: string): string => path.join(home, '.aws', file);

  async function makeRole(): Promise<void> {
    const iam = async (fields: Record<string, string>): Promise<void> => {
      const all = { Version: '2010-05-08', RoleName: `reader-${RUN}`, ...fields };
      const body = new URLSearchParams(all).toString();
      await awsCall({ service: 'iam', url: `${upstream}/`, body, key: keyOf(ministack) });
    };
    const document = (...rules: object[]): string => {
      const Statement = rules.map((rule) => ({ Effect: 'Allow', ...rule }));
      return JSON.stringify({ Version: '2012-10-17', Statement });
    };
    const federated = 'arn:aws:iam::000000000000:oidc-provider/oidc.example/cluster';
    const trust = document(
      { Principal: { AWS: '*' }, Action: 'sts:AssumeRole' },
      { Principal: { Federated: federated }, Action: 'sts:AssumeRoleWithWebIdentity' },
    );
    await iam({ Action: 'CreateRole', AssumeRolePolicyDocument: trust });
    const read = document({ Action: ['secretsmanager:*', 'sts:*'], Resource: '*' });
    await iam({ Action: 'PutRolePolicy', PolicyName: 'p', PolicyDocument: read });
  }

  const open = (env: Record<string, string> = {}, auth?: object) => {
    const options = auth === undefined ? { kind: KIND } : { kind: KIND, auth };
    return openReal(options, { env: { ...envOf(proxy.url, undefined), HOME: home, ...env } });
  };
  const operations = (): string[] =>
    proxy.seen.map(({ operation, path: at }) => {
      return ['GET', 'PUT'].includes(operation) ? `${operation} ${at}` : operation;
    });
  const keyIn = (profile: string): string =>
    `[${profile}]\naws_access_key_id = ${user.id}\naws_secret_access_key = ${user.secret}\n`;
  const lent = (): object => ({
    AccessKeyId: user.id,
    SecretAccessKey: user.secret,
    Expiration: '2099-01-01T00:00:00Z',
  });

  test('variables, auth: environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: user.id, AWS_SECRET_ACCESS_KEY: user.secret };
    const mine = await open(env);
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
  });

  test('a profile: the one named by a variable, by an option, and `default`, auth: profile', async () => {
    writeFileSync(aws('credentials'), keyIn('default') + keyIn('other'));
    writeFileSync(aws('config'), '[profile empty]\nregion = us-east-1\n');
    for (const [env, auth] of [
      [{}, undefined],
      [{ AWS_PROFILE: 'other' }, undefined],
      [{ AWS_PROFILE: 'empty' }, { profile: 'other' }],
    ] as const) {
      const mine = await open(env, auth);
      expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
    }
    for (const auth of [{ profile: 'empty' }, { profile: 'none' }]) {
      const mine = await open({}, auth);
      expect(shown(await mine.fetch(SECRET))).toEqual(['BH_ERR_CREDENTIALS']);
    }
  });

  test('a role that an option names is assumed, once for all requests, auth: role', async () => {
    const env = { AWS_ACCESS_KEY_ID: user.id, AWS_SECRET_ACCESS_KEY: user.secret };
    const mine = await open(env, { roleArn: ROLE, externalId: 'e x' });
    expect(shown(await mine.fetch(SECRET, `${SECRET}-none`))).toEqual([CANARY, 'absent']);
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
    expect(operations()).toEqual(['AssumeRole', 'BatchGetSecretValue', 'GetSecretValue']);
    const sent = new URLSearchParams(proxy.seen[0]?.body);
    expect(Object.fromEntries(sent)).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: ROLE,
      RoleSessionName: 'bellhop',
      ExternalId: 'e x',
    });
    expect(await mine.store.identity?.()).toContain(`assumed-role/reader-${RUN}/bellhop`);
  });

  test('a chain of profiles ends at the first with a key of its own, auth: profile', async () => {
    writeFileSync(
      aws('config'),
      `[default]\nrole_arn = ${ROLE}\nsource_profile = b\nrole_session_name = last
[profile b]\nrole_arn = ${ROLE}\nsource_profile = c
[profile c]\nrole_arn = arn:aws:iam::1:role/never\nsource_profile = c\n`,
    );
    writeFileSync(aws('credentials'), keyIn('c'));
    const mine = await open();
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
    expect(operations()).toEqual(['AssumeRole', 'AssumeRole', 'GetSecretValue']);
    expect(await mine.store.identity?.()).toContain('/last');
  });

  test('profiles that wait for each other are an error, and so is half a role', async () => {
    const roles = (one: string): string => `role_arn = ${ROLE}\n${one}\n`;
    const texts = [
      `[default]\n${roles('source_profile = b')}[profile b]\n${roles('source_profile = default')}`,
      `[default]\n${roles('')}`,
      `[default]\n${roles('source_profile = none')}`,
      `[default]\n${roles('credential_source = Moon')}`,
    ];
    for (const text of texts) {
      writeFileSync(aws('config'), text);
      const mine = await open();
      expect(shown(await mine.fetch(SECRET))).toEqual(['BH_ERR_SETTINGS']);
    }
    expect(proxy.seen).toEqual([]);
  });

  test('a web identity sends its token, unsigned, and is the role, auth: web identity', async () => {
    const claims = { iss: 'https://oidc.example/cluster', sub: CANARY, aud: 'sts.amazonaws.com' };
    const part = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const token = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${part}.c2ln`;
    writeFileSync(path.join(home, 'token'), `${token}\n`);
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: '~/token', AWS_ROLE_ARN: ROLE };
    const auth = { webIdentityTokenFile: '~/token', roleArn: ROLE, sessionName: 'mine' };
    for (const [mine, session] of [
      [await open(env), 'bellhop'],
      [await open({}, auth), 'mine'],
    ] as const) {
      proxy.seen.length = 0;
      expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
      const [sts] = proxy.seen;
      expect(Object.fromEntries(new URLSearchParams(sts?.body))).toEqual({
        Action: 'AssumeRoleWithWebIdentity',
        Version: '2011-06-15',
        RoleArn: ROLE,
        RoleSessionName: session,
        WebIdentityToken: token,
      });
      expect(sts?.headers.get('authorization')).toBeNull();
    }
    writeFileSync(path.join(home, 'token'), part);
    const answers = await (await open(env)).fetch(SECRET);
    expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(messages(answers)).not.toContain(part);
  });

  test('a container gives credentials to who brings its token, auth: container', async () => {
    writeFileSync(path.join(home, 'pod-token'), 'pod-token\n');
    proxy.react = ({ path: at, headers }) => {
      if (at !== '/creds') return undefined;
      const isOurs = headers.get('authorization') === 'pod-token';
      return isOurs ? Response.json(lent()) : new Response('', { status: 401 });
    };
    const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${proxy.url}/creds` };
    const file = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path.join(home, 'pod-token') };
    const mine = await open({ ...full, ...file });
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
    const wrong = await open({ ...full, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'other' });
    const answers = await wrong.fetch(SECRET);
    expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(messages(answers)).not.toContain('other');
    for (const uri of ['http://10.0.0.1/creds', 'http://example.com/', 'ftp://localhost/']) {
      const refused = await open({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri });
      expect(shown(await refused.fetch(SECRET))).toEqual(['BH_ERR_SETTINGS']);
    }
  });

  test('an instance is asked by IMDSv2 unless there is said to be none, auth: instance', async () => {
    const instance = { AWS_EC2_METADATA_DISABLED: 'false' };
    const env = { ...instance, AWS_EC2_METADATA_SERVICE_ENDPOINT: `${proxy.url}/` };
    proxy.react = imds(() => ({ Code: 'Success', ...lent() }));
    const mine = await open(env);
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
    const roles = '/latest/meta-data/iam/security-credentials/';
    const asked = ['PUT /latest/api/token', `GET ${roles}`, `GET ${roles}the-role`];
    expect(operations()).toEqual([...asked, 'GetSecretValue']);
    for (const more of [
      { AWS_EC2_METADATA_DISABLED: 'true' },
      { AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE' },
      { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
    ]) {
      proxy.seen.length = 0;
      const none = await open({ ...env, ...more });
      const answers = await none.fetch(SECRET);
      expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS']);
      expect(messages(answers)).toMatch(
        /environment: .*web identity: .*profile: .*container: .*instance: /,
      );
      expect(proxy.seen).toEqual([]);
    }
  });

  test('an instance without a role has no credentials', async () => {
    const env = {
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: proxy.url,
    };
    const answer = imds(() => ({}));
    proxy.react = (request) => {
      return request.method === 'GET' ? new Response('', { status: 404 }) : answer(request);
    };
    const mine = await open(env);
    expect(shown(await mine.fetch(SECRET))).toEqual(['BH_ERR_CREDENTIALS']);
  });

  test('credentials that end in the middle are replaced, once for all that meet it', async () => {
    let given = 0;
    const container = ({ path: at, headers, operation }: Recorded): Response | undefined => {
      if (at === '/creds') {
        given += 1;
        return Response.json(given === 1 ? { ...lent(), Token: 'old' } : lent());
      }
      const isOld = headers.get('x-amz-security-token') === 'old';
      return isOld && operation === 'GetSecretValue'
        ? awsError('ExpiredTokenException')
        : undefined;
    };
    proxy.react = container;
    const mine = await open({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${proxy.url}/creds` });
    const versions = Array.from({ length: 25 }, (_, n) => ({ path: SECRET, version: `S${n}` }));
    const answers = await mine.fetch({ path: SECRET, version: 'AWSCURRENT' }, ...versions);
    expect(shown(answers)).toEqual([CANARY, ...versions.map(() => 'absent')]);
    expect(given).toBe(2);
  });

  test('credentials that have ended and cannot be renewed are BH_ERR_CREDENTIALS, at once', async () => {
    proxy.react = () => awsError('ExpiredTokenException');
    const env = { AWS_ACCESS_KEY_ID: user.id, AWS_SECRET_ACCESS_KEY: user.secret };
    const mine = await open({ ...env, AWS_SESSION_TOKEN: 'session' });
    const answers = await mine.fetch(SECRET);
    expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS']);
    expect(proxy.seen.length).toBe(1);
    expect(messages(answers)).not.toContain(CANARY);
  });

  test('a key in another store, auth: references', async () => {
    const folder = path.join(home, 'key');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'id'), user.id);
    writeFileSync(path.join(folder, 'secret'), `${user.secret}\n`);
    const auth = { accessKeyId: 'files:id', secretAccessKey: 'files:secret' };
    const mine = await openReal(
      { kind: KIND, auth },
      { env: envOf(proxy.url, undefined), stores: { files: { kind: 'file', folder } } },
    );
    expect(shown(await mine.fetch(SECRET))).toEqual([CANARY]);
  });
});
