import { BellhopError } from '../core/errors.ts';
import type { Source } from '../wire/read.ts';
import { isRecord, kindOf, pathText } from '../wire/read.ts';

// How the problems of bellhop.yaml are told, and what the schema library does not see.

export type SettingsPath = readonly (string | number)[];

/** One thing that is wrong in bellhop.yaml. */
export interface SettingsIssue {
  readonly path: SettingsPath;
  readonly what: string;
}

/** The issues with their positions, in the order of the file. */
export function settingsProblems(
  issues: readonly SettingsIssue[],
  source: Source,
): readonly BellhopError[] {
  const placed = issues.map((issue) => {
    const path = issue.path.map((step) => (typeof step === 'string' ? unguarded(step) : step));
    return { path, what: issue.what, ...source.locate(path) };
  });
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  return placed.map(({ path, what, line, column }) => {
    const where = [`${source.name}:${line}:${column}`, pathText(path)];
    return new BellhopError('BH_ERR_SETTINGS', { where, what });
  });
}

/** What a schema library says of a value. */
export interface SchemaIssue {
  readonly type: string;
  readonly message: string;
  readonly expected: string | null;
  readonly received: string;
  readonly input: unknown;
}

/** A schema's complaint as a sentence for people. Never the value: it may be a secret. */
export function settingsSentence(issue: SchemaIssue, path: SettingsPath): string {
  if (issue.received === 'undefined') {
    const name = path.at(-1) ?? 'this';
    return name === 'apiVersion' ? `${name} is required: bellhop/v1` : `${name} is required`;
  }
  if (issue.type === 'check') return issue.message;
  if (issue.type === 'union') return unionSentence(path, issue.input);
  if (issue.type === 'literal' || issue.type === 'picklist') return wordsSentence(issue);
  const said = (path.at(-1) === 'mode' ? OF_MODES : SENTENCES)[issue.type];
  if (said !== undefined) return said;
  const expected = issue.expected ?? 'something else';
  return `must be ${CALLED[expected] ?? expected}, is ${kindOf(issue.input)}`;
}

const SENTENCES: Readonly<Record<string, string>> = {
  min_length: 'must not be empty',
  integer: 'must be a whole number',
  min_value: 'must be 1 or more',
};

const MODE = 'must be a mode between 0 and 0777 (octal)';
const OF_MODES: Readonly<Record<string, string>> = {
  ...SENTENCES,
  min_value: MODE,
  max_value: MODE,
};

function wordsSentence({ expected, input }: SchemaIssue): string {
  const words = (expected ?? '').replace(/[()"]/g, '').replaceAll(' | ', ' or ');
  return `must be ${words}${typeof input === 'string' ? '' : `, is ${kindOf(input)}`}`;
}

const CALLED: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
};

function unionSentence(path: SettingsPath, input: unknown): string {
  if (path[0] === 'node') return `must be a string or a number, is ${kindOf(input)}`;
  if (isRecord(input)) return 'must have `from`, or `store` and `path`';
  return `must be a reference (store:path#key@version) or an object, is ${kindOf(input)}`;
}

/** An unknown field, with the ones that there are. */
export function unknownField(path: SettingsPath, known: readonly string[] | undefined): string {
  const there = known === undefined ? '' : ` (known: ${known.join(', ')})`;
  return `unknown field ${path.at(-1) ?? ''}${there}`;
}

const LISTS = new Set([
  'submit.without',
  'env.from',
  'image.entrypoint',
  'image.cmd',
  'policy.stripEnv',
]);

/** Sections whose members only their own readers know. */
const CHECKED_ELSEWHERE = new Set(['stores', 'webhook', 'flyteSecrets']);

/** The schema library takes a list for an object with the keys 0, 1, 2: two levels are checked. */
export function listProblems(input: unknown): SettingsIssue[] {
  if (Array.isArray(input)) return [notAList([])];
  if (!isRecord(input)) return [];
  return Object.entries(input).flatMap(([section, value]) => {
    if (Array.isArray(value)) return [notAList([section])];
    if (!isRecord(value) || CHECKED_ELSEWHERE.has(section)) return [];
    return Object.entries(value).flatMap(([name, one]) => {
      const isWrong = Array.isArray(one) && !LISTS.has(`${section}.${name}`);
      return isWrong ? [notAList([section, name])] : [];
    });
  });
}

function notAList(path: SettingsPath): SettingsIssue {
  return { path, what: 'must be an object, is a list' };
}

/** Names that the schema library leaves out of its result without a word. */
const HIDDEN = new Set(['__proto__', 'prototype', 'constructor']);
const GUARD = '\u0000';

/** The input with hidden names under another name, for the time of the check. */
export function guardNames(value: unknown): unknown {
  return rename(value, (name) => (HIDDEN.has(name) ? `${GUARD}${name}` : name));
}

/** Undoes `guardNames`. */
export function unguardNames(value: unknown): unknown {
  return rename(value, unguarded);
}

function unguarded(name: string): string {
  return name.startsWith(GUARD) ? name.slice(GUARD.length) : name;
}

function rename(value: unknown, newName: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => rename(one, newName));
  if (!isRecord(value)) return value;
  // fromEntries makes `__proto__` a member like any other.
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [newName(name), rename(one, newName)]),
  );
}
