// The simulators of Lambda, SageMaker processing and models against what is documented.
import { afterAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { s3Bucket, s3Keys, s3Put } from './_aws.ts';
import { lambdaImage } from './lambda-image.ts';
import * as legal from './_legal.ts';
import { COMMON, httpGet } from './_probe.ts';
import { sawOf, showing, WISH } from './_saw.ts';
import { sagemakerModel } from './sagemaker-model.ts';
import { sagemakerProcessing } from './sagemaker-processing.ts';
import { awsStage } from './_worlds.ts';

const RUN = Math.random().toString(36).slice(2, 8);
const BUCKET = `sim-aws-${RUN}`;
const stage = await awsStage('Lambda and SageMaker');
const { aws, isHere } = stage;
afterAll(stage.close);

describe.skipIf(!isHere)('a Lambda function', () => {
  test('may write /tmp only, has no shared memory, is nobody, and answers its one event', async () => {
    const api = '/2018-06-01/runtime/invocation';
    const post = `printf "POST ${api}/\${id}/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\n\\"ok\\"" >&3; cat <&3`;
    const sections = {
      ...COMMON,
      shm: 'ls -d /dev/shm',
      tmp: 'touch /tmp/x && df -B1 --output=size /tmp | tail -n 1',
      next: `${httpGet('127.0.0.1:9001', `${api}/next`)} | tee /tmp/next`,
      post: `id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p' /tmp/next | tr -d '\\r'); export id; bash -c 'exec 3<>/dev/tcp/127.0.0.1/9001; ${post}'`,
    };
    const request = {
      ...legal.lambda({ Environment: { Variables: { FLYTE_X: 'a b' } } }),
      event: { n: 1 },
    };
    const ran = await lambdaImage.run(request, showing(stage, sections, { user: 'app' }), WISH);
    const { env, text } = sawOf(ran);
    expect(env).toMatchObject({
      FLYTE_X: 'a b',
      AWS_LAMBDA_FUNCTION_NAME: 'function-1',
      TZ: ':UTC',
    });
    expect(text('ids')).toBe('993\n990\n990\n');
    expect(text('root')).toContain('exit 1');
    expect(text('shm')).toContain('exit ');
    expect(text('tmp')).toContain(String(512 * 1024 * 1024));
    expect(text('next')).toContain('{"n":1}');
    expect(ran.answers).toEqual([{ path: 'invocation/ID/response', body: '"ok"' }]);
  });
});

describe.skipIf(!isHere)('SageMaker', () => {
  test('processing finds its inputs and the whole request, and leaves its outputs', async () => {
    await s3Bucket(aws, BUCKET);
    await s3Put(aws, `s3://${BUCKET}/in/a.txt`, 'input');
    const output = { S3Uri: `s3://${BUCKET}/processed`, LocalPath: '/opt/ml/processing/out' };
    const request = legal.processing({
      AppSpecification: { ImageUri: legal.IMAGE, ContainerArguments: ['--x'] },
      Environment: { A: 'b' },
      ProcessingInputs: [
        {
          InputName: 'in',
          S3Input: {
            S3Uri: `s3://${BUCKET}/in`,
            S3DataType: 'S3Prefix',
            LocalPath: '/opt/ml/processing/in',
          },
        },
      ],
      ProcessingOutputConfig: { Outputs: [{ OutputName: 'out', S3Output: output }] },
    });
    const sections = {
      ...COMMON,
      input: 'cat /opt/ml/processing/in/a.txt',
      config: 'cat /opt/ml/config/processingjobconfig.json',
      output: 'cd /opt/ml/processing/out && echo x > file && ln -s file link',
    };
    const ran = await sagemakerProcessing.run(request, showing(stage, sections), WISH);
    const { env, args, text } = sawOf(ran);
    expect([args, env['A'], text('input')]).toEqual([['--x'], 'b', 'input']);
    expect(Object.keys(env).filter((name) => /TRAINING|^SM_/.test(name))).toEqual([]);
    expect(JSON.parse(text('config'))).toMatchObject({
      Environment: { A: 'b' },
      RoleArn: legal.ROLE,
    });
    expect(await s3Keys(aws, output.S3Uri)).toEqual(['processed/file']);
  });

  test('a model is served by the image, with the archive unpacked and the variables of a transform', async () => {
    const tar = spawnSync('sh', [
      '-c',
      'd=$(mktemp -d); echo w > $d/weights; tar -czf - -C $d .; rm -r $d',
    ]);
    await s3Put(aws, `s3://${BUCKET}/model.tar.gz`, new Uint8Array(tar.stdout));
    const base = legal.model({ A: 'model', B: 'model' }, { B: 'transform' });
    const url = `s3://${BUCKET}/model.tar.gz`;
    const container = { ...base.model.PrimaryContainer, ModelDataUrl: url };
    const request = { ...base, model: { ...base.model, PrimaryContainer: container } };
    const sections = { ...COMMON, model: 'cat /opt/ml/model/weights' };
    const { env, args, text } = sawOf(
      await sagemakerModel.run(request, showing(stage, sections, { cmd: ['x'] }), WISH),
    );
    expect([args, env['A'], env['B']]).toEqual([['serve'], 'model', 'transform']);
    expect(text('model')).toBe('w\n');
  });
});
