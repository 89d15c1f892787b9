// Federation from AWS: what Google would send to AWS is sent to an emulator that checks signatures.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { json, openRouted, thrownBy } from '../support/routed-store.ts';
import { envOf, iamUser } from './_aws-world.ts';
import { realServer } from './_servers.ts';

const aws = await realServer('ministack');
const AUDIENCE =
  '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-gcp-aws-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A credential file of type external_account, as gcloud writes it for AWS. */
function credentialFile(verificationUrl: string): string {
  const file = path.join(folder, 'federation.json');
  const content = {
    type: 'external_account',
    audience: AUDIENCE,
    subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: {
      environment_id: 'aws1',
      region_url: 'http://169.254.169.254/latest/meta-data/placement/availability-zone',
      regional_cred_verification_url: verificationUrl,
    },
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}

async function subjectBy(env: Readonly<Record<string, string>>, verificationUrl: string) {
  let subject = '';
  const { requests, fetch: ask } = await openRouted(
    { kind: 'gcp-secret-manager', project: 'p' },
    { env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: credentialFile(verificationUrl) } },
    ({ url, body }: HttpRequest) => {
      if (!url.includes('sts.googleapis.com')) return json(200, { payload: { data: '' } });
      subject = new URLSearchParams(String(body)).get('subject_token') ?? '';
      return json(200, { access_token: 'tok' });
    },
  );
  const [answer] = await ask('s');
  const parsed = JSON.parse(decodeURIComponent(subject)) as {
    readonly url: string;
    readonly method: string;
    readonly headers: readonly { readonly key: string; readonly value: string }[];
  };
  const headers = Object.fromEntries(parsed.headers.map(({ key, value }) => [key, value]));
  return { ...parsed, headers, answer, requests };
}

test('it names the pool, the host and the region, all of it signed', async () => {
  const env = { ...envOf('', { id: 'AKIDEXAMPLE', secret: 'x' }), AWS_SESSION_TOKEN: 'session' };
  const url = 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15';
  const { headers, method, url: sent, answer } = await subjectBy(env, url);
  expect([method, sent]).toEqual(['POST', url.replace('{region}', 'us-east-1')]);
  expect(headers).toMatchObject({
    host: 'sts.us-east-1.amazonaws.com',
    'x-amz-security-token': 'session',
    'x-goog-cloud-target-resource': AUDIENCE,
  });
  expect(headers['authorization']).toContain(
    'SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource',
  );
  expect(answer?.kind).toBe('value');
});

test('without a region there is no federation, and that is said', async () => {
  const file = credentialFile('https://sts.{region}.amazonaws.com');
  const env = { GOOGLE_APPLICATION_CREDENTIALS: file, HOME: '/nonexistent' };
  const opened = await openRouted({ kind: 'gcp-secret-manager', project: 'p' }, { env });
  const problem = await thrownBy(opened.fetch('s'));
  expect([problem.code, problem.help]).toEqual(['BH_ERR_CREDENTIALS', 'set AWS_REGION']);
});

describe.skipIf(aws.missing !== undefined)('sent as Google sends it', () => {
  test('AWS says who has signed it; another pool is refused, auth: workload identity federation', async () => {
    const key = await iamUser(aws, 'federated', [['sts:GetCallerIdentity', '*']]);
    const endpoint = aws.get('AWS_ENDPOINT_URL');
    const url = `${endpoint}/?Action=GetCallerIdentity&Version=2011-06-15`;
    const { headers, url: sent, method } = await subjectBy(envOf(endpoint, key), url);
    const good = await fetch(sent, { method, headers });
    expect([good.status, /<Arn>(.*?)</.exec(await good.text())?.[1]]).toEqual([
      200,
      expect.stringContaining(':user/federated'),
    ]);
    const changed = { ...headers, 'x-goog-cloud-target-resource': '//other' };
    expect((await fetch(sent, { method, headers: changed })).status).toBe(403);
  });
});
