// The source files of the repository as the tidy test looks at them.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(import.meta.dir, '../..');

/** A text file of the repository, by its path from the root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Folders that are not committed; hidden ones are somebody's caches, but for `.ci`. */
const NOT_OURS = /^(node_modules|dist|\.(?!ci$).*)$/;
const BINARY = /\.(png|gz|zst|tar|ico|woff2?)$/;

/** Every file of the repository below a folder, `''` for all, except what git does not keep. */
export function filesBelow(folder: string): SourceFile[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !/\.(log|tmp)$/.test(entry.name))
    .flatMap((entry) => {
      const below = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return NOT_OURS.test(entry.name) ? [] : filesBelow(below);
      return entry.isFile() && !BINARY.test(entry.name) ? [readSource(below)] : [];
    });
}

function readSource(file: string): SourceFile {
  return { path: file, text: readFileSync(path.join(ROOT, file), 'utf8') };
}

/** What stands in quotes or backquotes, or is a regular expression. */
const LITERAL_OR_COMMENT = new RegExp(
  [
    String.raw`//[^\n]*`,
    String.raw`/\*[\s\S]*?\*/`,
    String.raw`'(?:[^'\\\n]|\\.)*'`,
    String.raw`"(?:[^"\\\n]|\\.)*"`,
    String.raw`(?<=[(,=:[!&|?{};\n] *|return )/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*`,
  ].join('|'),
  'y',
);

/** The text with comments removed and the content of literals blanked; code in `${}` stays. */
export function codeOf(text: string): string {
  let code = '';
  let at = 0;
  /** For each template that is open: how many braces are open in its `${}`. */
  const templates: number[] = [];
  while (at < text.length) {
    const inTemplate = templates.at(-1) === 0;
    LITERAL_OR_COMMENT.lastIndex = at;
    const match = inTemplate ? null : LITERAL_OR_COMMENT.exec(text);
    if (match !== null) {
      code += match[0].startsWith('/') ? match[0].replace(/[^\n]/g, '') : "''";
      at += match[0].length;
      continue;
    }
    const step = inTemplate ? templateStep(text, at, templates) : codeStep(text, at, templates);
    code += step.code;
    at += step.length;
  }
  return code;
}

interface Step {
  readonly code: string;
  readonly length: number;
}

function templateStep(text: string, at: number, templates: number[]): Step {
  const c = text.charAt(at);
  if (c === '\\') return { code: '', length: 2 };
  if (c === '`') templates.pop();
  else if (text.startsWith('${', at)) {
    templates[templates.length - 1] = 1;
    return { code: '${', length: 2 };
  }
  return { code: c === '`' || c === '\n' ? c : '', length: 1 };
}

function codeStep(text: string, at: number, templates: number[]): Step {
  const c = text.charAt(at);
  const last = templates.length - 1;
  const open = templates[last];
  if (c === '`') templates.push(0);
  else if (open !== undefined && c === '{') templates[last] = open + 1;
  else if (open !== undefined && c === '}') templates[last] = open - 1;
  return { code: c, length: 1 };
}

/** What stands in quotes, in order; templates without `${}` too. */
export function literalsOf(text: string): string[] {
  const found: string[] = [];
  const plain = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');
  const quoted = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\$]|\\.)*)`/g;
  for (const match of plain.matchAll(quoted)) found.push(match[1] ?? match[2] ?? match[3] ?? '');
  return found;
}

/** What a file imports, as written, also for types only and lazily. */
export function importsOf(text: string): string[] {
  const written =
    /(?:^|[;\s])(?:import|export)\s[^'";]*?from\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, '');
  return [...plain.matchAll(written)].map((match) => match[1] ?? match[2] ?? '');
}

/** The path from the root that an import means; undefined for packages. */
export function importedPath(file: SourceFile, written: string): string | undefined {
  if (!written.startsWith('.')) return undefined;
  return path.posix.join(path.posix.dirname(file.path), written);
}
