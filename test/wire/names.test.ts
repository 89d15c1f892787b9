import { describe, expect, test } from 'bun:test';
import {
  dnsLabelProblem,
  dnsSubdomainProblem,
  itemPathProblem,
  keyProblem,
  subPathProblem,
  variableNameProblem,
} from '../../src/wire/names.ts';

const names = {
  dnsLabelProblem,
  dnsSubdomainProblem,
  itemPathProblem,
  keyProblem,
  subPathProblem,
  variableNameProblem,
};

type Rule = keyof typeof names;

const GOOD: readonly [Rule, string][] = [
  ['dnsLabelProblem', 'a'],
  ['dnsLabelProblem', '0-a9'],
  ['dnsLabelProblem', 'x'.repeat(63)],
  ['dnsSubdomainProblem', 'a.b-c.0'],
  ['dnsSubdomainProblem', 'constructor'],
  ['dnsSubdomainProblem', 'a'.repeat(253)],
  ['variableNameProblem', 'A_b.c-d 1!'],
  ['variableNameProblem', '1abc'],
  ['variableNameProblem', '__proto__'],
  ['variableNameProblem', ' '],
  ['keyProblem', '__proto__'],
  ['keyProblem', '.hidden'],
  ['keyProblem', '-._9'],
  ['keyProblem', 'k'.repeat(253)],
  ['itemPathProblem', 'a/b/c'],
  ['itemPathProblem', 'a..b'],
  ['itemPathProblem', 'a/..b'],
  ['itemPathProblem', './a'],
  ['subPathProblem', '..a'],
  ['subPathProblem', 'a/b'],
];

const BAD: readonly [Rule, string, string][] = [
  ['dnsLabelProblem', '', 'lower case letters'],
  ['dnsLabelProblem', 'A', 'lower case letters'],
  ['dnsLabelProblem', '-a', 'starting and ending'],
  ['dnsLabelProblem', 'a-', 'starting and ending'],
  ['dnsLabelProblem', 'a.b', 'lower case letters'],
  ['dnsLabelProblem', 'a\n', 'lower case letters'],
  ['dnsLabelProblem', 'x'.repeat(64), 'no more than 63'],
  ['dnsSubdomainProblem', '', 'lower case letters'],
  ['dnsSubdomainProblem', '__proto__', 'lower case letters'],
  ['dnsSubdomainProblem', 'toString', 'lower case letters'],
  ['dnsSubdomainProblem', 'a..b', 'lower case letters'],
  ['dnsSubdomainProblem', 'a.-b', 'starting and ending'],
  ['dnsSubdomainProblem', 'a/b', 'lower case letters'],
  ['dnsSubdomainProblem', 'a'.repeat(254), 'no more than 253'],
  ['variableNameProblem', '', 'printable ASCII'],
  ['variableNameProblem', 'A=B', "other than '='"],
  ['variableNameProblem', 'A\0', 'printable ASCII'],
  ['variableNameProblem', 'A\n', 'printable ASCII'],
  ['variableNameProblem', 'é', 'printable ASCII'],
  ['variableNameProblem', '\x7f', 'printable ASCII'],
  ['keyProblem', '', 'letters, digits'],
  ['keyProblem', 'a/b', 'letters, digits'],
  ['keyProblem', 'a b', 'letters, digits'],
  ['keyProblem', 'a\n', 'letters, digits'],
  ['keyProblem', '.', "not be '.'"],
  ['keyProblem', '..', "start with '..'"],
  ['keyProblem', '..a', "start with '..'"],
  ['keyProblem', 'k'.repeat(254), 'no more than 253'],
  ['itemPathProblem', '/a', 'relative'],
  ['itemPathProblem', 'a/../b', "not contain '..'"],
  ['itemPathProblem', '..', "not contain '..'"],
  ['itemPathProblem', '..a/b', "start with '..'"],
  ['itemPathProblem', 'a\0b', 'NUL'],
  ['subPathProblem', '/a', 'absolute'],
  ['subPathProblem', 'a/..', "not contain '..'"],
  ['subPathProblem', 'a\0', 'NUL'],
];

describe('names as the API server judges them', () => {
  test.each(GOOD)('%s takes %j', (rule, name) => {
    expect(names[rule](name)).toBeUndefined();
  });
  test.each(BAD)('%s refuses %j: … %s', (rule, name, what) => {
    expect(names[rule](name)).toContain(what);
  });
});
