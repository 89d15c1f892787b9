// Writing an object to Google Cloud Storage: JSON API v1 (discovery document of 2026-10), upload of
// type multipart.
import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { encodeQuery } from '../wire/aws-url.ts';
import type { Google } from './_google.ts';
import type { ObjectHands, There } from './_objects.ts';
import { TOLD_BYTES_MAX } from './_objects.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import {
  bearerHeader,
  doubted,
  jsonRecord,
  recordIn,
  said,
  sendDoubting,
  textIn,
} from './_rest.ts';
import { unknownBody, unknownError } from './_rest.ts';
import type { PutHow, StoreContext } from './_store.ts';

/** Where an object is. */
export interface GcsObject {
  readonly bucket: string;
  readonly key: string;
}

/** The object's resource. */
export function objectUrl(endpoint: string, { bucket, key }: GcsObject): string {
  return `${endpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(key.toWellFormed())}`;
}

/** What writing takes beside the object. */
export interface GcsWriting {
  readonly context: StoreContext;
  readonly options: Options;
  readonly endpoint: string;
  readonly google: Google;
}

/** What Google says of a bucket that is not there. */
export const NO_BUCKET = 'The specified bucket does not exist';
/** And of an object: the rest is its name. */
export const NO_OBJECT = 'No such object: ';

const SHA256 = 'bellhop-sha256';
const EXPIRE_DAYS = 'bellhop-expire-days';
const DAY_MS = 24 * 3600 * 1000;

/** The hands for one object, and the digest that it is written with. */
export async function gcsHands(
  writing: GcsWriting,
  object: GcsObject & PutHow & { readonly content: Uint8Array },
): Promise<ObjectHands & { readonly sha256: string }> {
  const { context, endpoint, options } = writing;
  const { bucket, key, content, expireDays } = object;
  const sha256 = Buffer.from(context.io.crypto.sha256(content)).toString('hex');
  const url = objectUrl(endpoint, object);
  // Custom-Time is what a lifecycle rule can ask for; it can be put off, never be moved back.
  const ending: { readonly customTime?: string } =
    expireDays === undefined
      ? {}
      : { customTime: new Date(context.io.clock.now() + expireDays * DAY_MS).toISOString() };
  const metadata = {
    [SHA256]: sha256,
    ...(expireDays === undefined ? {} : { [EXPIRE_DAYS]: String(expireDays) }),
  };
  const kms = textOption(options, 'kmsKeyName');
  return {
    sha256,
    look: async () => look(writing, object),
    write: async (over) => {
      const mark = typeof over === 'string' ? '0' : over.mark;
      const query = encodeQuery([
        ['uploadType', 'multipart'],
        ...(over === 'anything' ? [] : [['ifGenerationMatch', mark] as const]),
        ...(kms === undefined ? [] : [['kmsKeyName', kms] as const]),
      ]);
      const described = { name: key, contentType: 'application/octet-stream', metadata, ...ending };
      await change(writing, {
        name: `insert ${bucket}/${key}`,
        method: 'POST',
        url: `${endpoint}/upload/storage/v1/b/${bucket}/o?${query}`,
        ...related(described, content, sha256),
      });
    },
    renew: async ({ mark, until = '' }) => {
      const isLate = Date.parse(until) >= Date.parse(ending.customTime ?? '');
      if (ending.customTime === undefined || isLate) return;
      await change(writing, {
        name: `patch ${bucket}/${key}`,
        method: 'PATCH',
        url: `${url}?${encodeQuery([['ifGenerationMatch', mark]])}`,
        type: 'application/json',
        body: JSON.stringify({ metadata, ...ending }),
      });
    },
  };
}

/** Description and content as multipart/related; the content cannot hold its own digest. */
function related(described: object, content: Uint8Array, sha256: string) {
  const boundary = `bellhop-${sha256}`;
  const head =
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n` +
    `${JSON.stringify(described)}\r\n` +
    `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { type: `multipart/related; boundary=${boundary}`, body };
}

