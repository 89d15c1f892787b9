// A definition and the call that runs it, each made legal or not, in the simulators: the program
// sees what the platform would have given it, were there no caps.
import { afterAll, describe, expect, test } from 'bun:test';
import { awsBatch, type JobDefinition, type SubmitJob } from './aws-batch.ts';
import { ecsTask } from './ecs.ts';
import type { RunTask, TaskDefinition } from './_ecs-requests.ts';
import * as legal from './_legal.ts';
import { sagemakerModel } from './sagemaker-model.ts';
import {
  TOKEN,
  BY_BELLHOP,
  ODD,
  PLACES,
  SECRETS,
  WISH,
  WORDS,
  adaptStage,
  asList,
  authored,
  expectSeen,
} from './_adapted.ts';

const stage = await adaptStage('adapted calls over definitions');
afterAll(stage.close);
const { isHere, adaptedBy, platform } = stage;

const BY_IMAGE = { startedBy: 'image' };

describe.skipIf(!isHere)('what a legal later call overrides', () => {
  const variables = authored(100, false);
  const environment = asList(variables);
  const definition = {
    entryPoint: WORDS.slice(0, 1),
    command: WORDS.slice(1),
    environment,
    secrets: SECRETS,
  };

  test('variables count that have room in the adapted request, and others are added', async () => {
    const changed = { A: 'of the run', NEW: 'new' };
    const { register, run } = legal.task(definition, {
      overrides: { containerOverrides: [{ name: 'main', environment: asList(changed) }] },
    });
    const made = adaptedBy<TaskDefinition>('ecs', register, {});
    const ran = await ecsTask.run({ register: made, run }, platform(null), WISH);
    expectSeen(ran, { ...variables, ...changed, ...TOKEN }, WORDS.slice(2));
  });

  test('a command stands behind the ENTRYPOINT of an adapted task', async () => {
    const command = ['/probe.sh', '--help', '$(A)'];
    const { register, run } = legal.task(definition, {
      overrides: { containerOverrides: [{ name: 'main', command }] },
    });
    const made = adaptedBy<TaskDefinition>('ecs', register, {});
    const ran = await ecsTask.run({ register: made, run }, platform(['/other']), WISH);
    expectSeen(ran, { ...variables, ...TOKEN }, command.slice(1));
  });

  test('another command is started with all of it where the image starts bellhop', async () => {
    const long = ['/bin/sh', '/probe.sh', 'w'.repeat(23_900)];
    for (const own of [['/bin/sh', '/probe.sh', 'one'], long]) {
      const { register, submit } = legal.batch(
        { command: own, environment, secrets: SECRETS },
        { containerOverrides: { command: ['/bin/sh', '/probe.sh', 'other'] } },
      );
      const made = adaptedBy<JobDefinition>('aws-batch', register, { startedBy: 'image' });
      const requests = { register: made, submit };
      expectSeen(
        await awsBatch.run(requests, platform(BY_BELLHOP), WISH),
        { ...variables, ...TOKEN },
        ['other'],
      );
      const { containerOverrides: _, ...plain } = submit;
      const alone = await awsBatch.run(
        { register: made, submit: plain },
        platform(BY_BELLHOP),
        WISH,
      );
      expectSeen(alone, { ...variables, ...TOKEN }, own.slice(2));
    }
  });
});

describe.skipIf(!isHere).each([...PLACES])('a later call over its caps, plan %s', (_, isRandom) => {
  const more = {
    ...Object.fromEntries(
      Object.entries(authored(20, isRandom)).map(([name, text]) => [`RUN_${name}`, text]),
    ),
    A: 'of the run',
    FEATURE_9: 'of the run',
  };
  const command = ['/bin/sh', '/probe.sh', '$(A)', 'w'.repeat(9000)];
  const environment = asList(more);

  test.each([true, false])('an ECS task, its definition over them too: %p', async (isOver) => {
    const variables = isOver ? authored(100, isRandom) : ODD;
    const { register, run } = legal.task(
      {
        command: ['/bin/sh', '/probe.sh', 'own'],
        environment: asList(variables),
        secrets: SECRETS,
      },
      { overrides: { containerOverrides: [{ name: 'main', environment, command }] } },
    );
    expect(ecsTask.refusals({ register, run }).length).toBeGreaterThan(0);
    const submit = { startedBy: 'image' };
    const made = adaptedBy<TaskDefinition>('ecs', register, submit);
    const asked = adaptedBy<RunTask>('ecs', run, submit);
    const requests = { register: made, run: asked };
    const ran = await ecsTask.run(requests, platform(BY_BELLHOP), WISH);
    expectSeen(ran, { ...variables, ...more, ...TOKEN }, command.slice(2));
  });

  test.each([true, false])('a Batch job, its definition over them too: %p', async (isOver) => {
    const variables = isOver ? authored(40, isRandom) : ODD;
    const { register, submit } = legal.batch(
      {
        command: ['/bin/sh', '/probe.sh', 'own'],
        environment: asList(variables),
        secrets: SECRETS,
      },
      { containerOverrides: { environment, command } },
    );
    const made = adaptedBy<JobDefinition>('aws-batch', register, {});
    const asked = adaptedBy<SubmitJob>('aws-batch', submit, {});
    const ran = await awsBatch.run({ register: made, submit: asked }, platform(null), WISH);
    expectSeen(ran, { ...variables, ...more, ...TOKEN }, command.slice(2));
  });

  test.each([true, false])('a transform job, its model over them too: %p', async (isOver) => {
    const named = (some: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(some).filter(([name]) => name !== 'my.key'));
    const own = named(isOver ? authored(40, isRandom) : ODD);
    const over = named(more);
    const { model, transform } = legal.model(own, over);
    const made = adaptedBy<typeof model>('sagemaker-model', model, BY_IMAGE);
    const job = { TransformJobName: 'transform-1', ModelName: 'model-1', ...transform };
    const asked = adaptedBy<typeof job>('sagemaker-model', job, BY_IMAGE);
    const image = platform([...BY_BELLHOP, '/bin/sh', '/probe.sh']);
    const requests = { model: made, transform: asked };
    const ran = await sagemakerModel.run(requests, image, WISH);
    expectSeen(ran, { ...own, ...over }, ['serve']);
  });
});
