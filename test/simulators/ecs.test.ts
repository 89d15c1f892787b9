// The simulators of ECS and Batch against what their documents and the agent's code say.
import { afterAll, describe, expect, test } from 'bun:test';
import { awsCall } from '../real/_aws-call.ts';
import { s3Bucket, s3Put } from './_aws.ts';
import { awsBatch } from './aws-batch.ts';
import { ecsTask } from './ecs.ts';
import * as legal from './_legal.ts';
import { COMMON, httpGet } from './_probe.ts';
import { outcomeOf, sawOf, showing, WISH } from './_saw.ts';
import { awsStage } from './_worlds.ts';

const RUN = Math.random().toString(36).slice(2, 8);
const BUCKET = `sim-ecs-${RUN}`;
const stage = await awsStage('ECS and Batch');
const { aws, isHere } = stage;
afterAll(stage.close);

async function secret(name: string, value: string): Promise<string> {
  const answer = await awsCall({
    service: 'secretsmanager',
    url: `${aws.endpoint}/`,
    target: 'secretsmanager.CreateSecret',
    body: { Name: `${name}-${RUN}`, SecretString: value },
    key: aws.key,
  });
  return ((await answer.json()) as { ARN: string }).ARN;
}

async function parameter(name: string, value: string): Promise<void> {
  await awsCall({
    service: 'ssm',
    url: `${aws.endpoint}/`,
    target: 'AmazonSSM.PutParameter',
    body: { Name: name, Value: value, Type: 'SecureString' },
    key: aws.key,
  });
}

const AGENT = {
  ...COMMON,
  role: httpGet('169.254.170.2', `'"$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"'`),
  metadata: httpGet(
    '169.254.170.2',
    `'"\${ECS_CONTAINER_METADATA_URI_V4#http://169.254.170.2}"'/task`,
  ),
  nobody: httpGet('169.254.170.2', '/v2/credentials/other'),
};

