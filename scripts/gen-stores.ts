// docs/reference/stores.md and the JSON Schema of stores, made from the files of src/stores.
import { ALL_STORES } from '../src/stores/_all.gen.ts';
import type { OptionSpec, OptionSpecs } from '../src/stores/_options.ts';
import type { StoreKind } from '../src/stores/_store.ts';
import type { JsonSchema } from './gen-schemas.ts';
import { code, page, table } from './markdown.ts';

async function allKinds(): Promise<StoreKind[]> {
  const modules = await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  return modules.map((one) => one.default);
}

/** docs/reference/stores.md. */
export async function storesPage(): Promise<string> {
  const kinds = await allKinds();
  return page('Stores', [
    'A store is declared in bellhop.yaml under a name of your own: `NAME: { kind: …, options }`.',
    'A reference to it is `NAME:path#key`, and `NAME:path@version` where it has versions.',
    'Options of type *reference* name a value in another store (`env:VAULT_TOKEN`): a credential',
    'never stands in bellhop.yaml itself. Proxy variables (`HTTPS_PROXY`, `NO_PROXY`) and',
    '`SSL_CERT_FILE` hold for all of them, but metadata addresses never go through a proxy.',
    '',
    ...table(
      ['kind', 'holds', 'a request takes', 'at a time', '`@version`'],
      kinds.map(({ kind, summary, perCall, version }) => [
        `[${code(kind)}](#${kind})`,
        summary,
        perCall.paths === 1 ? '1 path' : `${perCall.paths} paths`,
        String(perCall.inFlight),
        version ?? 'none',
      ]),
    ),
    ...kinds.flatMap(section),
  ]);
}

function section(kind: StoreKind): string[] {
  const { perCall } = kind;
  const limit =
    perCall.valueBytes === undefined ? '' : ` A value has at most ${perCall.valueBytes} bytes.`;
  return [
    '',
    `## ${kind.kind}`,
    `${kind.summary}. A path is ${kind.path}.${limit}${copyText(kind)}`,
    ...part(['option', 'takes', 'what it says'], optionRows(kind.options, '')),
    ...part(['who we are', 'how'], rowsOf(kind.auth)),
    ...part(['variable', 'what it says'], rowsOf(kind.variables)),
  ];
}

function copyText({ writes }: StoreKind): string {
  if (writes === undefined) return '';
  const how = writes.needs === undefined ? '' : `, where \`${writes.needs}\` is set`;
  return ` The last good copy can be written to it${how}.`;
}

function part(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', ...table(heads, rows)];
}

function rowsOf(lines: Readonly<Record<string, string>>): string[][] {
  return Object.entries(lines).map(([name, text]) => [code(name), text]);
}

function optionRows(options: OptionSpecs, above: string): string[][] {
  return Object.entries(options).flatMap(([name, spec]) => {
    const called = `${above}${name}`;
    const row = [code(called), takes(spec), spec.help];
    return spec.type === 'group' ? [row, ...optionRows(spec.members, `${called}.`)] : [row];
  });
}

const WORDS: Readonly<Record<OptionSpec['type'], string>> = {
  text: 'text',
  number: 'a number',
  flag: 'true or false',
  texts: 'a list of texts',
  record: 'an object of texts',
  reference: 'a reference',
  references: 'an object of references',
  choice: '',
  group: 'an object',
};

function takes(spec: OptionSpec): string {
  const word = spec.type === 'choice' ? spec.of.map(code).join(', ') : WORDS[spec.type];
  return spec.required === true ? `${word}; needed` : word;
}

/** What may stand below `stores` in bellhop.yaml: for each kind its own options, and no others. */
export async function storeSchema(): Promise<JsonSchema> {
  const kinds = await allKinds();
  return {
    description: 'Places that values come from, by names of your own',
    type: 'object',
    additionalProperties: { anyOf: kinds.filter(isDeclared).map(kindSchema) },
  };
}

/** The store of the input itself is there without being declared. */
function isDeclared({ kind }: StoreKind): boolean {
  return kind !== 'embedded';
}

function kindSchema({ kind, summary, options }: StoreKind): JsonSchema {
  const { properties, required } = groupSchema(options);
  return {
    type: 'object',
    description: summary,
    properties: { kind: { const: kind }, ...properties },
    required: ['kind', ...(required ?? [])],
    additionalProperties: false,
  };
}

function groupSchema(options: OptionSpecs): JsonSchema {
  const entries = Object.entries(options);
  const required = entries.filter(([, spec]) => spec.required === true).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, spec]) => [name, optionSchema(spec)])),
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
  };
}

const REFERENCE: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^[A-Za-z0-9][-A-Za-z0-9_]*:[^\\s]+$' },
    {
      type: 'object',
      properties: {
        store: { type: 'string' },
        path: { type: 'string' },
        key: { type: 'string' },
        version: { type: 'string' },
      },
      required: ['store', 'path'],
      additionalProperties: false,
    },
  ],
};
const TEXT: JsonSchema = { type: 'string' };

function optionSchema(spec: OptionSpec): JsonSchema {
  return { description: spec.help, ...typeSchema(spec) };
}

function typeSchema(spec: OptionSpec): JsonSchema {
  switch (spec.type) {
    case 'text':
      return { type: 'string', minLength: 1 };
    case 'number':
      return { type: 'number', minimum: 0 };
    case 'flag':
      return { type: 'boolean' };
    case 'texts':
      return { type: 'array', items: TEXT };
    case 'record':
      return { type: 'object', additionalProperties: TEXT };
    case 'reference':
      return REFERENCE;
    case 'references':
      return { type: 'object', additionalProperties: REFERENCE };
    case 'choice':
      return { enum: spec.of };
    case 'group':
      return groupSchema(spec.members);
  }
}
