// AWS Signature Version 4: "Signature Version 4 signing process" of the IAM User Guide. Held
// against AWS's test suite (aws-sigv4 1.6.4) and @smithy/signature-v4 5.7.5 by test/wire.
import { encodePath, encodeQuery, normalizeEncoding } from './aws-url.ts';
import { hex } from './digests.ts';
import type { Digests } from './digests.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request as it will be sent; S3's path must be encoded already (`encodePath`). */
export interface AwsRequest {
  readonly method: string;
  /** Signed as written: a client that rewrites it breaks the signature (`objectPath`). */
  readonly url: string;
  /** Printable ASCII. Names that differ in case only are one header with several values. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** By whom, for what and when a request is signed. */
export interface Signing {
  readonly credentials: AwsCredentials;
  readonly region: string;
  /** The name that the service is signed under. */
  readonly service: string;
  /** Milliseconds since 1970; AWS refuses a clock that is minutes off. */
  readonly nowMs: number;
  /** The path is signed as it stands in the URL, not normalised and encoded once more. */
  readonly pathAsSent?: boolean;
  /** The body's digest goes along as `x-amz-content-sha256`. */
  readonly bodyHashHeader?: boolean;
}

/** What S3 wants otherwise than every other service. */
export const OBJECT_STORAGE = { pathAsSent: true, bodyHashHeader: true } as const;

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** What clients and proxies on the way change: the list of @smithy/signature-v4 5.7.5. */
const UNSIGNED: ReadonlySet<string> = new Set(
  (
    'authorization cache-control connection expect from keep-alive max-forwards pragma referer ' +
    'te trailer transfer-encoding upgrade user-agent x-amzn-trace-id'
  ).split(' '),
);

/**
 * The headers to send, all names in lower case: the request's own and those of the signature.
 * `host` is left to the client, which must send what the URL says.
 */
export function signRequest(
  request: AwsRequest,
  signing: Signing,
  digests: Digests,
): Record<string, string> {
  const { sessionToken } = signing.credentials;
  const given = lowerCased(request.headers ?? {});
  const bodyHash = given['x-amz-content-sha256'] ?? hex(digests.sha256(request.body ?? ''));
  const headers: Record<string, string> = {
    ...given,
    'x-amz-date': timestamp(signing.nowMs),
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    ...(signing.bodyHashHeader === true ? { 'x-amz-content-sha256': bodyHash } : {}),
  };
  const url = splitUrl(request.url);
  const signed = signedHeaders({ host: url.host, ...headers });
  const canonical = canonicalRequest(request.method, url, {
    path: canonicalPath(url.path, signing),
    signed,
    bodyHash,
  });
  const authorization = [
    `${ALGORITHM} Credential=${signing.credentials.accessKeyId}/${scopeOf(signing)}`,
    `SignedHeaders=${signed.map(([name]) => name).join(';')}`,
    `Signature=${signatureOf(canonical, signing, digests)}`,
  ].join(', ');
  return { ...headers, authorization };
}

/** A URL that carries its signature, good for `expiresSeconds` (the SDK's own maximum: 7 days). */
export function presignUrl(
  request: AwsRequest,
  signing: Signing & { readonly expiresSeconds: number },
  digests: Digests,
): string {
  const { accessKeyId, sessionToken } = signing.credentials;
  const url = splitUrl(request.url);
  const signed = signedHeaders({ host: url.host, ...lowerCased(request.headers ?? {}) });
  const added = encodeQuery([
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${accessKeyId}/${scopeOf(signing)}`],
    ['X-Amz-Date', timestamp(signing.nowMs)],
    ['X-Amz-Expires', String(signing.expiresSeconds)],
    ...(sessionToken === undefined ? [] : [['X-Amz-Security-Token', sessionToken] as const]),
    ['X-Amz-SignedHeaders', signed.map(([name]) => name).join(';')],
  ]);
  const query = url.query === '' ? added : `${url.query}&${added}`;
  const canonical = canonicalRequest(
    request.method,
    { query },
    {
      path: canonicalPath(url.path, signing),
      signed,
      bodyHash:
        signing.bodyHashHeader === true
          ? 'UNSIGNED-PAYLOAD'
          : hex(digests.sha256(request.body ?? '')),
    },
  );
  const signature = signatureOf(canonical, signing, digests);
  return `${url.origin}${url.path}?${query}&X-Amz-Signature=${signature}`;
}

interface UrlParts {
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** Takes a URL apart without changing it, as `new URL` would: `..` and `//` stay. */
function splitUrl(url: string): UrlParts {
  const [, origin = '', path = '', query = ''] =
    /^([a-z]+:\/\/[^/?#]*)([^?#]*)\??([^#]*)/i.exec(url) ?? [];
  return { origin, host: new URL(origin).host, path: path === '' ? '/' : path, query };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const earlier = merged[name.toLowerCase()];
    merged[name.toLowerCase()] = earlier === undefined ? value : `${earlier},${value}`;
  }
  return merged;
}

type Header = readonly [name: string, value: string];

function signedHeaders(headers: Readonly<Record<string, string>>): Header[] {
  return Object.entries(headers)
    .filter(([name]) => !UNSIGNED.has(name) && !/^(?:proxy|sec)-/.test(name))
    .map(([name, value]): Header => [name, value.replace(/[ \t\r\n]+/g, ' ').trim()])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

interface Canonical {
  readonly path: string;
  readonly signed: readonly Header[];
  readonly bodyHash: string;
}

function canonicalRequest(
  method: string,
  { query }: Pick<UrlParts, 'query'>,
  { path, signed, bodyHash }: Canonical,
): string {
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
  const names = signed.map(([name]) => name).join(';');
  return [method, path, canonicalQuery(query), lines, names, bodyHash].join('\n');
}

function canonicalPath(path: string, signing: Signing): string {
  if (signing.pathAsSent === true) return path;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const end = kept.length > 0 && path.endsWith('/') ? '/' : '';
  return encodePath(`/${kept.join('/')}${end}`);
}

/** Sorted by encoded name, then by encoded value; a name without `=` has an empty value. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      const value = equals === -1 ? '' : pair.slice(equals + 1);
      return [normalizeEncoding(name), normalizeEncoding(value)] as const;
    });
  const sorted = pairs.toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)));
  return sorted.map(([name, value]) => `${name}=${value}`).join('&');
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `20150830T123600Z`. */
function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function scopeOf({ nowMs, region, service }: Signing): string {
  return `${timestamp(nowMs).slice(0, 8)}/${region}/${service}/aws4_request`;
}

function signatureOf(canonical: string, signing: Signing, digests: Digests): string {
  const scope = scopeOf(signing);
  const digest = hex(digests.sha256(canonical));
  const toSign = [ALGORITHM, timestamp(signing.nowMs), scope, digest].join('\n');
  let key: Uint8Array | string = `AWS4${signing.credentials.secretAccessKey}`;
  for (const part of scope.split('/')) key = digests.hmacSha256(key, part);
  return hex(digests.hmacSha256(key, toSign));
}
