// The source that a kind of store is made of: its own file and the `_` files that it imports.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dir, '../../src/stores');

/** The text of the kind's file and of all that it imports in src/stores, without comments. */
export function sourceOf(kind: string): string {
  const seen = new Map<string, string>();
  const read = (file: string): void => {
    if (seen.has(file)) return;
    const text = readFileSync(path.join(FOLDER, file), 'utf8');
    seen.set(file, text.replaceAll(/\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''));
    for (const [, name = ''] of text.matchAll(/from '\.\/(_[^']+)'/g)) read(name);
  };
  read(`${kind}.ts`);
  return [...seen.values()].join('\n');
}
