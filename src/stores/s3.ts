import type { Verdict } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { encodeQuery } from '../wire/aws-url.ts';
import { OBJECT_STORAGE } from '../wire/sigv4.ts';
import type { Aws } from './_aws.ts';
import { openAws } from './_aws.ts';
import { AWS } from './_aws-endpoints.ts';
import { awsDataKeys } from './_aws-kms.ts';
import { AWS_AUTH, AWS_OPTIONS, AWS_PLACES, AWS_VARIABLES } from './_aws-options.ts';
import { AWS_DATA_KEYS, keyRight, openedBy, roleRights } from './_aws-rights.ts';
import type { ObjectPlace } from './_aws-s3.ts';
import {
  bucketArn,
  failureOfObject,
  objectArn,
  objectUrl,
  readObjectPath,
  regionIn,
} from './_aws-s3.ts';
import type { AwsCall, Unsigned } from './_aws-send.ts';
import { sendAws } from './_aws-send.ts';
import { addressOf, regionOf } from './_aws-settings.ts';
import { askEach, pathProblem, wantedKey } from './_each.ts';
import { DOTENV_OPTION, OBJECT_BYTES_MAX, TOLD_BYTES_MAX, objectAnswer } from './_objects.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Answer, PutHow, Right, StoreKind, Wanted } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

const s3: StoreKind = {
  kind: 's3',
  summary: 'Objects of Amazon S3, or of a server that speaks like it',
  path: 'the bucket (or the ARN of an access point) and the key: `my-bucket/prod/app.json`',
  version: 'the version id of a bucket with versions; the latest where absent',
  perCall: { paths: 1, inFlight: 64, valueBytes: OBJECT_BYTES_MAX },
  options: {
    ...AWS_OPTIONS,
    pathStyle: {
      type: 'flag',
      help: "true: the bucket stands in the URL's path; false: in its host. Absent: in the path where `endpoint` is set or the bucket's name is no host's",
    },
    dotenv: DOTENV_OPTION,
    sseKmsKeyId: { type: 'text', help: 'the KMS key that objects are written under' },
  },
  auth: AWS_AUTH,
  variables: AWS_VARIABLES,
  places: [...AWS_PLACES, 'AWS_ENDPOINT_URL_S3'],
  open(options, context) {
    const bucketStore: Buckets = {
      aws: openAws(AWS.s3, options, context),
      options,
      regions: new Map(),
    };
    return {
      fetch: async (wanted) => {
        return askEach(context.caller, wanted, {
          keyOf: wantedKey,
          ask: async (one) => askOne(bucketStore, one),
        });
      },
      put: async (path, content, how) => putOne(bucketStore, { path, content, ...how }),
      identity: bucketStore.aws.identity,
      dataKey: awsDataKeys(bucketStore.aws),
    };
  },
  rights(options, wanted): readonly Right[] {
    const region = textOption(options, 'region');
    const rights = wanted.flatMap(({ path, version }): Right[] => {
      const place = readObjectPath(path);
      if (place === undefined) return [];
      const action = version === undefined ? 's3:GetObject' : 's3:GetObjectVersion';
      return [
        { system: 'aws', actions: [action], resource: objectArn(place, region) },
        { system: 'aws', actions: ['s3:ListBucket'], resource: bucketArn(place, region) },
      ];
    });
    const each = new Map(rights.map((right) => [JSON.stringify(right), right]));
    return [...each.values(), ...openedBy('s3', wanted, options), ...roleRights(options)];
  },
  writes: {
    address: (path) => {
      const place = readObjectPath(path);
      return place === undefined || place.bucket.includes(':') ? undefined : `s3://${path}`;
    },
    rights(options, path) {
      const region = textOption(options, 'region');
      const place = readObjectPath(path);
      if (place === undefined) return [];
      const key = textOption(options, 'sseKmsKeyId');
      return [
        { system: 'aws', actions: ['s3:PutObject'], resource: objectArn(place, region) },
        ...(key === undefined ? [] : [keyRight(['kms:GenerateDataKey'], key, region)]),
      ];
    },
  },
  dataKeys: AWS_DATA_KEYS,
};

export default s3;

/** An open store, and the regions that buckets turned out to be in. */
interface Buckets {
  readonly aws: Aws;
  readonly options: Options;
  readonly regions: Map<string, string>;
}

