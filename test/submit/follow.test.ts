import { describe, expect, test } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import type { Answered } from '../../src/submit/calls.ts';
import { follow, sendAll } from '../../src/submit/follow.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import type { Request } from '../../src/targets/_target.ts';
import { frameFor } from './_frame.ts';

const load = async (name: string) => (await ALL_TARGETS[name]?.())?.default ?? expect.unreachable();

/** A clock whose waits are over at once; it tells them. */
function quickClock() {
  const waits: number[] = [];
  let nowMs = 0;
  const after = (ms: number, work: () => void): (() => void) => {
    let isOff = false;
    queueMicrotask(() => {
      if (isOff || ms > 100_000) return;
      waits.push(ms);
      nowMs += ms;
      work();
    });
    return () => void (isOff = true);
  };
  return { waits, clock: { now: () => nowMs, monotonicMs: () => nowMs, after } };
}

async function following(name: string, answers: readonly JsonObject[], limitMs = 1e9) {
  const target = await load(name);
  const { clock, waits } = quickClock();
  const job = { ...frameFor(target), variables: [], secrets: [], hyperparameters: [] };
  const asked: Request[] = [];
  const told: string[] = [];
  const send = async (request: Request): Promise<Answered> => {
    asked.push(request);
    return { kind: 'answer', answer: answers[Math.min(asked.length, answers.length) - 1] ?? {} };
  };
  const budget = openBudget(clock, limitMs);
  const tell = ({ said }: { said: string }): void => void told.push(said);
  const answer = { jobId: 'id-1', tasks: [{ taskArn: 'arn:task' }] };
  const ended = await follow({ target, job, answer, clock, budget, tell }, send).then(
    (progress) => progress.state,
    (error: unknown) => String(error),
  );
  return { ended, told, waits, asked };
}

describe('a job is followed to its end', () => {
  test('waits grow to half a minute, and each state is told', async () => {
    const step = (SecondaryStatus: string, TrainingJobStatus = 'InProgress') => {
      return { TrainingJobStatus, SecondaryStatus };
    };
    const answers = [
      ...Array.from({ length: 9 }, () => step('Training')),
      step('Completed', 'Completed'),
    ];
    const { ended, told, waits } = await following('sagemaker-training', answers);
    expect([ended, told.at(-1)]).toEqual(['succeeded', 'Completed']);
    expect(waits.slice(0, 3)).toEqual([2000, 3000, 4500]);
    expect(Math.max(...waits)).toBe(30_000);
  });
  const FAILED: [string, JsonObject, string][] = [
    [
      'sagemaker-training',
      {
        TrainingJobStatus: 'Failed',
        SecondaryStatus: 'Failed',
        FailureReason: 'AlgorithmError: x',
      },
      'Failed: AlgorithmError: x',
    ],
    [
      'sagemaker-processing',
      { ProcessingJobStatus: 'Failed', ExitMessage: 'gone' },
      'Failed: gone',
    ],
    [
      'aws-batch',
      {
        jobs: [
          {
            status: 'FAILED',
            statusReason: 'Essential container exited',
            container: { reason: 'OOM' },
          },
        ],
      },
      'FAILED: Essential container exited; OOM',
    ],
    [
      'ecs',
      {
        tasks: [
          { lastStatus: 'STOPPED', stoppedReason: 'Essential', containers: [{ exitCode: 75 }] },
        ],
      },
      'STOPPED: exit code 75; Essential',
    ],
    [
      'lambda-image',
      { State: 'Failed', StateReason: 'ImageAccessDenied' },
      'Failed: ImageAccessDenied',
    ],
  ];
  test.each(FAILED)('%s: why it failed is told', async (name, answer, why) => {
    const { ended } = await following(name, [answer]);
    expect(ended).toContain(why);
  });
  test('a job that goes on longer than it is followed is told with its state', async () => {
    const { ended } = await following('aws-batch', [{ jobs: [{ status: 'RUNNING' }] }], 60_000);
    expect(ended).toContain('is still RUNNING when the time of --wait-max is over');
  });
  test('what was submitted is what is asked for', async () => {
    const batch = await following('aws-batch', [{ jobs: [{ status: 'SUCCEEDED' }] }]);
    expect(batch.asked[0]?.input).toEqual({ jobs: ['id-1'] });
    const ecs = await following('ecs', [
      { tasks: [{ lastStatus: 'STOPPED', containers: [{ exitCode: 0 }] }] },
    ]);
    expect(ecs.asked[0]?.input).toEqual({ cluster: 'default', tasks: ['arn:task'] });
  });
  test('a failed job is BH_ERR_JOB_FAILED', async () => {
    const target = await load('lambda-image');
    const job = { ...frameFor(target), variables: [], secrets: [], hyperparameters: [] };
    const { clock } = quickClock();
    const send = async (): Promise<Answered> => ({ kind: 'answer', answer: { State: 'Failed' } });
    const budget = openBudget(clock, 1e9);
    const failing = follow({ target, job, answer: {}, clock, budget, tell: () => undefined }, send);
    const error = await failing.catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'BH_ERR_JOB_FAILED' });
  });
});

