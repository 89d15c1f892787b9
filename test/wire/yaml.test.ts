import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readDocuments, YamlProblem } from '../../src/wire/yaml.ts';
import type { YamlDocument, YamlPath } from '../../src/wire/yaml.ts';
import { problemOf, vectors } from './yaml-vectors.ts';
import type { Vector } from './yaml-vectors.ts';

/** What kubectl reads and bellhop refuses: the table in src/wire/yaml.ts, and nothing else. */
const REFUSED = new Map([
  ['value "!!timestamp 2001-01-01"', 'the tag !!timestamp is not supported'],
  ['value "!!binary /w=="', 'the value of !!binary is not Base64 of UTF-8 text'],
  ['key "1234567.0"', 'a number of few digits'],
  ['key "12345678.0"', 'a number of few digits'],
  ['key "16777217.0"', 'a number of few digits'],
  ['key "123456.5"', 'a number of few digits'],
  ['key "1e300"', 'a number of few digits'],
  ['key "-0.0"', 'a number of few digits'],
  ['directive after separator', 'a directive is not supported'],
  ['BOM inside', 'a character that YAML allows only as an escape'],
  ['BOM in quotes', 'a character that YAML allows only as an escape'],
  ['invalid UTF-8 in JSON', 'bytes that are not UTF-8'],
  ['UTF-16 BE', 'bytes that are not UTF-8'],
  ['depth 10000 flow', 'nested deeper than 1000 levels'],
  ['depth 10000 JSON', 'nested deeper than 1000 levels'],
]);

function bytesOf({ text, base64 }: Vector): Uint8Array {
  return base64 === undefined
    ? new TextEncoder().encode(text ?? '')
    : Uint8Array.from(Buffer.from(base64, 'base64'));
}

/** The recorded JSON, with each number as the text that it has there. */
function recorded(json: string): unknown {
  const withText = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? `number ${context?.source ?? 'without source'}` : value;
  return JSON.parse(json, withText);
}

/** A document's value, with each number as the text that `numberText` gives. */
function sent(
  document: YamlDocument,
  value: unknown = document.value,
  path: YamlPath = [],
): unknown {
  if (typeof value === 'number') {
    const text = document.numberText(path);
    // The double must be the one that the text names.
    return Number(text) === value ? `number ${text ?? 'without text'}` : 'another number';
  }
  if (Array.isArray(value)) return value.map((item, i) => sent(document, item, [...path, i]));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, sent(document, item, [...path, key])]),
  );
}

const read = (text: string) => readDocuments(text);
const only = (text: string): YamlDocument => {
  const [document, ...more] = read(text);
  if (document === undefined || more.length > 0) throw new Error('not one document');
  return document;
};

describe('reads what kubectl reads, refuses what kubectl refuses', () => {
  for (const vector of vectors) {
    const different = REFUSED.get(vector.name);
    if (vector.error !== undefined) {
      test(`${vector.name}: refused (${vector.error})`, () => {
        expect(() => readDocuments(bytesOf(vector))).toThrow(YamlProblem);
      });
    } else if (different !== undefined) {
      test(`${vector.name}: refused, though kubectl reads it`, () => {
        expect(problemOf(() => readDocuments(bytesOf(vector))).what).toContain(different);
      });
    } else {
      test(`${vector.name}: read`, () => {
        const documents = readDocuments(bytesOf(vector));
        expect(documents.map((document) => sent(document))).toEqual(vector.documents.map(recorded));
      });
    }
  }

  test('the list of what is refused names vectors that kubectl reads', () => {
    const taken = vectors.filter(({ error }) => error === undefined).map(({ name }) => name);
    expect([...REFUSED.keys()].filter((name) => !taken.includes(name))).toEqual([]);
  });

  test('there are at least 250 vectors', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(250);
  });

  test.each([
    ['an integer and a string', "1: a\n'1': b\n", 2],
    ['a boolean and a string', "yes: a\n'true': b\n", 2],
    ['an integer and a float', 'x: 0\n1: a\n1.0: b\n', 3],
    ['a merged integer and a string', "a: &x {1: a}\nb:\n  '1': c\n  <<: *x\n", 4],
  ])('%s with the same text as keys are refused: Go keeps one by chance', (_name, text, line) => {
    const problem = problemOf(() => read(text));
    expect(problem.what).toBe('two keys of different types are the same text in JSON');
    expect(problem.line).toBe(line);
  });

  test('two keys of one type with the same text are one, and the last wins', () => {
    expect(only('1: a\n0x1: b\n1.5: c\n01.50: d\n').value).toEqual({ '1': 'b', '1.5': 'd' });
  });

  test('__proto__ is a key like any other', () => {
    for (const text of ['__proto__: {a: 1}\n', '{"__proto__": {"a": 1}}']) {
      const { value } = only(text);
      expect(Object.keys(value as object)).toEqual(['__proto__']);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });
});

