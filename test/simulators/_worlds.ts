// The servers of test/real/servers as the accounts that the simulators stand in.
import { realServer } from '../real/_servers.ts';
import { keyOf } from '../real/_aws-call.ts';
import type { AwsWorld } from './_aws.ts';

const portOf = (url: string): number => Number(new URL(url).port);

/** An account on moto and, where it is installed, versitygw for S3; or why there is none. */
export async function awsWorld(): Promise<AwsWorld | { readonly missing: string }> {
  const moto = await realServer('moto');
  if (moto.missing !== undefined) return { missing: moto.missing };
  const versity = await realServer('versitygw');
  const endpoint = moto.get('AWS_ENDPOINT_URL');
  const key = keyOf(moto);
  const s3 =
    versity.missing === undefined
      ? { endpoint: versity.get('AWS_ENDPOINT_URL_S3'), key: keyOf(versity) }
      : { endpoint, key };
  const reachable = [...new Set([portOf(endpoint), portOf(s3.endpoint)])];
  return { region: 'us-east-1', account: '123456789012', endpoint, key, s3, reachable };
}
