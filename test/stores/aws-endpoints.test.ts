// Hosts of AWS against botocore's, for partitions, FIPS and dual stack.
import { expect, test } from 'bun:test';
import type { AwsService } from '../../src/stores/_aws-endpoints.ts';
import { AWS, readArn, serviceUrl } from '../../src/stores/_aws-endpoints.ts';
import { objectUrl, readObjectPath } from '../../src/stores/_aws-s3.ts';
import vectors from '../golden/aws-endpoints/vectors.json' with { type: 'json' };

const BY_NAME: Readonly<Record<string, AwsService>> = {
  secretsmanager: AWS.secretsManager,
  ssm: AWS.ssm,
  kms: AWS.kms,
  sts: AWS.sts,
  sso: AWS.sso,
  s3: AWS.s3,
};
/** botocore asks the old global host here, which knows all buckets by redirects. */
const GLOBAL_S3 = 'https://s3.amazonaws.com';

test('every host is the one that botocore asks', () => {
  const wrong = vectors.rows.filter(({ service, url, ...wish }) => {
    const known = BY_NAME[service];
    const own = known === undefined ? '' : serviceUrl(known, wish);
    return own !== (url === GLOBAL_S3 ? 'https://s3.us-east-1.amazonaws.com' : url);
  });
  expect(wrong).toEqual([]);
  expect(vectors.rows.length).toBeGreaterThan(200);
});

test('an ARN is taken apart, and what is none is not', () => {
  const arn = 'arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a:b';
  expect(readArn(arn)).toEqual({
    partition: 'aws-cn',
    service: 'secretsmanager',
    region: 'cn-north-1',
    account: '123456789012',
    resource: 'secret:a:b',
  });
  for (const text of ['', 'arn', 'arn:aws:s3', 'a/b', 'urn:aws:s3:r:a:b']) {
    expect(readArn(text)).toBeUndefined();
  }
});

const POINT = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/mine';
const OBJECTS: readonly (readonly [path: string, options: object, url: string | undefined])[] = [
  ['b-1/a b/c', {}, 'https://b-1.s3.eu-west-1.amazonaws.com/a%20b/c'],
  ['dots.in.it/k', {}, 'https://s3.eu-west-1.amazonaws.com/dots.in.it/k'],
  ['Upper_1/k', {}, 'https://s3.eu-west-1.amazonaws.com/Upper_1/k'],
  ['b-1/k', { pathStyle: true }, 'https://s3.eu-west-1.amazonaws.com/b-1/k'],
  ['b-1/k', { configured: 'http://10.0.0.1:9000' }, 'http://10.0.0.1:9000/b-1/k'],
  ['b-1/k', { configured: 'https://s3.example', pathStyle: false }, 'https://b-1.s3.example/k'],
  [`${POINT}/k/l`, {}, 'https://mine-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k/l'],
  [`${POINT}/k`, { configured: 'http://10.0.0.1:9000' }, undefined],
  ['b-1/a/../k', {}, undefined],
  ['b-1//k', {}, 'https://b-1.s3.eu-west-1.amazonaws.com//k'],
];

for (const [path, options, url] of OBJECTS) {
  test(`the object ${path} with ${JSON.stringify(options)} is at ${url ?? 'no URL'}`, () => {
    const { configured, pathStyle } = options as { configured?: string; pathStyle?: boolean };
    const region = 'eu-west-1';
    const own = serviceUrl(AWS.s3, { region, isFips: false, isDualstack: false });
    const address = { url: configured ?? own, region, isConfigured: configured !== undefined };
    const place = readObjectPath(path);
    expect(place && objectUrl(place, { address, pathStyle })).toBe(url);
  });
}

test('a path without a key is no object', () => {
  for (const path of ['bucket', 'bucket/', '/key', POINT, `${POINT}/`]) {
    expect(readObjectPath(path)).toBeUndefined();
  }
});
