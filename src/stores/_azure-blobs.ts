// Requests to the Blob service of Azure Storage (REST, version 2021-12-02), and writing by them.
import type { Attempt, Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { encodeQuery, objectPath } from '../wire/aws-url.ts';
import { hex } from '../wire/digests.ts';
import { xmlText } from '../wire/xml-text.ts';
import type { ObjectHands, Over, There } from './_objects.ts';
import { TOLD_BYTES_MAX, readObject } from './_objects.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Bearer, Doubted } from './_rest.ts';
import {
  bearerHeader,
  credentialText,
  doubted,
  said,
  sendDoubting,
  unknownBody,
  unknownError,
} from './_rest.ts';
import type { PutHow, StoreContext } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

/** The first with bearer tokens, index tags and encryption scopes is 2019-12-12. */
const SERVICE_VERSION = '2021-12-02';

/** Where a blob is. */
export interface Blob {
  /** The container. */
  readonly bucket: string;
  readonly key: string;
  /** Encoded for a URL, from the slash behind the account on. */
  readonly urlPath: string;
}

const CONTAINER = /^(?:\$root|\$web|[a-z0-9](?:-?[a-z0-9]){2,62})$/;
const NAME_LENGTH_MAX = 1024;

/** The blob that a path names; what is wrong with it as text. */
export function readBlob(path: string): Blob | string {
  const place = readObject(path);
  if (place === undefined) return 'a path is a container and a name: CONTAINER/NAME';
  if (!CONTAINER.test(place.bucket)) {
    return 'the name of a container has 3 to 63 lower-case letters, digits and single `-`';
  }
  const urlPath = objectPath(place.key);
  if (urlPath === undefined || place.key.length > NAME_LENGTH_MAX) {
    return 'the name of a blob has at most 1,024 characters, and no segment `.` or `..`';
  }
  return { ...place, urlPath: `/${encodeURIComponent(place.bucket)}${urlPath}` };
}

/** What the service said of a request: its error code, where it is one of its own. */
export interface BlobSaid {
  readonly code: string | undefined;
  readonly message: string;
  /** For how long it wants not to be asked. */
  readonly afterMs: number | undefined;
}

/** One request about a blob. */
export interface BlobCall<T> {
  readonly name: string;
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly blob: Blob;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly bodyBytesMax: number;
  judge(answer: HttpAnswer, told: BlobSaid): Verdict<T> | Doubted;
}

/** Sends requests as who we are. */
export interface BlobCaller {
  readonly context: StoreContext;
  readonly options: Options;
  send<T>(call: BlobCall<T>): Promise<T>;
}

/** What the way to an account is made of. */
export interface BlobWay {
  readonly context: StoreContext;
  readonly options: Options;
  /** Without a slash at the end. */
  readonly base: string;
  bearer(): Promise<Bearer>;
}

/** Opens the way: with a token, or with a signature behind each URL. */
export async function openBlobs(way: BlobWay): Promise<BlobCaller> {
  const { context, options, base } = way;
  const sas = options['sas'] === undefined ? undefined : await signatureIn(way);
  const bearer = sas === undefined ? await way.bearer() : undefined;
  // Whoever has no credentials has none for any path.
  await bearer?.token(context);
  return {
    context,
    options,
    send: async <T>(call: BlobCall<T>): Promise<T> => {
      const { blob } = call;
      const authorization = bearer === undefined ? undefined : bearerHeader(bearer, context);
      const query = [encodeQuery(call.query ?? []), sas ?? '']
        .filter((one) => one !== '')
        .join('&');
      return sendDoubting<T>(context.caller, {
        name: `${call.name} ${blob.bucket}/${blob.key}`,
        request: async (attempt) =>
          requestOf(call, attempt, {
            url: `${base}${blob.urlPath}${query === '' ? '' : `?${query}`}`,
            date: new Date(context.io.clock.now()).toUTCString(),
            authorization,
          }),
        judge: (answer) => call.judge(answer, saidBy(answer, context.io.clock.now())),
      });
    },
  };
}

interface Asked {
  readonly url: string;
  readonly date: string;
  readonly authorization: ((attempt: Attempt) => Promise<string>) | undefined;
}

async function requestOf<T>(
  { method, headers, body, bodyBytesMax }: BlobCall<T>,
  attempt: Attempt,
  { url, date, authorization }: Asked,
): Promise<HttpRequest> {
  return {
    method,
    url,
    headers: {
      ...headers,
      'x-ms-version': SERVICE_VERSION,
      'x-ms-date': date,
      ...(authorization === undefined ? {} : { authorization: await authorization(attempt) }),
    },
    ...(body === undefined ? {} : { body }),
    proxy: 'environment',
    protocol: 'h1',
    bodyBytesMax,
  };
}

/** A signature as portals show it, with or without `?`; only what a query is made of. */
async function signatureIn({ context, options }: BlobWay): Promise<string> {
  const text = credentialText(await context.secret(options['sas'])).replace(/^\?/, '');
  if (/^[\w%.~&=:+/-]+$/.test(text) && /(?:^|&)sig=/.test(text)) return text;
  throw settingsProblem(context, 'what `sas` names is no shared access signature: `sv=…&sig=…`');
}

function saidBy({ status, headers, body }: HttpAnswer, nowMs: number): BlobSaid {
  // The body of a success is the blob: up to 64 MiB that nobody else reads as text.
  const xml = status < 300 ? '' : new TextDecoder().decode(body);
  const code = headers['x-ms-error-code'] ?? xmlText(xml, ['Error', 'Code']);
  // Behind the first line stand the request's id and the time.
  const [message = ''] = (xmlText(xml, ['Error', 'Message']) ?? '').split('\n');
  return { code, message, afterMs: retryAfterMs(headers['retry-after'], nowMs) };
}

/** Codes of a status of 403 that say: you are not who you say. */
const NOT_US = new Set([
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
]);

/** What an error means that is no absence. */
export function failureOfBlob(
  answer: HttpAnswer,
  { code, message, afterMs }: BlobSaid,
  doing: 'read' | 'write',
): Verdict<never> | Doubted {
  const passing = verdictOfStatus(answer, afterMs);
  if (passing !== undefined) return passing;
  if (code === undefined) return unknownBody(answer);
  const what = message === '' ? code : `${code}: ${said(message)}`;
  if (code === 'ContainerNotFound') return refused('BH_ERR_SETTINGS', 'there is no such container');
  if (NOT_US.has(code)) {
    return doubted(refused('BH_ERR_CREDENTIALS', what), { times: 1, renew: true });
  }
  if (answer.status !== 403) return unknownError(answer, what);
  const role = doing === 'read' ? 'Reader' : 'Contributor (with `indexTags` Owner)';
  return refused(
    'BH_ERR_STORE_DENIED',
    what,
    `give the identity the role Storage Blob Data ${role}`,
  );
}

const SHA256 = 'x-ms-meta-bellhop_sha256';
const EXPIRE_DAYS = 'bellhop_expire_days';
/** Something of that name is there, or no longer what it was: somebody has written meanwhile. */
const OVERTAKEN = new Set(['BlobAlreadyExists', 'ConditionNotMet', 'TargetConditionNotMet']);

/** The hands for one blob, and the digest that it is written with. */
export function blobHands(
  blobs: BlobCaller,
  object: Blob & PutHow & { readonly content: Uint8Array },
): ObjectHands & { readonly sha256: string } {
  const { context, options } = blobs;
  const { content, expireDays } = object;
  const sha256 = hex(context.io.crypto.sha256(content));
  const scope = textOption(options, 'encryptionScope');
  const described = {
    [SHA256]: sha256,
    ...(expireDays === undefined ? {} : { [`x-ms-meta-${EXPIRE_DAYS}`]: String(expireDays) }),
    ...(scope === undefined ? {} : { 'x-ms-encryption-scope': scope }),
  };
  const hasTags = options['indexTags'] === true && expireDays !== undefined;
  const change = async (
    call: Omit<BlobCall<true>, 'method' | 'blob' | 'bodyBytesMax' | 'judge'>,
  ) => {
    await blobs.send<true>({
      ...call,
      method: 'PUT',
      blob: object,
      bodyBytesMax: TOLD_BYTES_MAX,
      judge: (answer, told) => {
        const isDone = answer.status === 201 || answer.status === 200;
        if (isDone && answer.headers['etag'] !== undefined) return { kind: 'done', value: true };
        if (OVERTAKEN.has(told.code ?? '')) return { kind: 'done', value: true };
        return failureOfBlob(answer, told, 'write');
      },
    });
  };
  return {
    sha256,
    look: async () => look(blobs, object),
    write: async (over) => {
      const tags = hasTags ? { 'x-ms-tags': `${EXPIRE_DAYS}=${expireDays}` } : {};
      const type = { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' };
      const headers = { ...described, ...type, ...tags, ...conditionOf(over) };
      await change({ name: 'PUT', headers, body: content });
    },
    // That changes when it was last modified, which lifecycle rules count from.
    renew: async (there) => {
      if (expireDays === undefined) return;
      const headers = { ...described, ...conditionOf(there) };
      await change({ name: 'PUT metadata', query: [['comp', 'metadata']], headers });
    },
  };
}

function conditionOf(over: Over): Readonly<Record<string, string>> {
  if (over === 'anything') return {};
  return over === 'nothing' ? { 'if-none-match': '*' } : { 'if-match': over.mark };
}

async function look(blobs: BlobCaller, blob: Blob): Promise<There> {
  return blobs.send<There>({
    name: 'HEAD',
    method: 'HEAD',
    blob,
    bodyBytesMax: TOLD_BYTES_MAX,
    judge: (answer, told) => {
      const { etag: mark, [SHA256]: sha256 } = answer.headers;
      if (answer.status === 200 && mark !== undefined) {
        return { kind: 'done', value: { kind: 'object', sha256, mark } };
      }
      if (told.code === 'BlobNotFound') return { kind: 'done', value: { kind: 'absent' } };
      const isHidden = answer.status === 403 && told.code !== undefined && !NOT_US.has(told.code);
      if (isHidden) return { kind: 'done', value: { kind: 'hidden' } };
      return failureOfBlob(answer, told, 'write');
    },
  });
}
