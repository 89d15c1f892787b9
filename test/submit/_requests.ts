// Requests as authors write them, at random, and what adapting one takes.
import fc from 'fast-check';
import { deflateRawSync } from 'node:zlib';
import type { Json } from '../../src/core/canonical.ts';
import type { Image } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Adapted, AdaptInput } from '../../src/submit/adapt.ts';
import { adapt } from '../../src/submit/adapt.ts';
import { withAt } from '../../src/submit/adapt-fields.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { over } from '../../src/targets/_request.ts';
import type { Adapting } from '../../src/targets/_adapting.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import type { Target } from '../../src/targets/_target.ts';
import { variableNameProblem } from '../../src/wire/names.ts';
import { BASE } from './_base-requests.ts';
import { BUCKET } from './_submission.ts';

/** A request that is adapted. */
export interface One {
  readonly target: Target;
  readonly adapting: Adapting;
}

const all = await Promise.all(
  Object.values(ALL_TARGETS).map(async (load) => (await load()).default),
);
/** All of them. */
export const ADAPTABLE: readonly One[] = all.flatMap((target) => {
  return (target.adapt ?? []).map((adapting) => ({ target, adapting }));
});

/** The one of this operation. */
export function named(operation: string): One {
  const one = ADAPTABLE.find(({ adapting }) => adapting.operation === operation);
  if (one === undefined) throw new Error(`${operation} is not adapted`);
  return one;
}

/** What adapting takes, with a bucket to spill to. */
export function inputFor(
  { target, adapting }: One,
  request: JsonObject,
  more: Partial<AdaptInput> = {},
) {
  return {
    target,
    adapting,
    request,
    spill: BUCKET,
    image: {},
    bellhop: 'bellhop',
    policy: DEFAULT_POLICY,
    deflate: (bytes: Uint8Array) => deflateRawSync(bytes, { level: 9 }),
    nameProblem: variableNameProblem,
    ...more,
  };
}

/** The adapted request; throws the first problem. */
export function adapted(input: AdaptInput): Adapted {
  const made = adapt(input);
  if ('request' in made) return made;
  throw made[0] ?? new Error('no problem and no request');
}

/** What a request without a field for the ENTRYPOINT is started by. */
export function startFor({ adapting }: One, image: Image): Partial<AdaptInput> {
  const takesNoWords = adapting.entrypoint === undefined && adapting.arguments === undefined;
  if (takesNoWords) return { startedBy: 'image' };
  const hasNone = adapting.entrypoint === undefined && adapting.arguments !== undefined;
  const own = hasNone ? { ...image, entrypoint: [] } : image;
  return { image: own, ...(adapting.over === undefined ? {} : { startedBy: 'request' }) };
}

const count = (max: number) => {
  return fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(max) });
};
const length = fc.oneof(
  { weight: 8, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.constantFrom(255, 256, 257, 511, 512, 513, 1024, 2500, 2501, 5000) },
);
const pieces = fc.constantFrom(
  'a',
  'Z',
  '0',
  ' ',
  '$',
  '$(A)',
  '${x}',
  '"',
  "'",
  '\\',
  '\n',
  '\u00e9',
  '\u{1f600}',
  ',',
  '{',
);
const text = fc
  .tuple(length, fc.array(pieces, { minLength: 1, maxLength: 8 }))
  .map(([size, some]) => {
    return some
      .join('')
      .repeat(Math.ceil(size / 4))
      .slice(0, size)
      .replace(/[\ud800-\udbff]$/, '');
  });
