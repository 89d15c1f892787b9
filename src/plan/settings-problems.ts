import { BellhopError } from '../core/errors.ts';
import type { Source } from '../wire/read.ts';
import { isRecord, pathText } from '../wire/read.ts';

// Where the problems of bellhop.yaml are, and what the schema library does not see.

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
