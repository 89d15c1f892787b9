// What `npm test` says about the tests must be true.
import { describe, expect, test } from 'bun:test';
import { claimsOf, differences, testsIn } from '../scripts/gen-matrix.ts';
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

describe('the report of a run', () => {
  const REPORT = `<testsuites name="bun test"><testsuite name="test/a.test.ts" file="test/a.test.ts">
    <testcase name="alone" file="test/a.test.ts" />
    <testsuite name="store &quot;a&quot;" file="test/a.test.ts">
      <testcase name="a &lt; b &gt; c" file="test/a.test.ts" time="0.1" />
      <testsuite name="outages" file="test/a.test.ts">
        <testcase name="off" file="test/a.test.ts"><skipped /></testcase>
        <testcase name="bad" file="test/a.test.ts"><failure type="AssertionError" /></testcase>
      </testsuite>
    </testsuite>
    <testcase name="last" file="test/a.test.ts"/>
  </testsuite></testsuites>`;
  test('gives every test with what it stands in and what became of it', () => {
    const told = testsIn(REPORT).map(({ within, name, outcome }) => [...within, name, outcome]);
    expect(told).toEqual([
      ['alone', 'passed'],
      ['store "a"', 'a < b > c', 'passed'],
      ['store "a"', 'outages', 'off', 'skipped'],
      ['store "a"', 'outages', 'bad', 'failed'],
      ['last', 'passed'],
    ]);
  });
});

describe('docs/stores.md is compared with a run', () => {
  const rowOf = (kind: string, ...cells: string[]): string => {
    return `| [\`${kind}\`](x) | S 1.2 | ${cells.join(' | ')} |`;
  };
  const PAGE = rowOf('vault', '20', '30, 2 skipped', '4', 'token: 7; jwt: not tested');
  test.each([
    ['other numbers', rowOf('vault', '21', '5', '44', 'token: 1; jwt: not tested'), 0],
    ['nothing passed', rowOf('vault', '20', '0, 30 skipped', '4', 'token: 7; jwt: not tested'), 1],
    ['a way is tested now', rowOf('vault', '20', '30', '4', 'token: 7; jwt: 1'), 1],
    ['a failure', rowOf('vault', '20', '30, **1 failed**', '4', 'token: 7; jwt: not tested'), 1],
    ['another server', PAGE.replace('S 1.2', 'S 1.3'), 1],
    ['one kind more', `${PAGE}\n${rowOf('env', '3', '–', '–', '–')}`, 1],
    ['a kind whose server need not be there', `${PAGE}\n${rowOf('consul', '3', '1', '1', '')}`, 0],
  ])('%s', (_, page, wrong) => expect(differences(PAGE, page)).toHaveLength(wrong));
  test('where nothing is claimed, nothing is compared', () => expect(claimsOf('').size).toBe(0));
});