const names = fc.oneof(
  { weight: 12, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z][a-z.\- ]{1,10}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'AWS_REGION', 'N'.repeat(600)),
  },
);
const fullNames = names.filter((name) => !name.startsWith('BELLHOP'));
const map = (key: fc.Arbitrary<string>, max: number): fc.Arbitrary<Map<string, string>> => {
  return fc
    .tuple(count(max), fc.array(fc.tuple(key, text), { maxLength: 8 }))
    .map(([many, some]) => {
      const rest = Array.from({ length: many }, (_, n): [string, string] => [
        `V${n}`,
        `value ${n}`,
      ]);
      return new Map([...some, ...rest]);
    });
};
const words = fc.option(
  fc
    .tuple(count(130), fc.array(text, { maxLength: 5 }))
    .map(([many, some]) => [
      'python',
      ...some,
      ...Array.from({ length: many }, (_, n) => `--w${n}`),
    ]),
  { nil: undefined },
);

/** What an author may write into a request, in one form for all operations. */
export const authored = fc.record({
  of: fc.constantFrom(...ADAPTABLE),
  variables: map(fullNames, 220),
  hyperparameters: map(
    fc.oneof(
      fullNames,
      text.filter((one) => one !== ''),
    ),
    150,
  ),
  entrypoint: words,
  words,
  isIsolated: fc.boolean(),
  tags: fc.nat(50),
  // Where all of a request is counted, that is what makes it too large.
  bulk: fc.oneof(fc.constant(0), fc.nat(90)),
});
/** One of them. */
export type Authored = typeof authored extends fc.Arbitrary<infer T> ? T : never;

const ISOLATION: Readonly<Record<string, JsonObject>> = {
  CreateTrainingJob: { EnableNetworkIsolation: true },
  CreateProcessingJob: { NetworkConfig: { EnableNetworkIsolation: true } },
  CreateHyperParameterTuningJob: { TrainingJobDefinition: { EnableNetworkIsolation: true } },
};

/** The request that an author has written so. */
export function requestOf(author: Authored): JsonObject {
  const { of, hyperparameters, entrypoint, words: rest, isIsolated, tags } = author;
  const { adapting } = of;
  const { operation } = adapting;
  const put = (request: JsonObject, at: string | undefined, node: Json | undefined): JsonObject => {
    return at === undefined || node === undefined ? request : withAt(request, at, node);
  };
  const asObject = (some: ReadonlyMap<string, string>) => Object.fromEntries(some);
  const variables = variablesOf(author);
  const asNode = isListed(of) ? asPairs(variables) : asObject(variables);
  const isolation = isIsolated ? (ISOLATION[operation] ?? {}) : {};
  let request = over(BASE[operation] ?? {}, isolation);
  if (variables.size > 0) request = put(request, adapting.variables, asNode);
  if (hyperparameters.size > 0)
    request = put(request, adapting.hyperparameters, asObject(hyperparameters));
  request = put(request, adapting.entrypoint, entrypoint);
  request = put(request, adapting.arguments, rest);
  return tags === 0 ? request : { ...request, ...tagsOf(operation, tags) };
}

function tagsOf(operation: string, count: number): JsonObject {
  const keys = Array.from({ length: count }, (_, n) => `k${n}`);
  if (operation === 'CreateFunction') return {};
  if (operation === 'RegisterJobDefinition' || operation === 'SubmitJob') {
    return { tags: Object.fromEntries(keys.map((key) => [key, 'v'])) };
  }
  if (operation === 'RegisterTaskDefinition' || operation === 'RunTask') {
    return { tags: keys.map((key) => ({ key, value: 'v' })) };
  }
  return { Tags: keys.map((Key) => ({ Key, Value: 'v' })) };
}

const isListed = ({ adapting }: One): boolean => adapting.isList === true;

function asPairs(variables: ReadonlyMap<string, string>): Json[] {
  return [...variables].map(([name, value]) => ({ name, value }));
}

const BULK = 'x$(A)\n'.repeat(170);

/** All variables that an author has written. */
export function variablesOf({ of, variables, bulk }: Authored): ReadonlyMap<string, string> {
  const more = Array.from({ length: isListed(of) ? bulk : 0 }, (_, n): [string, string] => {
    return [`BULK_${n}`, `${n}${BULK}`];
  });
  return new Map([...variables, ...more]);
}
