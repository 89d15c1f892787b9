// Requests that somebody else made: legal ones stay, others become legal, and what arrives inside
// is what the author wrote. botocore and its models judge what comes out.
import { beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Json } from '../../src/core/canonical.ts';
import type { BellhopError } from '../../src/core/errors.ts';
import { readParameters } from '../../src/plan/hyperparameters.ts';
import { WORDS_MARK } from '../../src/plan/overrides.ts';
import type { Image } from '../../src/plan/types.ts';
import type { Adapted, AdaptInput } from '../../src/submit/adapt.ts';
import { adapt, isLegal } from '../../src/submit/adapt.ts';
import { textsAt } from '../../src/submit/adapt-fields.ts';
import { adaptedTarget } from '../../src/submit/adapt-target.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt, pairsOf } from '../../src/targets/_caps.ts';
import { complaintsOf } from '../support/botocore.ts';
import { skipVisibly } from '../support/need.ts';
import { moto } from './_botocore.ts';
import type { Authored, One } from './_requests.ts';
import { BASE, IMAGE } from './_base-requests.ts';
import {
  ADAPTABLE,
  adapted,
  authored,
  inputFor,
  named,
  requestOf,
  startFor,
  variablesOf,
} from './_requests.ts';
import { planInside } from './_submission.ts';

const REQUESTS = 10_000;

const AN_IMAGE: Image = { entrypoint: ['/opt/entry', '$(HOME)'], cmd: ['serve', '--all'] };
const SERVICES: Readonly<Record<string, string>> = {
  CreateFunction: 'lambda',
  RegisterJobDefinition: 'batch',
  SubmitJob: 'batch',
  RunTask: 'ecs',
  RegisterTaskDefinition: 'ecs',
};

/** What is not adapted, in any request. */
const KEPT = [
  'overrides.taskRoleArn',
  'overrides.containerOverrides[].name',
  'overrides.containerOverrides[].cpu',
  'containerOverrides.resourceRequirements',
  'parameters',
  'cluster',
  'jobQueue',
  'TrainingJobDefinition.RoleArn',
  'HyperParameterTuningJobConfig',
  'TransformInput',
  'Tags',
  'tags',
  'RoleArn',
  'Role',
  'requiresCompatibilities',
  'networkMode',
  'cpu',
  'memory',
  'retryStrategy',
  'containerProperties.secrets',
  'containerProperties.resourceRequirements',
  'containerDefinitions[].secrets',
  'containerDefinitions[].essential',
  'containerDefinitions[].memory',
];

/** Everything that reaches the program, from the request and the object beside it alone. */
async function inside({ target, adapting }: One, { request, submission }: Adapted) {
  const own = nodesAt(request, adapting.variables).flatMap(pairsOf);
  const variable = adapting.over === undefined ? 'BELLHOP_PLAN' : 'BELLHOP_OVERRIDES';
  const seen = adaptedTarget({ target, adapting, request });
  const { plan, objects } = await planInside(seen, submission, variable);
  const placed = plan.placements.flatMap((one): [string, string][] => {
    return one.kind === 'variable' && one.source.kind === 'text'
      ? [[one.name, one.source.text]]
      : [];
  });
  const sent = own.filter(([name]) => !name.startsWith('BELLHOP_'));
  const spilled = objects.flatMap(({ entries }) =>
    [...entries.values()].map((one) => one.reveal()),
  );
  const native =
    adapting.hyperparameters === undefined ? {} : nodesAt(request, adapting.hyperparameters)[0];
  return {
    variables: new Map([...sent, ...placed]),
    sent,
    placed: new Map(placed),
    argv: [...(plan.image.entrypoint ?? []), ...(plan.image.cmd ?? [])],
    words: textsAt(request, adapting.arguments),
    isOurs:
      new Map(own).get('BELLHOP_COMMAND') === 'plan' ||
      textsAt(request, adapting.entrypoint ?? adapting.arguments)[0] === 'bellhop',
    hyperparameters: new Map([
      ...Object.entries((native ?? {}) as Record<string, string>),
      ...spilled.flatMap((bytes) => readParameters(bytes) ?? []),
    ]),
  };
}

