// The JSON Schemas in docs/schema, made from the valibot schemas that the code itself uses.
import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { SNAPSHOT_DOCUMENT, SNAPSHOT_PARTS } from '../src/parity/snapshot-schema.ts';
import { PLAN_DOCUMENT, PLAN_PARTS } from '../src/plan/plan-schema.ts';
import { SETTINGS } from '../src/plan/settings.ts';

/** What the pages need of a JSON Schema. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly minLength?: number;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly additionalProperties?: JsonSchema | boolean;
}

interface Heading {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly parts?: Readonly<Record<string, GenericSchema>>;
}

/** Checks that JSON Schema cannot say are left out: bellhop itself still makes them. */
function schemaOf(schema: GenericSchema, { parts, ...heading }: Heading): JsonSchema {
  const made = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'ignore',
    ...(parts === undefined ? {} : { definitions: parts }),
  });
  const { $schema, ...rest } = made;
  const { id, title, description } = heading;
  return { $schema, $id: id, title, description, ...rest } as JsonSchema;
}

export const SETTINGS_SCHEMA = schemaOf(SETTINGS, {
  id: 'urn:bellhop:schema:bellhop-yaml:v1',
  title: 'bellhop.yaml',
  description: 'Stores, bindings and policy of bellhop; docs/reference/bellhop-yaml.md explains it',
});

export const PLAN_SCHEMA = schemaOf(PLAN_DOCUMENT, {
  id: 'urn:bellhop:schema:plan:v1',
  title: 'bellhop plan, version 1',
  description: 'What must appear in one container, where, and from which store; never a value',
  parts: PLAN_PARTS,
});

export const SNAPSHOT_SCHEMA = schemaOf(SNAPSHOT_DOCUMENT, {
  id: 'urn:bellhop:schema:snapshot:v1',
  title: 'bellhop snapshot, version 1',
  description: 'What a container sees; values as keyed digests',
  parts: SNAPSHOT_PARTS,
});

/** The schema of bellhop.yaml with the options of each kind of store. */
export function withStores(schema: JsonSchema, stores: JsonSchema): JsonSchema {
  return { ...schema, properties: { ...schema.properties, stores } };
}

/** A schema as its file. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
