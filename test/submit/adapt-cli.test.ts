// `bellhop adapt` as a process, and the example of docs/adapt.md.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import { ROOT } from '../support/source.ts';
import { ADAPTABLE } from './_requests.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-adapt-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { bellhop } = built();
const example = (name: string): string => path.join(ROOT, 'examples/adapt', name);
const REQUEST = readFileSync(example('request.json'));

function call(words: readonly string[], stdin: Uint8Array | string = '') {
  const done = Bun.spawnSync([bellhop, ...words], {
    cwd: folder,
    stdin: typeof stdin === 'string' ? Buffer.from(stdin) : stdin,
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

interface Adapted {
  readonly Environment: Readonly<Record<string, string>>;
  readonly AlgorithmSpecification: { readonly ContainerEntrypoint: readonly string[] };
}

test('the example of the docs: legal, and the program prints what the page says', () => {
  const words = ['adapt', 'sagemaker-training', '-c', example('bellhop.yaml')];
  const { code, out, err } = call(words, REQUEST);
  expect([code, err]).toEqual([0, '']);
  const request = JSON.parse(out) as Adapted;
  expect(Object.values(request.Environment).every((value) => value.length <= 512)).toBe(true);
  const [, ...rest] = request.AlgorithmSpecification.ContainerEntrypoint;
  const started = Bun.spawnSync([bellhop, ...rest], {
    env: { PATH: process.env['PATH'] ?? '', ...request.Environment },
  });
  expect([started.exitCode, started.stderr.toString()]).toEqual([0, '']);
  const page = readFileSync(path.join(ROOT, 'docs/adapt.md'), 'utf8');
  expect(page).toContain(`\`\`\`text\n${started.stdout.toString()}\`\`\``);
  expect(page).toContain('`bellhop run`');
});

describe('a request under every cap', () => {
  test.each(
    ADAPTABLE.map(({ target, adapting }) => [adapting.operation, target.name, adapting.name]),
  )('%s: comes out byte for byte, without settings', (_, target, name) => {
    const legal = ` { "${name}" : "a", "Environment": { "A": "\\u00e9 1.0" } , "n": 1.0 }\n\n`;
    expect(call(['adapt', target], legal)).toEqual({ code: 0, out: legal, err: '' });
  });
});

describe('which request it is, it says itself', () => {
  test.each([
    ['{}', 'names nothing that ecs makes: adapted are RegisterTaskDefinition (family), RunTask'],
    ['{"TrainingJobName":"a"}', 'RunTask (taskDefinition)'],
    ['1', 'a request of RegisterTaskDefinition or RunTask is wanted'],
  ])('%s is none of ecs', (request, said) => {
    const { code, out, err } = call(['adapt', 'ecs'], request);
    expect([code > 0, out]).toEqual([true, '']);
    expect(err).toContain(said);
    expect(err).toContain('code: BH_ERR_ADAPT ');
  });
  const environment = [{ name: 'A', value: 'canary-77'.repeat(1000) }];
  const task = { overrides: { containerOverrides: [{ name: 'main', environment }] } };
  const job = { jobQueue: 'q', jobName: 'j', containerOverrides: { environment } };
  test.each([
    ['ecs', { taskDefinition: 'family', ...task }, 'RunTask'],
    ['aws-batch', { jobDefinition: 'job', ...job }, 'SubmitJob'],
  ])('%s: whether a definition starts bellhop is asked for, not guessed', (target, request, of) => {
    const { code, out, err } = call(['adapt', target], JSON.stringify(request));
    expect([code > 0, out]).toEqual([true, '']);
    expect(err).toContain(`${of}: the definition says what is started`);
    expect(err).toContain('startedBy: request');
    expect(err).not.toContain('canary');
  });
  test('several definitions of training jobs are refused', () => {
    const Environment = { A: 'canary-77'.repeat(100) };
    const request = { HyperParameterTuningJobName: 't', TrainingJobDefinitions: [{ Environment }] };
    const { err } = call(['adapt', 'sagemaker-training'], JSON.stringify(request));
    expect(err).toContain('CreateHyperParameterTuningJob, TrainingJobDefinitions: is not adapted');
    expect(err).not.toContain('canary');
  });
  test('overrides of several containers are refused', () => {
    const [main] = task.overrides.containerOverrides;
    const two = { overrides: { containerOverrides: [main, { ...main, name: 'other' }] } };
    const { err } = call(['adapt', 'ecs'], JSON.stringify({ taskDefinition: 'f', ...two }));
    expect(err).toContain('overrides.containerOverrides: has 2 containers');
    expect(err).not.toContain('canary');
  });
});

describe('what is refused prints nothing but the reason', () => {
  const over = JSON.stringify({
    TrainingJobName: 'job',
    AlgorithmSpecification: { TrainingImage: 'i', ContainerEntrypoint: ['p'] },
    // No plan of this size fits into a request.
    Environment: Object.fromEntries(
      Array.from({ length: 3000 }, (_, n) => [`V${n}`, `${(n * 7919) % 10_007} ${n * n}`]),
    ),
  });
  const ROWS: readonly (readonly [string, string, string, string])[] = [
    ['no JSON', 'sagemaker-training', '{', 'BH_ERR_ADAPT'],
    ['a list', 'sagemaker-training', '[]', 'BH_ERR_ADAPT'],
    ['no place to spill to', 'sagemaker-training', over, 'BH_ERR_SPILL'],
    ['a target that is not adapted', 'nomad', '{}', 'BH_ERR_USAGE'],
    ['no target', 'nothing', '{}', 'BH_ERR_USAGE'],
  ];
  test.each([...ROWS])('%s', (_, ...row) => {
    const [target, stdin, expected] = row;
    const { code, out, err } = call(['adapt', target], stdin);
    expect([code > 0, out]).toEqual([true, '']);
    expect(err).toContain(`code: ${expected} `);
  });
  test('a store that cannot be reached: the request is not printed', () => {
    const yaml = `apiVersion: bellhop/v1
stores: { s3: { kind: file, folder: /proc/no/such } }
submit: { spill: s3:jobs }
`;
    writeFileSync(path.join(folder, 'bellhop.yaml'), yaml);
    const { code, out } = call(['adapt', 'sagemaker-training', '-c', 'bellhop.yaml'], over);
    expect([code > 0, out]).toEqual([true, '']);
    const dry = call(['adapt', 'sagemaker-training', '-c', 'bellhop.yaml', '--dry-run'], over);
    expect([dry.code, dry.err]).toEqual([0, '']);
    expect(dry.out).toContain('"BELLHOP_PLAN":"s3:jobs/');
  });
});
