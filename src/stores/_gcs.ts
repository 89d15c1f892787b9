// What reading and writing objects of Google Cloud Storage share: JSON API v1 (discovery document
// of 2026-10).
import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { textOf } from './_formats.ts';
import type { Doubted } from './_rest.ts';
import { doubted, jsonRecord, recordIn, said, textIn, unknownBody, unknownError } from './_rest.ts';

/** Where an object is. */
export interface GcsObject {
  readonly bucket: string;
  readonly key: string;
}

/** The object's resource. */
export function objectUrl(endpoint: string, { bucket, key }: GcsObject): string {
  return `${endpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(key.toWellFormed())}`;
}

/** What the service says of an object that is not there: the rest is its name. */
const NO_OBJECT = 'No such object: ';
const NO_BUCKET = 'The specified bucket does not exist';

/** True where the bucket is there and has no such object. */
export function isNoObject(answer: HttpAnswer): boolean {
  return answer.status === 404 && wordsOf(answer).startsWith(NO_OBJECT);
}

/** True where the service itself says that we may not. */
export function isForbidden(answer: HttpAnswer): boolean {
  const message = messageOf(answer);
  return answer.status === 403 && message !== undefined && !isRateLimit(message);
}

const HELP = {
  read: 'grant roles/storage.objectViewer on the bucket, or correct the name of the object',
  write:
    'grant roles/storage.objectUser on the bucket; for `kmsKeyName` the service agent of Cloud Storage needs its key',
} as const;

/** What an error means that is no absence. */
export function failureOfGcs(
  answer: HttpAnswer,
  doing: 'read' | 'write',
  nowMs: number,
): Verdict<never> | Doubted {
  const passing = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  if (passing !== undefined) return passing;
  if (answer.status === 404 && wordsOf(answer).startsWith(NO_BUCKET)) {
    return refused('BH_ERR_SETTINGS', 'there is no such bucket');
  }
  const message = messageOf(answer);
  if (message === undefined) return unknownBody(answer);
  const what = `HTTP ${answer.status}: ${said(message)}`;
  if (answer.status === 401) {
    return doubted(refused('BH_ERR_CREDENTIALS', what), { times: 1, renew: true });
  }
  if (answer.status !== 403) return unknownError(answer, what);
  if (isRateLimit(message)) return { kind: 'throttled', why: 'HTTP 403: a rate limit' };
  return refused('BH_ERR_STORE_DENIED', what, HELP[doing]);
}

/** Limits of the API's use come as 403, those of one object as 429. */
function isRateLimit(message: string): boolean {
  return /rate limit/i.test(message);
}

function messageOf({ body }: HttpAnswer): string | undefined {
  const told = jsonRecord(body);
  return told && textIn(recordIn(told, 'error'), 'message');
}

/** Where the content of an object is asked for, 404 comes with a bare sentence. */
function wordsOf(answer: HttpAnswer): string {
  return messageOf(answer) ?? textOf(answer.body) ?? '';
}
