import { readFileSync } from 'node:fs';
import { YamlProblem } from '../../src/wire/yaml.ts';

/** One case that test/golden/yaml/record recorded. */
export interface Vector {
  readonly name: string;
  readonly text?: string;
  readonly base64?: string;
  readonly documents: readonly string[];
  readonly error?: string;
}

/** How kubectl reads. */
export const vectors = JSON.parse(
  readFileSync(new URL('../golden/yaml/vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[];

/** Gives the problem of reading, and fails if there is none, or an error of another kind. */
export function problemOf(read: () => unknown): YamlProblem {
  try {
    read();
  } catch (error) {
    if (error instanceof YamlProblem) return error;
    throw error;
  }
  throw new Error('it was read');
}
