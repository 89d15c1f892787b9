// Paths as Go's filepath has them on Linux (Go 1.26): cleaned by their text alone.
import { cleanPath as textCleaned } from '../core/paths.ts';

/** filepath.Join: empty parts are left out, the rest is joined and cleaned. */
export function joinPath(...parts: readonly string[]): string {
  const given = parts.filter((part) => part !== '');
  return given.length === 0 ? '' : cleanPath(given.join('/'));
}

/** filepath.Clean: no `.`, no `//`, no `/` at the end, and `..` only at the start. */
export function cleanPath(path: string): string {
  // Nearly every path is clean as it is.
  if (path.startsWith('/') && !ODD.some((part) => path.includes(part)) && !path.endsWith('/')) {
    return path;
  }
  return textCleaned(path) || '.';
}

const ODD = ['//', '/.'];

/**
 * True for what lies below the folder and is not the folder itself, by the text alone: links are
 * not followed.
 */
export function isBelow(folder: string, path: string): boolean {
  if (path.includes('\0')) return false;
  const [from, to] = [cleanPath(folder), cleanPath(path)];
  const start = from === '/' ? from : `${from}/`;
  const rest = from === '.' ? to : to.slice(start.length);
  const isUnder = from === '.' ? !to.startsWith('/') : to.startsWith(start);
  return isUnder && !['', '.', '..'].includes(rest) && !rest.startsWith('../');
}

/** path.Base for what has no `/` at its end. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
