// AWS's own test suite; where it comes from is told in test/golden/sigv4/README.md.
import { expect, test } from 'bun:test';
import suite from '../golden/sigv4/suite.json' with { type: 'json' };
import { encodePath } from '../../src/wire/aws-url.ts';
import { presignUrl, signRequest } from '../../src/wire/sigv4.ts';
import type { AwsRequest, Signing } from '../../src/wire/sigv4.ts';
import { digests } from './_digests.ts';

type Row = (typeof suite)[number];

interface Written {
  readonly host: string;
  readonly headers: Record<string, string>;
}

/** The lines of a header, of which one name may stand on several. */
function headersOf(lines: readonly string[]): Written {
  const headers: Record<string, string> = {};
  let host = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)];
    const earlier = headers[name];
    if (/^host$/i.test(name)) host = value;
    else if (!/^x-amz-date$/i.test(name)) {
      headers[name] = earlier === undefined ? value : `${earlier},${value.trim()}`;
    }
  }
  return { host, headers };
}

/**
 * The suite gives the path before encoding (but in get-space-normalized); S3's way is to encode
 * it before it is signed.
 */
function requestOf({ request, context }: Row): AwsRequest {
  const [head = '', ...body] = request.split('\n\n');
  const [first = '', ...lines] = head
    .replace(/\n[ \t]/g, ' ')
    .trimEnd()
    .split('\n');
  const [method = '', target = ''] = first.replace(/ HTTP\/1\.1$/, '').split(/ (.*)/);
  const [, path = '', query = ''] = /^([^?]*)(.*)$/.exec(target) ?? [];
  const { host, headers } = headersOf(lines);
  const sent = context.normalize ? path.replace('%20', ' ') : encodePath(path);
  return { method, url: `https://${host}${sent}${query}`, headers, body: body.join('\n\n') };
}

function signingOf({ context }: Row): Signing & { expiresSeconds: number } {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = context.credentials;
  const token = 'token' in context.credentials ? context.credentials.token : undefined;
  return {
    credentials: {
      accessKeyId,
      secretAccessKey,
      // The one row that adds the token after signing is signed without it.
      ...(token === undefined || isLate(context) ? {} : { sessionToken: token }),
    },
    region: context.region,
    service: context.service,
    nowMs: Date.parse(context.timestamp),
    pathAsSent: !context.normalize,
    bodyHashHeader: context.sign_body,
    expiresSeconds: context.expiration_in_seconds,
  };
}

function isLate(context: object): boolean {
  return 'omit_session_token' in context && context.omit_session_token === true;
}

test('the suite is complete', () => expect(suite).toHaveLength(40));

for (const row of suite) {
  test(`${row.name} has the signature that AWS publishes`, () => {
    const sent = signRequest(requestOf(row), signingOf(row), digests);
    expect(sent['authorization']).toEndWith(`Signature=${row['header-signature']}`);
  });
}

for (const row of suite.filter((one) => one['query-signature'] !== undefined)) {
  test(`${row.name} has the signature in its query`, () => {
    // The header with the digest means S3, which signs no body here; the suite's service does.
    const signing = { ...signingOf(row), bodyHashHeader: false };
    const signed = new URL(presignUrl(requestOf(row), signing, digests)).searchParams;
    expect(signed.get('X-Amz-Signature')).toBe(row['query-signature'] ?? '');
  });
}