describe('requests are sent in their order', () => {
  const SEND = { by: 'command', argv: [] } as const;
  const request = (operation: string, more: Partial<Request> = {}): Request => {
    return { operation, input: {}, send: SEND, ...more };
  };
  test.each([
    [{ there: true, Environment: { BELLHOP_JOB: 'digest-1' } }, ['A']],
    [{ there: true, Environment: { BELLHOP_JOB: 'digest-2' } }, 'BH_ERR_API'],
    [{ there: true }, 'BH_ERR_API'],
  ])('under a name of the user %j is ours only with our digest', async (answer, expected) => {
    const isThere = (one: JsonObject): boolean => one['there'] === true;
    const unless = { request: request('Look'), absentCodes: [], isThere };
    const send = async (): Promise<Answered> => ({ kind: 'answer', answer });
    const sent = await sendAll([request('A', { unless })], send, 'digest-1').then(
      ({ found }) => found,
      (error: unknown) => (error as { code: string }).code,
    );
    expect(sent).toEqual(expected);
  });
  test('no room for a task of ECS is a refusal, though it is an answer', async () => {
    const target = await load('ecs');
    const job = { ...frameFor(target), variables: [], secrets: [], hyperparameters: [] };
    const failures = [
      { arn: 'a', reason: 'RESOURCE:MEMORY' },
      { arn: 'b', reason: 'RESOURCE:MEMORY' },
    ];
    const send = async (): Promise<Answered> => {
      return { kind: 'answer', answer: { tasks: [], failures } };
    };
    const error = await sendAll(target.render(job), send).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'BH_ERR_API', message: 'RunTask: RESOURCE:MEMORY' });
  });
  test('what is there already is not made again, and its answer is what is followed', async () => {
    const made: string[] = [];
    const look = request('Look');
    const isThere = (answer: JsonObject): boolean => answer['there'] === true;
    const unless = { request: look, absentCodes: ['None'], isThere };
    const send = async ({ operation }: Request, codes: readonly string[]): Promise<Answered> => {
      made.push(`${operation}${codes.length > 0 ? ` (${codes.join()})` : ''}`);
      if (operation === 'Look') return { kind: 'answer', answer: { there: true } };
      return { kind: 'code', code: 'InUse' };
    };
    const found = request('A', { unless });
    expect(await sendAll([found], send)).toEqual({ answer: { there: true }, found: ['A'] });
    const refused = request('B', { doneCodes: ['InUse'] });
    expect(await sendAll([found, refused], send)).toEqual({ answer: {}, found: ['A', 'B'] });
    expect(made).toEqual(['Look (None)', 'Look (None)', 'B (InUse)']);
  });
});