async function askOne(buckets: Buckets, { path, version }: Wanted): Promise<Answer> {
  const { context } = buckets.aws;
  const place = readObjectPath(path);
  if (place === undefined) {
    throw pathProblem(context, path, 'a path is a bucket and a key: BUCKET/KEY');
  }
  const url = urlOf(buckets, place);
  if (url === undefined) throw pathProblem(context, path, 'no URL can name this bucket and key');
  const query = version === undefined ? '' : `?${encodeQuery([['versionId', version]])}`;
  return send<Answer>(buckets, place, {
    name: 'GetObject',
    make: () => ({
      method: 'GET',
      url: `${urlOf(buckets, place) ?? url}${query}`,
      headers: {},
      bodyBytesMax: OBJECT_BYTES_MAX,
    }),
    done: (answer) => objectIn(buckets, place, answer),
    judge: failureOfObject,
  });
}

/** Every object has an ETag: what has none is the page of something else that answers there. */
function objectIn({ options }: Buckets, place: ObjectPlace, answer: HttpAnswer): Verdict<Answer> {
  if (answer.headers['etag'] === undefined) {
    return { kind: 'again', why: `HTTP ${answer.status} without an ETag: that is no object` };
  }
  const { 'x-amz-version-id': version } = answer.headers;
  const object = { key: place.key, body: answer.body };
  return objectAnswer(version === undefined ? object : { ...object, version }, options);
}

function urlOf({ aws, options, regions }: Buckets, place: ObjectPlace): string | undefined {
  const region = regionFor({ aws, regions }, place);
  const address = addressOf(aws.context, aws.settings, { service: AWS.s3, region });
  const { pathStyle } = options;
  return objectUrl(place, {
    address,
    pathStyle: typeof pathStyle === 'boolean' ? pathStyle : undefined,
  });
}

function regionFor({ aws, regions }: Pick<Buckets, 'aws' | 'regions'>, place: ObjectPlace): string {
  return regions.get(place.bucket) ?? regionOf(aws.context, aws.settings, place.bucket);
}

type ObjectCall<T> = Pick<AwsCall<T>, 'name' | 'done' | 'judge' | 'action'> & { make(): Unsigned };

/** Follows a bucket to its region; never to one where this call has asked already. */
async function send<T>(buckets: Buckets, place: ObjectPlace, call: ObjectCall<T>): Promise<T> {
  const { aws, regions } = buckets;
  const asked = new Set<string>();
  return sendAws<T>(aws, {
    ...call,
    service: AWS.s3,
    signer: aws.signer,
    style: OBJECT_STORAGE,
    region: () => {
      const region = regionFor(buckets, place);
      asked.add(region);
      return region;
    },
    judge: (failure, answer) => {
      const region = regionIn(failure, answer);
      if (region === undefined) return call.judge?.(failure, answer);
      // Others of this bucket may have followed it since this one was signed.
      if (asked.has(region)) return undefined;
      regions.set(place.bucket, region);
      return { kind: 'again', why: `the bucket is in ${region}` };
    },
  });
}

type Putting = PutHow & { readonly path: string; readonly content: Uint8Array };

async function putOne(buckets: Buckets, putting: Putting): Promise<void> {
  const { path, content, expireDays } = putting;
  const { context } = buckets.aws;
  const place = readObjectPath(path);
  const url = place === undefined ? undefined : urlOf(buckets, place);
  if (place === undefined || url === undefined) {
    throw settingsProblem(context, `no object can be written at ${path}`);
  }
  const key = textOption(buckets.options, 'sseKmsKeyId');
  const encryption =
    key === undefined
      ? {}
      : {
          'x-amz-server-side-encryption': 'aws:kms',
          'x-amz-server-side-encryption-aws-kms-key-id': key,
        };
  // A lifecycle rule of the bucket can ask for the tag; without such a rule nothing expires.
  const tagging =
    expireDays === undefined ? {} : { 'x-amz-tagging': `bellhop-expire-days=${expireDays}` };
  await send<boolean>(buckets, place, {
    name: 'PutObject',
    ...(expireDays === undefined ? {} : { action: 's3:PutObject and s3:PutObjectTagging' }),
    make: () => ({
      method: 'PUT',
      url: urlOf(buckets, place) ?? url,
      headers: { 'content-type': 'application/octet-stream', ...encryption, ...tagging },
      body: content,
      bodyBytesMax: TOLD_BYTES_MAX,
    }),
    done: () => ({ kind: 'done', value: true }),
    judge: (failure) => {
      if (failure.code !== 'NoSuchBucket') return undefined;
      return { kind: 'refused', code: 'BH_ERR_SETTINGS', what: 'there is no such bucket' };
    },
  });
}
