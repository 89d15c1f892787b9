// Google's discovery documents, as google-api-python-client bundles them: what of a body is
// unknown, read-only, of the wrong type, or missing though required.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Json } from '../../src/core/canonical.ts';
import { isObject } from '../../src/targets/_caps.ts';
import { CI } from '../support/need.ts';
import { PYTHON } from './_botocore.ts';

const PACKAGE = 'google-api-python-client==2.202.0';
const INSTALL_MS_MAX = 300_000;
const bed = process.env['BELLHOP_TESTBED'] ?? path.join(homedir(), '.cache/bellhop-testbed');
const folder = path.join(bed, 'opt/google-discovery-2.202.0');
const documents = path.join(folder, 'googleapiclient/discovery_cache/documents');

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

type Schemas = Readonly<Record<string, Schema>>;

/** Why there are no documents; they are installed on first use. With CI=true that is an error. */
export function noDiscovery(): string | undefined {
  if (existsSync(documents)) return undefined;
  const made = `${folder}.${process.pid}`;
  mkdirSync(made, { recursive: true });
  const pip = [PYTHON, '-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps'];
  const done = Bun.spawnSync([...pip, '--target', made, PACKAGE], { timeout: INSTALL_MS_MAX });
  if (done.exitCode === 0 && !existsSync(folder)) renameSync(made, folder);
  rmSync(made, { recursive: true, force: true });
  if (existsSync(documents)) return undefined;
  const missing = `${PACKAGE} cannot be installed (pip: exit ${done.exitCode})`;
  if (CI) throw new Error(missing);
  return missing;
}

/** What a document finds wrong with a body of one of its schemas. */
export function judged(api: string, schema: string, body: Json): readonly string[] {
  const text = readFileSync(path.join(documents, `${api}.json`), 'utf8');
  const { schemas } = JSON.parse(text) as { readonly schemas: Schemas };
  const walk = (one: Schema, value: Json, at: string): string[] => {
    if (one.$ref !== undefined) return walk(schemas[one.$ref] ?? {}, value, at);
    if (one.type === 'array') {
      if (!Array.isArray(value)) return [`${at}: no list`];
      return (value as Json[]).flatMap((item, n) => walk(one.items ?? {}, item, `${at}[${n}]`));
    }
    if (one.type !== 'object') return fits(one, value) ? [] : [`${at}: no ${one.type}`];
    if (!isObject(value)) return [`${at}: no object`];
    const { properties = {}, additionalProperties } = one;
    const missing = Object.entries(properties).filter(([name, { description = '' }]) => {
      return description.startsWith('Required.') && !Object.hasOwn(value, name);
    });
    return [
      ...missing.map(([name]) => `${at}.${name}: required`),
      ...Object.entries(value).flatMap(([name, inner]) => {
        const known = properties[name] ?? additionalProperties;
        if (known === undefined) return [`${at}.${name}: unknown`];
        return known.readOnly === true
          ? [`${at}.${name}: only for reading`]
          : walk(known, inner, `${at}.${name}`);
      }),
    ];
  };
  return walk({ $ref: schema }, body, '');
}

function fits({ type, format, enum: listed }: Schema, value: Json): boolean {
  if (type === 'string') {
    if (typeof value !== 'string') return false;
    return (format !== 'int64' || /^-?\d+$/.test(value)) && (listed?.includes(value) ?? true);
  }
  return type === 'integer' ? Number.isInteger(value) : type === typeof value;
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
