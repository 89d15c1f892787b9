import type { PullEdit } from '../injectors/_edit.ts';
import { EditProblem } from './pod-volumes.ts';

/** A file that one container fetches. */
export type PulledFile = Extract<PullEdit, { readonly file: string }>;

export function isFile(one: PullEdit): one is PulledFile {
  return 'file' in one;
}

/** Two values cannot be one file, nor a file be the folder of another. Throws EditProblem. */
export function mustBeFree(
  pulls: readonly PullEdit[],
  { file, called }: Pick<PulledFile, 'file' | 'called'>,
): void {
  for (const one of pulls.filter(isFile)) {
    if (one.file === file) {
      throw new EditProblem(`[${one.called}] and [${called}] are the same file, ${file}`);
    }
    if (isFolder(one.file, file) || isFolder(file, one.file)) {
      const both = `${one.file} and ${file}`;
      throw new EditProblem(`[${one.called}] is the same file, or its folder: ${both}`);
    }
  }
}

function isFolder(path: string, of: string): boolean {
  return of.startsWith(`${path}/`);
}
