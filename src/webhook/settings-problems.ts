// What the schema finds wrong with the section `webhook:`.
import type { BaseIssue } from 'valibot';
import { kindOf } from '../wire/read.ts';

/** Where below the section, and what is wrong. */
export interface SettingsProblem {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

/** Never the value: it may be a secret by mistake. */
export function problemsOf(issues: readonly BaseIssue<unknown>[]): SettingsProblem[] {
  return issues.map(({ path = [], type, expected, input }) => {
    const what =
      type === 'strict_object'
        ? 'is no setting of the webhook'
        : `must be ${wordsOf(expected)}, is ${kindOf(input)}`;
    const steps = path.map(({ key }) => (typeof key === 'number' ? key : String(key)));
    return { path: steps, what };
  });
}

function wordsOf(expected: string | null): string {
  const words = (expected ?? 'something else').replaceAll(/[()"]/g, '');
  return words.replaceAll(' | ', ', ');
}
