import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { jsonMembers, jsonMembersAt } from '../../src/wire/json-source.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): Record<string, string> | undefined => {
  const members = jsonMembers(bytes(text));
  if (members === undefined) return undefined;
  const decoder = new TextDecoder();
  return Object.fromEntries([...members].map(([key, one]) => [key, decoder.decode(one)]));
};

describe('members of a JSON object keep their source text', () => {
  test.each([
    ['{}', {}],
    [' \t\r\n{ \n } ', {}],
    ['{"a":1.0}', { a: '1.0' }],
    ['{"a":9007199254740993}', { a: '9007199254740993' }],
    ['{"a":1e400,"b":-0.0,"c":1E+2}', { a: '1e400', b: '-0.0', c: '1E+2' }],
    ['{"a":null,"b":true,"c":false}', { a: 'null', b: 'true', c: 'false' }],
    ['{"a":"plain","b":""}', { a: 'plain', b: '' }],
    ['{"a":"x\\n\\"\\\\\\u0041\\/"}', { a: 'x\n"\\A/' }],
    ['{"a":"\\ud83d\\ude00"}', { a: '😀' }],
    ['{"a":"\\ud83d"}', { a: '\ufffd' }],
    ['{"a": [ 1.0 , { "b" : "c d" } ] }', { a: '[1.0,{"b":"c d"}]' }],
    [
      '{"a": {"x": "}],{\\"", "y": [ [ ] ] } , "b" : 2 }',
      { a: '{"x":"}],{\\"","y":[[]]}', b: '2' },
    ],
    ['{"a":1,"b":2,"a":3}', { a: '3', b: '2' }],
    ['{"\\u0061":1,"a":2}', { a: '2' }],
    ['{"":0,"a:b,c":1}', { '': '0', 'a:b,c': '1' }],
    ['{"a b" : "  kept  "}', { 'a b': '  kept  ' }],
    ['{"constructor":1,"toString":2}', { constructor: '1', toString: '2' }],
  ])('%s', (text, wanted) => {
    expect(read(text)).toEqual(wanted);
  });

  test('__proto__ is a key like any other', () => {
    expect([...(jsonMembers(bytes('{"__proto__":1}')) ?? []).keys()]).toEqual(['__proto__']);
  });

  test.each([
    '',
    ' ',
    '1',
    '"a"',
    'null',
    '[]',
    '[{}]',
    '{',
    '{"a"}',
    '{"a":1,}',
    '{a:1}',
    '{"a":01}',
    '{} {}',
    "{'a':1}",
  ])('%j is no JSON object', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('bytes that are not UTF-8 are no JSON, and the next value is not harmed', () => {
    expect(jsonMembers(Uint8Array.of(0x7b, 0xff, 0x7d))).toBeUndefined();
    expect(read('{"a":1}')).toEqual({ a: '1' });
  });

  test('a deeply nested value is read or refused, never an exception', () => {
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    const members = jsonMembers(bytes(deep));
    expect(members === undefined || members.get('a')?.byteLength === 400_000).toBe(true);
  });
});

/** JSON text of a value with random white space between its tokens. */
function spaced(value: unknown, spaces: readonly string[]): string {
  let next = 0;
  const space = (): string => spaces[next++ % Math.max(spaces.length, 1)] ?? '';
  const write = (one: unknown): string => {
    if (Array.isArray(one))
      return `[${space()}${one.map(write).join(`${space()},${space()}`)}${space()}]`;
    if (typeof one !== 'object' || one === null) return JSON.stringify(one);
    const members = Object.entries(one).map(
      ([k, v]) => `${JSON.stringify(k)}${space()}:${space()}${write(v)}`,
    );
    return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`;
  };
  return `${space()}${write(value)}${space()}`;
}

describe('against JSON.parse', () => {
  test('each member is the string itself, or JSON that parses to the same and has no white space', () => {
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
    const spaces = fc.array(fc.constantFrom('', ' ', '\n', '\t \r'), { minLength: 1 });
    fc.assert(
      fc.property(object, spaces, (value, blanks) => {
        const text = spaced(value, blanks);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const ours = read(text) ?? {};
        expect(Object.keys(ours).toSorted()).toEqual(Object.keys(parsed).toSorted());
        for (const [key, one] of Object.entries(parsed)) {
          const wanted = typeof one === 'string' ? one.toWellFormed() : JSON.stringify(one);
          expect(ours[key]).toBe(wanted);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('any text is an object here exactly where it is one for JSON.parse', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\1e.-ant '.split('')) }),
        (text) => {
          let isObject = false;
          try {
            const parsed: unknown = JSON.parse(text);
            isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
          } catch {}
          expect(jsonMembers(bytes(text)) !== undefined).toBe(isObject);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('members of an inner object', () => {
  const at = (text: string, ...names: string[]): string[] | undefined => {
    const found = jsonMembersAt({ bytes: Buffer.from(text), parsed: JSON.parse(text) }, names);
    return found && [...found].map(([name, value]) => `${name}=${Buffer.from(value).toString()}`);
  };
  test.each([
    ['{"a":{"b":{"x":"1","y":true,"z":null}}}', ['x=1', 'y=true', 'z=null']],
    ['{"a":{"b":{"x":1.0,"y":"é\\n"}}}', ['x=1.0', 'y=é\n']],
    ['{"a": {"b": {"x": {"q": [1, 2]}}}}', ['x={"q":[1,2]}']],
    ['{"a":{"b":{"9":"nine","10":"ten","b":"c"}}}', ['9=nine', '10=ten', 'b=c']],
    ['{"a":{"b":{"10":"ten","9":"nine"}}}', ['10=ten', '9=nine']],
    ['{"a":{"b":{"__proto__":"p"}}}', ['__proto__=p']],
    ['{"a":{"b":{}}}', []],
  ])('%s', (text, wanted) => {
    expect(at(text, 'a', 'b')).toEqual(wanted);
  });
  test.each(['{"a":{"b":[1]}}', '{"a":{"b":null}}', '{"a":{}}', '{}', '{"toString":1}'])(
    '%s has none there',
    (text) => {
      expect(at(text, 'a', 'b')).toBeUndefined();
      expect(at('{}', 'toString')).toBeUndefined();
    },
  );
});
