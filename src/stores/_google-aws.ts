// Federation from AWS: the subject token is a signed request, which Google sends to AWS to learn
// who has signed it. As google-auth-library 10.9.1 writes it, but the pool is signed as well.
import { BellhopError } from '../core/errors.ts';
import { signRequest } from '../wire/sigv4.ts';
import { openAws } from './_aws.ts';
import { AWS } from './_aws-endpoints.ts';
import type { JsonRecord } from './_rest.ts';
import { textIn } from './_rest.ts';
import type { StoreContext } from './_store.ts';

const IDENTITY_URL =
  'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15';

/** The subject token: who we are to AWS, as it finds out by variables, files and platform. */
export async function awsSubject(
  context: StoreContext,
  facts: JsonRecord,
  audience: string,
): Promise<string> {
  const { settings, signer } = openAws(AWS.sts, {}, context);
  const { region } = settings;
  if (region === undefined) {
    const where = [`store ${context.name}`, 'federation from AWS'];
    const what = 'no region is known';
    throw new BellhopError('BH_ERR_CREDENTIALS', { where, what, help: 'set AWS_REGION' });
  }
  const template = textIn(facts, 'regional_cred_verification_url') ?? IDENTITY_URL;
  const url = template.replace('{region}', region);
  const { crypto, clock } = context.io;
  const headers = signRequest(
    { method: 'POST', url, headers: { 'x-goog-cloud-target-resource': audience } },
    { credentials: await signer(), region, service: AWS.sts.signed, nowMs: clock.now() },
    crypto,
  );
  const all = { ...headers, host: URL.parse(url)?.host ?? '' };
  const list = Object.entries(all).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url, method: 'POST', headers: list }));
}
