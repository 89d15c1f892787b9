// Writing an object to Google Cloud Storage: JSON API v1 (discovery document of 2026-10), upload of
// type multipart.
import { encodeQuery } from '../wire/aws-url.ts';
import { hex } from '../wire/digests.ts';
import type { GcsObject } from './_gcs.ts';
import { failureOfGcs, isForbidden, isNoObject, objectUrl } from './_gcs.ts';
import type { Google } from './_google.ts';
import { googleHeaders } from './_google.ts';
import type { ObjectHands, There } from './_objects.ts';
import { TOLD_BYTES_MAX } from './_objects.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import { jsonRecord, recordIn, sendDoubting, textIn } from './_rest.ts';
import type { PutHow, StoreContext } from './_store.ts';

/** What writing takes beside the object. */
export interface GcsWriting {
  readonly context: StoreContext;
  readonly options: Options;
  readonly endpoint: string;
  readonly google: Google;
}

const SHA256 = 'bellhop-sha256';
const EXPIRE_DAYS = 'bellhop-expire-days';
const DAY_MS = 24 * 3600 * 1000;

/** The hands for one object, and the digest that it is written with. */
export function gcsHands(
  writing: GcsWriting,
  object: GcsObject & PutHow & { readonly content: Uint8Array },
): ObjectHands & { readonly sha256: string } {
  const { context, endpoint, options } = writing;
  const { bucket, key, content, expireDays } = object;
  const sha256 = hex(context.io.crypto.sha256(content));
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

const TRANSPORT = {
  proxy: 'environment',
  protocol: 'h1',
  bodyBytesMax: TOLD_BYTES_MAX,
} as const;

async function look(writing: GcsWriting, place: GcsObject): Promise<There> {
  const { context, endpoint, google } = writing;
  const headers = googleHeaders(google, context);
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
      if (isNoObject(answer)) return { kind: 'done', value: { kind: 'absent' } };
      if (isForbidden(answer)) return { kind: 'done', value: { kind: 'hidden' } };
      return failureOfGcs(answer, 'write', context.io.clock.now());
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
  const { context, google } = writing;
  const { name, method, url, type, body } = changing;
  const headers = googleHeaders(google, context);
  await sendDoubting<true>(context.caller, {
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
      return failureOfGcs(answer, 'write', context.io.clock.now());
    },
  });
}
