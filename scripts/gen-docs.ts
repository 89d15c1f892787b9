// The pages in docs/reference, made from the tables and records that the code itself uses.
import { commandHelp, mainHelp } from '../src/cli/help.ts';
import { COMMANDS } from '../src/cli/main.ts';
import type { Code } from '../src/core/errors.ts';
import { CODES } from '../src/core/errors.ts';
import { ALONE_DIFFERENCES } from '../src/core/io/alone-differences.ts';
import { DEFAULT_POLICY } from '../src/plan/types.ts';
import type { JsonSchema } from './gen-schemas.ts';
import { SETTINGS_SCHEMA } from './gen-schemas.ts';
import { code, page, table, withPart } from './markdown.ts';

type Exit = (typeof CODES)[Code]['exit'];

/** What each exit code says to a caller, after sysexits(3). */
const EXITS: Readonly<Record<Exit, string>> = {
  64: 'the command line is wrong',
  65: 'the declaration cannot be read or carried out',
  69: 'a store says that a required value does not exist',
  70: 'a defect of bellhop or of its installation',
  73: 'something cannot be written',
  74: 'the output cannot be written',
  75: 'an outage or a deadline: the same start may succeed later',
  77: 'a right is missing',
  78: 'the settings are wrong',
  126: 'the program was found and cannot be started',
  127: 'the program was not found',
};

/** The page with its list of what a start without the launcher cannot give back. */
export function withAloneDifferences(text: string): string {
  const rows = Object.values(ALONE_DIFFERENCES).map(({ what, why }) => [what, why]);
  return withPart(text, 'alone-differences', table(['difference', 'why'], rows));
}

/** docs/reference/errors.md. */
export function errorsPage(): string {
  const rows = Object.entries(CODES).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const exits = [...new Set(rows.map(([, row]) => row.exit))].toSorted((a, b) => a - b);
  return page('Errors', [
    'Each problem has a code, which stays the same; its sentence may change. The exit code of a',
    'report is that of its least retryable problem. Once the program runs, the exit code is its own.',
    '',
    '## Exit codes',
    ...table(
      ['exit', 'meaning'],
      exits.map((exit) => [String(exit), EXITS[exit]]),
    ),
    '',
    '## Codes',
    ...table(
      ['code', 'exit', 'help'],
      rows.map(([name, { exit, help }]) => [code(name), String(exit), help]),
    ),
  ]);
}

/** docs/reference/commands.md. */
export async function commandsPage(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map(async (load) => load()));
  const records = commands.map((one) => one.default);
  return page('Commands', [
    ...fenced(mainHelp(records, 'VERSION')),
    ...records.flatMap((one) => ['', `## bellhop ${one.name}`, '', ...fenced(commandHelp(one))]),
  ]);
}

function fenced(text: string): string[] {
  return ['```text', text.trimEnd(), '```'];
}

/** docs/reference/bellhop-yaml.md. */
export function settingsPage(): string {
  const value = SETTINGS_SCHEMA.properties?.['tokens']?.additionalProperties;
  const forms = typeof value === 'object' ? (value.anyOf ?? []) : [];
  return page('bellhop.yaml', [
    'Every setting. Fields that are not listed are errors; each problem is reported with its line.',
    'The same as a [JSON Schema](../schema/bellhop-yaml.schema.json) for editors.',
    '',
    ...table(['setting', 'takes', 'default', 'what it says'], rowsOf('', SETTINGS_SCHEMA)),
    '',
    '## References and values',
    'A *reference* is text, `store:path#key@version` (`%23 %40 %25 %7B %7D` escape `# @ % { }`), or an',
    'object with the first four members below. `{namespace} {name} {pod} {container} {job}` in its path',
    'are filled in, in `flyte` also `{group} {key} {version}`. A *value* is a reference, or an object',
    'with `from` and what to do where the value is absent.',
    '',
    ...table(
      ['member', 'takes', 'default', 'what it says'],
      [
        ...forms.filter(isReference).flatMap((one) => rowsOf('', one)),
        ...forms.filter((one) => !isReference(one)).flatMap((one) => rowsOf('', one)),
      ].filter(([name]) => name !== ''),
    ),
  ]);
}

function isReference(schema: JsonSchema): boolean {
  return schema.description?.startsWith('A reference') === true;
}

/** A value is a union with an object that has `from`; its members have a table of their own. */
function isValue(schema: JsonSchema): boolean {
  return (schema.anyOf ?? []).some((one) => one.properties?.['from'] !== undefined);
}

function rowsOf(path: string, schema: JsonSchema): string[][] {
  const own = schema.description === undefined || path === '' ? [] : [rowOf(path, schema)];
  if (isValue(schema) || (path !== '' && isReference(schema))) return own;
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    return rowsOf(below(name), one);
  });
  const any = schema.additionalProperties;
  const rest = typeof any === 'object' ? rowsOf(below('NAME'), any) : [];
  return [...own, ...named, ...rest, ...membersOf(path, schema)];
}

/** Of a setting that is one of several objects; a reference is told of once, below. */
function membersOf(path: string, { anyOf = [] }: JsonSchema): string[][] {
  const objects = anyOf.filter((one) => one.properties !== undefined && !isReference(one));
  return objects.flatMap((one) => rowsOf(path, { properties: one.properties ?? {} }));
}

function rowOf(path: string, schema: JsonSchema): string[] {
  const [first, second = ''] = path.split('.');
  const policy = Object.entries(DEFAULT_POLICY).find(([name]) => name === second);
  const standard = first === 'policy' && policy !== undefined ? code(yamlText(policy[1])) : '';
  return [code(path), takes(schema), standard, schema.description ?? ''];
}

function yamlText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function takes(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((one) => code(String(one))).join(' or ');
  if (isReference(schema)) return 'reference';
  if (isValue(schema)) return 'value';
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(takes))].join(', or ');
  if (schema.items !== undefined) return `list of ${takes(schema.items)}`;
  const any = schema.additionalProperties;
  if (typeof any === 'object') return `NAME: ${takes(any)}`;
  if (schema.type === 'string') return 'text';
  if (schema.type === 'boolean') return '`true` or `false`';
  return schema.type ?? 'anything';
}