describe.skipIf(!isHere)('an ECS task', () => {
  test('has its variables, files of variables, secrets, role and metadata', async () => {
    const arn = await secret('db', '{"password":"p\\n $HOME","port":5432}');
    await parameter(`/sim/${RUN}/token`, 'tok');
    await s3Bucket(aws, BUCKET);
    await s3Put(
      aws,
      `s3://${BUCKET}/a.env`,
      '# no\nA=first\nB="quoted" # x\nno line\n=x\nC=file\r\n',
    );
    await s3Put(aws, `s3://${BUCKET}/b.env`, 'A=second\nD=only here');
    const files = ['a', 'b'].map((one) => ({
      type: 's3',
      value: `arn:aws:s3:::${BUCKET}/${one}.env`,
    }));
    const request = legal.task(
      {
        command: ['one', ''],
        environment: [
          { name: 'C', value: 'declared' },
          { name: 'my.key', value: '$(C) $C' },
        ],
        environmentFiles: files,
        secrets: [
          { name: 'PASSWORD', valueFrom: `${arn}:password::` },
          { name: 'WHOLE', valueFrom: arn },
          { name: 'TOKEN', valueFrom: `/sim/${RUN}/token` },
          {
            name: 'TOKEN2',
            valueFrom: `arn:aws:ssm:us-east-1:123456789012:parameter/sim/${RUN}/token`,
          },
        ],
      },
      {
        overrides: {
          containerOverrides: [{ name: 'main', environment: [{ name: 'D', value: 'run' }] }],
        },
      },
    );
    const { env, args, text } = sawOf(await ecsTask.run(request, showing(stage, AGENT), WISH));
    expect(args).toEqual(['one', '']);
    expect(env).toMatchObject({
      A: 'first',
      B: '"quoted" # x',
      C: 'declared',
      D: 'run',
      'my.key': '$(C) $C',
      PASSWORD: 'p\n $HOME',
      WHOLE: '{"password":"p\\n $HOME","port":5432}',
      TOKEN: 'tok',
      TOKEN2: 'tok',
      AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
    });
    expect(text('role')).toContain(aws.key.id);
    expect(text('metadata')).toContain('"Family":"family"');
    expect(text('nobody')).toContain('400');
    expect(text('root')).toBe('writable\n');
  });

  test('on Fargate knows its region, has 64 MiB of /dev/shm, and no more than 124 KiB of variables', async () => {
    const fargate = { launchType: 'FARGATE' };
    const { env, text } = sawOf(
      await ecsTask.run(legal.task({}, fargate), showing(stage, COMMON), WISH),
    );
    expect(env).toMatchObject({ AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE', AWS_REGION: 'us-east-1' });
    expect(text('shm')).toContain(String(64 * 1024 * 1024));
    await s3Put(aws, `s3://${BUCKET}/big.env`, `A=${'v'.repeat(60_000)}\nB=${'v'.repeat(64_000)}`);
    await s3Put(aws, `s3://${BUCKET}/more.env`, `C=${'v'.repeat(4000)}`);
    const files = (names: string[]) => ({
      environmentFiles: names.map((one) => ({
        type: 's3',
        value: `arn:aws:s3:::${BUCKET}/${one}.env`,
      })),
    });
    const most = await ecsTask.run(
      legal.task(files(['big']), fargate),
      showing(stage, COMMON),
      WISH,
    );
    expect(most.kind).toBe('ended');
    const over = await ecsTask.run(
      legal.task(files(['big', 'more']), fargate),
      showing(stage, COMMON),
      WISH,
    );
    expect(over).toMatchObject({
      kind: 'not started',
      reason: expect.stringContaining('ResourceInitializationError'),
    });
  });

  test('does not start without its secret, its execution role, or with a line too long', async () => {
    const absent = [
      { name: 'A', valueFrom: 'arn:aws:secretsmanager:us-east-1:1:secret:none-abcdef' },
    ];
    const none = await ecsTask.run(legal.task({ secrets: absent }), showing(stage, COMMON), WISH);
    expect(none).toMatchObject({
      kind: 'not started',
      reason: expect.stringContaining('ResourceNotFoundException'),
    });
    const roleless = legal.task({ secrets: absent }, {}, { executionRoleArn: undefined as never });
    expect((await ecsTask.run(roleless, showing(stage, COMMON), WISH)).kind).toBe('not started');
    for (const [bytes, kind] of [
      [65_535, 'ended'],
      [65_536, 'not started'],
    ] as const) {
      await s3Put(aws, `s3://${BUCKET}/line.env`, `A=${'v'.repeat(bytes - 2)}\n`);
      const file = { type: 's3', value: `arn:aws:s3:::${BUCKET}/line.env` };
      const ran = await ecsTask.run(
        legal.task({ environmentFiles: [file] }),
        showing(stage, COMMON),
        WISH,
      );
      expect(ran.kind).toBe(kind);
    }
  });

  test('has the memory, root, user, folder and words that its definition says', async () => {
    const request = legal.task({
      entryPoint: ['sh', '/probe.sh'],
      user: 'app:3001',
      workingDirectory: '/srv',
      readonlyRootFilesystem: true,
      linuxParameters: {
        sharedMemorySize: 128,
        initProcessEnabled: true,
        tmpfs: [{ containerPath: '/mem', size: 2 }],
      },
    });
    const sections = {
      ...COMMON,
      mem: 'df -B1 --output=size /mem | tail -n 1; touch /mem/x && echo yes',
    };
    const ran = await ecsTask.run(request, showing(stage, sections, { cmd: ['dropped'] }), WISH);
    const { text } = sawOf(ran);
    expect(text('ids')).toBe('1001\n3001\n3001\n');
    expect(text('cwd')).toBe('/srv\n');
    expect(text('root')).toContain('exit 1');
    expect(text('shm')).toContain(String(128 * 1024 * 1024));
    expect(text('mem')).toMatch(/2097152\s+yes/);
    expect(text('pid')).toBe('2\n');
    expect(outcomeOf(ran).stdout).not.toContain('dropped');
  });
});

describe.skipIf(!isHere)('a Batch job', () => {
  test('keeps the ENTRYPOINT, fills in Ref:: and names itself', async () => {
    const arn = await secret('batch', 'sealed');
    const request = legal.batch(
      {
        command: ['Ref::input', 'x-Ref::input', 'Ref::nothing'],
        environment: [
          { name: 'A', value: 'definition' },
          { name: 'B', value: 'definition' },
        ],
        secrets: [{ name: 'S', valueFrom: arn }],
      },
      {
        parameters: { input: 'the input' },
        arrayProperties: { size: 3 },
        containerOverrides: { environment: [{ name: 'B', value: 'submit' }] },
      },
    );
    const ran = await awsBatch.run(request, showing(stage, AGENT), {
      ...WISH,
      attempt: 2,
      node: 1,
    });
    const { env, args, text } = sawOf(ran);
    expect(args).toEqual(['the input', 'x-the input', 'Ref::nothing']);
    expect(env).toMatchObject({
      A: 'definition',
      B: 'submit',
      S: 'sealed',
      AWS_BATCH_JOB_ATTEMPT: '2',
      AWS_BATCH_JOB_ARRAY_INDEX: '1',
      AWS_BATCH_JQ_NAME: 'queue',
    });
    expect(env['AWS_BATCH_JOB_ID']).toEndWith(':1');
    expect(text('role')).toContain(aws.key.id);
    expect(ran).toMatchObject({ status: 'SUCCEEDED' });
  });
});
