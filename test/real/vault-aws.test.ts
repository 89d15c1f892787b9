// Vault's AWS method. No Vault runs here: what is proven is that the request inside of the login
// is botocore's, byte for byte, and that an STS which checks signatures takes it from Vault's hand.
import { beforeAll, describe, expect, test } from 'bun:test';
import { awsLogin } from '../../src/stores/_vault-aws.ts';
import { vaultServer } from '../../src/stores/_vault-server.ts';
import type { StoreContext } from '../../src/stores/_store.ts';
import { openReal, realIo } from '../support/real-store.ts';
import { codeOf, plain, wordsOf } from './_answers.ts';
import type { AwsKey } from './_aws-call.ts';
import { envOf, iamUser } from './_aws-world.ts';
import { answerOf, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';

const ministack = await realServer('ministack');
const decoded = (text = ''): string => Buffer.from(text, 'base64').toString();

/** What a login is made from, at a fixed time. */
async function loginAt(auth: Record<string, unknown>, env: Record<string, string>) {
  const io = realIo(env);
  const clock = { ...io.clock, now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };
  const context = {
    name: 'mine',
    io: { ...io, clock },
    variable: (name: string) => env[name],
    once: async <T>(_: string, make: () => Promise<T>) => make(),
  } as unknown as StoreContext;
  const server = vaultServer({ address: 'https://vault.test' }, context);
  return awsLogin({ server, auth, key: 'x' });
}

/** By botocore 1.44.5's SigV4Auth, with these keys at 2026-01-02T03:04:05Z. */
const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const authorization = (region: string, names: string, signature: string) => [
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/${region}/sts/aws4_request, ` +
    `SignedHeaders=${names}, Signature=${signature}`,
];
const CONTENT = ['application/x-www-form-urlencoded; charset=utf-8'];

describe('the request inside', () => {
  test('is what botocore signs, to the global STS', async () => {
    const fields = await loginAt({ role: 'trainer', serverId: 'vault.example.com' }, KEYS);
    expect(fields).toMatchObject({ role: 'trainer', iam_http_request_method: 'POST' });
    expect(decoded(fields['iam_request_url'])).toBe('https://sts.amazonaws.com/');
    const body = 'Action=GetCallerIdentity&Version=2011-06-15';
    expect(decoded(fields['iam_request_body'])).toBe(body);
    expect(JSON.parse(decoded(fields['iam_request_headers']))).toEqual({
      Authorization: authorization(
        'us-east-1',
        'content-type;host;x-amz-date;x-vault-aws-iam-server-id',
        '0ec19a210bc463367c136dd704ccfe59ada6bccb0453a68c94055d28f43b3a4b',
      ),
      'Content-Type': CONTENT,
      'X-Amz-Date': ['20260102T030405Z'],
      'X-Vault-AWS-IAM-Server-ID': ['vault.example.com'],
    });
  });

  test('is what botocore signs, to the STS of a region, with a session', async () => {
    const env = { ...KEYS, AWS_SESSION_TOKEN: 'session-token' };
    const auth = { serverId: 'vault.example.com', region: 'eu-west-1' };
    const fields = await loginAt(auth, env);
    expect(fields).not.toHaveProperty('role');
    expect(decoded(fields['iam_request_url'])).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(JSON.parse(decoded(fields['iam_request_headers']))).toEqual({
      Authorization: authorization(
        'eu-west-1',
        'content-type;host;x-amz-date;x-amz-security-token;x-vault-aws-iam-server-id',
        '5b295518e925c22db5e3f9442f788ba20609192f10a0f32b620c4518842a88e9',
      ),
      'Content-Type': CONTENT,
      'X-Amz-Date': ['20260102T030405Z'],
      'X-Amz-Security-Token': ['session-token'],
      'X-Vault-AWS-IAM-Server-ID': ['vault.example.com'],
    });
  });
});

type Login = Readonly<Record<string, string>>;

/** Asks as Vault does: the request that it was handed, to the STS that it knows. */
async function asVault(login: Login, sts: string, serverId: string): Promise<Response> {
  const headers = JSON.parse(decoded(login['iam_request_headers'])) as Record<string, string[]>;
  expect(headers['X-Vault-AWS-IAM-Server-ID']).toEqual([serverId]);
  const method = login['iam_http_request_method'] ?? '';
  const sent = Object.fromEntries(Object.entries(headers).map(([name, [one = '']]) => [name, one]));
  return fetch(`${sts}${new URL(decoded(login['iam_request_url'])).pathname}`, {
    method,
    headers: sent,
    body: decoded(login['iam_request_body']),
  });
}

describe.skipIf(ministack.missing !== undefined)('the login', () => {
  const sts = ministack.get('AWS_ENDPOINT_URL');
  const auth = { method: 'aws', role: 'trainer', serverId: 'vault.test', stsEndpoint: sts };
  const secret = answerOf(200, { data: { data: { k: 'v' }, metadata: { version: 1 } } });

  /** A Vault that takes whom STS takes. */
  const vaultStub = () =>
    faultServer({
      answer: async ({ path, body }) => {
        if (!path.endsWith('/login')) return secret;
        expect(path).toBe('/v1/auth/aws/login');
        const asked = await asVault(JSON.parse(String(body)) as Login, sts, 'vault.test');
        const words = await asked.text();
        if (asked.status !== 200) return answerOf(400, { errors: [`error from STS: ${words}`] });
        expect(words).toContain('GetCallerIdentityResult');
        return answerOf(200, { auth: { client_token: 'hvs.x', lease_duration: 60 } });
      },
    });

  let key: AwsKey | undefined;
  beforeAll(async () => {
    // The signature of ministack's own key is not checked; that of a user is.
    if (ministack.missing === undefined) key = await iamUser(ministack, 'vault', []);
  });
  const user = (): Record<string, string> => envOf('', key);
  const open = (address: string, env: Record<string, string>) =>
    openReal({ kind: 'vault', address, auth, mounts: { secret: 'kv2' } }, { env });

  test('is taken by an STS that checks signatures (no Vault heard it), auth: aws', async () => {
    await using vault = await vaultStub();
    const opened = await open(vault.url, user());
    expect(plain((await opened.fetch('secret/x'))[0])).toEqual({ k: 'v' });
    expect(vault.requests.map(({ path }) => path)).toEqual([
      '/v1/auth/aws/login',
      '/v1/secret/data/x',
    ]);
  });

  test('is refused by it with a wrong key, and what was sent is not told', async () => {
    await using vault = await vaultStub();
    const env = { ...user(), AWS_SECRET_ACCESS_KEY: 'wrong' };
    const work = (await open(vault.url, env)).fetch('secret/x');
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    const [login] = vault.requests.map(({ body }) => JSON.parse(String(body)) as Login);
    const words = await wordsOf(work);
    expect(words).not.toContain(login?.['iam_request_headers'] ?? '?');
    expect(words).not.toContain('AWS4-HMAC-SHA256 Credential');
  });

  test('without any identity of AWS is BH_ERR_CREDENTIALS', async () => {
    await using vault = await vaultStub();
    const work = (await open(vault.url, { AWS_EC2_METADATA_DISABLED: 'true' })).fetch('secret/x');
    expect(await codeOf(work)).toBe('BH_ERR_CREDENTIALS');
    expect(vault.requests).toEqual([]);
  });
});