async function headersOf({ context, google }: GcsWriting) {
  const authorization = bearerHeader(google.bearer, context);
  const { quotaProject } = google;
  return async (attempt: Parameters<typeof authorization>[0]): Promise<HttpRequest['headers']> => ({
    authorization: await authorization(attempt),
    ...(quotaProject === undefined ? {} : { 'x-goog-user-project': quotaProject }),
  });
}

const TRANSPORT = {
  proxy: 'environment',
  protocol: 'h1',
  bodyBytesMax: TOLD_BYTES_MAX,
} as const;

async function look(writing: GcsWriting, place: GcsObject): Promise<There> {
  const { context, endpoint } = writing;
  const headers = await headersOf(writing);
  return sendDoubting<There>(context.caller, {
    name: `get ${place.bucket}/${place.key}`,
    request: async (attempt) => ({
      method: 'GET',
      url: `${objectUrl(endpoint, place)}?fields=generation,metadata,customTime`,
      headers: await headers(attempt),
      ...TRANSPORT,
    }),
    judge: (answer) => {
      const body = jsonRecord(answer.body);
      const mark = body && textIn(body, 'generation');
      if (answer.status === 200 && body !== undefined && mark !== undefined) {
        const sha256 = textIn(recordIn(body, 'metadata'), SHA256);
        const until = textIn(body, 'customTime');
        const there = { kind: 'object', sha256, mark } as const;
        return { kind: 'done', value: until === undefined ? there : { ...there, until } };
      }
      const message = messageIn(body);
      if (answer.status === 404 && message.startsWith(NO_OBJECT)) {
        return { kind: 'done', value: { kind: 'absent' } };
      }
      if (answer.status === 403 && body !== undefined) {
        return { kind: 'done', value: { kind: 'hidden' } };
      }
      return failure(writing, answer);
    },
  });
}

interface Changing {
  readonly name: string;
  readonly method: 'POST' | 'PATCH';
  readonly url: string;
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** A condition that is not met: another start has written it meanwhile, or we have before. */
async function change(writing: GcsWriting, changing: Changing): Promise<void> {
  const { name, method, url, type, body } = changing;
  const headers = await headersOf(writing);
  await sendDoubting<true>(writing.context.caller, {
    name,
    request: async (attempt) => ({
      method,
      url,
      headers: { ...(await headers(attempt)), 'content-type': type },
      body,
      ...TRANSPORT,
    }),
    judge: (answer) => {
      const told = jsonRecord(answer.body);
      const isDone = answer.status === 200 && told !== undefined && 'generation' in told;
      if (isDone || answer.status === 412) return { kind: 'done', value: true };
      return failure(writing, answer);
    },
  });
}

function messageIn(body: JsonRecord | undefined): string {
  return (body && textIn(recordIn(body, 'error'), 'message')) ?? '';
}

function failure({ context }: GcsWriting, answer: HttpAnswer): Verdict<never> | Doubted {
  const nowMs = context.io.clock.now();
  const passing = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  if (passing !== undefined) return passing;
  const message = messageIn(jsonRecord(answer.body));
  if (message === '') return unknownBody(answer);
  if (answer.status === 404 && message.startsWith(NO_BUCKET)) {
    return refused('BH_ERR_SETTINGS', 'there is no such bucket');
  }
  const what = `HTTP ${answer.status}: ${said(message)}`;
  if (answer.status === 401) {
    return doubted(refused('BH_ERR_CREDENTIALS', what), { times: 1, renew: true });
  }
  if (answer.status === 403) {
    const help =
      'grant roles/storage.objectUser on the bucket; for `kmsKeyName` the service agent of Cloud Storage needs its key';
    return refused('BH_ERR_STORE_DENIED', what, help);
  }
  return unknownError(answer, what);
}
