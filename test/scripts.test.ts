// What `npm test` says about the tests must be true.
import { describe, expect, test } from 'bun:test';
import type { Counts } from '../scripts/test.ts';
import { bunArguments, countsOf } from '../scripts/test.ts';

describe('counts of a report', () => {
  const suites = '<testsuites name="bun test" tests="9" assertions="4" failures="2" skipped="3">';
  const SAMPLES: readonly (readonly [string, Counts | undefined])[] = [
    [`${suites}<testsuite tests="1">`, { passed: 4, failed: 2, skipped: 3 }],
    ['<testsuites tests="1" errors="1">', { passed: 0, failed: 1, skipped: 0 }],
    ['<testsuites tests="0">', { passed: 0, failed: 0, skipped: 0 }],
    ['', undefined],
  ];
  test.each([...SAMPLES])('%s', (report, counts) => expect(countsOf(report)).toEqual(counts));
});

describe('arguments of npm test', () => {
  const SAMPLES: readonly (readonly [string[], string[]])[] = [
    [[], ['./test']],
    [
      ['-t', 'a name'],
      ['./test', '-t', 'a name'],
    ],
    [['test/plan'], ['./test/plan']],
    [
      ['test/none.test.ts', '--bail'],
      ['./test/none.test.ts', '--bail'],
    ],
    [['./test/wire'], ['./test/wire']],
  ];
  test.each([...SAMPLES])('%j', (given, bun) => expect(bunArguments(given)).toEqual(bun));
});
