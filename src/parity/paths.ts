import type { FileStat, Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';

const LINKS_MAX = 40;
const STEPS_MAX = 4096;

/** The files of a container as it sees them: below /proc/PID/root where it is another one. */
export interface View {
  readonly fs: Fs;
  readonly prefix: string;
}

/** Where a path leads, link by link, never out of the view. Throws FsError as the kernel would. */
export function resolvePath({ fs, prefix }: View, path: string): string {
  const steps = path.split('/').toReversed();
  let real = '';
  let links = 0;
  for (let count = 0; steps.length > 0; count += 1) {
    if (count > STEPS_MAX) throw new FsError('ENAMETOOLONG', path, 'lstat');
    const step = steps.pop() ?? '';
    if (step === '' || step === '.') continue;
    if (step === '..') {
      real = real.slice(0, Math.max(real.lastIndexOf('/'), 0));
      continue;
    }
    const there = fs.stat(`${prefix}${real}/${step}`);
    if (there === undefined) throw new FsError('ENOENT', path, 'lstat');
    if (there.kind !== 'link') {
      real = `${real}/${step}`;
      continue;
    }
    if ((links += 1) > LINKS_MAX) throw new FsError('ELOOP', path, 'lstat');
    const target = fs.readlink(`${prefix}${real}/${step}`);
    if (target.startsWith('/')) real = '';
    steps.push(...target.split('/').toReversed());
  }
  return real === '' ? '/' : real;
}

/** The path as we reach it. */
export function reach({ prefix }: View, path: string): string {
  return path === '/' ? `${prefix}/` : `${prefix}${path}`;
}

/** What stands there; undefined where nothing is. */
export function statIn(view: View, path: string): FileStat | undefined {
  return view.fs.stat(reach(view, path));
}

/** The folder that a path stands in. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

/** The paths from the root to this one, the longest first. */
export function* upwards(path: string): Generator<string> {
  for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) yield at;
  yield '/';
}
