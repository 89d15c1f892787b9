// Overrides over a plan: variables and words as the platform would have laid them.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import { computeEnvironment } from '../../src/entrypoint/environment.ts';
import type { Argument } from '../../src/entrypoint/exec-document.ts';
import { markedWords, podArguments } from '../../src/entrypoint/start.ts';
import { barePlan } from '../../src/plan/bare.ts';
import {
  WORDS_MARK,
  checkOverrides,
  overridden,
  overridingWords,
} from '../../src/plan/overrides.ts';
import type { Image, Placement, Plan } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';

type Pairs = readonly (readonly [string, string])[];

function planOf(variables: Pairs, image: Image, more: readonly Placement[] = []): Plan {
  const texts = variables.map(([name, text]): Placement => {
    const source = { kind: 'text', text, of: 'a request' } as const;
    return { kind: 'variable', layer: 'env', name, source, rule: `env ${name}` };
  });
  const origin = { name: 'job', namespace: 'default', container: 'main' };
  const placements = [...texts, ...more];
  return { ...barePlan({ origin, stores: {}, policy: DEFAULT_POLICY, placements }), image };
}

function seen(plan: Plan, given?: readonly Argument[]) {
  const input = { plan, answers: new Map(), inherited: new Map<string, string>(), nowMs: 0 };
  const environment = computeEnvironment(input);
  const latin = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
  return {
    variables: new Map([...environment.variables].map(([name, { value }]) => [name, latin(value)])),
    argv: podArguments(plan, environment, given).map(({ bytes }) =>
      Buffer.from(bytes).toString('utf8'),
    ),
  };
}

const text = fc.string({ unit: fc.constantFrom('a', '$', '(', ')', 'A', '{', 'é', ' ', '"') });
const pairs = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C', 'my.key'), text));
const words = fc.array(text, { maxLength: 4 });
const image = fc.record({ entrypoint: words, cmd: words });
const argv = (command: readonly string[], args: readonly string[]): Placement => {
  return { kind: 'argv', command, args, rule: 'spec.containers[0]' };
};

describe('overrides over a plan', () => {
  test('none leave it as it is', () => {
    fc.assert(
      fc.property(pairs, image, (variables, own) => {
        const plan = planOf(variables, own);
        expect(overridden(plan, undefined)).toBe(plan);
        expect(seen(overridden(plan, planOf([], {})))).toEqual(seen(plan));
      }),
    );
  });
  test('their variables count, the others stay', () => {
    fc.assert(
      fc.property(pairs, pairs, image, (variables, over, own) => {
        const plan = planOf(variables, own);
        const made = seen(overridden(plan, planOf(over, {})));
        expect(made.variables).toEqual(new Map([...variables, ...over]));
        expect(made.argv).toEqual(seen(plan).argv);
      }),
    );
  });
  const of = (word: string) => ({ exec: { bytes: Buffer.from(word) }, bytes: Buffer.from(word) });
  const marked = (arrived: readonly string[], over: readonly string[], isCommand: boolean) => {
    const made = markedWords(arrived.map(of), over, isCommand);
    if (made instanceof BellhopError) return made.code;
    return made.map(({ bytes }) => Buffer.from(bytes).toString());
  };
  test('their words stand as they are where their mark stood, and CMD of the plan does not', () => {
    fc.assert(
      fc.property(pairs, image, fc.tuple(words, words), (variables, own, [head, over]) => {
        fc.pre(over.length > 0);
        expect(marked([...head, WORDS_MARK], over, true)).toEqual([...head, ...over]);
        const { entrypoint } = own;
        const plan = overridden(planOf(variables, own), planOf([], { cmd: over }));
        const given = markedWords([of(WORDS_MARK)], over, false);
        const argv = given instanceof BellhopError ? [] : seen(plan, given).argv;
        expect(argv).toEqual([...entrypoint, ...over]);
      }),
    );
  });
  test.each([
    ['no overrides: words are as they arrived', ['a', 'b'], [], true, ['a', 'b']],
    ['a program of its own may have the mark', ['a', WORDS_MARK], [], true, ['a', WORDS_MARK]],
    ["a mark alone stands for the plan's own", [WORDS_MARK], [], false, []],
    ['no mark: nobody knows where they belong', ['a'], ['b'], true, 'BH_ERR_PLAN'],
    ['no words at all', [], ['b'], false, 'BH_ERR_PLAN'],
    ['the mark is the last word', [WORDS_MARK, 'a'], ['b'], true, 'BH_ERR_PLAN'],
  ] as const)('%s', (_, ...row) => {
    const [arrived, over, isCommand, wanted] = row;
    expect(marked(arrived, over, isCommand)).toEqual(wanted as never);
  });
  test('they are a plan by themselves', () => {
    const over = planOf([['A', '$(B)']], { entrypoint: [], cmd: ['train', '$(A)'] });
    expect(seen(over)).toEqual({
      variables: new Map([['A', '$(B)']]),
      argv: ['train', '$(A)'],
    });
    expect(overridingWords(over)).toEqual(['train', '$(A)']);
  });
  const reference = { store: 's', path: 'p' };
  test.each([
    ['a store', { ...planOf([], {}), stores: { s: { kind: 'env' } } }],
    ['a file', planOf([], {}, [fileOf()])],
    ['args of a pod', planOf([], {}, [argv([], ['a'])])],
    [
      'a value of a store',
      planOf([], {}, [
        {
          kind: 'variable',
          layer: 'env',
          name: 'A',
          source: { kind: 'value', bound: { reference, called: 'secret s' } },
          rule: 'r',
        },
      ]),
    ],
  ] as const)('%s is none of what they may hold', (_, plan) => {
    let code = '';
    try {
      checkOverrides(plan, 'BELLHOP_OVERRIDES');
    } catch (error) {
      code = error instanceof BellhopError ? error.code : String(error);
    }
    expect(code).toBe('BH_ERR_PLAN');
  });
});

function fileOf(): Placement {
  const source = { kind: 'text', text: 't', of: 'o' } as const;
  return { kind: 'file', path: '/f', mode: 0o644, medium: 'disk', source, rule: 'r' };
}
