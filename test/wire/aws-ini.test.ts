// Against what botocore read of the same texts: test/golden/aws-ini, written by record.py there.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import recorded from '../golden/aws-ini/vectors.json' with { type: 'json' };
import { readAwsConfig, readAwsIni } from '../../src/wire/aws-ini.ts';

/** Maps as plain objects, as the record has them. */
function plain(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([name, one]) => [String(name), plain(one)]));
}

describe(`sections are those of ${recorded.source}`, () => {
  for (const { name, text, read } of recorded.rows) {
    if (read === null) continue;
    test(name, () => {
      expect(plain(readAwsIni(text))).toEqual(read.sections);
      const { profiles, ssoSessions } = readAwsConfig(text);
      expect(plain(profiles)).toEqual(read.profiles);
      expect(plain(ssoSessions)).toEqual(read.ssoSessions);
    });
  }
});

describe('what botocore refuses is read as the SDKs do', () => {
  const READ: Readonly<Record<string, unknown>> = {
    'duplicate section': { default: { x: 'a', y: 'b' } },
    'duplicate setting': { default: { x: 'b' } },
    'before any section': { default: {} },
    'no setting': { default: { y: 'a' } },
    'no setting in a block': { default: { x: {} } },
  };
  const refused = recorded.rows.filter(({ read }) => read === null);
  test('the table has every such row', () => {
    expect(refused.map(({ name }) => name)).toEqual(Object.keys(READ));
  });
  for (const { name, text } of refused) {
    test(name, () => expect(plain(readAwsIni(text))).toEqual(READ[name]));
  }
});

test('a byte order mark is not part of the first section', () => {
  expect(plain(readAwsIni('\ufeff[default]\nx = a'))).toEqual({ default: { x: 'a' } });
});

test('names of objects are names like others', () => {
  expect(readAwsIni('[__proto__]\nconstructor = a').get('__proto__')?.get('constructor')).toBe('a');
});

test('any text is read', () => {
  const part = fc.constantFrom(
    '[',
    ']',
    '=',
    ':',
    '\n',
    '\r',
    ' ',
    'a',
    '"',
    'profile ',
    '#',
    '\0',
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const { profiles } = readAwsConfig(parts.join(''));
      expect(profiles).toBeInstanceOf(Map);
    }),
    { seed: 1, numRuns: 1_000 },
  );
});
