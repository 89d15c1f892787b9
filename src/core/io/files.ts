import fs from 'node:fs';
import type { FileKind, FileStat, Fs } from './types.ts';
import { FsError } from './types.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants;

/** The real file system. */
export const FILES: Fs = {
  read: (path, bytesMax) => attempt('read', path, () => readBounded(path, bytesMax)),
  write: (path, content, mode) =>
    attempt('write', path, () => {
      // O_EXCL: never into a file or through a link that somebody put there.
      const descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        for (let at = 0; at < content.byteLength; ) at += fs.writeSync(descriptor, content, at);
        // The umask plays no part in what fchmod sets.
        fs.fchmodSync(descriptor, mode);
      } finally {
        fs.closeSync(descriptor);
      }
    }),
  mkdir: (path, mode) =>
    attempt('mkdir', path, () => {
      fs.mkdirSync(path, 0o700);
      fs.chmodSync(path, mode);
    }),
  symlink: (target, path) => attempt('symlink', path, () => fs.symlinkSync(target, path)),
  readlink: (path) => attempt('readlink', path, () => fs.readlinkSync(path)),
  stat: (path) =>
    attempt('lstat', path, () => statOf(fs.lstatSync(path, { throwIfNoEntry: false }))),
  statThrough: (path) =>
    attempt('stat', path, () => statOf(fs.statSync(path, { throwIfNoEntry: false }))),
  list: (path) => attempt('readdir', path, () => fs.readdirSync(path)),
  rename: (from, to) => attempt('rename', to, () => fs.renameSync(from, to)),
  unlink: (path) => attempt('unlink', path, () => fs.unlinkSync(path)),
  rmdir: (path) => attempt('rmdir', path, () => fs.rmdirSync(path)),
  chmod: (path, mode) => attempt('chmod', path, () => fs.chmodSync(path, mode)),
  lchown: (path, { uid, gid }) => attempt('chown', path, () => fs.lchownSync(path, uid, gid)),
  fileSystem: (path) =>
    attempt('statfs', path, () => {
      const { type, bavail, bsize } = fs.statfsSync(path);
      return { magic: type, freeBytes: bavail * bsize };
    }),
  realpath: (path) => attempt('realpath', path, () => fs.realpathSync(path)),
};

function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FsError) throw error;
    const { code } = error as { code?: unknown };
    throw new FsError(typeof code === 'string' ? code : 'EIO', path, operation);
  }
}

function readBounded(path: string, bytesMax: number): Uint8Array {
  const descriptor = fs.openSync(path, O_RDONLY);
  try {
    return readDescriptor(descriptor, { path, bytesMax });
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Reads a descriptor to its end; EFBIG where there is more than `bytesMax`. */
export function readDescriptor(
  descriptor: number,
  limit: { readonly path: string; readonly bytesMax: number },
): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = fs.readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
    if (count === 0) return Buffer.concat(chunks, total);
    total += count;
    if (total > limit.bytesMax) throw new FsError('EFBIG', limit.path, 'read');
    chunks.push(chunk.subarray(0, count));
  }
}

const CHUNK_BYTES = 65_536;

function statOf(stats: fs.Stats | undefined): FileStat | undefined {
  if (stats === undefined) return undefined;
  const { mode, uid, gid, size, ino, dev } = stats;
  return { kind: kindOf(stats), mode: mode & 0o7777, uid, gid, size, inode: ino, device: dev };
}

function kindOf(stats: fs.Stats): FileKind {
  if (stats.isDirectory()) return 'dir';
  if (stats.isFile()) return 'file';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
