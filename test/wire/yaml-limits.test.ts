import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { readDocuments as read, YamlProblem } from '../../src/wire/yaml.ts';
import { problemOf, vectors } from './yaml-vectors.ts';

const valueOf = (text: string): unknown => {
  const [document, ...more] = read(text);
  if (document === undefined || more.length > 0) throw new Error('not one document');
  return document.value;
};

describe('has limits', () => {
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}\n`;
  const deepBlock = (levels: number): string => `${'- '.repeat(levels - 1)}[]\n`;
  const deepJson = (levels: number): string =>
    `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

  test.each([
    ['a flow list', deep],
    ['a block list', deepBlock],
    ['JSON', deepJson],
    ['two JSON values', (levels: number) => `{}${deepJson(levels)}`],
  ])('depthMax, at the limit and beyond it: %s', (_name, make) => {
    expect(() => read(make(20), { depthMax: 20 })).not.toThrow();
    const problem = problemOf(() => read(make(21), { depthMax: 20 }));
    expect(problem.what).toBe('nested deeper than 20 levels');
    expect(() => read(make(1000))).not.toThrow();
    expect(() => read(make(100_000))).toThrow(YamlProblem);
  });

  test('mappings of 1000 levels end no stack', () => {
    const text = Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
    expect(() => read(text)).not.toThrow();
  });

  test('textBytesMax counts bytes', () => {
    expect(() => read('a: éé\n', { textBytesMax: 8 })).not.toThrow();
    expect(problemOf(() => read('a: éé\n', { textBytesMax: 7 })).what).toContain('7 bytes');
    const bytes = new TextEncoder().encode('a: éé\n');
    expect(() => read(bytes, { textBytesMax: 8 })).not.toThrow();
    expect(() => read(bytes, { textBytesMax: 7 })).toThrow(YamlProblem);
  });

  test('documentsMax, of YAML and of JSON', () => {
    expect(read('a: 1\n---\nb: 2\n', { documentsMax: 2 })).toHaveLength(2);
    expect(() => read('a: 1\n---\nb: 2\n---\nc: 3\n', { documentsMax: 2 })).toThrow(YamlProblem);
    expect(read('{"a":1}{"a":2}', { documentsMax: 2 })).toHaveLength(2);
    expect(() => read('{"a":1}{"a":2}{"a":3}', { documentsMax: 2 })).toThrow(YamlProblem);
  });

  test('aliasNodesMax', () => {
    const text = 'a: &a [1, 2, 3]\nb: [*a, *a]\n';
    expect(() => read(text, { aliasNodesMax: 8 })).not.toThrow();
    expect(problemOf(() => read(text, { aliasNodesMax: 7 })).what).toContain('too many nodes');
  });

  test.each([
    ['a bomb of 30 levels', 30, 10],
    ['a bomb of 1000 levels', 1000, 2],
  ])('%s is refused at once', (_name, levels, width) => {
    let text = 'a0: &a0 [x, x]\n';
    for (let i = 1; i < levels; i += 1) {
      text += `a${i}: &a${i} [${Array(width)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    }
    const start = performance.now();
    expect(problemOf(() => read(text)).what).toContain('aliases stand for too many nodes');
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test.each([
    ['quotes', `a: ${"'' ".repeat(100_000)}\n`],
    ['brackets', '[{'.repeat(100_000)],
    ['keys', 'a: 1\n'.repeat(100_000)],
    ['question marks', '? '.repeat(100_000)],
    ['flow pairs', `[${'a: b, '.repeat(100_000)}]`],
    ['anchors', '- &a x\n'.repeat(100_000)],
    ['escaped quotes', `{"a": "${'\\\\'.repeat(500_000)}`],
    ['a line without end', `a: ${'x'.repeat(5_000_000)}`],
    ['blank lines', `a: |\n${'\n'.repeat(1_000_000)}`],
    ['separators', '---\n'.repeat(300_000)],
  ])('half a megabyte or more of %s ends in seconds', (_name, text) => {
    const start = performance.now();
    try {
      read(text, { documentsMax: 1_000_000 });
    } catch (error) {
      expect(error).toBeInstanceOf(YamlProblem);
    }
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

const anyJson = fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 });
const seed = 20_250_117;

describe('for all values', () => {
  test('reading what was dumped as YAML gives the value back', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const wanted: unknown = JSON.parse(JSON.stringify({ value }));
        expect(valueOf(dump({ value }))).toEqual(wanted);
      }),
      { numRuns: 1000, seed },
    );
  });

  test('reading what was printed as JSON gives the value back', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify({ value }, undefined, indent);
        expect(valueOf(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000, seed },
    );
  });

  test('JSON is read alike by the JSON and by the YAML reader', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        // Not the escape of a slash, DEL, and the like: those differ in kubectl too.
        const text = JSON.stringify({ value }).replaceAll(/[\x7f-\x9f\ufeff\uffff\ufffe]/g, '');
        expect(valueOf(`# comment\n${text}`)).toEqual(valueOf(text));
      }),
      { numRuns: 500, seed },
    );
  });
});

// Separated by `|`; what that cannot hold is added.
const PIECES = `\n|\n  | |\t|: |:|- |? |,|[|]|{|}|#| #|&a |*a|!|!!int |>-\n|'|"|\\|\\u|%|\n---\n`
  .split('|')
  .concat('|', '\n...\n', '<<: ', '~', '0', 'x', 'é', '😀', '\r\n', '\r', '\u2028', '\x85')
  .concat('\ufeff', '\0', '1e3', '_', '{}');
const mutated = fc
  .tuple(
    fc.constantFrom(...vectors.filter(({ text }) => (text?.length ?? 9999) < 4000)),
    fc.array(fc.tuple(fc.nat(), fc.nat(4), fc.constantFrom(...PIECES)), { maxLength: 6 }),
  )
  .map(([{ text = '' }, edits]) =>
    edits.reduce((now, [at, drop, piece]) => {
      const i = at % (now.length + 1);
      return now.slice(0, i) + piece + now.slice(i + drop);
    }, text),
  );

describe('for all inputs', () => {
  test('a changed text is read or gives a typed problem, in bounded time', () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const start = performance.now();
        try {
          for (const document of read(text)) {
            expect(JSON.stringify(document.value)).toBeString();
            document.locate(['a', 0, 'b']);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(YamlProblem);
        }
        expect(performance.now() - start).toBeLessThan(1000);
      }),
      { numRuns: 5000, seed },
    );
  });

  test('any bytes are read or give a typed problem', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(YamlProblem);
        }
      }),
      { numRuns: 3000, seed },
    );
  });

  test('no problem repeats anything that stood in the text', () => {
    const canary = 'Zq7canary';
    const where = fc.tuple(mutated, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(where, ([text, places]) => {
        const marked = places.reduce((now, at) => {
          const i = at % (now.length + 1);
          return now.slice(0, i) + canary + now.slice(i);
        }, text);
        try {
          read(marked);
        } catch (error) {
          if (!(error instanceof YamlProblem)) throw error;
          const said = `${error.message}${error.stack}${JSON.stringify(error)}`;
          expect(said).not.toContain('canary');
          expect(error.cause).toBeUndefined();
          expect(error.what).toMatch(/^[^A-Z\n]*(?:UTF-8|JSON|Unicode|YAML|Base64|A-Z|[^A-Z\n])*$/);
        }
      }),
      { numRuns: 5000, seed },
    );
  });
});
