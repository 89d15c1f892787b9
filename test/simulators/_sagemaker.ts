// What SageMaker's three kinds of jobs share: names and caps of the service model (botocore 1.44.5,
// sagemaker 2017-07-24), the folder /opt/ml, and the credentials of a job's role.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AwsWorld, credentials, CREDENTIALS_ADDRESS, loopback } from './_aws.ts';
import type { Yard } from './_container.ts';
import { type Rule, text } from './_rules.ts';
import type { BuiltImage, Listener, View } from './_types.ts';
import { plainView } from './_view.ts';

/** Where the simulators of AWS run their containers. */
export interface AwsPlatform {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  /** Images by the reference that requests have. */
  readonly images: Readonly<Record<string, BuiltImage>>;
}

/** Java's dot: anything but an end of a line. */
const LINE = '[^\\n\\r\\u0085\\u2028\\u2029]*';
export const LINE_OF_256 = text(256, LINE);
export const NAME = text(63, '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}');
export const S3_URI = text(1024, '(https|s3)://([^/]+)/?([^\\n\\r]*)');
export const ROLE: Rule = {
  is: 'string',
  min: 20,
  max: 2048,
  pattern: 'arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
};

/** A map of variables with the caps of one call. */
export function environmentOf(max: number, keyMax: number, valueMax: number): Rule {
  const key = text(keyMax, '[a-zA-Z_][a-zA-Z0-9_]*');
  return { is: 'map', max, key, value: text(valueMax, '[\\S\\s]*') };
}

export const HYPER_PARAMETERS: Rule = {
  is: 'map',
  max: 100,
  key: LINE_OF_256,
  value: text(2500, LINE),
};

export const VALIDATION = 'ValidationException';

/** A folder that the job may write, whoever it runs as. */
export function writable(dir: string): string {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o777);
  return dir;
}

/** Writes JSON as the platform does, without a line end. */
export function writeJson(file: string, value: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(value));
}

/** What of a job decides who and where its container is. */
export interface Job {
  readonly image: BuiltImage;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly own: Readonly<Record<string, string>>;
  readonly roleArn: string;
  readonly isIsolated: boolean;
  readonly hostname: string;
  readonly stopMs: number;
  /** The folder of this machine that is /opt/ml. */
  readonly ml: string;
}

function networkOf(job: Job, { aws }: AwsPlatform, relative: string): Listener[] {
  if (job.isIsolated) return [];
  const service = credentials(aws, relative, job.roleArn);
  return [{ address: CREDENTIALS_ADDRESS, port: 80, service }, ...loopback(aws.reachable)];
}

/** The container of a job: Docker's rules, /opt/ml, and a role unless the network is isolated. */
export function viewOf(job: Job, platform: AwsPlatform): View {
  const { image, words, hostname } = job;
  const relative = `/v2/credentials/${crypto.randomUUID()}`;
  const role = job.isIsolated ? {} : { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative };
  const declared = Object.entries({ ...job.own, ...role, ...job.environment });
  return {
    ...plainView({ image, words, declared, hostname }),
    mounts: [{ kind: 'bind', at: '/opt/ml', from: job.ml }],
    network: networkOf(job, platform, relative),
    stopMs: job.stopMs,
    collected: ['/opt/ml'],
  };
}

/** Variables that a job of SageMaker has beside the declared ones. */
export const ROLE_VARIABLE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';
