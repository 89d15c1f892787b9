// Against the package dotenv itself.
import { describe, expect, test } from 'bun:test';
import dotenv from 'dotenv';
import fc from 'fast-check';
import { readDotenv } from '../../src/wire/dotenv.ts';

/** What the package gives, and what we give, in one form. */
function both(text: string): { ours: Record<string, string>; theirs: Record<string, string> } {
  const { __proto__: _, ...ours } = Object.fromEntries(readDotenv(text));
  return { ours, theirs: { ...dotenv.parse(text) } };
}

describe('a file reads as', () => {
  const FILES: readonly (readonly [string, string, Record<string, string>])[] = [
    ['plain', 'A=1\nexport B = two words \nC:  3', { A: '1', B: 'two words', C: '3' }],
    ['comments', '# no\nA=1 # why\nB="#" # why\nC=a#b', { A: '1', B: '#', C: 'a' }],
    [
      'quotes',
      `A='a"b'\nB="a'b"\nC=\`'"\`\nD='it\\'s'`,
      { A: 'a"b', B: "a'b", C: `'"`, D: "it\\'s" },
    ],
    ['escapes', 'A="a\\nb\\tc"\nB=\'a\\nb\'\nC=a\\nb', { A: 'a\nb\\tc', B: 'a\\nb', C: 'a\\nb' }],
    [
      'several lines',
      'A="-----BEGIN\nx==\n-----END"\nB=\'a\nb\'',
      { A: '-----BEGIN\nx==\n-----END', B: 'a\nb' },
    ],
    ['carriage returns', 'A=1\r\nB="x\r\ny"\rC=3', { A: '1', B: 'x\ny', C: '3' }],
    ['empty values', 'A=\nB=""\nC= ', { A: '', B: '', C: '' }],
    ['nothing expanded', 'A=$B\nB=${A}$(x)', { A: '$B', B: '${A}$(x)' }],
    ['the last of a name', 'A=1\nB=2\nA=3', { A: '3', B: '2' }],
    ['names', 'a.b-c_1=x\n1=y\nA B=z\n=w', { 'a.b-c_1': 'x', '1': 'y' }],
    ['a byte order mark', '\ufeffA=1', { A: '1' }],
  ];
  test.each([...FILES])('%s', (_, text, variables) => {
    const { ours, theirs } = both(text);
    expect(ours).toEqual(variables);
    expect(theirs).toEqual(variables);
  });
});

test('variables stand in the order of the file', () => {
  expect([...readDotenv('B=1\n2=x\nA=1\nB=2').keys()]).toEqual(['B', '2', 'A']);
});

test('a name of an object is a name like others', () => {
  expect(readDotenv('__proto__=a').get('__proto__')).toBe('a');
});

const SYMBOLS = 'A b.c = : # - x \\ \' " ` é $1 $& \\n \\r \\\' \\" export'.split(' ');
const SPACES = [' ', '\t', '\n', '\r\n', '\r', '\u2028', '\u00a0', '\ufeff', ' = ', ': ', ' # c'];
const STARTS = ['export ', '\nA=', '\nB="', "\nC='", '\nD=`'];
const part = fc.constantFrom(...SYMBOLS, ...SPACES, ...STARTS);

test('20,000 texts at random read as the package reads them', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const { ours, theirs } = both(parts.join(''));
      expect(ours).toEqual(theirs);
    }),
    { seed: 20260103, numRuns: 20_000 },
  );
});
