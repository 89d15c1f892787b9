// What the simulators of AWS share: the emulators that stand behind, S3 folders, secrets of tasks,
// and the endpoint that gives a task's credentials.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AwsKey, awsCall } from '../real/_aws-call.ts';
import type { Listener, Service } from './_types.ts';

/** The emulators of an account, and the keys that its roles give out. */
export interface AwsWorld {
  readonly region: string;
  readonly account: string;
  /** Secrets Manager, SSM and the rest: moto. */
  readonly endpoint: string;
  readonly key: AwsKey;
  /** A real S3 server; its own key. */
  readonly s3: { readonly endpoint: string; readonly key: AwsKey };
  /** Ports of this machine that containers with a network reach at 127.0.0.1. */
  readonly reachable: readonly number[];
}

/** Address of the credentials endpoint of ECS (botocore 1.44.5 utils.py). */
export const CREDENTIALS_ADDRESS = '169.254.170.2';

const OBJECTS_MAX = 10_000;

/** Ports of this machine as a container sees them. */
export function loopback(ports: readonly number[]): Listener[] {
  return ports.map((port) => ({ address: '127.0.0.1', port, service: { loopbackPort: port } }));
}

/** Answers with a role's keys at one path, as the agent does, and with 4xx elsewhere. */
export function credentials(world: AwsWorld, relative: string, roleArn: string): Service {
  return (request) => {
    if (new URL(request.url).pathname !== relative) {
      return Response.json({ code: 'InvalidIdInRequest' }, { status: 400 });
    }
    return Response.json({
      RoleArn: roleArn,
      AccessKeyId: world.s3.key.id,
      SecretAccessKey: world.s3.key.secret,
      Token: '',
      Expiration: new Date(Date.now() + 6 * 3600_000).toISOString(),
    });
  };
}

/** The bucket and the key, or prefix, of `s3://bucket/key`. */
export function s3Parts(uri: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^(?:s3|https):\/\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  return { bucket, key };
}

function clientOf(world: AwsWorld, bucket: string) {
  const { endpoint, key } = world.s3;
  return new Bun.S3Client({
    endpoint,
    region: world.region,
    bucket,
    accessKeyId: key.id,
    secretAccessKey: key.secret,
  });
}

/** Makes a bucket, if it is not there. */
export async function s3Bucket(world: AwsWorld, bucket: string): Promise<void> {
  const { endpoint, key } = world.s3;
  const url = `${endpoint}/${bucket}`;
  const answer = await awsCall({ service: 's3', url, method: 'PUT', key });
  if (!answer.ok && answer.status !== 409) {
    throw new Error(`bucket ${bucket}: HTTP ${answer.status} ${await answer.text()}`);
  }
}

/** Puts an object. */
export async function s3Put(
  world: AwsWorld,
  uri: string,
  bytes: Uint8Array | string,
): Promise<void> {
  const { bucket, key } = s3Parts(uri);
  await clientOf(world, bucket).write(key, bytes);
}

/** An object's bytes; an error of the server where there is none. */
export async function s3Get(world: AwsWorld, uri: string): Promise<Uint8Array> {
  const { bucket, key } = s3Parts(uri);
  return clientOf(world, bucket).file(key).bytes();
}

/** Keys below a prefix in their order, as the service lists them. */
export async function s3Keys(world: AwsWorld, uri: string): Promise<string[]> {
  const { bucket, key: prefix } = s3Parts(uri);
  const client = clientOf(world, bucket);
  const keys: string[] = [];
  let continuationToken: string | undefined;
  do {
    const more = continuationToken === undefined ? {} : { continuationToken };
    const page = await client.list({ prefix, ...more });
    keys.push(...(page.contents ?? []).map(({ key }) => key));
    continuationToken = page.isTruncated === true ? page.nextContinuationToken : undefined;
  } while (continuationToken !== undefined && keys.length < OBJECTS_MAX);
  return keys.toSorted();
}

/** The path that a key of a prefix has below a channel's folder. */
export function keyBelow(prefix: string, key: string): string {
  if (key === prefix) return path.posix.basename(key);
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  if (key.startsWith(folder)) return key.slice(folder.length);
  return key.slice(prefix.lastIndexOf('/') + 1);
}

/** Downloads what lies below a prefix into a folder; those keys only that `isWanted` takes. */
export async function s3Download(
  world: AwsWorld,
  uri: string,
  to: { readonly dir: string; readonly isWanted?: (index: number) => boolean },
): Promise<number> {
  const { bucket, key: prefix } = s3Parts(uri);
  const all = (await s3Keys(world, uri)).filter((key) => !key.endsWith('/'));
  const keys = all.filter((_, index) => to.isWanted?.(index) ?? true);
  for (const key of keys) {
    const full = path.join(to.dir, keyBelow(prefix, key));
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, await s3Get(world, `s3://${bucket}/${key}`));
  }
  return all.length;
}

/** A secret that a task may not have: its agent says why, and the task does not start. */
export class SecretError extends Error {}

type Answer = Record<string, unknown>;

async function call(
  world: AwsWorld,
  service: 'secretsmanager' | 'ssm',
  [operation, body]: readonly [string, Answer],
): Promise<Answer> {
  const target = `${service === 'ssm' ? 'AmazonSSM' : 'secretsmanager'}.${operation}`;
  const url = `${world.endpoint}/`;
  const answer = await awsCall({ service, url, target, body, key: world.key });
  const given = (await answer.json()) as Answer;
  if (answer.ok) return given;
  const code = String(given['__type']).split('#').at(-1);
  throw new SecretError(`unable to retrieve secret: ${operation}: ${code ?? answer.status}`);
}

/** Secrets Manager's `arn:…:secret:name-6RANDOM[:json-key[:version-stage[:version-id]]]`. */
async function fromSecretsManager(world: AwsWorld, valueFrom: string): Promise<string> {
  const parts = valueFrom.split(':');
  const [member = '', stage = '', version = ''] = parts.slice(7);
  const given = await call(world, 'secretsmanager', [
    'GetSecretValue',
    {
      SecretId: parts.slice(0, 7).join(':'),
      ...(stage === '' ? {} : { VersionStage: stage }),
      ...(version === '' ? {} : { VersionId: version }),
    },
  ]);
  const text = given['SecretString'];
  if (typeof text !== 'string') {
    throw new SecretError('unable to retrieve secret: the secret has no SecretString');
  }
  if (member === '') return text;
  const json = JSON.parse(text) as Answer;
  const value = json[member];
  if (value === undefined) {
    throw new SecretError(`retrieved secret does not contain json key ${member}`);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What `valueFrom` of a container's secret names: a Secrets Manager ARN, or an SSM parameter. */
export async function taskSecret(world: AwsWorld, valueFrom: string): Promise<string> {
  if (/^arn:aws[a-z-]*:secretsmanager:/.test(valueFrom))
    return fromSecretsManager(world, valueFrom);
  const ssm = /^arn:aws[a-z-]*:ssm:[^:]*:\d*:parameter(\/.+)$/.exec(valueFrom)?.[1];
  const name = ssm ?? valueFrom;
  // An ARN writes `parameter/x` for a parameter `x` as well as for `/x`.
  const names = ssm === undefined ? [name] : [name, name.slice(1)];
  const given = await call(world, 'ssm', ['GetParameters', { Names: names, WithDecryption: true }]);
  const [first] = (given['Parameters'] ?? []) as { Value: string }[];
  if (first === undefined) throw new SecretError(`invalid parameters: ${name}`);
  return first.Value;
}
