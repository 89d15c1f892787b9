// The file that the kubelet reads variables from: what it would read otherwise, or not at all, is
// refused. The judge is the kubelet's own code (test/golden/env-file).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'bun:test';
import type { BellhopError } from '../../src/core/errors.ts';
import { byteText } from '../../src/entrypoint/environment.ts';
import { envFile } from '../../src/entrypoint/start-file.ts';
import { variableNameProblem } from '../../src/wire/names.ts';

interface Case {
  readonly name: string;
  readonly value?: string;
  readonly repeat?: number;
  readonly same: boolean;
}

const golden = path.join(import.meta.dir, '../golden/env-file/parse-env.json');
const { cases } = JSON.parse(readFileSync(golden, 'utf8')) as { readonly cases: readonly Case[] };

function written(name: string, value: string): { text: string; problems: BellhopError[] } {
  const problems: BellhopError[] = [];
  const variables = new Map([[name, { value, rule: 'a rule', overrides: [] }]]);
  const bytes = envFile({ kind: 'envFile', names: [name] }, variables, problems);
  return { text: Buffer.from(bytes).toString('latin1'), problems };
}

describe('of what the kubelet was seen to read', () => {
  test('there is enough of both', () => {
    const same = cases.filter((one) => one.same).length;
    expect([same > 80, cases.length - same > 80]).toEqual([true, true]);
  });

  // A name that the API server refuses comes from no pod.
  const possible = cases.filter(({ name }) => variableNameProblem(name) === undefined);
  test.each(possible.map((one) => [JSON.stringify(one).slice(0, 80), one] as const))(
    '%s',
    (_, { name, value = '', repeat = 1, same }) => {
      const whole = byteText(value.repeat(repeat));
      const { text, problems } = written(name, whole);
      // Close to the kubelet's limit of a line we refuse a little early.
      const isNearLimit = repeat > 64_900 && repeat < 65_535;
      if (!same || isNearLimit) {
        expect([text, problems.map(({ code }) => code)]).toEqual(['', ['BH_ERR_VALUE']]);
        if (value.length > 3) expect(problems[0]?.message).not.toContain(value);
      } else {
        expect([text, problems]).toEqual([`${name}='${whole}'\n`, []]);
      }
    },
  );
});

test('bytes that are no UTF-8, which no message to the container runtime can hold, are refused', () => {
  expect(written('A', '\u00ff').problems).toHaveLength(1);
  expect(written('A', byteText('ÿ')).problems).toEqual([]);
});

test('the help names the way that takes any value', () => {
  expect(written('A', "it's").problems[0]?.help).toContain('webhook.pull.variables: launcher');
});
