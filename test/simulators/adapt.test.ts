// Requests of ECS and Batch that `bellhop adapt` made legal, in the simulators: the program sees
// what their author wrote, which the platform itself refuses.
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { awsCall } from '../real/_aws-call.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { awsBatch, type JobDefinition } from './aws-batch.ts';
import { ecsTask } from './ecs.ts';
import type { TaskDefinition } from './_ecs-requests.ts';
import { s3Bucket, s3Keys } from './_aws.ts';
import { yardFolder } from './_container.ts';
import * as legal from './_legal.ts';
import { COMMON, look, shellImage } from './_probe.ts';
import { BELLHOP, tools } from './_ranker.ts';
import { sawOf } from './_saw.ts';
import type { Ran } from './_types.ts';
import { awsStage } from './_worlds.ts';

const stage = await awsStage('adapted requests');
const lacks = built().kind === 'launcher' ? [] : ['the launcher is not built (cc)'];
if (lacks.length > 0) skipVisibly('adapted requests', lacks);
const isHere = stage.isHere && lacks.length === 0;
const { aws, yard } = stage;
afterAll(stage.close);
const BUCKET = `sim-adapt-${crypto.randomUUID().slice(0, 8)}`;
/** What the platform itself brings, by the request's own words. */
const SECRETS = [{ name: 'TOKEN', valueFrom: `/${BUCKET}/token` }];

async function putParameter(): Promise<void> {
  await awsCall({
    service: 'ssm',
    url: `${aws.endpoint}/`,
    target: 'AmazonSSM.PutParameter',
    body: { Name: `/${BUCKET}/token`, Value: 'its own', Type: 'SecureString' },
    key: aws.key,
  });
}

if (isHere) await s3Bucket(aws, BUCKET);
if (isHere) await putParameter();

/** Made legal by the built executable; what it spills is uploaded. */
function adaptedBy<Request>(target: string, request: Request, submit: object): Request {
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

const ODD = { 'my.key': '$(A) ${A} $$', EMPTY: '', LINES: 'a\n\u00e9 "b"\\', A: 'a' };

/** Variables as an author writes them; random ones have no room in any request. */
function authored(count: number, isRandom: boolean): Record<string, string> {
  const value = (n: number): string => {
    const bytes = crypto.getRandomValues(new Uint8Array(700));
    return isRandom ? Buffer.from(bytes).toString('base64') : `${n} `.repeat(400);
  };
  const many = Array.from({ length: count }, (_, n) => [`FEATURE_${n}`, value(n)]);
  return { ...ODD, ...Object.fromEntries(many) };
}

const asList = (some: Readonly<Record<string, string>>) =>
  Object.entries(some).map(([name, value]) => ({ name, value }));

const WORDS = ['/bin/sh', '/probe.sh', '$(A)', '', 'two words'];

function platform(entrypoint: string[] | null) {
  const image = shellImage(yard, { entrypoint, cmd: ['not', 'this'] }, look(COMMON));
  return { yard, aws, images: { [legal.IMAGE]: image } };
}

const WISH = { mounts: tools() };

function expectSeen(ran: Ran, variables: Readonly<Record<string, string>>, args: string[]): void {
  const saw = sawOf(ran);
  const own = /^(AWS_|ECS_|PATH$|HOSTNAME$|HOME$)/;
  const seen = Object.entries(saw.env).filter(([name]) => !own.test(name));
  expect(Object.fromEntries(seen)).toEqual({ ...variables, TOKEN: 'its own' });
  expect(saw.args).toEqual(args);
}

/** Where the plan is, and whether the variables are too random for the request. */
const PLACES = [
  ['in the request', false],
  ['on S3', true],
] as const;

describe.skipIf(!isHere).each([...PLACES])('with the plan %s', (_, isRandom) => {
  const isSpilled = async (): Promise<boolean> => {
    return (await s3Keys(aws, `s3://${BUCKET}/spill`)).length > 0;
  };

  test('an ECS task sees what its author wrote', async () => {
    const variables = authored(100, isRandom);
    const [first = '', ...rest] = WORDS;
    const { register, run } = legal.task({
      entryPoint: [first],
      command: rest,
      environment: asList(variables),
      secrets: SECRETS,
    });
    expect(ecsTask.refusals({ register, run })).toHaveLength(1);
    const made = adaptedBy<TaskDefinition>('ecs', register, {});
    const ran = await ecsTask.run({ register: made, run }, platform(['/other']), WISH);
    expectSeen(ran, variables, WORDS.slice(2));
    expect(await isSpilled()).toBe(isRandom);
  });

  test('a Batch job of an image without ENTRYPOINT does', async () => {
    const variables = authored(40, isRandom);
    const environment = asList(variables);
    const { register, submit } = legal.batch({
      command: WORDS.filter(Boolean),
      environment,
      secrets: SECRETS,
    });
    expect(awsBatch.refusals({ register, submit })).toHaveLength(1);
    const made = adaptedBy<JobDefinition>('aws-batch', register, {});
    const ran = await awsBatch.run({ register: made, submit }, platform(null), WISH);
    expectSeen(ran, variables, WORDS.slice(2).filter(Boolean));
  });

  test('and its parameters are put into the command', async () => {
    const variables = authored(40, isRandom);
    const command = ['/bin/sh', '/probe.sh', 'Ref::input', '$(A)'];
    const environment = asList(variables);
    const parameters = { input: 'the input' };
    const { register, submit } = legal.batch(
      { command, environment, secrets: SECRETS },
      { parameters },
    );
    for (const startedBy of ['request', 'image']) {
      const settings = startedBy === 'image' ? { startedBy } : {};
      const made = adaptedBy<JobDefinition>('aws-batch', register, settings);
      const entrypoint = startedBy === 'image' ? ['/opt/bellhop/bellhop', 'run', '--'] : null;
      const ran = await awsBatch.run({ register: made, submit }, platform(entrypoint), WISH);
      expectSeen(ran, variables, ['the input', '$(A)']);
    }
  });
});

describe.skipIf(!isHere)('what a later call overrides', () => {
  const variables = authored(100, false);
  const environment = asList(variables);
  const overriding = { environment: asList({ A: 'of the run', NEW: 'new' }) };

  test('variables of the adapted request count, and others are added', async () => {
    const { register, run } = legal.task(
      { entryPoint: WORDS.slice(0, 1), command: WORDS.slice(1), environment, secrets: SECRETS },
      { overrides: { containerOverrides: [{ name: 'main', ...overriding }] } },
    );
    const made = adaptedBy<TaskDefinition>('ecs', register, {});
    const ran = await ecsTask.run({ register: made, run }, platform(null), WISH);
    expectSeen(ran, { ...variables, NEW: 'new' }, WORDS.slice(2));
  });

  test('another command is started with all of it where the image starts bellhop', async () => {
    const { register, submit } = legal.batch(
      { command: ['/bin/sh', '/probe.sh', 'one'], environment, secrets: SECRETS },
      { containerOverrides: { command: ['/bin/sh', '/probe.sh', 'other'] } },
    );
    const made = adaptedBy<JobDefinition>('aws-batch', register, { startedBy: 'image' });
    const image = platform(['/opt/bellhop/bellhop', 'run', '--']);
    const ran = await awsBatch.run({ register: made, submit }, image, WISH);
    expectSeen(ran, variables, ['other']);
  });
});
