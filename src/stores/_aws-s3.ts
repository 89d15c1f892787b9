// Where an object of S3 is, and what S3 answers for it. Hosts and the way to a bucket's region are
// botocore 1.44.5's (endpoint rules; utils.py, S3RegionRedirectorv2).
import type { Verdict } from '../core/call.ts';
import { refused } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { encodeUri, objectPath } from '../wire/aws-url.ts';
import { xmlText } from '../wire/xml-text.ts';
import { partitionName, readArn } from './_aws-endpoints.ts';
import { iamName } from './_aws-rights.ts';
import type { AwsFailure } from './_aws-errors.ts';
import { nameOf } from './_aws-errors.ts';
import type { AwsAddress } from './_aws-settings.ts';
import { readObject } from './_objects.ts';
import type { Answer } from './_store.ts';

/** An object, by a bucket's name or an access point's ARN. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

/** `bucket/key`, or `arn:…:accesspoint/NAME/key`; undefined where the text is none. */
export function readObjectPath(path: string): ObjectPlace | undefined {
  if (readArn(path) === undefined) return readObject(path);
  const [, bucket, key] = /^(.*?:accesspoint[/:][^/:]+)[/:]([^]+)$/.exec(path) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key };
}

/** How buckets are named in URLs. */
export interface UrlStyle {
  readonly address: AwsAddress;
  /** What the option says; undefined: as the address allows. */
  readonly pathStyle: boolean | undefined;
}

/** What may stand before a host's name: anything else would end the name, and lead elsewhere. */
const HOST = /^(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** The object's URL; undefined where no URL can name its key or bucket. */
export function objectUrl(place: ObjectPlace, style: UrlStyle): string | undefined {
  const { address } = style;
  const path = objectPath(place.key);
  if (path === undefined) return undefined;
  const point = readArn(place.bucket);
  if (point !== undefined) {
    const name = point.resource.replace(/^accesspoint[/:]/, '');
    if (!/^[a-z0-9-]+$/.test(name) || !/^\d{12}$/.test(point.account)) return undefined;
    const host = address.url.replace(/^https:\/\/s3(-fips)?/, 'https://s3-accesspoint$1');
    if (host === address.url) return undefined;
    return `${host.replace('https://', `https://${name}-${point.account}.`)}${path}`;
  }
  // A wildcard certificate covers one label, so a bucket with dots has none of its own.
  const isHost = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(place.bucket);
  const inPath = style.pathStyle ?? (address.isConfigured || !isHost);
  if (!inPath) {
    return HOST.test(place.bucket)
      ? `${address.url.replace('://', `://${place.bucket}.`)}${path}`
      : undefined;
  }
  if (place.bucket === '.' || place.bucket === '..') return undefined;
  return `${address.url}/${encodeUri(place.bucket)}${path}`;
}

const ELSEWHERE = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'Redirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

/** The region that a bucket is in, where S3 says that another one was asked. */
export function regionIn(failure: AwsFailure, answer: HttpAnswer): string | undefined {
  if (!ELSEWHERE.has(failure.code)) return undefined;
  const inBody = xmlText(new TextDecoder().decode(answer.body), ['Error', 'Region']);
  const region = answer.headers['x-amz-bucket-region'] ?? inBody;
  return region !== undefined && /^[a-z0-9-]{1,64}$/.test(region) ? region : undefined;
}

/** What an error means to one object; undefined: what it usually means. */
export function failureOfObject(
  failure: AwsFailure,
  answer: HttpAnswer,
): Verdict<Answer> | undefined {
  const isMarker = answer.headers['x-amz-delete-marker'] === 'true';
  if (isMarker) return absent('it was deleted (a delete marker)');
  switch (failure.code) {
    case 'NoSuchKey':
      return absent('there is no such object');
    case 'NoSuchVersion':
      return absent('there is no such version of the object');
    case 'NoSuchBucket':
      return refused('BH_ERR_SETTINGS', 'there is no such bucket (NoSuchBucket)');
    case 'InvalidObjectState':
      return refused('BH_ERR_SETTINGS', 'the object is archived: restore it first');
    case 'AccessDenied': {
      const help =
        'give the identity s3:GetObject on the object; without s3:ListBucket on the bucket S3 says the same of an object that is not there';
      return refused('BH_ERR_STORE_DENIED', `not allowed: s3:GetObject (${nameOf(failure)})`, help);
    }
    default:
      return undefined;
  }
}

function absent(what: string): Verdict<Answer> {
  return { kind: 'done', value: { kind: 'absent', what } };
}

/** `arn:aws:s3:::bucket/key`, for rights. */
export function objectArn({ bucket, key }: ObjectPlace, region: string | undefined): string {
  if (readArn(bucket) !== undefined) return `${bucket}/object/${iamName(key)}`;
  return `arn:${partitionName(region)}:s3:::${iamName(bucket)}/${iamName(key)}`;
}

/** What `s3:ListBucket` is given on: absence can be told from denial then. */
export function bucketArn({ bucket }: ObjectPlace, region: string | undefined): string {
  return readArn(bucket) === undefined
    ? `arn:${partitionName(region)}:s3:::${iamName(bucket)}`
    : bucket;
}
