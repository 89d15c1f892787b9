// Requests of one container, as ECS and Batch take them: who starts the program, what the platform
// itself does to the request, and what is told instead of guessed.
import { describe, expect, test } from 'bun:test';
import type { BellhopError } from '../../src/core/errors.ts';
import { WORDS_MARK } from '../../src/plan/overrides.ts';
import type { AdaptInput } from '../../src/submit/adapt.ts';
import { adapt, isLegal } from '../../src/submit/adapt.ts';
import { withAt } from '../../src/submit/adapt-fields.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt, pairsOf } from '../../src/targets/_caps.ts';
import { BASE } from './_base-requests.ts';
import { adapted, inputFor, named } from './_requests.ts';

const batch = named('RegisterJobDefinition');
const ecs = named('RegisterTaskDefinition');
const JOB = BASE['RegisterJobDefinition'] ?? {};
const TASK = BASE['RegisterTaskDefinition'] ?? {};
const MEMBERS = 'containerDefinitions[]';

/** So many variables of a thousand characters. */
function large(kilobytes: number) {
  return Array.from({ length: kilobytes }, (_, n) => {
    return { name: `V${n}`, value: `${n} `.repeat(1000).slice(0, 1000) };
  });
}

function job(more: JsonObject): JsonObject {
  return {
    ...JOB,
    containerProperties: { ...(JOB['containerProperties'] as JsonObject), ...more },
  };
}

function task(more: JsonObject): JsonObject {
  const [container] = nodesAt(TASK, MEMBERS);
  return { ...TASK, containerDefinitions: [{ ...(container as JsonObject), ...more }] };
}

function told(input: AdaptInput): readonly BellhopError[] {
  const made = adapt(input);
  return 'request' in made ? [] : made;
}

const commandOf = (request: JsonObject) => nodesAt(request, 'containerProperties.command')[0];
const withoutEntrypoint: Partial<AdaptInput> = { image: { entrypoint: [] } };
const byImage: Partial<AdaptInput> = { startedBy: 'image' };

describe('Batch, which has no field for an ENTRYPOINT', () => {
  const over = { environment: large(40) };
  test('an ENTRYPOINT that nobody knows is asked for, with a command too', () => {
    const problems = told(inputFor(batch, job({ ...over, command: ['a'] })));
    expect(problems.map(({ code }) => code)).toEqual(['BH_ERR_NO_COMMAND']);
    expect(problems[0]?.help).toContain("--image-entrypoint '[]'");
  });
  test('an ENTRYPOINT that bellhop would come behind is refused', () => {
    const image = { entrypoint: ['/entry'] };
    const problems = told(inputFor(batch, job({ ...over, command: ['a'] }), { image }));
    expect(problems.map(({ code }) => code)).toEqual(['BH_ERR_TARGET']);
  });
  test('an image without one is started by the command', () => {
    const request = job({ ...over, command: ['a', ''] });
    const made = adapted(inputFor(batch, request, withoutEntrypoint));
    expect(commandOf(made.request)).toEqual(['bellhop', 'run']);
    expect(made.submission.bundle.plan.image).toEqual({ entrypoint: [], cmd: ['a', ''] });
  });
  test('words with parameters stay in the request, where Batch replaces them', () => {
    const words = ['train', 'Ref::input', '--x=Ref::x'];
    const made = adapted(inputFor(batch, job({ ...over, command: words }), withoutEntrypoint));
    expect(commandOf(made.request)).toEqual(['bellhop', 'run', '--', ...words]);
    expect(made.submission.bundle.plan.image).toEqual({});
    const kept = adapted(inputFor(batch, job({ ...over, command: words }), byImage));
    expect(commandOf(kept.request)).toEqual(words);
  });
  test('and are told where they have no room there', () => {
    const command = ['Ref::input', 'w'.repeat(24_576)];
    for (const way of [withoutEntrypoint, byImage]) {
      const problems = told(inputFor(batch, job({ command }), way));
      expect(problems.map(({ code }) => code)).toEqual(['BH_ERR_CAP']);
    }
  });
  test('words that fit by themselves but leave no room for the plan go into it', () => {
    const command = ['train', 'w'.repeat(23_900)];
    const made = adapted(inputFor(batch, job({ ...over, command }), byImage));
    expect(commandOf(made.request)).toEqual([WORDS_MARK]);
    expect(made.submission.bundle.plan.image).toEqual({ entrypoint: [], cmd: command });
    const sent = new Map(nodesAt(made.request, batch.adapting.variables).flatMap(pairsOf));
    expect(sent.get('BELLHOP_COMMAND')).toBe('args');
  });
});

describe('what is counted is the request as it is sent', () => {
  const tags = Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, value: 'v'.repeat(250) }));
  test.each([60, 65, 70, 200])('with 50 long tags and %d KB of variables', (kilobytes) => {
    const request = { ...task({ entryPoint: ['/e'], environment: large(kilobytes) }), tags };
    const { request: made } = adapted(inputFor(ecs, request));
    expect(isLegal(ecs.target, ecs.adapting, request)).toBe(false);
    expect(isLegal(ecs.target, ecs.adapting, made)).toBe(true);
    expect(made['tags']).toEqual(tags);
  });
});

