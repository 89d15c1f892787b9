// Documents whose members are values: JSON, YAML and .env files.
import { keysText } from '../core/keys-text.ts';
import { jsonMembers } from '../wire/json-source.ts';
import { resolvePlain } from '../wire/yaml-scalar.ts';
import type { YamlDocument, YamlPath } from '../wire/yaml.ts';
import { YamlProblem, readDocuments } from '../wire/yaml.ts';
import type { Format } from './_formats.ts';
import { dotenvMap, isJson, textOf, valueAnswer } from './_formats.ts';
import type { Answer } from './_store.ts';

/** What is wrong with a document, without anything that stands in it. */
export class DocumentProblem extends Error {}

/** A document that was read. */
export interface Document {
  /** What stands at a path: member names with `/` between them, or `.` for the whole. */
  at(path: string): Answer;
}

/** Reads a document; throws a DocumentProblem. */
export function readDocument(bytes: Uint8Array, format: Exclude<Format, 'text'>): Document {
  switch (format) {
    case 'json':
      return jsonDocument(bytes);
    case 'yaml':
      return yamlDocument(bytes);
    case 'dotenv':
      return dotenvDocument(bytes);
  }
}

function stepsOf(path: string): readonly string[] {
  return path === '.' ? [] : path.split('/');
}

function absentAt(name: string, there: Iterable<string>): Answer {
  return { kind: 'absent', what: `there is no member ${name}; ${keysText(there)}` };
}

const NO_MEMBERS = 'it has no members: it is a list, or one value';

/** Values are the source text: nothing is parsed and printed again. */
function jsonDocument(bytes: Uint8Array): Document {
  if (!isJson(bytes)) throw new DocumentProblem('it is not one JSON value');
  if (jsonMembers(bytes) === undefined) throw new DocumentProblem(NO_MEMBERS);
  return {
    at: (path) => {
      let found = bytes;
      for (const step of stepsOf(path)) {
        const members = jsonMembers(found);
        const next = members?.get(step);
        if (next === undefined) return absentAt(step, members?.keys() ?? []);
        found = next;
      }
      return valueAnswer(found);
    },
  };
}

function dotenvDocument(bytes: Uint8Array): Document {
  const entries = dotenvMap(bytes);
  if (entries === undefined) throw new DocumentProblem('it has no line NAME=value');
  return {
    at: (path) => {
      if (path === '.') return { kind: 'map', entries };
      const value = entries.get(path);
      return value === undefined ? absentAt(path, entries.keys()) : { kind: 'value', value };
    },
  };
}

function yamlDocument(bytes: Uint8Array): Document {
  const reading = readYaml(bytes);
  return {
    at: (path) => {
      const steps = stepsOf(path);
      let found = reading.document.value;
      for (const step of steps) {
        if (!isMapping(found)) return absentAt(step, []);
        if (!Object.hasOwn(found, step)) return absentAt(step, Object.keys(found));
        found = found[step];
      }
      const text = typeof found === 'string' ? found : jsonOf(reading, steps, found);
      return valueAnswer(Buffer.from(isQuoted(found, text) ? String(JSON.parse(text)) : text));
    },
  };
}

/** A word such as `0400` is written as a string in JSON; as a value of its own it has no quotes. */
function isQuoted(found: unknown, text: string): boolean {
  return typeof found !== 'string' && text.startsWith('"');
}

interface Reading {
  readonly document: YamlDocument;
  readonly lines: readonly string[];
}

function readYaml(bytes: Uint8Array): Reading {
  try {
    const [document, ...more] = readDocuments(bytes, { keys: 'written' });
    if (document === undefined) throw new DocumentProblem('it is empty');
    if (more.length > 0) throw new DocumentProblem(`it has ${more.length + 1} documents, not one`);
    if (!isMapping(document.value)) throw new DocumentProblem(NO_MEMBERS);
    return { document, lines: (textOf(bytes) ?? '').split(/\r\n?|\n|\x85/) };
  } catch (error) {
    if (error instanceof YamlProblem) throw new DocumentProblem(error.message);
    throw error;
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Compact JSON. Numbers and booleans are as they are written where JSON writes them so (`1.0`,
 * `true`); other words that YAML 1.1 takes for one (`0400`, `1_000`, `NO`) stay the text they are.
 */
function jsonOf(reading: Reading, path: YamlPath, value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    return `[${value.map((one, index) => jsonOf(reading, [...path, index], one)).join(',')}]`;
  }
  if (isMapping(value)) {
    const members = Object.entries(value).map(([name, one]) => {
      return `${JSON.stringify(name)}:${jsonOf(reading, [...path, name], one)}`;
    });
    return `{${members.join(',')}}`;
  }
  const word = wordAt(reading, path);
  const scalar = resolvePlain(word);
  // Behind an alias or a tag something else stands there.
  const isWritten = 'value' in scalar && scalar.value === value;
  if (!isWritten) return reading.document.numberText(path) ?? JSON.stringify(value);
  return JSON_WORD.test(word) ? word : JSON.stringify(word);
}

const JSON_WORD = /^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;

/** The word that a plain scalar is. */
function wordAt({ document, lines }: Reading, path: YamlPath): string {
  const { line, column } = document.locate(path);
  const rest = Array.from(lines[line - 1] ?? '')
    .slice(column - 1)
    .join('');
  return /^[-+.\w]*/.exec(rest)?.[0] ?? '';
}
