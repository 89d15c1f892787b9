// The simulator of SageMaker training jobs against what SageMaker's own documents promise.
import { afterAll, describe, expect, test } from 'bun:test';
import { s3Bucket, s3Keys, s3Put } from './_aws.ts';
import { ROLE, training } from './_legal.ts';
import { COMMON, environ, hostTools, httpGet, look, looked, shellImage } from './_probe.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import { awsStage } from './_worlds.ts';
import type { BuiltImage, Ran, Wish } from './_types.ts';
import { type CreateTrainingJob, sagemakerTraining } from './sagemaker-training.ts';

const RUN = Math.random().toString(36).slice(2, 8);
const BUCKET = `sim-training-${RUN}`;
const job = (changes: Partial<CreateTrainingJob> = {}): CreateTrainingJob =>
  training({ OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/out` }, ...changes });
const algorithm = (more: object) => ({
  AlgorithmSpecification: { TrainingImage: 'image', TrainingInputMode: 'File', ...more },
});
const prefix = (S3Uri: string, more: object = {}) => ({
  ChannelName: 'train',
  DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri, ...more } },
});

const REFUSED: readonly (readonly [string, Partial<CreateTrainingJob>, string])[] = [
  ['a name with a dash', { Environment: { 'a-b': 'v' } }, 'Environment.key'],
  ['a name with a dot', { Environment: { 'a.b': 'v' } }, 'Environment.key'],
  ['a name that begins with a digit', { Environment: { '1a': 'v' } }, 'Environment.key'],
  ['an empty name', { Environment: { '': 'v' } }, 'Environment.key'],
  ['a newline in a hyperparameter', { HyperParameters: { a: 'b\nc' } }, 'HyperParameters.a.value'],
  [
    'no words of an entrypoint',
    algorithm({ ContainerEntrypoint: [] }),
    'AlgorithmSpecification.ContainerEntrypoint',
  ],
  ['no channels', { InputDataConfig: [] }, 'InputDataConfig'],
  [
    'two channels of one name',
    { InputDataConfig: [prefix('s3://b/p'), prefix('s3://b/p')] },
    'InputDataConfig',
  ],
  ['no role', { RoleArn: undefined as never }, 'RoleArn'],
  ['a number as a value', { Environment: { A: 1 as never } }, 'Environment.A.value'],
];

describe('is refused', () => {
  test.each([...REFUSED])('%s', (_, changes, at) => {
    expect(sagemakerTraining.refusals(job(changes)).map((one) => one.at)).toContain(at);
  });

  test('and no message has a value', () => {
    const found = sagemakerTraining.refusals(job({ Environment: { K: 'canary'.repeat(100) } }));
    expect(found).toHaveLength(1);
    expect(JSON.stringify(found)).not.toContain('canary');
  });

  test('a newline in a variable is not', () => {
    expect(sagemakerTraining.refusals(job({ Environment: { A: 'b\nc', _: '' } }))).toEqual([]);
  });
});

const stage = await awsStage('SageMaker training');
const { aws, isHere } = stage;
afterAll(stage.close);

async function ran(
  script: string,
  changes: Partial<CreateTrainingJob> = {},
  more: { wish?: Wish; config?: Partial<BuiltImage['config']> } = {},
): Promise<Ran & { kind: 'ended' }> {
  const { yard } = stage;
  const entrypoint = ['/bin/sh', '/probe.sh'];
  const image = shellImage(yard, { entrypoint, ...more.config }, script);
  const platform: AwsPlatform = { yard, aws, images: { image } };
  const wish = { mounts: hostTools(), ...more.wish };
  const done = await sagemakerTraining.run(job(changes), platform, wish);
  if (done.kind !== 'ended') throw new Error(JSON.stringify(done));
  return done;
}

describe.skipIf(!isHere)('a training job', () => {
  test('sees /opt/ml, its channels, the word train, its names and its role', async () => {
    await s3Bucket(aws, BUCKET);
    for (const name of ['a.csv', 'deep/b.bin', 'deep/er/c']) {
      await s3Put(aws, `s3://${BUCKET}/data/${name}`, `bytes of ${name}`);
    }
    await s3Put(aws, `s3://${BUCKET}/one/file.json`, '{}');
    const relative = '${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI}';
    const role = httpGet('169.254.170.2', 'PATH').replace('PATH', `'"${relative}"'`);
    const done = await ran(
      look({
        ...COMMON,
        hyper: 'cat /opt/ml/input/config/hyperparameters.json',
        resources: 'cat /opt/ml/input/config/resourceconfig.json',
        inputs: 'cat /opt/ml/input/config/inputdataconfig.json',
        tree: 'cd /opt/ml && find . -type f | sort',
        role,
        model: 'echo weights > /opt/ml/model/weights',
        s3: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${aws.reachable[0]} && echo reached'`,
      }),
      {
        HyperParameters: { epochs: '3', text: 'a "b"' },
        Environment: { NAME: 'a\nb $HOME $(X)', TRAINING_X: '' },
        InputDataConfig: [
          prefix(`s3://${BUCKET}/data`),
          {
            ...prefix(`s3://${BUCKET}/one/file.json`),
            ChannelName: 'one',
            ContentType: 'application/json',
            InputMode: 'FastFile',
          },
        ],
      },
    );
    const saw = looked(done.outcome.stdout);
    expect(done.status).toBe('Completed');
    expect(saw['args']?.trimEnd().split('\n').at(-1)).toBe('train');
    expect(saw['pid']).toBe('1\n');
    const env = environ(saw['environ']);
    expect(env).toMatchObject({
      TRAINING_JOB_NAME: 'job-1',
      TRAINING_JOB_ARN: 'arn:aws:sagemaker:us-east-1:123456789012:training-job/job-1',
      NAME: 'a\nb $HOME $(X)',
      TRAINING_X: '',
    });
    expect(Object.keys(env).filter((name) => name.startsWith('SM_'))).toEqual([]);
    expect(JSON.parse(saw['hyper'] ?? '')).toEqual({ epochs: '3', text: 'a "b"' });
    expect(JSON.parse(saw['resources'] ?? '')).toMatchObject({
      current_host: 'algo-1',
      hosts: ['algo-1'],
    });
    expect(JSON.parse(saw['inputs'] ?? '')).toMatchObject({
      one: { TrainingInputMode: 'FastFile', ContentType: 'application/json' },
      train: { TrainingInputMode: 'File', S3DistributionType: 'FullyReplicated' },
    });
    expect(saw['tree']?.split('\n').filter((one) => one.includes('/data/'))).toEqual([
      './input/data/one/file.json',
      './input/data/train/a.csv',
      './input/data/train/deep/b.bin',
      './input/data/train/deep/er/c',
    ]);
    expect(saw['role']).toContain(`"AccessKeyId":"${aws.key.id}"`);
    expect(saw['role']).toContain(ROLE);
    expect(saw['s3']).toBe('reached\n');
    expect(saw['shm']?.split(/\s+/)).toContain('67108864');
    expect(await s3Keys(aws, `s3://${BUCKET}/out/job-1`)).toContain(
      'out/job-1/output/model.tar.gz',
    );
  });

  test('without a network has neither role nor anybody to talk to, but its channels', async () => {
    const done = await ran(
      look({
        ...COMMON,
        s3: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${aws.reachable[0]}'`,
        data: 'cat /opt/ml/input/data/train/a.csv',
      }),
      {
        EnableNetworkIsolation: true,
        InputDataConfig: [prefix(`s3://${BUCKET}/data/`)],
      },
    );
    const saw = looked(done.outcome.stdout);
    expect(environ(saw['environ'])).not.toHaveProperty('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
    expect(saw['s3']).toContain('exit ');
    expect(saw['data']).toBe('bytes of a.csv');
  });

  test('that fails says why in /opt/ml/output/failure, as far as 1,024 characters', async () => {
    const script = 'printf "%01500d" 7 > /opt/ml/output/failure; echo oops >&2; exit 3';
    const done = await ran(script);
    expect([done.status, done.outcome.exit, done.reason?.length]).toEqual(['Failed', 3, 1024]);
    expect(done.outcome.stderr).toBe('oops\n');
    expect(done.outcome.files.get('/opt/ml/output/failure')?.length).toBe(1500);
    const silent = await ran('exit 4');
    expect(silent.reason).toContain('exit code: 4');
  });

  test('is stopped by SIGTERM, and by SIGKILL if it does not heed', async () => {
    const wish: Wish = { stopWhen: 'up', runMsMax: 25_000 };
    const polite = await ran(
      'trap "echo bye; exit 0" TERM; echo up; sleep 60 & wait',
      {},
      { wish },
    );
    expect([polite.status, polite.outcome.ended]).toEqual(['Stopped', 'stopped']);
    expect(polite.outcome.stdout).toBe('up\nbye\n');
    const deaf = await ran(
      'trap "" TERM; echo up; while :; do sleep 60; done',
      {},
      {
        wish: { ...wish, stopMs: 100 },
      },
    );
    expect([deaf.outcome.ended, deaf.outcome.signal]).toEqual(['killed after the stop', 9]);
  });

  test('runs as the USER of the image, by its own entrypoint instead of the image', async () => {
    const given = { ContainerEntrypoint: ['sh', '/probe.sh'], ContainerArguments: ['zero', 'one'] };
    const config = { entrypoint: ['/none'], user: 'app', workdir: '/srv' };
    const done = await ran(look(COMMON), algorithm(given), { config });
    const saw = looked(done.outcome.stdout);
    expect(saw['ids']).toBe('1001\n1001\n1001 3001\n');
    expect(saw['args']).toEndWith('zero\none\n');
    expect(saw['cwd']).toBe('/srv\n');
    expect(environ(saw['environ'])['HOME']).toBe('/home/app');
  });

  test('gives each node its own name and its part of a sharded channel', async () => {
    const request = {
      ResourceConfig: { InstanceCount: 2, InstanceType: 'ml.m5.large' },
      InputDataConfig: [
        prefix(`s3://${BUCKET}/data`, { S3DataDistributionType: 'ShardedByS3Key' }),
      ],
    };
    const script = look({
      host: 'sed "s/.*current_host.:.\\(algo-[0-9]\\).*/\\1/" /opt/ml/input/config/resourceconfig.json',
      tree: 'cd /opt/ml/input/data/train && find . -type f | sort | tr "\\n" " "',
    });
    const nodes = await Promise.all([0, 1].map((node) => ran(script, request, { wish: { node } })));
    const saw = nodes.map(({ outcome }) => looked(outcome.stdout));
    expect(saw.map((one) => one['host'])).toEqual(['algo-1', 'algo-2']);
    expect(saw.map((one) => one['tree'])).toEqual(['./a.csv ./deep/er/c ', './deep/b.bin ']);
  });

  test('whose channel has no object does not start', async () => {
    const request = { InputDataConfig: [prefix(`s3://${BUCKET}/nothing`)] };
    expect(await ran('exit 0', request).catch(String)).toContain('not started');
  });
});
