import { describe, expect, test } from 'bun:test';
import { toolWarning } from '../../src/cli/submit-text.ts';
import { submissionProblems } from '../../src/submit/judge.ts';
import { prepare } from '../../src/submit/prepare.ts';
import { breachesIn } from '../../src/submit/split.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { COMMAND, inputFor, planInside } from './_submission.ts';

const target = async (name: string) =>
  (await ALL_TARGETS[name]?.())?.default ?? expect.unreachable();

describe('hyperparameters', () => {
  const made = async (parameters: (readonly [string, string])[], name = 'sagemaker-training') => {
    const one = await target(name);
    const file = { path: '/etc/hp.json', content: new Uint8Array([123, 125]) };
    const chosen = { placements: [COMMAND], parameters: { parameters, isInPod: false, file } };
    return { one, submission: prepare(inputFor(one, chosen)) };
  };
  const count = (n: number) => Array.from({ length: n }, (_, i) => [`p${i}`, 'x'] as const);
  const CASES: [string, (readonly [string, string])[], boolean][] = [
    ['99 of them', count(99), true],
    ['100 of them', count(100), true],
    ['101 of them', count(101), false],
    ['a name of 256 bytes', [['n'.repeat(256), 'x']], true],
    ['a name of 257 bytes', [['n'.repeat(257), 'x']], false],
    ['a value of 2500 bytes', [['a', 'v'.repeat(2500)]], true],
    ['a value of 2501 bytes', [['a', 'v'.repeat(2501)]], false],
    ['1250 characters of 2 bytes', [['a', 'é'.repeat(1250)]], true],
    ['1251 characters of 2 bytes', [['a', 'é'.repeat(1251)]], false],
    ['a line break', [['a', 'x\ny']], false],
  ];
  test.each(CASES)('%s', async (_, parameters, isNative) => {
    const { one, submission } = await made(parameters);
    const { job } = submission.split;
    expect(breachesIn(one, job)).toEqual([]);
    expect(job.hyperparameters).toEqual(isNative ? parameters : []);
    const { plan, objects } = await planInside(one, submission);
    const files = plan.placements.flatMap((each) => (each.kind === 'file' ? [each.path] : []));
    const ours = ['/opt/ml/input/config/hyperparameters.json'];
    expect(files).toEqual([...(isNative ? [] : ours), '/etc/hp.json']);
    expect(plan.requires).toEqual(isNative ? [] : ['hyperparameters']);
    expect(job.channel !== undefined).toBe(!isNative);
    const flat = objects
      .flatMap(({ entries }) => [...entries])
      .find(([key]) => key.startsWith('hyper'));
    const text = new TextDecoder().decode(flat?.[1].reveal());
    if (!isNative) expect(JSON.parse(text)).toEqual(Object.fromEntries(parameters));
  });
  test('what the toolkit cannot take is warned of where it is known to run the job', async () => {
    const table = (bytes: number) => ['table', 'x'.repeat(bytes)] as const;
    const program = ['sagemaker_program', 'train.py'] as const;
    for (const [parameters, isTold] of [
      [[program, table(128_900)], false],
      [[program, table(129_100)], true],
      [[table(129_100)], false],
    ] as const) {
      const { one, submission } = await made([...parameters]);
      const said = toolWarning(one, submission) ?? '';
      expect(said.startsWith('the sagemaker-training toolkit')).toBe(isTold);
    }
  });
  test('a target without a file for them must be told where the program reads them', async () => {
    const one = await target('aws-batch');
    const parameters = { parameters: count(2), isInPod: false };
    const input = inputFor(one, { placements: [COMMAND], parameters });
    const messages = submissionProblems(input, prepare(input)).map(({ message }) => message);
    expect(messages).toContain(
      'aws-batch, hyperparameters: this target has no file for hyperparameters',
    );
  });
});
