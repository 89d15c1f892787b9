import type { Verdict } from '../core/call.ts';
import { notJson, refused } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import type { StsCall } from '../wire/aws-query.ts';
import { awsQueryForm, FORM_TYPE } from '../wire/aws-query.ts';
import type { AwsCredentials } from '../wire/sigv4.ts';
import { xmlText } from '../wire/xml-text.ts';
import { AWS } from './_aws-endpoints.ts';
import type { AwsFailure } from './_aws-errors.ts';
import { isDenial, nameOf } from './_aws-errors.ts';
import type { AwsGround, Signer } from './_aws-send.ts';
import { sendAws } from './_aws-send.ts';
import { addressOf } from './_aws-settings.ts';

/** Credentials, and until when they are good. */
export interface Lent {
  readonly credentials: AwsCredentials;
  /** Milliseconds since 1970; undefined: without an end that we know of. */
  readonly untilMs?: number;
}

const BODY_BYTES_MAX = 256 * 1024;

/** Who asks STS for what, where. */
interface StsRequest {
  readonly call: StsCall;
  readonly region: string | undefined;
  readonly signer?: Signer;
}

/** Without a region it is the global STS, as in the SDKs. */
async function askSts<T>(
  ground: AwsGround,
  { call, region, signer }: StsRequest,
  read: (xml: string) => T | undefined,
): Promise<T> {
  const { context, settings } = ground;
  const found = addressOf(context, settings, { service: AWS.sts, region: region ?? 'us-east-1' });
  const isGlobal = region === undefined && !found.isConfigured;
  const url = isGlobal ? 'https://sts.amazonaws.com' : found.url;
  return sendAws<T>(ground, {
    name: call.Action,
    kind: 'credentials',
    service: AWS.sts,
    region: () => found.region,
    action: `sts:${call.Action}`,
    ...(signer === undefined ? {} : { signer }),
    make: () => ({
      method: 'POST',
      url: `${url}/`,
      headers: { 'content-type': FORM_TYPE },
      body: awsQueryForm(call),
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    done: (answer) => {
      const value = read(textOf(answer));
      return value === undefined ? notJson(answer) : { kind: 'done', value };
    },
    judge: (failure) => roleRefusal(call, failure),
  });
}

function textOf(answer: HttpAnswer): string {
  return new TextDecoder().decode(answer.body);
}

/** The role's trust is the usual reason; the token of a web identity may have ended. */
function roleRefusal(call: StsCall, failure: AwsFailure): Verdict<never> | undefined {
  if (call.Action === 'GetCallerIdentity') return undefined;
  const isToken = call.Action === 'AssumeRoleWithWebIdentity' && /Expired/.test(failure.code);
  if (!isToken && !isDenial(failure)) return undefined;
  const reason = isToken ? 'the token has ended' : 'we may not';
  const what = `role ${call.RoleArn} cannot be assumed: ${reason} (${nameOf(failure)})`;
  const help = isToken
    ? 'the platform must renew the token in the file'
    : "look at the role's trust policy: it must name this identity";
  return refused('BH_ERR_CREDENTIALS', what, help);
}

/** Which role, under which name. */
export interface RoleWish {
  readonly roleArn: string;
  readonly sessionName: string | undefined;
  readonly externalId?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly region: string | undefined;
}

const SESSION_NAME = 'bellhop';

/** The role's credentials, asked for by other credentials. */
export async function assumeRole(ground: AwsGround, wish: RoleWish, signer: Signer): Promise<Lent> {
  const call: StsCall = {
    Action: 'AssumeRole',
    RoleArn: wish.roleArn,
    RoleSessionName: wish.sessionName ?? SESSION_NAME,
    ExternalId: wish.externalId,
    DurationSeconds: wish.durationSeconds,
  };
  return askSts(ground, { call, region: wish.region, signer }, lentIn);
}

/** The role's credentials, for the token that a file holds. */
export async function assumeByToken(
  ground: AwsGround,
  wish: RoleWish,
  token: string,
): Promise<Lent> {
  const call: StsCall = {
    Action: 'AssumeRoleWithWebIdentity',
    RoleArn: wish.roleArn,
    RoleSessionName: wish.sessionName ?? SESSION_NAME,
    WebIdentityToken: token,
    DurationSeconds: wish.durationSeconds,
  };
  return askSts(ground, { call, region: wish.region }, lentIn);
}

function lentIn(xml: string): Lent | undefined {
  const text = (name: string): string | undefined => xmlText(xml, ['Credentials', name]);
  const [accessKeyId, secretAccessKey] = [text('AccessKeyId'), text('SecretAccessKey')];
  const [sessionToken, expiration] = [text('SessionToken'), text('Expiration')];
  if (!accessKeyId || !secretAccessKey || !sessionToken) return undefined;
  return { credentials: { accessKeyId, secretAccessKey, sessionToken }, ...until(expiration) };
}

/** An end as the services write it; rubbish is no end. */
export function until(expiration: unknown): { untilMs?: number } {
  const untilMs = typeof expiration === 'string' ? Date.parse(expiration) : Number.NaN;
  return Number.isNaN(untilMs) ? {} : { untilMs };
}

/** The ARN of who we are. */
export async function callerArn(
  ground: AwsGround,
  signer: Signer,
  region: string | undefined,
): Promise<string> {
  const call: StsCall = { Action: 'GetCallerIdentity' };
  return askSts(ground, { call, region, signer }, (xml) => {
    return xmlText(xml, ['GetCallerIdentityResult', 'Arn']);
  });
}
