import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import { checkMountable } from './check-paths.ts';
import type { Delivery, PlainFile } from './delivery.ts';
import { coveredPaths } from './delivery.ts';

// A root that cannot be entered: its files are delivered at their paths below it.

interface Wanted {
  readonly delivery: Delivery;
  readonly workingDir?: string;
}

/** The same delivery with every path below the folder. */
export function deliveryBelow(folder: string, { delivery, workingDir }: Wanted): Wanted {
  coveredPaths(delivery).forEach(checkMountable);
  const at = (path: string): string => (folder === '/' ? path : `${folder}${path}`);
  const directories = delivery.directories.map((one) => ({
    ...one,
    landings: one.landings.map((landing) => ({ ...landing, path: at(landing.path) })),
  }));
  const below = (one: PlainFile): PlainFile => {
    return { ...one, placement: { ...one.placement, path: at(one.placement.path) } };
  };
  const files = delivery.files.map(below);
  const replaced =
    delivery.replaced === undefined ? {} : { replaced: delivery.replaced.map(below) };
  const cwd = workingDir === undefined ? {} : { workingDir: at(workingDir) };
  return { delivery: { ...delivery, directories, files, ...replaced }, ...cwd };
}

/** Paths of this machine, of which those in the folder stay in it whatever its links say. */
export function belowPrefix(folder: string, inside: Fs, outside: Fs): Fs {
  const at = on(folder, inside, outside);
  const up = (path: string): string => (folder === '/' ? path : `${folder}${path}`);
  return {
    read: (path, bytesMax) => at(path, (fs, one) => fs.read(one, bytesMax)),
    write: (path, content, mode) => at(path, (fs, one) => fs.write(one, content, mode)),
    mkdir: (path, mode) => at(path, (fs, one) => fs.mkdir(one, mode)),
    symlink: (target, path) => at(path, (fs, one) => fs.symlink(target, one)),
    readlink: (path) => at(path, (fs, one) => fs.readlink(one)),
    stat: (path) => at(path, (fs, one) => fs.stat(one)),
    statThrough: (path) => at(path, (fs, one) => fs.statThrough(one)),
    list: (path) => at(path, (fs, one) => fs.list(one)),
    rename: (from, to) =>
      at(from, (fs, source) =>
        at(to, (other, one) => {
          if (fs !== other) throw new FsError('EXDEV', one, 'rename');
          fs.rename(source, one);
        }),
      ),
    unlink: (path) => at(path, (fs, one) => fs.unlink(one)),
    rmdir: (path) => at(path, (fs, one) => fs.rmdir(one)),
    remove: (path) => at(path, (fs, one) => fs.remove(one)),
    chmod: (path, mode) => at(path, (fs, one) => fs.chmod(one, mode)),
    lchown: (path, owner) => at(path, (fs, one) => fs.lchown(one, owner)),
    fileSystem: (path) => at(path, (fs, one) => fs.fileSystem(one)),
    realpath: (path) =>
      at(path, (fs, one) => (fs === inside ? up(fs.realpath(one)) : fs.realpath(one))),
  };
}

/** Picks the side of a path; what goes wrong is told by the path that was asked for. */
function on(folder: string, inside: Fs, outside: Fs) {
  return <T>(path: string, work: (fs: Fs, path: string) => T): T => {
    if (!isWithin(path, folder)) return work(outside, path);
    try {
      return work(inside, folder === '/' ? path : path.slice(folder.length) || '/');
    } catch (error) {
      throw error instanceof FsError ? new FsError(error.errno, path, 'open') : error;
    }
  };
}