type Inside = Awaited<ReturnType<typeof inside>>;

/** The words of a request that has an image of its own, and whose program bellhop starts. */
function expectStarted(seen: Inside, author: Authored, image: Image): void {
  const { adapting } = author.of;
  const entrypoint = adapting.entrypoint === undefined ? undefined : author.entrypoint;
  const byImage = entrypoint === undefined ? (adapting.argumentsDefault ?? image.cmd) : undefined;
  const rest = author.words ?? byImage ?? [];
  expect(seen.isOurs).toBe(true);
  expect(seen.argv).toEqual([...(entrypoint ?? image.entrypoint ?? []), ...rest]);
}

/** The words of a request over a definition: in it, or in the plan with their mark in it. */
function expectOver(seen: Inside, { of, words = [] }: Authored): void {
  const isAll = of.adapting.over === 'command' && words.length > 0;
  const ours = isAll ? ['bellhop', 'run', '--'] : [];
  const isMarked = seen.argv.length > 0;
  const head = isMarked ? seen.words.slice(0, -1) : seen.words;
  expect([...head, ...seen.argv]).toEqual([...ours, ...words]);
  if (isMarked) expect(seen.words).toEqual([...ours, WORDS_MARK]);
}

const sorted = (some: ReadonlyMap<string, string>) =>
  [...some].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('10,000 random requests', () => {
  const made: { readonly author: Authored; readonly input: AdaptInput; readonly made: Adapted }[] =
    [];
  const legal: Authored[] = [];
  const refused = new Map<string, number>();
  beforeAll(() => {
    for (const author of fc.sample(authored, { numRuns: REQUESTS, seed: 20_261_122 })) {
      const request = requestOf(author);
      const input = inputFor(author.of, request, startFor(author.of, AN_IMAGE));
      if (isLegal(author.of.target, author.of.adapting, request)) legal.push(author);
      else {
        const one = adapt(input);
        if ('request' in one) made.push({ author, input, made: one });
        else for (const { code } of one) refused.set(code, (refused.get(code) ?? 0) + 1);
      }
    }
  }, 600_000);

  test('most of them are over some cap, and are adapted', () => {
    expect(made.length).toBeGreaterThan(REQUESTS / 3);
    expect(made.length + legal.length).toBeGreaterThan(REQUESTS * 0.9);
    expect([...refused.keys()]).toEqual([]);
    const adaptedOf = new Set(made.map(({ author }) => author.of.adapting.operation));
    expect([...adaptedOf].toSorted()).toEqual(
      ADAPTABLE.map(({ adapting }) => adapting.operation).toSorted(),
    );
  });

  test('what comes out is legal by our caps', () => {
    for (const { author, made: one } of made) {
      expect(isLegal(author.of.target, author.of.adapting, one.request)).toBe(true);
    }
  });

  test('what arrives inside is what the author wrote', async () => {
    for (const { author, made: one, input } of made) {
      const seen = await inside(author.of, one);
      expect(sorted(seen.variables)).toEqual(sorted(variablesOf(author)));
      if (author.of.adapting.hyperparameters !== undefined) {
        expect(sorted(seen.hyperparameters)).toEqual(sorted(author.hyperparameters));
      }
      const { over } = author.of.adapting;
      if (over !== undefined) expect(sorted(seen.placed)).toEqual(sorted(variablesOf(author)));
      else expect(seen.sent.filter(([name]) => seen.placed.has(name))).toEqual([]);
      if (author.of.adapting.arguments === undefined) continue;
      if (over === undefined) expectStarted(seen, author, input.image);
      else expectOver(seen, author);
    }
  }, 600_000);

  test('what is no business of ours stays: tags, roles, names', () => {
    for (const { made: one, input } of made.slice(0, 2000)) {
      for (const at of [...KEPT, input.adapting.name, input.adapting.image ?? 'Tags']) {
        expect(nodesAt(one.request, at)).toEqual(nodesAt(input.request, at) as Json[]);
      }
    }
  });

  if (moto.missing !== undefined) skipVisibly('botocore judges adapted requests', [moto.missing]);
  test.skipIf(moto.missing !== undefined)(
    'botocore and its models have nothing against any',
    () => {
      const asked = made.map(({ author, made: one }) => ({
        service: SERVICES[author.of.adapting.operation] ?? 'sagemaker',
        operation: author.of.adapting.operation,
        input: one.request,
      }));
      const found = complaintsOf(asked);
      expect(found.filter((one) => one.length > 0)).toEqual([]);
      expect(found).toHaveLength(made.length);
    },
    600_000,
  );
});

