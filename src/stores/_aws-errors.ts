// What AWS's services answer instead of what was asked for. Throttling is the list of
// botocore 1.44.5 (retries/standard.py); the other groups are common knowledge, and the codes of
// ministack 1.5.33 and moto 5.2.5 are in them.
import type { Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { awsXmlError } from '../wire/xml-text.ts';
import type { Doubted } from './_rest.ts';
import { doubted } from './_rest.ts';

/** An error as the service named it. Its message may hold anything: it is never shown. */
export interface AwsFailure {
  readonly code: string;
  readonly message: string;
}

// Codes come with `Exception` at the end and without; here they stand without.

/** Beside all that have `Thrott` in them. */
const TOO_MUCH = codes(`TooManyRequests RequestLimitExceeded BandwidthLimitExceeded LimitExceeded
  ProvisionedThroughputExceeded SlowDown PriorRequestNotComplete`);
/** Credentials that were good and are not any more. */
const ENDED = codes('ExpiredToken RequestExpired TokenRefreshRequired');
/** May come from a clock that is wrong. */
const OF_CLOCK = codes(`RequestTimeTooSkewed InvalidSignature SignatureDoesNotMatch RequestExpired
  RequestInTheFuture AuthFailure`);
/** Credentials that are not taken. */
const NOBODY = codes(`UnrecognizedClient InvalidClientTokenId InvalidAccessKeyId InvalidSignature
  SignatureDoesNotMatch MissingAuthenticationToken InvalidToken IncompleteSignature AuthFailure
  RequestTimeTooSkewed RequestInTheFuture NotSignedUp InvalidSecurity InvalidIdentityToken
  IDPRejectedClaim`);
const DENIED = codes(`AccessDenied UnauthorizedOperation AuthorizationError Forbidden
  AllAccessDisabled OptInRequired KMSAccessDenied`);
const FAULT = codes(`InternalFailure InternalError InternalServerError InternalServiceError
  InternalServer ServiceUnavailable RequestTimeout DependencyTimeout KMSInternal
  IDPCommunicationError`);

function codes(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/));
}

function isOf(group: ReadonlySet<string>, { code }: AwsFailure): boolean {
  return group.has(code.replace(/Exception$/, ''));
}

/** The error in an answer; undefined where the answer is none of AWS's. */
export function awsFailure(answer: HttpAnswer): AwsFailure | undefined {
  const text = new TextDecoder().decode(answer.body.subarray(0, ERROR_BYTES_MAX)).trimStart();
  if (text.startsWith('<')) return awsXmlError(text);
  const body = text.startsWith('{') ? jsonObject(text) : {};
  const named = answer.headers['x-amzn-errortype'] ?? body['__type'] ?? body['code'];
  if (typeof named !== 'string') return undefined;
  const code = named.split(':')[0]?.split('#').at(-1) ?? '';
  const message = body['message'] ?? body['Message'];
  return code === '' ? undefined : { code, message: typeof message === 'string' ? message : '' };
}

const ERROR_BYTES_MAX = 64 * 1024;

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

export function isTooMuch(failure: AwsFailure): boolean {
  return failure.code.includes('Thrott') || isOf(TOO_MUCH, failure);
}

export function isDenial(failure: AwsFailure): boolean {
  return isOf(DENIED, failure);
}

/** True where the refusal may come from a clock that is wrong. */
export function isOfClock(failure: AwsFailure): boolean {
  return isOf(OF_CLOCK, failure);
}

/** True for what holds for every request of this identity. */
export function isOfIdentity(failure: AwsFailure): boolean {
  return isOf(NOBODY, failure) || isOf(ENDED, failure);
}

/** True for what may be different the next time. */
export function isFault(failure: AwsFailure): boolean {
  return isOf(FAULT, failure);
}

/** What is asked for: the right that it needs, e.g. `ssm:GetParameters`. */
export interface Asking {
  readonly action?: string;
  readonly afterMs: number | undefined;
}

/** The usual reading of an answer that is no success. */
export function verdictOfFailure(answer: HttpAnswer, asking: Asking): Verdict<never> | Doubted {
  const failure = awsFailure(answer);
  const { afterMs } = asking;
  if (failure === undefined) return verdictOfStatus(answer, afterMs) ?? notJson(answer);
  const why = nameOf(failure);
  const after = afterMs === undefined ? {} : { afterMs };
  if (isTooMuch(failure)) return { kind: 'throttled', why, ...after };
  if (isOf(ENDED, failure)) return doubted(notKnown(why), { times: Infinity, renew: true });
  if (isOf(NOBODY, failure)) return notKnown(why);
  if (isDenial(failure)) return denied(failure, asking.action);
  if (isFault(failure)) return { kind: 'again', why, ...after };
  const byStatus = verdictOfStatus(answer, afterMs);
  if (byStatus !== undefined) return { ...byStatus, why };
  return refused('BH_ERR_SETTINGS', `the service does not take the request: ${why}`);
}

/** A key that only the ciphertext names. */
export const KEY_OF_IT = 'the key that it is encrypted under';

/** The refusal of an identity. */
export function notKnown(why: string): Verdict<never> {
  const help = 'look at the access key, its session token and the region it is used in';
  return refused('BH_ERR_CREDENTIALS', `the service does not take our credentials: ${why}`, help);
}

/** Our own words: the service's may quote policies and names of other things. */
export function denied(failure: AwsFailure, action: string | undefined): Verdict<never> {
  // What KMS itself is asked for is named; other services open what is under a key in our name.
  const ofKey = action?.startsWith('kms:') !== true && /\bkms\b|ciphertext/i.test(failure.message);
  const wanted = ofKey ? `kms:Decrypt on ${KEY_OF_IT}` : action;
  const what = `not allowed${wanted === undefined ? '' : `: ${wanted}`} (${nameOf(failure)})`;
  const help = `give the identity that bellhop runs as the right ${wanted ?? 'to do so'}`;
  return refused('BH_ERR_STORE_DENIED', what, help);
}

/** The code, where it looks like one. */
export function nameOf({ code }: AwsFailure): string {
  return /^[A-Za-z][\w.-]{0,80}$/.test(code) ? code : 'an error without a usable name';
}