describe('what cannot be taken over is told, with its field', () => {
  const over = large(80);
  const twice = { name: 'V0', value: 'again' };
  const secret = { name: 'V1', valueFrom: '/v1' };
  const several = [task({}), task({})].flatMap((one) => nodesAt(one, MEMBERS));
  const many = Array.from({ length: 11 }, () => several).flat();
  const rows: readonly (readonly [string, 'ecs' | 'aws-batch', JsonObject, string, RegExp])[] = [
    [
      'several containers',
      'ecs',
      { ...task({}), containerDefinitions: many },
      'containerDefinitions',
      /^has 22 containers: a request of one is adapted$/,
    ],
    [
      'containers that are no list',
      'ecs',
      withAt(task({}), 'containerDefinitions', { image: 'x'.repeat(70_000) }),
      'containerDefinitions',
      /^has 0 containers/,
    ],
    [
      'a map of variables',
      'ecs',
      task({ environment: { A: 'x'.repeat(70_000) } }),
      `${MEMBERS}.environment`,
      /^must be a list of/,
    ],
    [
      'a value that is no text',
      'aws-batch',
      job({ environment: [...over, { name: 'N', value: 1 }] }),
      'containerProperties.environment',
      /^must be a list of/,
    ],
    [
      'a variable that stands twice',
      'aws-batch',
      job({ environment: [...over, twice] }),
      'V0',
      /^stands twice/,
    ],
    [
      'a variable that the platform brings too',
      'ecs',
      task({ environment: over, secrets: [secret] }),
      'V1',
      /^stands in containerDefinitions\[\]\.secrets too/,
    ],
    [
      'several containers of a job',
      'aws-batch',
      { jobDefinitionName: 'j', type: 'container', ecsProperties: { x: 'x'.repeat(25_000) } },
      'ecsProperties',
      /^is not adapted/,
    ],
    [
      'a request that was adapted before',
      'ecs',
      task({ environment: [...over, { name: 'BELLHOP_PLAN', value: 'inline:1' }] }),
      'BELLHOP_PLAN',
      /^is in the request already/,
    ],
  ];
  test.each([...rows])('%s', (_, ...row) => {
    const [of, request, at, said] = row;
    const image = { entrypoint: [], cmd: ['c'] };
    const way: Partial<AdaptInput> = of === 'ecs' ? byImage : { image };
    const problems = told(inputFor(of === 'ecs' ? ecs : batch, request, way));
    const found = problems.map((one) => [one.code, one.where.at(-1)]);
    expect(found).toEqual([['BH_ERR_ADAPT', at]]);
    expect(problems[0]?.what).toMatch(said);
  });
});

describe('what only an image can start', () => {
  const tuning = named('CreateHyperParameterTuningJob');
  const long = { V: 'x'.repeat(513) };
  const request = withAt(
    BASE['CreateHyperParameterTuningJob'] ?? {},
    'TrainingJobDefinition.Environment',
    long,
  );
  test.each([
    ['nothing is said of the image', {}],
    ['requests are said to start bellhop', { startedBy: 'request' }],
    ['its ENTRYPOINT is another', { image: { entrypoint: ['python'] } }],
    ['it is said twice, differently', { startedBy: 'image', image: { entrypoint: ['python'] } }],
  ] as const)('is refused where %s', (_, more) => {
    const problems = told(inputFor(tuning, request, more));
    expect(problems.map(({ code }) => code)).toEqual(['BH_ERR_NO_COMMAND']);
  });
  test('is adapted where the image starts bellhop', () => {
    expect(told(inputFor(tuning, request, byImage))).toEqual([]);
    const image = { entrypoint: ['/opt/bellhop', 'run', '--'] };
    expect(told(inputFor(tuning, request, { startedBy: 'image', image }))).toEqual([]);
  });
});

describe("an author's own channel is never replaced", () => {
  const training = named('CreateTrainingJob');
  const s3 = { DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://author/d' } } };
  const over = withAt(BASE['CreateTrainingJob'] ?? {}, 'HyperParameters', { a: 'v'.repeat(2600) });
  const withChannel = (name: string): JsonObject =>
    withAt(over, 'InputDataConfig', [{ ChannelName: name, ...s3 }]);
  test('one that is called as ours is refused', () => {
    const problems = told(inputFor(training, withChannel('bellhop'), byImage));
    expect(problems.map(({ code, where }) => [code, where.at(-1)])).toEqual([
      ['BH_ERR_ADAPT', 'InputDataConfig.ChannelName'],
    ]);
  });
  test('another stays before ours', () => {
    const { request } = adapted(inputFor(training, withChannel('data'), byImage));
    const names = nodesAt(request, 'InputDataConfig[].ChannelName');
    expect(names).toEqual(['data', 'bellhop']);
  });
});
