// What the schema finds wrong with the section `webhook:`, and what could be written instead.
import type { BaseIssue } from 'valibot';
import { isRecord, kindOf } from '../wire/read.ts';

/** Where below the section, and what is wrong. */
export interface SettingsProblem {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

type Issue = BaseIssue<unknown>;

/** Never the value: it may be a secret by mistake. `schema` is the one that found them. */
export function problemsOf(issues: readonly Issue[], schema: unknown): SettingsProblem[] {
  return issues.map((issue) => {
    const { path = [] } = issue;
    const steps = path.map(({ key }) => (typeof key === 'number' ? key : String(key)));
    return { path: steps, what: sentenceOf(issue, steps, schema) };
  });
}

function sentenceOf(issue: Issue, path: SettingsProblem['path'], schema: unknown): string {
  const { type, expected, input } = issue;
  const needs = `${'requirement' in issue ? String(issue.requirement) : ''}`;
  switch (type) {
    case 'strict_object':
      return ofObject(issue, path, schema);
    case 'picklist': {
      const words = (expected ?? '').replaceAll(/[()"]/g, '').split(' | ');
      const is = typeof input === 'string' ? '' : `, is ${kindOf(input)}`;
      return `must be ${listed(words)}${is}`;
    }
    case 'integer':
      return 'must be a whole number';
    case 'min_value':
      return `must be ${needs} or more`;
    case 'max_value':
      return `must be ${needs} or less`;
    default:
      return `must be ${CALLED[expected ?? ''] ?? 'something else'}, is ${kindOf(input)}`;
  }
}

function ofObject(issue: Issue, path: SettingsProblem['path'], schema: unknown): string {
  const { expected, input } = issue;
  if (expected === 'Object') return `must be an object, is ${kindOf(input)}`;
  if (expected !== 'never') return 'is needed';
  const names = namesAt(schema, path.slice(0, -1));
  return `is no setting of the webhook${instead(String(path.at(-1)), names)}`;
}

const CALLED: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
};

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

const NAMES_SHOWN_MAX = 12;
const SLIPS_MAX = 2;

/** The name that was probably meant; else all that there are, if they are few. */
function instead(wrong: string, names: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const slips = names.map((name) => [name, slipsBetween(plain(wrong), plain(name))] as const);
  const [[nearest, count] = ['', Infinity]] = slips.toSorted(([, a], [, b]) => a - b);
  if (count <= SLIPS_MAX) return `: is ${nearest} meant?`;
  return names.length > NAMES_SHOWN_MAX || names.length === 0
    ? ''
    : `; there are ${names.join(', ')}`;
}

const NAME_CHARACTERS_MAX = 64;

/** How many characters must be put, taken or changed: Levenshtein's distance. */
function slipsBetween(one: string, other: string): number {
  if (one.length > NAME_CHARACTERS_MAX) return Infinity;
  let row = Array.from({ length: other.length + 1 }, (_, n) => n);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** What the schema has at a path. */
function namesAt(schema: unknown, path: SettingsProblem['path']): readonly string[] {
  let here = plainSchema(schema);
  for (const step of path) {
    const { entries, item, value } = here;
    here = plainSchema(isRecord(entries) ? entries[step] : (item ?? value));
  }
  return isRecord(here['entries']) ? Object.keys(here['entries']) : [];
}

/** Without what makes it optional. */
function plainSchema(schema: unknown): Readonly<Record<string, unknown>> {
  const own: Readonly<Record<string, unknown>> = isRecord(schema) ? schema : {};
  return isRecord(own['wrapped']) ? plainSchema(own['wrapped']) : own;
}
