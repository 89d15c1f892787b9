// The rules of a request as data, and what a service says of a value that breaks one. Lengths are
// exact; where a text is not ASCII the larger of its UTF-8 bytes and UTF-16 units counts, since no
// vendor says which one does.
import type { Refusal } from './_types.ts';

/** What a value must be. */
export type Rule =
  | { readonly is: 'any' }
  | { readonly is: 'boolean' }
  | { readonly is: 'integer'; readonly min?: number; readonly max?: number }
  | {
      readonly is: 'string';
      readonly min?: number;
      readonly max?: number;
      /** Without anchors: the whole text must match. */
      readonly pattern?: string;
      readonly oneOf?: readonly string[];
    }
  | {
      readonly is: 'map';
      readonly max?: number;
      readonly key: Rule;
      readonly value: Rule;
    }
  | { readonly is: 'list'; readonly min?: number; readonly max?: number; readonly item: Rule }
  | {
      readonly is: 'object';
      /** The name of a member that must be there ends with `!`. */
      readonly members: Readonly<Record<string, Rule>>;
      /** Other members are taken as they are: the platform has them, the simulator does not. */
      readonly isOpen?: boolean;
    };

/** The larger of UTF-8 bytes and UTF-16 units. */
export function lengthOf(text: string): number {
  return Math.max(Buffer.byteLength(text), text.length);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with a value, by AWS's own sentences; never with the value itself. */
export function broken(rule: Rule, value: unknown, at: string): string[] {
  switch (rule.is) {
    case 'any':
      return [];
    case 'boolean':
    case 'integer':
    case 'string':
      return brokenScalar(rule, value, at);
    case 'map':
      return isObject(value) ? brokenMap(rule, value, at) : [wrongType(at, 'Map')];
    case 'list':
      return Array.isArray(value) ? brokenList(rule, value, at) : [wrongType(at, 'List')];
    case 'object':
      return isObject(value) ? brokenObject(rule, value, at) : [wrongType(at, 'Structure')];
  }
}

function brokenScalar(
  rule: Rule & { is: 'boolean' | 'integer' | 'string' },
  value: unknown,
  at: string,
): string[] {
  if (rule.is === 'integer') return brokenInteger(rule, value, at);
  if (rule.is === 'boolean') return typeof value === 'boolean' ? [] : [wrongType(at, 'Boolean')];
  return typeof value === 'string' ? brokenText(rule, value, at) : [wrongType(at, 'String')];
}

const wrongType = (at: string, type: string): string => `Value at '${at}' is not a ${type}`;
const failed = (at: string, what: string): string =>
  `Value at '${at}' failed to satisfy constraint: ${what}`;

function brokenInteger(rule: Rule & { is: 'integer' }, value: unknown, at: string): string[] {
  if (typeof value !== 'number' || !Number.isInteger(value)) return [wrongType(at, 'Integer')];
  const { min = -Infinity, max = Infinity } = rule;
  if (value < min) return [failed(at, `Member must have value greater than or equal to ${min}`)];
  if (value > max) return [failed(at, `Member must have value less than or equal to ${max}`)];
  return [];
}

function brokenText(rule: Rule & { is: 'string' }, value: string, at: string): string[] {
  const { min = 0, max = Infinity, pattern, oneOf } = rule;
  const found: string[] = [];
  if (lengthOf(value) > max)
    found.push(failed(at, `Member must have length less than or equal to ${max}`));
  if (value.length < min)
    found.push(failed(at, `Member must have length greater than or equal to ${min}`));
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(value))
    found.push(failed(at, `Member must satisfy regular expression pattern: ${pattern}`));
  if (oneOf !== undefined && !oneOf.includes(value))
    found.push(failed(at, `Member must satisfy enum value set: [${oneOf.join(', ')}]`));
  return found;
}

function sized(at: string, size: number, { min = 0, max = Infinity }: Sizes): string[] {
  if (size > max) return [failed(at, `Member must have length less than or equal to ${max}`)];
  if (size < min) return [failed(at, `Member must have length greater than or equal to ${min}`)];
  return [];
}

interface Sizes {
  readonly min?: number;
  readonly max?: number;
}

function brokenMap(
  rule: Rule & { is: 'map' },
  value: Record<string, unknown>,
  at: string,
): string[] {
  const entries = Object.entries(value);
  const parts = entries.flatMap(([key, one]) => [
    ...broken(rule.key, key, `${at}.key`),
    ...broken(rule.value, one, `${at}.${key}.value`),
  ]);
  return [...sized(at, entries.length, rule), ...parts];
}

function brokenList(rule: Rule & { is: 'list' }, value: readonly unknown[], at: string): string[] {
  const parts = value.flatMap((one, index) => broken(rule.item, one, `${at}.${index + 1}.member`));
  return [...sized(at, value.length, rule), ...parts];
}

function brokenObject(
  rule: Rule & { is: 'object' },
  value: Record<string, unknown>,
  at: string,
): string[] {
  const inside = (name: string): string => (at === '' ? name : `${at}.${name}`);
  const known = Object.entries(rule.members).map(([written, one]) => ({
    name: written.replace(/!$/, ''),
    isRequired: written.endsWith('!'),
    rule: one,
  }));
  const names = new Set(known.map(({ name }) => name));
  const unknown = rule.isOpen === true ? [] : Object.keys(value).filter((one) => !names.has(one));
  return [
    ...unknown.map((name) => `Unknown parameter: '${inside(name)}'`),
    ...known.flatMap(({ name, isRequired, rule: one }) => {
      const member = value[name];
      if (member !== undefined) return broken(one, member, inside(name));
      return isRequired ? [failed(inside(name), 'Member must not be null')] : [];
    }),
  ];
}

/** Sentences of `broken` as refusals of one code, each at the member that it names. */
export function refused(code: string, messages: readonly string[]): Refusal[] {
  return messages.map((message) => ({ code, at: /'([^']*)'/.exec(message)?.[1] ?? '', message }));
}

/** A refusal, where something is so. */
export function refuseIf(is: boolean, at: string, said: readonly [string, string]): Refusal[] {
  return is ? [{ code: said[0], at, message: said[1] }] : [];
}

export const ANY: Rule = { is: 'any' };
export const TEXT: Rule = { is: 'string' };
export const FLAG: Rule = { is: 'boolean' };
export const COUNT: Rule = { is: 'integer' };

/** A text with its longest length. */
export function text(max: number, pattern?: string): Rule {
  return pattern === undefined ? { is: 'string', max } : { is: 'string', max, pattern };
}

/** A list of one kind of item. */
export function listOf(item: Rule, max?: number, min?: number): Rule {
  return {
    is: 'list',
    item,
    ...(max === undefined ? {} : { max }),
    ...(min === undefined ? {} : { min }),
  };
}
