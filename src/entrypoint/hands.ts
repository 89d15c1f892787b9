import { BellhopError } from '../core/errors.ts';
import type { Fs, Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { Owner } from '../plan/volume-tree.ts';

/**
 * What delivery works with: file operations that remember how to undo themselves, so that a failure
 * at any of them leaves the container as it was.
 */
export interface Hands {
  readonly io: Io;
  readonly fs: Fs;
  /** Undo steps of what was done so far; the last is undone first. */
  readonly undo: (() => void)[];
  /** What cannot be as on Kubernetes here, one sentence each. */
  readonly differences: Set<string>;
}

export function newHands(io: Io): Hands {
  return { io, fs: io.fs, undo: [], differences: new Set() };
}

/** Undoes everything; what cannot be undone is left, the first failure is what gets reported. */
export function rollback(hands: Hands): void {
  for (let step = hands.undo.pop(); step !== undefined; step = hands.undo.pop()) {
    try {
      step();
    } catch {
      // Another undo step may still work.
    }
  }
}

/** The absolute path's parents, outermost first, without the root and the path itself. */
export function parentsOf(path: string): string[] {
  const steps = path.split('/').slice(1, -1);
  return steps.map((_, index) => `/${steps.slice(0, index + 1).join('/')}`);
}

/** Makes missing parents as the container runtime does: 0755, owned by who runs us. */
export function makeParents(hands: Hands, path: string): void {
  for (const parent of parentsOf(path)) {
    const there = hands.fs.statThrough(parent);
    if (there === undefined) makeFolder(hands, parent, 0o755);
    else if (there.kind !== 'dir') throw taken(parent, 'is not a folder');
  }
}

/** Makes a folder that is not there yet. */
export function makeFolder(hands: Hands, path: string, mode: number): void {
  hands.fs.mkdir(path, mode);
  hands.undo.push(() => hands.fs.rmdir(path));
}

/** Gives an entry its owner; without the right to, the difference is noted and work goes on. */
export function own(hands: Hands, path: string, owner: Owner): void {
  const { uid, gid } = hands.io.kernel;
  if (owner.uid === uid && owner.gid === gid) return;
  try {
    hands.fs.lchown(path, owner);
  } catch (error) {
    if (!(error instanceof FsError) || error.errno !== 'EPERM') throw error;
    hands.differences.add(
      'files belong to the user that bellhop runs as: it may not give them away',
    );
  }
}

/** A path is in the way: the start is refused, nothing is changed. */
export function taken(path: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_PATH_TAKEN', { where: [path], what });
}

/** What the file system said, as a problem that names the path. */
export function writeProblem(error: unknown): unknown {
  if (!(error instanceof FsError)) return error;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'no space is left on this file system',
    EDQUOT: 'the quota of this file system is used up',
    EROFS: 'the file system is read-only',
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    ENAMETOOLONG: 'the name is too long for this file system',
  };
  const reason = reasons[error.errno] ?? 'the file system refused';
  const what = `${reason} (${error.errno})`;
  return new BellhopError('BH_ERR_WRITE', { where: [error.path], what, cause: error });
}

/** Removes a tree that we wrote; what is not there is fine. Never follows a link. */
export function removeTree(fs: Fs, path: string): void {
  const there = fs.stat(path);
  if (there === undefined) return;
  if (there.kind !== 'dir') {
    fs.unlink(path);
    return;
  }
  for (const name of fs.list(path)) removeTree(fs, `${path}/${name}`);
  fs.rmdir(path);
}
