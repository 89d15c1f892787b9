import { Sealed } from '../core/sealed.ts';
import { readDotenv } from '../wire/dotenv.ts';
import type { Answer } from './_store.ts';

/** What a document is written in; `text` is any bytes. */
export type Format = 'json' | 'yaml' | 'dotenv' | 'text';

const ENDINGS: readonly (readonly [RegExp, Format])[] = [
  [/\.json$/i, 'json'],
  [/\.ya?ml$/i, 'yaml'],
  [/\.env$|(^|\/)\.env\.[^/]+$/i, 'dotenv'],
];

/** The format that a file's name tells: `.json`, `.yaml`, `.yml`, `.env`, `.env.local`. */
export function formatOfName(name: string): Format | undefined {
  return ENDINGS.find(([ending]) => ending.test(name))?.[1];
}

/** The bytes as UTF-8, or undefined. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** True for a whole JSON text; one that was cut off is none. */
export function isJson(bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  if (text === undefined) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The variables of a .env file; undefined where there is text, and no variable in it. */
export function dotenvMap(bytes: Uint8Array): ReadonlyMap<string, Sealed> | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  const entries = [...readDotenv(text)].map(([name, value]): [string, Sealed] => {
    return [name, new Sealed(Buffer.from(value))];
  });
  const isEmpty = text.split(/\r?\n/).every((line) => /^\s*(#|$)/.test(line));
  return entries.length === 0 && !isEmpty ? undefined : new Map(entries);
}

/** The answer that a value is. */
export function valueAnswer(bytes: Uint8Array): Answer {
  return { kind: 'value', value: new Sealed(bytes) };
}