describe('who starts the program', () => {
  const training = named('CreateTrainingJob');
  const big = { Environment: Object.fromEntries([['LONG', 'x'.repeat(600)]]) };
  const base = { ...BASE['CreateTrainingJob'], ...big };
  test('an ENTRYPOINT that only the image knows must be given', () => {
    const made = adapt(inputFor(training, base));
    expect('request' in made ? [] : made.map(({ code }) => code)).toEqual(['BH_ERR_NO_COMMAND']);
  });
  test('where the image is started by bellhop, words stay in the request', () => {
    const algorithm = {
      TrainingImage: IMAGE,
      TrainingInputMode: 'File',
      ContainerArguments: ['a', ''],
    };
    const request = { ...base, AlgorithmSpecification: algorithm };
    const { request: made } = adapted(inputFor(training, request, { startedBy: 'image' }));
    expect(made['AlgorithmSpecification']).toEqual(algorithm);
  });
  test('where they are over the caps, the plan has them, and counts', async () => {
    const long = ['python', 'w'.repeat(300)];
    const algorithm = { TrainingImage: IMAGE, TrainingInputMode: 'File', ContainerArguments: long };
    const made = adapted(
      inputFor(training, { ...base, AlgorithmSpecification: algorithm }, { startedBy: 'image' }),
    );
    const seen = await inside(training, made);
    expect([seen.argv, seen.isOurs]).toEqual([long, true]);
  });
  test('`train` is added as SageMaker would', async () => {
    const made = adapted(inputFor(training, base, { image: { entrypoint: ['/e'] } }));
    expect((await inside(training, made)).argv).toEqual(['/e', 'train']);
  });
});

describe('what cannot be adapted is told', () => {
  const training = named('CreateTrainingJob');
  const over = { Environment: { LONG: 'x'.repeat(600) } };
  const ROWS: readonly (readonly [string, JsonObject, string, string])[] = [
    [
      'a map of numbers',
      { Environment: { A: 1, B: 'x'.repeat(600) } },
      'BH_ERR_ADAPT',
      'Environment',
    ],
    [
      'an algorithm of the marketplace',
      { ...over, AlgorithmSpecification: { AlgorithmName: 'x', TrainingInputMode: 'File' } },
      'BH_ERR_ADAPT',
      'TrainingImage',
    ],
    [
      'a request that was adapted before',
      { Environment: { ...over.Environment, BELLHOP_PLAN: 'inline:1' } },
      'BH_ERR_ADAPT',
      'BELLHOP_PLAN',
    ],
    ['a NUL', { Environment: { A: '\0', B: 'x'.repeat(600) } }, 'BH_ERR_VALUE', 'A'],
    ['a name with =', { Environment: { 'A=B': '' } }, 'BH_ERR_VALUE', 'A=B'],
    [
      'more than a variable can hold',
      { Environment: { A: 'x'.repeat(131_072) } },
      'BH_ERR_VALUE',
      'A',
    ],
    [
      'a name of the job that is too long',
      { ...over, TrainingJobName: 'n'.repeat(64) },
      'BH_ERR_CAP',
      'TrainingJobName',
    ],
  ];
  test.each([...ROWS])('%s', (_, more, ...told) => {
    const [code, where] = told;
    const request = { ...BASE['CreateTrainingJob'], ...more };
    const made = adapt(inputFor(training, request, { image: { entrypoint: ['/e'] } }));
    expect('request' in made).toBe(false);
    const problems = made as readonly BellhopError[];
    expect(problems.map((one) => one.code)).toContain(code as BellhopError['code']);
    expect(problems.some((one) => one.where.some((step) => step.includes(where)))).toBe(true);
  });
});
