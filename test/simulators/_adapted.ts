// What tests of adapted requests share: a place to spill to, requests made legal by the built
// executable, and what a program sees.
import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { awsCall } from '../real/_aws-call.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import type { AwsWorld } from './_aws.ts';
import { s3Bucket } from './_aws.ts';
import { yardFolder } from './_container.ts';
import * as legal from './_legal.ts';
import { COMMON, look, shellImage } from './_probe.ts';
import { BELLHOP, tools } from './_ranker.ts';
import { sawOf } from './_saw.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import type { Ran } from './_types.ts';
import { awsStage } from './_worlds.ts';

/** A bucket of this run, and what the platform itself brings, by the request's own words. */
export const BUCKET = `sim-adapt-${crypto.randomUUID().slice(0, 8)}`;
export const SECRETS = [{ name: 'TOKEN', valueFrom: `/${BUCKET}/token` }];

/** The platforms of one file of tests; `close` belongs into its `afterAll`. */
export async function adaptStage(name: string) {
  const stage = await awsStage(name);
  const lacks = built().kind === 'launcher' ? [] : ['the launcher is not built (cc)'];
  if (lacks.length > 0) skipVisibly(name, lacks);
  const isHere = stage.isHere && lacks.length === 0;
  if (isHere) await s3Bucket(stage.aws, BUCKET);
  if (isHere) await putParameter(stage.aws);
  return {
    ...stage,
    isHere,
    adaptedBy: <Request>(target: string, request: Request, submit: object): Request => {
      return adaptedBy(stage, { target, request, submit });
    },
    /** The platform with one image, whose program shows what it sees. */
    platform: (entrypoint: string[] | null, sections = COMMON) => {
      const config = { entrypoint, cmd: ['not', 'this'] };
      const image = shellImage(stage.yard, config, look(sections));
      return { yard: stage.yard, aws: stage.aws, images: { [legal.IMAGE]: image } };
    },
  };
}

type Stage = Pick<AwsPlatform, 'yard' | 'aws'>;

async function putParameter(aws: AwsWorld): Promise<void> {
  await awsCall({
    service: 'ssm',
    url: `${aws.endpoint}/`,
    target: 'AmazonSSM.PutParameter',
    body: { Name: `/${BUCKET}/token`, Value: 'its own', Type: 'SecureString' },
    key: aws.key,
  });
}

/** Made legal by the built executable; what it spills is uploaded. */
function adaptedBy<Request>(
  { aws, yard }: Stage,
  { target, request, submit }: { target: string; request: Request; submit: object },
): Request {
  const dir = yardFolder(yard);
  const s3 = { kind: 's3', region: aws.region, endpoint: aws.s3.endpoint, pathStyle: true };
  const settings = {
    apiVersion: 'bellhop/v1',
    stores: { s3 },
    submit: { spill: `s3:${BUCKET}/spill`, bellhop: '/opt/bellhop/bellhop', ...submit },
  };
  writeFileSync(path.join(dir, 'bellhop.yaml'), JSON.stringify(settings));
  const words = ['adapt', target, '-c', 'bellhop.yaml', '--image-entrypoint', '[]'];
  const done = Bun.spawnSync([BELLHOP, ...words], {
    cwd: dir,
    stdin: Buffer.from(JSON.stringify(request)),
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      PATH: '/usr/bin:/bin',
      AWS_REGION: aws.region,
      AWS_ACCESS_KEY_ID: aws.s3.key.id,
      AWS_SECRET_ACCESS_KEY: aws.s3.key.secret,
    },
  });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return JSON.parse(done.stdout.toString()) as Request;
}

export const ODD = { 'my.key': '$(A) ${A} $$', EMPTY: '', LINES: 'a\n\u00e9 "b"\\', A: 'a' };

/** Variables as an author writes them; random ones have no room in any request. */
export function authored(count: number, isRandom: boolean): Record<string, string> {
  const value = (n: number): string => {
    const bytes = crypto.getRandomValues(new Uint8Array(700));
    return isRandom ? Buffer.from(bytes).toString('base64') : `${n} `.repeat(400);
  };
  const many = Array.from({ length: count }, (_, n) => [`FEATURE_${n}`, value(n)]);
  return { ...ODD, ...Object.fromEntries(many) };
}

export const asList = (some: Readonly<Record<string, string>>) =>
  Object.entries(some).map(([name, value]) => ({ name, value }));

export const WORDS = ['/bin/sh', '/probe.sh', '$(A)', '', 'two words'];

export const WISH = { mounts: tools() };

export const BY_BELLHOP = ['/opt/bellhop/bellhop', 'run', '--'];

type Variables = Readonly<Record<string, string>>;
/** What the platform brings by SECRETS. */
export const TOKEN = { TOKEN: 'its own' };

/** The program has these variables beside those of the platform, and these words. */
export function expectSeen(ran: Ran, variables: Variables, args: string[]): void {
  const saw = sawOf(ran);
  const own = /^(AWS_|ECS_|TRAINING_JOB_|PATH$|HOSTNAME$|HOME$)/;
  const seen = Object.entries(saw.env).filter(([name]) => !own.test(name));
  expect(Object.fromEntries(seen)).toEqual(variables);
  expect(saw.args).toEqual(args);
}

/** Where the plan is, and whether the variables are too random for the request. */
export const PLACES = [
  ['in the request', false],
  ['on S3', true],
] as const;
