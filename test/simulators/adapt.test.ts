// Requests that `bellhop adapt` made legal, in the simulators: the program sees what their author
// wrote, which the platform itself refuses.
import { afterAll, describe, expect, test } from 'bun:test';
import { s3Keys } from './_aws.ts';
import { awsBatch, type JobDefinition } from './aws-batch.ts';
import { ecsTask } from './ecs.ts';
import type { TaskDefinition } from './_ecs-requests.ts';
import * as legal from './_legal.ts';
import { COMMON } from './_probe.ts';
import { sagemakerTraining } from './sagemaker-training.ts';
import { sawOf } from './_saw.ts';
import {
  TOKEN,
  BUCKET,
  BY_BELLHOP,
  PLACES,
  SECRETS,
  WISH,
  WORDS,
  adaptStage,
  asList,
  authored,
  expectSeen,
} from './_adapted.ts';

const stage = await adaptStage('adapted requests');
afterAll(stage.close);
const { aws, isHere, adaptedBy, platform } = stage;

describe.skipIf(!isHere).each([...PLACES])('with the plan %s', (_, isRandom) => {
  // Other files of tests use the bucket too.
  const spilled = async (): Promise<number> => {
    return (await s3Keys(aws, `s3://${BUCKET}/spill`)).length;
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
    const before = await spilled();
    const made = adaptedBy<TaskDefinition>('ecs', register, {});
    expect(await spilled()).toBe(before + (isRandom ? 1 : 0));
    const ran = await ecsTask.run({ register: made, run }, platform(['/other']), WISH);
    expectSeen(ran, { ...variables, ...TOKEN }, WORDS.slice(2));
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
    expectSeen(ran, { ...variables, ...TOKEN }, WORDS.slice(2).filter(Boolean));
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
      expectSeen(ran, { ...variables, ...TOKEN }, ['the input', '$(A)']);
    }
  });
});

describe.skipIf(!isHere)('a tuning job', () => {
  test('each of its jobs has the static hyperparameters, and those that the tuner chose', async () => {
    const parameters = { table: 'x'.repeat(3000), layers: '[64, 32]', lr: 'of its author' };
    const variables = { ...authored(60, false), 'my.key': 'a' };
    const definition = {
      ...legal.training({ OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/out` } }),
      Environment: variables,
      StaticHyperParameters: parameters,
    };
    const { TrainingJobName: _, ...TrainingJobDefinition } = definition;
    const made = adaptedBy(
      'sagemaker-training',
      {
        HyperParameterTuningJobName: 'tuning-1',
        HyperParameterTuningJobConfig: { Strategy: 'Random', ResourceLimits: {} },
        TrainingJobDefinition,
      },
      { startedBy: 'image' },
    ).TrainingJobDefinition;
    const { StaticHyperParameters, ...own } = made;
    const chosen = { lr: '0.25', _tuning_objective_metric: 'loss' };
    // SageMaker starts each of its jobs from the definition.
    const job = legal.training({
      ...own,
      HyperParameters: { ...StaticHyperParameters, ...chosen },
    });
    const sections = { ...COMMON, parameters: 'cat /opt/ml/input/config/hyperparameters.json' };
    const image = platform([...BY_BELLHOP, '/bin/sh', '/probe.sh'], sections);
    const ran = await sagemakerTraining.run(job, image, WISH);
    expectSeen(ran, variables, ['train']);
    expect(JSON.parse(sawOf(ran).text('parameters'))).toEqual({ ...parameters, ...chosen });
  });
});