describe('keys as they are written, where that is asked for', () => {
  const written = { keys: 'written' } as const;
  const TEXT = 'no: 1\non: 2\ny: 3\nNO: 4\n1: 5\n1.50: 6\n017: 7\n~: 8\n"off": 9\n!!int 010: 10\n';

  test('a plain key is its own word; quotes and tags mean what they always mean', () => {
    const [document] = readDocuments(TEXT, written);
    const keys = ['no', 'on', 'y', 'NO', '1', '1.50', '017', '~', 'off', '8'];
    expect(new Set(Object.keys(document?.value as object))).toEqual(new Set(keys));
    for (const [index, key] of keys.entries()) {
      expect([key, document?.locateKey([key]).line]).toEqual([key, index + 1]);
    }
  });

  test('a plain word and the same text in quotes are two keys, and refused', () => {
    const text = 'no: 1\n"no": 2\n';
    expect(() => readDocuments(text, written)).toThrow('two keys of different types');
  });

  test('without it they are what kubectl makes of them', () => {
    const [document] = readDocuments(TEXT.replace('~: 8', 'b: 8'));
    expect(Object.keys(document?.value as object)).toContain('false');
  });

  test('of any words that YAML takes for something else, none is lost', () => {
    const word = fc.constantFrom(
      ...'y n yes No ON off true False 0x1F 1_000 .5 1e3 null'.split(' '),
    );
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1 }), (words) => {
        const text = words.map((one) => `${one}: v\n`).join('');
        const [document] = readDocuments(text, written);
        expect(Object.keys(document?.value as object)).toEqual(words);
      }),
    );
  });
});

describe('numberText has the digits that a double has not', () => {
  test.each([
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567000'],
    ['0400', '256'],
    ['1.0', '1'],
    ['1e3', '1000'],
    ['0.1', '0.1'],
  ])('%s is sent as %s', (text, wanted) => {
    expect(only(`a: [${text}]\n`).numberText(['a', 0])).toBe(wanted);
  });

  test('what is no number, or not there, has no text', () => {
    const document = only("a: '1'\nb: {c: 1}\n");
    for (const path of [['a'], ['b'], ['b', 'd'], ['b', 'c', 'd'], ['x'], []]) {
      expect(document.numberText(path)).toBeUndefined();
    }
  });

  test('an integer of a JSON text keeps its digits', () => {
    expect(only('{"a": 9007199254740993}').numberText(['a'])).toBe('9007199254740993');
  });
});

const POD = `# a comment
apiVersion: v1
spec:
  containers:
  - name: é😀
    env:
      - {name: A, "value": 1}
      - name: B
        value: |  # the text
          x
    empty:
  "quoted": 'y'
base: &base {p: 1, q: 2}
merged:
  <<: *base
  q: 3
alias: *base
? explicit
: 5
`;

