// The servers that speak AWS's protocols are what README.md says; the others: servers.test.ts.
import { describe, expect, test } from 'bun:test';
import type { AwsKey } from './_aws-call.ts';
import { awsCall, errorType, keyOf } from './_aws-call.ts';
import type { RealServer, ServerName } from './_servers.ts';
import { realServer } from './_servers.ts';

const SERVERS: readonly ServerName[] = ['moto', 'ministack', 'rclone-s3', 'versitygw', 'confidant'];
const there = new Map(
  await Promise.all(SERVERS.map(async (n) => [n, await realServer(n)] as const)),
);
/** Part of every name, so that runs do not meet in a server that stays. */
const RUN = Math.random().toString(36).slice(2, 8);

function on(name: ServerName, claims: (server: RealServer) => void): void {
  const server = there.get(name);
  if (server === undefined) throw new Error(`${name} was not started`);
  describe.skipIf(server.missing !== undefined)(name, () => claims(server));
}

const b64 = (text: string): string => Buffer.from(text).toString('base64');

on('moto', (server) => {
  test('answers a batch in part, and looks at no signature', async () => {
    const key = { ...keyOf(server), secret: 'wrong' };
    const url = `${server.get('AWS_ENDPOINT_URL')}/`;
    const call = (op: string, body: object): Promise<Response> =>
      awsCall({ service: 'secretsmanager', url, target: `secretsmanager.${op}`, body, key });
    await call('CreateSecret', { Name: `s${RUN}`, SecretString: 'välue' });
    const answer = await call('BatchGetSecretValue', { SecretIdList: [`s${RUN}`, `no${RUN}`] });
    expect(await answer.json()).toMatchObject({
      SecretValues: [{ SecretString: 'välue' }],
      Errors: [{ ErrorCode: 'ResourceNotFoundException' }],
    });
  });
});

on('ministack', (server) => {
  const url = `${server.get('AWS_ENDPOINT_URL')}/`;
  const iam = async (fields: Record<string, string>): Promise<string> => {
    const body = new URLSearchParams({
      Version: '2010-05-08',
      ...fields,
      UserName: RUN,
    }).toString();
    return (await awsCall({ service: 'iam', url, body, key: keyOf(server) })).text();
  };
  const get = (key: AwsKey, name = `s${RUN}`): Promise<Response> => {
    const target = 'secretsmanager.GetSecretValue';
    return awsCall({ service: 'secretsmanager', url, target, body: { SecretId: name }, key });
  };
  test('checks signatures, keys and policies', async () => {
    await iam({ Action: 'CreateUser' });
    const made = await iam({ Action: 'CreateAccessKey' });
    const part = (name: string): string => new RegExp(`<${name}>(.*?)<`).exec(made)?.[1] ?? '';
    const secret = part('SecretAccessKey').replaceAll('&amp;', '&');
    const user = { id: part('AccessKeyId'), secret };
    const target = 'secretsmanager.CreateSecret';
    const body = { Name: `s${RUN}`, SecretString: 'v' };
    await awsCall({ service: 'secretsmanager', url, target, body, key: keyOf(server) });
    expect(await errorType(await get(user))).toBe('AccessDeniedException');
    const Statement = [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam({ Action: 'PutUserPolicy', PolicyName: 'p', PolicyDocument });
    expect(await (await get(user)).json()).toMatchObject({ SecretString: 'v' });
    expect(await errorType(await get(user, `no${RUN}`))).toBe('ResourceNotFoundException');
    const wrong = await get({ ...user, secret: 'wrong' });
    expect(await errorType(wrong)).toBe('InvalidSignatureException');
    const nobody = await get({ id: 'AKIANOBODY', secret: 'x' });
    expect(await errorType(nobody)).toBe('UnrecognizedClientException');
  });
});

for (const name of ['rclone-s3', 'versitygw'] as const) {
  on(name, (server) => {
    test('keeps objects, refuses a wrong secret, an old clock and nobody', async () => {
      const bucket = `${server.get('AWS_ENDPOINT_URL_S3')}/b${RUN}`;
      const key = keyOf(server);
      const s3 = { service: 's3', key, url: `${bucket}/o` } as const;
      expect((await awsCall({ ...s3, method: 'PUT', url: bucket })).status).toBe(200);
      await awsCall({ ...s3, method: 'PUT', body: 'välue' });
      expect(await (await awsCall({ ...s3, method: 'GET' })).text()).toBe('välue');
      const missing = await awsCall({ ...s3, method: 'GET', url: `${bucket}/no` });
      expect(missing.status).toBe(404);
      const wrong = await awsCall({ ...s3, method: 'GET', key: { ...key, secret: 'wrong' } });
      expect(await wrong.text()).toContain('SignatureDoesNotMatch');
      const old = new Date(Date.now() - 1_200_000);
      expect((await awsCall({ ...s3, method: 'GET', at: old })).status).toBeGreaterThan(399);
      expect((await fetch(`${bucket}/o`)).status).toBeGreaterThan(399);
    });
  });
}

on('confidant', (server) => {
  const time = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const token = async (from: string, to: string, minutes: number): Promise<string> => {
    const start = Date.now() - 180_000;
    const life = { not_before: time(start), not_after: time(start + minutes * 60_000) };
    const answer = await awsCall({
      service: 'kms',
      url: `${server.get('AWS_ENDPOINT_URL_KMS')}/`,
      target: 'TrentService.Encrypt',
      key: keyOf(server),
      body: {
        KeyId: server.get('CONFIDANT_AUTH_KEY'),
        Plaintext: b64(JSON.stringify(life)),
        EncryptionContext: { from, to, user_type: 'service' },
      },
    });
    return ((await answer.json()) as { CiphertextBlob: string }).CiphertextBlob;
  };
  test.each([
    ['its own service, which is not there', (to: string) => [to, 10] as const, 404],
    ['a token for another audience', () => ['elsewhere', 10] as const, 403],
    ['a token for more than an hour', (to: string) => [to, 70] as const, 403],
  ])('%s', async (_, wish, status) => {
    const service = `svc${RUN}`;
    const [to, minutes] = wish(server.get('CONFIDANT_AUTH_CONTEXT'));
    const password = await token(service, to, minutes);
    const answer = await fetch(`${server.get('CONFIDANT_URL')}/v1/services/${service}`, {
      headers: { authorization: `Basic ${b64(`2/service/${service}:${password}`)}` },
    });
    expect(answer.status).toBe(status);
  });
});
