// Google's discovery documents, as google-api-python-client bundles them, as a second judge.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { installedAt, installedOnce, pip } from './testbed.ts';

const PACKAGE = 'google-api-python-client==2.202.0';
const NAME = 'google-discovery-2.202.0';
const documents = path.join(installedAt(NAME), 'googleapiclient/discovery_cache/documents');

interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly description?: string;
  readonly readOnly?: boolean;
}

/** Why there are none; installed on first use. */
export function noDiscovery(): string | undefined {
  return installedOnce({ name: NAME, command: pip('--no-deps', PACKAGE) });
}

const INT = /^-?\d+$/;

function brokenText({ format, enum: values }: Schema, value: string, at: string): string[] {
  if (format === 'int64' && !INT.test(value)) return [`${at}: not an int64 as text`];
  return values === undefined || values.includes(value) ? [] : [`${at}: not of the enum`];
}

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
};

function scalar(schema: Schema, value: unknown, at: string): string[] {
  const { type = 'any' } = schema;
  const isRight = SCALARS[type]?.(value) ?? true;
  if (!isRight) return [`${at}: not ${type === 'integer' ? 'an' : 'a'} ${type}`];
  return typeof value === 'string' ? brokenText(schema, value, at) : [];
}

interface Place {
  readonly at: string;
  readonly all: Readonly<Record<string, Schema>>;
}

function judge(schema: Schema, value: unknown, { at, all }: Place): string[] {
  const below = (one: Schema, given: unknown, name: string): string[] =>
    judge(one, given, { at: `${at}${name}`, all });
  if (schema.$ref !== undefined) return below(all[schema.$ref] ?? {}, value, '');
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return [`${at}: not an array`];
    return value.flatMap((one, index) => below(schema.items ?? {}, one, `[${index}]`));
  }
  if (schema.type !== 'object') return scalar(schema, value, at);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${at}: not an object`];
  const { properties = {}, additionalProperties } = schema;
  const members = Object.entries(value).flatMap(([name, one]) => {
    const known = properties[name] ?? additionalProperties;
    if (known === undefined) return [`${at}.${name}: unknown`];
    return known.readOnly === true
      ? [`${at}.${name}: only for reading`]
      : below(known, one, `.${name}`);
  });
  const required = Object.entries(properties)
    .filter(([name, one]) => one.description?.startsWith('Required.') && !(name in value))
    .map(([name]) => `${at}.${name}: required`);
  return [...members, ...required];
}

/** What the document of an API finds wrong with a value of one of its schemas. */
export function judgedByDiscovery(api: string, schema: string, value: unknown): string[] {
  const text = readFileSync(path.join(documents, `${api}.json`), 'utf8');
  const { schemas } = JSON.parse(text) as { schemas: Record<string, Schema> };
  const root = schemas[schema];
  if (root === undefined) throw new Error(`${api} has no schema ${schema}`);
  return judge(root, value, { at: '', all: schemas });
}

/** The names of a method's parameters. */
export function parametersOf(api: string, resource: string, method: string): readonly string[] {
  interface Methods {
    readonly methods: Readonly<Record<string, { readonly parameters: object }>>;
  }
  const text = readFileSync(path.join(documents, `${api}.json`), 'utf8');
  const { resources } = JSON.parse(text) as { resources: Readonly<Record<string, Methods>> };
  return Object.keys(resources[resource]?.methods[method]?.parameters ?? {});
}
