import { BellhopError } from '../core/errors.ts';
import { stepsOf } from '../core/paths.ts';
import type { FileStat, Fs, Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { Owner } from '../plan/volume-tree.ts';

/**
 * What delivery works with: file operations that remember how to undo themselves, so that a failure
 * at any of them leaves the container as it was.
 */
export interface Hands {
  readonly io: Io;
  /** The program's files; what the machine says of itself is read by `io.fs`. */
  readonly fs: Fs;
  readonly place: RootPlace;
  /** Undo steps of what was done so far; the last is undone first. */
  readonly undo: (() => void)[];
  /** Undo steps that failed: while there are some, the manifest stays for the next start. */
  readonly stuck: unknown[];
  /** What cannot be as on Kubernetes here, one sentence each. */
  readonly differences: Set<string>;
}

/** Where a program's root lies, seen from here. */
export interface RootPlace {
  readonly fs: Fs;
  /** `own`: mounts that end with the program. `none`: the root is ours, its mounts are not. */
  readonly mounts: 'shared' | 'own' | 'none';
  /** The table of mounts, and the folder in it that is the program's root: '' where it is ours. */
  readonly mountTable: { readonly path: string; readonly root: string };
}

export function newHands(io: Io, place: RootPlace = thisPlace(io)): Hands {
  return { io, fs: place.fs, place, undo: [], stuck: [], differences: new Set() };
}

function thisPlace({ fs }: Io): RootPlace {
  return { fs, mounts: 'shared', mountTable: { path: '/proc/self/mountinfo', root: '' } };
}

/** Undoes everything; what cannot be undone is left to the next start, which finds it noted. */
export function rollback(hands: Hands): void {
  for (let step = hands.undo.pop(); step !== undefined; step = hands.undo.pop()) {
    try {
      step();
    } catch (error) {
      // Another undo step may still work. What is gone already needs none.
      if (!isGone(error)) hands.stuck.push(error);
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof FsError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR');
}

/** Takes a mount away; fine where there is none. */
export function unmount(hands: Hands, path: string): void {
  const errno = hands.io.kernel.unmount(path, { detach: true });
  if (errno === undefined || errno === 'EINVAL' || errno === 'ENOENT') return;
  throw new FsError(errno, path, 'umount');
}

/** The absolute path's parents, outermost first, without the root and the path itself. */
export function parentsOf(path: string): string[] {
  return stepsOf(path.slice(1))
    .slice(0, -1)
    .map((step) => `/${step}`);
}

/** What stands at a path, through links; a link to nothing is in the way of everything. */
export function standing(fs: Fs, path: string): FileStat | undefined {
  const there = fs.statThrough(path);
  if (there === undefined && fs.stat(path) !== undefined)
    throw taken(path, 'is a link that leads nowhere', ELSEWHERE);
  return there;
}

const SET_GROUP_ID = 0o2000;

/**
 * Makes a folder as the container runtime does: 0755, owned by who runs us. In a set-group-id
 * folder it inherits the group and that bit: mkdir(2).
 */
export function makeRuntimeFolder(hands: Hands, path: string): void {
  const parent = hands.fs.statThrough(path.slice(0, path.lastIndexOf('/')) || '/');
  makeFolder(hands, path, 0o755 | ((parent?.mode ?? 0) & SET_GROUP_ID));
}

/** Makes missing parents as the container runtime does. */
export function makeParents(hands: Hands, path: string): void {
  for (const parent of parentsOf(path)) {
    const there = standing(hands.fs, parent);
    if (there === undefined) makeRuntimeFolder(hands, parent);
    else if (there.kind !== 'dir') throw taken(parent, 'is not a folder', ELSEWHERE);
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
  giveAway(hands, path, owner);
}

function giveAway(hands: Hands, path: string, owner: Owner): void {
  try {
    hands.fs.lchown(path, owner);
  } catch (error) {
    if (!(error instanceof FsError) || error.errno !== 'EPERM') throw error;
    hands.differences.add(
      'files belong to the user that bellhop runs as: it may not give them away',
    );
  }
}

/** Mode and owner of a folder. */
export interface Look extends Owner {
  readonly mode: number;
}

/** Gives a folder of ours its look; owner first, which may take the set-group-id bit away. */
export function dress(hands: Hands, path: string, look: Look): void {
  own(hands, path, look);
  hands.fs.chmod(path, look.mode);
}

/** The same for a folder that was there: it gets its own look back when things go wrong. */
export function redress(hands: Hands, path: string, look: Look): void {
  const there = hands.fs.stat(path);
  if (there === undefined) return;
  const was = lookOf(there);
  hands.undo.push(() => restoreLook(hands.fs, path, was));
  if (was.uid !== look.uid || was.gid !== look.gid) giveAway(hands, path, look);
  try {
    hands.fs.chmod(path, look.mode);
  } catch (error) {
    if (!(error instanceof FsError) || error.errno !== 'EPERM') throw error;
    hands.differences.add('a folder of the image keeps its mode: it belongs to somebody else');
  }
}

/** Mode and owner out of what the file system says. */
export function lookOf({ mode, uid, gid }: FileStat): Look {
  return { mode, uid, gid };
}

/** Gives a folder the look that it had; what is right already is not touched. */
export function restoreLook(fs: Fs, path: string, was: Look): void {
  const now = fs.stat(path);
  if (now === undefined || now.kind !== 'dir') return;
  if (now.uid !== was.uid || now.gid !== was.gid) fs.lchown(path, was);
  if (fs.stat(path)?.mode !== was.mode) fs.chmod(path, was.mode);
}

/** A path is in the way: the start is refused, nothing is changed. */
export function taken(path: string, what: string, help?: string): BellhopError {
  const more = help === undefined ? {} : { help };
  return new BellhopError('BH_ERR_PATH_TAKEN', { where: [path], what, ...more });
}

/** What helps where nothing of the image can be kept beside. */
export const ELSEWHERE = 'mount it at another path';

/** A subPath may come from a Secret: what fails there is told by the path of its mount. */
export function toldAs<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw new FsError(error.errno, path, 'subPath');
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on this file system',
  EDQUOT: 'the quota of this file system is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EEXIST: 'something is there already',
  ELOOP: 'too many links, or links in a circle',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long for this file system',
};

/** What the file system said, as a problem that names the path. */
export function writeProblem(error: unknown): unknown {
  if (!(error instanceof FsError)) return error;
  const reason = REASONS[error.errno] ?? 'the file system refused';
  const what = `${reason} (${error.errno})`;
  return new BellhopError('BH_ERR_WRITE', { where: [error.path], what, cause: error });
}
