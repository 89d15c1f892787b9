// The servers of test/real/servers as the accounts that the simulators stand in.
import { keyOf } from '../real/_aws-call.ts';
import { type RealServer, realServer } from '../real/_servers.ts';
import { skipVisibly } from '../support/need.ts';
import type { AwsWorld } from './_aws.ts';
import type { AzureWorld } from './_azure.ts';
import { missingForContainers, openYard, type Yard } from './_container.ts';
import type { GoogleWorld } from './_google.ts';

const portOf = (url: string): number => Number(new URL(url).port);

/** A yard and what else a file of tests needs; `close` ends it. */
export interface Stage {
  readonly yard: Yard;
  /** Whether there is all of it; without it nothing of the stage may be used. */
  readonly isHere: boolean;
  readonly close: () => void;
}

/** A stage, or the visible reason why its tests are skipped (with CI=true an error). */
export function stageOf(what: string, missing: readonly (string | undefined)[]): Stage {
  const reasons = [...missingForContainers(), ...missing.filter((one) => one !== undefined)];
  if (reasons.length > 0) {
    skipVisibly(`simulator of ${what}`, reasons);
    const nothing = { dir: '', keeper: '', [Symbol.dispose]: () => undefined };
    return { yard: nothing, isHere: false, close: () => undefined };
  }
  const yard = openYard();
  return { yard, isHere: true, close: () => yard[Symbol.dispose]() };
}

function awsOf(moto: RealServer, versity: RealServer): AwsWorld {
  const endpoint = moto.get('AWS_ENDPOINT_URL') || 'http://127.0.0.1:1';
  const key = moto.missing === undefined ? keyOf(moto) : { id: '', secret: '' };
  const s3 =
    versity.missing === undefined
      ? { endpoint: versity.get('AWS_ENDPOINT_URL_S3'), key: keyOf(versity) }
      : { endpoint, key };
  const reachable = [...new Set([portOf(endpoint), portOf(s3.endpoint)])];
  return { region: 'us-east-1', account: '123456789012', endpoint, key, s3, reachable };
}

/** An account of AWS on moto and, where it is installed, on versitygw for S3. */
export async function awsStage(what: string): Promise<Stage & { readonly aws: AwsWorld }> {
  const [moto, versity] = [await realServer('moto'), await realServer('versitygw')];
  return { ...stageOf(what, [moto.missing]), aws: awsOf(moto, versity) };
}

/** A project of Google on the stub. */
export async function googleStage(what: string): Promise<Stage & { readonly google: GoogleWorld }> {
  const gsm = await realServer('gsm');
  const endpoint = gsm.get('GSM_ENDPOINT') || 'http://127.0.0.1:1';
  const google = {
    project: gsm.get('GOOGLE_CLOUD_PROJECT'),
    region: 'us-central1',
    endpoint,
    token: gsm.get('GSM_TOKEN'),
    reachable: [portOf(endpoint)],
  };
  return { ...stageOf(what, [gsm.missing]), google };
}

/** A subscription of Azure on the stub. */
export async function azureStage(what: string): Promise<Stage & { readonly azure: AzureWorld }> {
  const akv = await realServer('akv');
  const vault = akv.get('AKV_URL') || 'https://localhost:1';
  const azure = {
    vault,
    caFile: akv.get('SSL_CERT_FILE'),
    identity: akv.get('IDENTITY_ENDPOINT'),
    identityHeader: akv.get('IDENTITY_HEADER'),
    reachable: [portOf(vault)],
  };
  return { ...stageOf(what, [akv.missing]), azure };
}
