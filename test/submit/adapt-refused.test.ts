// What of a request that somebody else made no container can be given.
import { describe, expect, test } from 'bun:test';
import type { Json } from '../../src/core/canonical.ts';
import { adapt, isLegal } from '../../src/submit/adapt.ts';
import { withAt } from '../../src/submit/adapt-fields.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { BASE } from './_base-requests.ts';
import { adapted, inputFor, named, startFor } from './_requests.ts';

const MEANT = { entrypoint: ['/opt/entry'], cmd: ['serve'] };

function told(operation: string, fields: Readonly<Record<string, Json>>): string[] {
  const of = named(operation);
  const base = BASE[operation] ?? expect.unreachable();
  const request = Object.entries(fields).reduce<JsonObject>(
    (all, [at, node]) => withAt(all, at, node),
    base,
  );
  const made = adapt(inputFor(of, request, startFor(of, MEANT)));
  return 'request' in made ? [] : made.map((one) => `${one.code} ${one.message}`);
}

const WORDS = 'AlgorithmSpecification.ContainerArguments';
const ENTRYPOINT = 'AlgorithmSpecification.ContainerEntrypoint';
const MAX = 131_072;

describe('what Linux can start no program with is refused by its field', () => {
  const ROWS: readonly (readonly [string, string, Json, string])[] = [
    ['a word with a NUL', WORDS, ['a', 'canary\0'], `${WORDS}[1]: has a NUL`],
    ['a program with a NUL', ENTRYPOINT, ['canary\0'], `${ENTRYPOINT}[0]: has a NUL`],
    ['a variable with a NUL', 'Environment', { A: 'canary\0' }, 'variable, A: has a NUL'],
    [
      'a word of 131,072 bytes',
      WORDS,
      ['canary'.padEnd(MAX, 'w')],
      `${WORDS}[0]: has 131073 bytes, Linux takes 131072`,
    ],
    [
      'a variable of 131,072 bytes',
      'Environment',
      { A: 'canary'.padEnd(MAX - 2, 'w') },
      'variable, A: has 131073 bytes, Linux takes 131072',
    ],
    ['a word with half a pair', WORDS, ['canary\ud800b'], `${WORDS}[0]: has half a surrogate pair`],
    [
      'a variable with half a pair',
      'Environment',
      { A: 'canary\udc00' },
      'variable, A: has half a surrogate pair',
    ],
    [
      'a hyperparameter with half a pair',
      'HyperParameters',
      { h: 'canary\ud800' },
      'hyperparameter, h: has half a surrogate pair',
    ],
  ];
  test.each([...ROWS])('%s', (_, ...row) => {
    const [at, node, expected] = row;
    const said = told('CreateTrainingJob', { [ENTRYPOINT]: ['p'], [at]: node });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(expected);
    expect(said[0]).toStartWith('BH_ERR_VALUE ');
    expect(said.join('')).not.toContain('canary');
  });
  test('all of them at once', () => {
    const fields = { [ENTRYPOINT]: ['\0'], [WORDS]: ['\0', 'b\ud800'], Environment: { A: '\0' } };
    expect(told('CreateTrainingJob', fields)).toHaveLength(4);
  });
  test('one byte less is delivered', () => {
    const words = ['w'.repeat(MAX - 1), '\u{1f600}'];
    const Environment = { A: 'v'.repeat(MAX - 3) };
    const fields = { [ENTRYPOINT]: ['p'], [WORDS]: words, Environment };
    expect(told('CreateTrainingJob', fields)).toEqual([]);
  });
});

describe('a reserved name is as good as a cap', () => {
  const ROWS: readonly (readonly [string, string, string])[] = [
    ['CreateFunction', 'Environment.Variables', 'TZ'],
    ['CreateFunction', 'Environment.Variables', 'AWS_REGION'],
    ['CreateFunction', 'Environment.Variables', 'AWS_LAMBDA_RUNTIME_API'],
    ['SubmitJob', 'containerOverrides.environment', 'AWS_BATCH_FOO'],
    ['RegisterJobDefinition', 'containerProperties.environment', 'AWS_BATCH_FOO'],
  ];
  const requestOf = (operation: string, at: string, name: string): JsonObject => {
    const isList = named(operation).adapting.isList === true;
    const node = isList ? [{ name, value: 'mars' }] : { [name]: 'mars' };
    return withAt(BASE[operation] ?? expect.unreachable(), at, node);
  };
  test.each([...ROWS])('%s: %s, %s comes by bellhop', (operation, at, name) => {
    const of = named(operation);
    const request = requestOf(operation, at, name);
    expect(isLegal(of.target, of.adapting, request)).toBe(false);
    const { request: made } = adapted(inputFor(of, request, startFor(of, MEANT)));
    expect(isLegal(of.target, of.adapting, made)).toBe(true);
    expect(JSON.stringify(made)).not.toContain(`"${name}"`);
    expect(JSON.stringify(made)).toContain('BELLHOP_');
  });
  test('one that users of Lambda set is none', () => {
    const { target, adapting } = named('CreateFunction');
    const at = 'Environment.Variables';
    const request = requestOf('CreateFunction', at, 'AWS_LAMBDA_EXEC_WRAPPER');
    expect(isLegal(target, adapting, request)).toBe(true);
  });
});

describe('where nobody knows how to start bellhop, the reader is told what it is needed for', () => {
  const ROWS: readonly (readonly [string, string, Json, string])[] = [
    [
      'SubmitJob',
      'containerOverrides.command',
      ['', 'a'],
      'containerOverrides.command: 1 of 2 are not of the form',
    ],
    [
      'CreateTrainingJob',
      'Environment',
      { A: 'canary'.padEnd(600, 'w') },
      'Environment: 600 bytes, at most 512 (longest value)',
    ],
    [
      'CreateFunction',
      'Environment.Variables',
      { TZ: 'canary' },
      'variable TZ: the name is reserved by Lambda',
    ],
    [
      'RunTask',
      'overrides.containerOverrides[].environment',
      [{ name: 'A', value: 'canary'.repeat(2000) }],
      'overrides: ',
    ],
  ];
  test.each([...ROWS])('%s, %s', (...row) => {
    const [operation, at, node, expected] = row;
    const of = named(operation);
    const request = withAt(BASE[operation] ?? expect.unreachable(), at, node);
    const made = adapt(inputFor(of, request));
    if ('request' in made) expect.unreachable();
    expect(made.map(({ code }) => code)).toEqual(['BH_ERR_NO_COMMAND']);
    expect(made[0]?.message).toContain(`; bellhop is needed for ${expected}`);
    expect(made[0]?.message).not.toContain('canary');
  });
});
