import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  ReferenceProblem,
  fillTemplate,
  formatReference,
  parseReference,
} from '../../src/plan/reference.ts';
import type { Reference } from '../../src/plan/types.ts';

const versioned = (store: string): boolean => store === 'sm';

describe('references as people write them', () => {
  test.each<[string, Reference]>([
    ['v:db', { store: 'v', path: 'db' }],
    ['v:db#password', { store: 'v', path: 'db', key: 'password' }],
    ['v:db#password@3', { store: 'v', path: 'db', key: 'password', version: '3' }],
    ['v:a/b:c', { store: 'v', path: 'a/b:c' }],
    ['v:a#b#c', { store: 'v', path: 'a#b', key: 'c' }],
    ['v:a@b#c', { store: 'v', path: 'a@b', key: 'c' }],
    ['v:db#k@1@2', { store: 'v', path: 'db', key: 'k@1', version: '2' }],
    ['v:user@host', { store: 'v', path: 'user@host' }],
    ['sm:db@3', { store: 'sm', path: 'db', version: '3' }],
    ['sm:a@b@3', { store: 'sm', path: 'a@b', version: '3' }],
    ['sm:a%40b', { store: 'sm', path: 'a@b' }],
    ['v:a%23b#c%40d', { store: 'v', path: 'a#b', key: 'c@d' }],
    ['v:%25%23%7B%7d', { store: 'v', path: '%#{}' }],
    ['v:%2523', { store: 'v', path: '%23' }],
    ['v:%2f%zz%', { store: 'v', path: '%2f%zz%' }],
    ['v:db#k@%40', { store: 'v', path: 'db', key: 'k', version: '@' }],
    ['A-1_b:x', { store: 'A-1_b', path: 'x' }],
    ['v: spaces kept ', { store: 'v', path: ' spaces kept ' }],
    [
      'aws:arn:aws:secretsmanager:eu:1:secret:x',
      { store: 'aws', path: 'arn:aws:secretsmanager:eu:1:secret:x' },
    ],
  ])('%s', (text, wanted) => {
    expect(parseReference(text, versioned)).toEqual(wanted);
  });

  test.each([
    ['db', 'a reference is written store:path#key@version'],
    ['', 'a reference is written store:path#key@version'],
    [':db', "what stands before the first ':' is not a store's name"],
    ['-a:db', "what stands before the first ':' is not a store's name"],
    ['a b:db', "what stands before the first ':' is not a store's name"],
    ['__proto__:db', "what stands before the first ':' is not a store's name"],
    ['{name}:db', "what stands before the first ':' is not a store's name"],
    ['v:', 'the path of a reference is empty'],
    ['v:#k', 'the path of a reference is empty'],
    ['v:db#', 'the key after # is empty'],
    ['v:db#@1', 'the key after # is empty'],
    ['v:db#k@', 'the version after @ is empty'],
    ['sm:db@', 'the version after @ is empty'],
    ['sm:@3', 'the path of a reference is empty'],
  ])('%j: %s', (text, what) => {
    expect(() => parseReference(text, versioned)).toThrow(new ReferenceProblem(what));
  });

  const part = fc.string({
    unit: fc.constantFrom('a', '#', '@', '%', ':', '/', '{', '2', '3', 'é'),
  });
  const filled = part.filter((text) => text !== '');
  const any = fc.record(
    { store: fc.constantFrom('v', 'sm'), path: filled, key: filled, version: filled },
    { requiredKeys: ['store', 'path'] },
  );

  test('what is printed is read again as the same reference', () => {
    fc.assert(
      fc.property(any, (reference) => {
        const read = parseReference(formatReference(reference), () => true);
        expect(read).toEqual(reference);
        if (reference.version === undefined || reference.key !== undefined) {
          expect(parseReference(formatReference(reference), () => false)).toEqual(reference);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('any text is read or refused with a sentence', () => {
    fc.assert(
      fc.property(part, (text) => {
        try {
          parseReference(`v:${text}`, () => true);
        } catch (error) {
          expect(error).toBeInstanceOf(ReferenceProblem);
        }
      }),
    );
  });
});

describe('templates', () => {
  const values = { namespace: 'team', name: 'db', container: 'c', pod: 'p@1#2%' };
  test.each([
    ['sm:{namespace}/{name}', 'sm:team/db'],
    ['sm:x#{container}', 'sm:x#c'],
    ['sm:{pod}', 'sm:p%401%232%25'],
    ['sm:%7Bname%7D', 'sm:%7Bname%7D'],
    ['sm:{name}{name}', 'sm:dbdb'],
    ['sm:{', 'sm:{'],
    ['sm:}{', 'sm:}{'],
  ])('%s becomes %s', (text, wanted) => {
    expect(fillTemplate(text, values)).toBe(wanted);
  });

  test.each([
    ['{nope}', values, '{nope} is not one of {namespace} {name} {pod} {container} {job}'],
    ['{}', values, '{} is not one of'],
    ['{constructor}', values, '{constructor} is not one of'],
    ['{Name}', values, '{Name} is not one of'],
    ['{job}', values, '{job} is not known here'],
    ['{name}', { name: '' }, '{name} is not known here'],
    ['{name}', { name: 'a/b' }, '{name} would change the path'],
    ['{name}', { name: '/' }, '{name} would change the path'],
    ['{name}', { name: '..' }, '{name} would change the path'],
    ['{name}', { name: '.' }, '{name} would change the path'],
  ])('%s with %o: %s', (text, known, what) => {
    expect(() => fillTemplate(text, known)).toThrow(what);
  });

  test('a value is never read as a template, a key or a version', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '#', '@', '%', '{', '}', 'name', '2', '3') }),
        (value) => {
          fc.pre(value !== '');
          const filled = fillTemplate('sm:x/{name}#k@1', { name: value });
          expect(parseReference(filled, () => true)).toEqual({
            store: 'sm',
            path: `x/${value}`,
            key: 'k',
            version: '1',
          });
        },
      ),
    );
  });
});
