import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { expand, expandStrictly, referencedNames } from '../../src/plan/expand.ts';

const VALUES = new Map([
  ['A', '1'],
  ['B', '$(A)'],
  ['EMPTY', ''],
  ['my.key', 'dots'],
  ['C(', 'paren'],
  ['$x', 'dollar'],
]);
const lookup = (name: string): string | undefined => VALUES.get(name);

describe('$(VAR) as the kubelet expands it', () => {
  test.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$$$$(A)', '$$(A)'],
    ['$(MISSING)', '$(MISSING)'],
    ['$A', '$A'],
    ['a$', 'a$'],
    ['$(A', '$(A'],
    ['$(A$(A))', '$(A$(A))'],
    ['$(B)', '$(A)'],
    ['$()', '$()'],
    ['$ (A)', '$ (A)'],
    ['$$', '$'],
    ['$$$', '$$'],
    ['x$(A)y', 'x1y'],
    ['$(A)$(A)', '11'],
    ['$(EMPTY)', ''],
    ['$(my.key)', 'dots'],
    ['$(C()', 'paren'],
    ['$($x)', 'dollar'],
    ['$(a)', '$(a)'],
    ['$(A )', '$(A )'],
    ['$(A\n)', '$(A\n)'],
    ['${A} $[A] `A`', '${A} $[A] `A`'],
    ['', ''],
    ['$', '$'],
    ['$(', '$('],
    ['$((A))', '$((A))'],
    ['$(__proto__)$(constructor)', '$(__proto__)$(constructor)'],
    // The fixed behaviour (kubernetes#136325), not the corruption of v1.33.13.
    ['$éx', '$éx'],
    ['$😀$(A)', '$😀1'],
  ])('%j becomes %j', (input, wanted) => {
    expect(expand(input, lookup)).toBe(wanted);
    const bytes = (text: string): string => Buffer.from(text).toString('latin1');
    expect(expand(bytes(input), lookup)).toBe(bytes(wanted));
  });

  test('where every name must be known, the unknown ones are told', () => {
    expect(expandStrictly('a/$(A)/$(X)/$$(Y)/$(Z)', lookup)).toEqual({
      text: 'a/1//$(Y)/',
      missing: ['X', 'Z'],
    });
    expect(expandStrictly('$(EMPTY)', lookup)).toEqual({ text: '', missing: [] });
  });

  test('the names that a template refers to', () => {
    expect(referencedNames('$(A)$$(B)$(C$(D)$(')).toEqual(['A', 'C$(D']);
  });
});

// k8s.io/kubernetes third_party/forked/golang/expansion/expand.go, statement by statement, with the
// operator's literal written as the whole character (kubernetes#136325).

function tryReadVariableName(input: string): [string, boolean, number] {
  switch (input.charAt(0)) {
    case '$':
      return [input.slice(0, 1), false, 1];
    case '(':
      for (let i = 1; i < input.length; i++) {
        if (input.charAt(i) === ')') return [input.slice(1, i), true, i + 1];
      }
      return ['$(', false, 1];
    default:
      return [`$${input.charAt(0)}`, false, 1];
  }
}

function model(input: string, mapping: (name: string) => string): string {
  let buf = '';
  let checkpoint = 0;
  for (let cursor = 0; cursor < input.length; cursor++) {
    if (input.charAt(cursor) === '$' && cursor + 1 < input.length) {
      buf += input.slice(checkpoint, cursor);
      const [read, isVar, advance] = tryReadVariableName(input.slice(cursor + 1));
      buf += isVar ? mapping(read) : read;
      cursor += advance;
      checkpoint = cursor + 1;
    }
  }
  return buf + input.slice(checkpoint);
}

test('any text is expanded as by a transcription of the Go code', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '$', '(', ')', 'A', 'B', ' ', '\xc3') });
  const values = fc.dictionary(fc.constantFrom('A', 'B', 'AB', '', '$', '('), fc.string(), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(text, values, (input, known) => {
      const find = (name: string) => (Object.hasOwn(known, name) ? known[name] : undefined);
      expect(expand(input, find)).toBe(model(input, (name) => find(name) ?? `$(${name})`));
    }),
    { numRuns: 5000 },
  );
});
