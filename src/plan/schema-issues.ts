// What a schema finds wrong with bellhop.yaml and its sections, as sentences for people.
import { isRecord, kindOf } from '../wire/read.ts';
import { instead } from './meant.ts';
import type { SettingsIssue, SettingsPath } from './settings-problems.ts';

/** What the schema library (valibot) says of a value. */
export interface SchemaIssue {
  readonly type: string;
  readonly message: string;
  readonly expected: string | null;
  readonly received: string;
  readonly input: unknown;
  readonly requirement?: unknown;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}

/** All of them; `schema` is the one that found them. */
export function schemaIssues(issues: readonly SchemaIssue[], schema: unknown): SettingsIssue[] {
  return issues.map((issue) => {
    const path = issuePath(issue);
    return { path, what: schemaSentence(issue, path, namesAt(schema, path.slice(0, -1))) };
  });
}

/** Where below what the schema was given. */
export function issuePath({ path = [] }: SchemaIssue): SettingsPath {
  return path.map(({ key }) => (typeof key === 'number' ? key : String(key)));
}

/**
 * One of them, at its path in the file; `names` are those that may stand there. Never the value:
 * it may be a secret by mistake.
 */
export function schemaSentence(
  issue: SchemaIssue,
  path: SettingsPath,
  names: readonly string[],
): string {
  const { type, expected, received } = issue;
  const name = path.at(-1) ?? 'this';
  if (received === 'undefined') {
    return name === 'apiVersion' ? `${name} is required: bellhop/v1` : `${name} is required`;
  }
  if (type === 'strict_object' && expected === 'never') {
    return `unknown field ${name}${instead(String(name), names)}`;
  }
  const sentence = (name === 'mode' ? OF_MODES : SENTENCES)[type] ?? kindSentence;
  return sentence(issue, path);
}

type Sentence = (issue: SchemaIssue, path: SettingsPath) => string;

const SENTENCES: Readonly<Record<string, Sentence>> = {
  check: ({ message }) => message,
  union: unionSentence,
  literal: wordsSentence,
  picklist: wordsSentence,
  min_length: () => 'must not be empty',
  integer: () => 'must be a whole number',
  min_value: ({ requirement }) => `must be ${String(requirement)} or more`,
  max_value: ({ requirement }) => `must be ${String(requirement)} or less`,
  starts_with: ({ requirement }) => `must start with ${String(requirement)}`,
};

const modeSentence: Sentence = () => 'must be a mode between 0 and 0777 (octal)';
const OF_MODES: typeof SENTENCES = {
  ...SENTENCES,
  min_value: modeSentence,
  max_value: modeSentence,
};

function kindSentence({ expected, input }: SchemaIssue): string {
  return `must be ${CALLED[expected ?? ''] ?? expected ?? 'something else'}, is ${kindOf(input)}`;
}

const CALLED: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
};

function wordsSentence({ expected, input }: SchemaIssue): string {
  const words = (expected ?? '').replaceAll(/[()"]/g, '').split(' | ');
  const last = words.pop() ?? '';
  const listed = words.length === 0 ? last : `${words.join(', ')} or ${last}`;
  return `must be ${listed}${typeof input === 'string' ? '' : `, is ${kindOf(input)}`}`;
}

function unionSentence({ input }: SchemaIssue, path: SettingsPath): string {
  if (path[0] === 'node') return `must be a string or a number, is ${kindOf(input)}`;
  if (isRecord(input)) return 'must have `from`, or `store` and `path`';
  return `must be a reference (store:path#key@version) or an object, is ${kindOf(input)}`;
}

/** The names that a schema has at a path below it; none where it takes any. */
export function namesAt(schema: unknown, path: SettingsPath): readonly string[] {
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