describe('knows where a value and its key stand', () => {
  test.each<[string, YamlPath, number[]]>([
    ['the root', [], [2, 1, 2, 1]],
    ['a plain value', ['apiVersion'], [2, 13, 2, 1]],
    ['a mapping', ['spec'], [4, 3, 3, 1]],
    ['a list', ['spec', 'containers'], [5, 3, 4, 3]],
    ['a list item', ['spec', 'containers', 0], [5, 5, 5, 5]],
    ['a value in a list', ['spec', 'containers', 0, 'name'], [5, 11, 5, 5]],
    ['a value in flow style', ['spec', 'containers', 0, 'env', 0, 'value'], [7, 28, 7, 19]],
    ['a block', ['spec', 'containers', 0, 'env', 1, 'value'], [9, 16, 9, 9]],
    ['an empty value', ['spec', 'containers', 0, 'empty'], [11, 11, 11, 5]],
    ['a quoted key', ['spec', 'quoted'], [12, 13, 12, 3]],
    ['an anchored value', ['base'], [13, 7, 13, 1]],
    ['a merged value', ['merged', 'p'], [13, 17, 13, 14]],
    ['a value that overrides a merged one', ['merged', 'q'], [16, 6, 16, 3]],
    ['an alias', ['alias'], [17, 8, 17, 1]],
    ['a value behind an alias', ['alias', 'p'], [13, 17, 13, 14]],
    ['an explicit key', ['explicit'], [19, 3, 18, 3]],
    ['a key that is not there: its mapping', ['spec', 'nope', 'x'], [4, 3, 3, 1]],
    ['an item that is not there: its list', ['spec', 'containers', 7], [5, 3, 4, 3]],
  ])('%s', (_name, path, wanted) => {
    const document = only(POD);
    const value = document.locate(path);
    const key = document.locateKey(path);
    expect([value.line, value.column, key.line, key.column]).toEqual(wanted);
  });

  test('columns count characters, not bytes and not UTF-16 units', () => {
    expect(only('{"é😀": {a: 1}}\n').locate(['é😀', 'a'])).toEqual({ line: 1, column: 12 });
  });

  test('later documents count from the start of the input', () => {
    const documents = read('# c\na: 1\n---\n# d\nb: 2\n--- # e\n\nc: 3');
    expect(documents.map(({ startLine }) => startLine)).toEqual([1, 4, 7]);
    expect(documents[1]?.locate(['b'])).toEqual({ line: 5, column: 4 });
    expect(documents[2]?.locate(['c'])).toEqual({ line: 8, column: 4 });
  });

  test('lines count the same with CRLF', () => {
    const documents = read('a: 1\r\n---\r\nb: |\r\n  x\r\nc: 2\r\n');
    expect(documents[1]?.locate(['c'])).toEqual({ line: 5, column: 4 });
  });

  test('a byte order mark is in no column', () => {
    expect(only('\ufeffa: 1\n').locate(['a'])).toEqual({ line: 1, column: 4 });
  });

  test('JSON, in one document and in many', () => {
    const document = only('{\n  "a": [1, {"b\\u0041": "x"}]\n}\n');
    expect(document.locate(['a', 1, 'bA'])).toEqual({ line: 2, column: 24 });
    expect(document.locateKey(['a', 1, 'bA'])).toEqual({ line: 2, column: 13 });
    const [, json] = read('{"a": 1} {"b": [2]}\n');
    expect(json?.locate(['b', 0])).toEqual({ line: 1, column: 17 });
    expect(read('{"a": 1}\n\n{"b":\n2} {}').map((d) => d.startLine)).toEqual([1, 3, 4]);
    const [, yaml] = read('{"a": 1}\n---\nc: 3\n');
    expect(yaml?.locate(['c'])).toEqual({ line: 3, column: 4 });
  });

  test.each<[string, string | Uint8Array, number[]]>([
    ['a value inside an unclosed list', 'a: 1\n---\nb: [1,\n  c\n', [5, 1]],
    ['a tab in the indentation', 'a: 1\n\tb: 2\n', [2, 1]],
    ['an unknown alias', 'a: 1\nb:   *c\n', [2, 6]],
    ['bytes that are not UTF-8', Uint8Array.of(0x61, 0x0a, 0x62, 0xff, 0x0a), [2, 2]],
    ['truncated UTF-8', Uint8Array.of(0x61, 0xe2, 0x82), [1, 2]],
    ['half a surrogate pair', 'a: 1\nb: \ud800\n', [2, 4]],
    ['a control character', 'a: 1\n---\nb: \u0001\n', [3, 4]],
    ['text behind a separator', 'a: 1\n--- b\n', [2, 1]],
    ['quotes that never close', 'a: 1\nb: "x\n', [2, 4]],
  ])('the problem of %s', (_name, input, wanted) => {
    const problem = problemOf(() => readDocuments(input));
    expect([problem.line, problem.column]).toEqual(wanted);
  });
});
