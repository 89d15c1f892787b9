import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import {
  Base32Problem,
  decodeFlyteBase32,
  encodeFlyteBase32,
} from '../../src/wire/flyte-base32.ts';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import {
  EncodeProblem,
  decodeSecret,
  encodeSecret,
  inOrder,
  secretCalled,
  secretText,
} from '../../src/wire/flyte-secret.ts';
import { TextProblem } from '../../src/wire/flyte-text.ts';

interface Vectors<T> {
  readonly vectors: readonly T[];
}
const GOLDEN = path.join(import.meta.dir, '../golden/flyte');
function golden<T>(name: string): readonly T[] {
  return (JSON.parse(readFileSync(path.join(GOLDEN, name), 'utf8')) as Vectors<T>).vectors;
}

type Repeated = string | { readonly repeat: string; readonly count: number };
const NONE: FlyteSecret = { group: '', groupVersion: '', key: '', mountRequirement: 0, envVar: '' };

/** Members that are not their default, as the vectors have them. */
function sparse(secret: FlyteSecret): object {
  return Object.fromEntries(Object.entries(secret).filter(([, one]) => one !== '' && one !== 0));
}

function read(annotation: string): object {
  try {
    return { secret: sparse(decodeSecret(annotation)) };
  } catch (error) {
    if (!(error instanceof TextProblem || error instanceof Base32Problem)) throw error;
    return { error: error.message };
  }
}

describe('reading, as the Go code of Flyte did it', () => {
  interface Row {
    readonly id: string;
    readonly text: string;
    readonly annotation: string;
    readonly expected: object;
  }
  test.each(golden<Row>('unmarshal-text.json').map((one) => [one.id, one] as const))(
    '%s',
    (_, { annotation, expected }) => expect(read(annotation)).toEqual(expected),
  );

  test.each([
    ['[foo/bar]: "x"', 'line 1.8: unrecognized extension "foo/bar"'],
    ['["foo"]: "x"', 'line 1.6: unrecognized extension "foo"'],
    ['[foo', 'line 1.1: unclosed type_url or extension name'],
    ['group:\n\n"a" "\n', 'line 3: unmatched quote'],
    ['group: "\\ud83d"', { group: '\ufffd' }],
    ['group: "\xc3"', { group: '\ufffd' }],
    ['group: "\\n\xc3"', 'invalid quoted string "\\n\ufffd": proto: bad UTF-8'],
    ['group "\xff"', `line 1.6: expected ':', found "\\"\\xff\\""`],
    ['mount_requirement: 0b10', { mountRequirement: 2 }],
    ['mount_requirement: 0_2', { mountRequirement: 2 }],
    ['mount_requirement: 2147483648', 'line 1.19: invalid enum: 2147483648'],
    ['mount_requirement: -1', { mountRequirement: -1 }],
  ])('%s', (text, wanted) => {
    const found = read(encodeFlyteBase32(Buffer.from(text, 'latin1')));
    if (typeof wanted === 'string') {
      expect((found as { error?: string }).error ?? 'no error').toContain(wanted);
    } else expect(found).toEqual({ secret: wanted });
  });
});

describe('writing, as the SDKs of Flyte do it', () => {
  interface Row {
    readonly id: string;
    readonly secrets: readonly Partial<Omit<FlyteSecret, 'key'> & { readonly key: Repeated }>[];
    readonly expected: {
      readonly annotations?: Readonly<Record<string, string>>;
      readonly text?: readonly string[];
      readonly annotationLength?: number;
      readonly error?: string;
    };
  }
  const whole = (key: Repeated = ''): string => {
    return typeof key === 'string' ? key : key.repeat.repeat(key.count);
  };
  test.each(golden<Row>('marshal-sdk.json').map((one) => [one.id, one] as const))(
    '%s',
    (_, { secrets, expected }) => {
      const all = secrets.map((one): FlyteSecret => ({ ...NONE, ...one, key: whole(one.key) }));
      if (expected.error !== undefined) {
        const write = (): unknown => all.map(encodeSecret);
        expect(write).toThrow(expected.error);
        expect(write).toThrow(EncodeProblem);
        return;
      }
      const written = all.map(encodeSecret);
      if (expected.annotationLength !== undefined) {
        expect(written.map(({ length }) => length)).toEqual([expected.annotationLength]);
      } else {
        const annotations = written.map((one, n) => [`flyte.secrets/s${n}`, one]);
        expect(Object.fromEntries(annotations)).toEqual({ ...expected.annotations });
        expect(all.map(secretText)).toEqual([...(expected.text ?? [])]);
      }
      expect(written.map(decodeSecret)).toEqual(all);
    },
  );
});

test('messages name a secret as protobuf-go does', () => {
  const secret = { ...NONE, group: 'a"b\\\u0001\u0085é', mountRequirement: 3 };
  expect(secretCalled(secret)).toBe('group:"a\\"b\\\\\\x01\\u0085é" mount_requirement:3');
});

test('annotations are handled by their numbers, then by their bytes', () => {
  const names = [
    'sb',
    's10',
    's',
    's2',
    's02',
    's-1',
    'sB',
    's9007199254740993',
    's9007199254740992',
  ];
  expect(inOrder(names.map((name) => `flyte.secrets/${name}`))).toEqual(
    ['s02', 's2', 's10', 's9007199254740992', 's9007199254740993', 's', 's-1', 'sB', 'sb'].map(
      (name) => `flyte.secrets/${name}`,
    ),
  );
});

describe('any input', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  test('Base32 gives back what was put in', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(decodeFlyteBase32(encodeFlyteBase32(given))).toEqual(given);
      }),
    );
  });

  test('a secret comes back as it was', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 }).map((one) => one.toWellFormed());
    const secret = fc.record({
      group: text,
      groupVersion: text,
      key: text,
      mountRequirement: fc.constantFrom(0, 1, 2),
      envVar: text,
    });
    fc.assert(fc.property(secret, (one) => expect(decodeSecret(encodeSecret(one))).toEqual(one)));
  });

  test('is read, or refused with a place, and never anything else', () => {
    const pieces = [
      'group',
      ':',
      '"a"',
      "'",
      '"',
      '\\',
      'x4',
      '[',
      ']',
      '#',
      '\n',
      ',',
      ' ',
      '{',
      '0x2',
      '\xff',
    ];
    const near = fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((all) => all.join(''));
    const any = fc.oneof(near, fc.string({ maxLength: 40 }));
    fc.assert(
      fc.property(any, (text) => {
        const found = read(encodeFlyteBase32(Buffer.from(text, 'latin1')));
        if ('error' in found) expect(found.error).toMatch(/^line \d/);
        read(text);
      }),
      { numRuns: 5000 },
    );
  });
});
