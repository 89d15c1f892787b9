import fs from 'node:fs';
import type { FileKind, FileStat, MachineFs } from './types.ts';
import { FsError } from './types.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** The real file system. */
export const FILES: MachineFs = {
  read: (path, bytesMax) =>
    attempt('read', path, () => {
      return readBounded(path, { flags: O_RDONLY | O_NONBLOCK, bytesMax, pipe: false });
    }),
  readWaiting: (path, bytesMax) =>
    attempt('read', path, () => readBounded(path, { flags: O_RDONLY, bytesMax, pipe: true })),
  write: (path, content, mode) =>
    attempt('write', path, () => {
      // O_EXCL: never into a file or through a link that somebody put there.
      const descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      orTakeBack(
        () => fillAndClose(descriptor, content, mode),
        () => fs.unlinkSync(path),
      );
    }),
  overwrite: (path, content) =>
    attempt('write', path, () => fs.writeFileSync(path, content, { mode: 0o644 })),
  mkdir: (path, mode) =>
    attempt('mkdir', path, () => {
      fs.mkdirSync(path, 0o700);
      orTakeBack(
        () => fs.chmodSync(path, mode),
        () => fs.rmdirSync(path),
      );
    }),
  symlink: (target, path) => attempt('symlink', path, () => fs.symlinkSync(target, path)),
  readlink: (path) => attempt('readlink', path, () => fs.readlinkSync(path)),
  stat: (path) =>
    attempt('lstat', path, () => statOf(() => fs.lstatSync(path, { throwIfNoEntry: false }))),
  statThrough: (path) =>
    attempt('stat', path, () => statOf(() => fs.statSync(path, { throwIfNoEntry: false }))),
  list: (path) => attempt('readdir', path, () => fs.readdirSync(path)),
  rename: (from, to) => attempt('rename', to, () => fs.renameSync(from, to)),
  unlink: (path) => attempt('unlink', path, () => fs.unlinkSync(path)),
  rmdir: (path) => attempt('rmdir', path, () => fs.rmdirSync(path)),
  remove: (path) => attempt('remove', path, () => removeBytes(Buffer.from(path))),
  chmod: (path, mode) => attempt('chmod', path, () => fs.chmodSync(path, mode)),
  lchown: (path, { uid, gid }) => attempt('chown', path, () => fs.lchownSync(path, uid, gid)),
  fileSystem: (path) =>
    attempt('statfs', path, () => {
      const { type, bavail, bsize } = fs.statfsSync(path);
      return { magic: type, freeBytes: bavail * bsize };
    }),
  realpath: (path) => attempt('realpath', path, () => fs.realpathSync(path)),
};

/** What the file system says, as FsError. */
export function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FsError) throw error;
    const { code } = error as { code?: unknown };
    throw new FsError(typeof code === 'string' ? code : 'EIO', path, operation);
  }
}

/** A step that failed half-way leaves nothing: no file without its content or its mode. */
function orTakeBack(work: () => void, takeBack: () => void): void {
  try {
    work();
  } catch (error) {
    try {
      takeBack();
    } catch {
      // The first failure is the one to tell.
    }
    throw error;
  }
}

function fillAndClose(descriptor: number, content: Uint8Array, mode: number): void {
  try {
    for (let at = 0; at < content.byteLength; ) at += fs.writeSync(descriptor, content, at);
    // The umask plays no part in what fchmod sets.
    fs.fchmodSync(descriptor, mode);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** By bytes: a program may give its files names that are not UTF-8. */
function removeBytes(path: Buffer): void {
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory()) {
    fs.unlinkSync(path);
    return;
  }
  for (const name of fs.readdirSync(path, { encoding: 'buffer' })) {
    removeBytes(Buffer.concat([path, SLASH, name]));
  }
  fs.rmdirSync(path);
}

const SLASH = Buffer.from('/');

interface Reading {
  readonly flags: number;
  readonly bytesMax: number;
  readonly pipe: boolean;
}

function readBounded(path: string, { flags, bytesMax, pipe }: Reading): Uint8Array {
  const descriptor = fs.openSync(path, flags);
  try {
    // What somebody may write some day would be waited for, whatever the budget.
    if (!pipe && fs.fstatSync(descriptor).isFIFO()) throw new FsError('a pipe', path, 'read');
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

function statOf(look: () => fs.Stats | undefined): FileStat | undefined {
  const stats = orNothing(look);
  if (stats === undefined) return undefined;
  const { mode, uid, gid, size, ino: inode, dev: device, birthtimeMs: bornMs } = stats;
  const kind = kindOf(stats);
  const special = kind === 'other' ? { special: specialOf(stats) } : {};
  return { kind, ...special, mode: mode & 0o7777, uid, gid, size, inode, device, bornMs };
}

function specialOf(stats: fs.Stats): string {
  if (stats.isFIFO()) return 'pipe';
  if (stats.isSocket()) return 'socket';
  const kind = stats.isBlockDevice() ? 'block' : 'character';
  return `${kind} device ${deviceNumbers(BigInt(stats.rdev))}`;
}

/** Linux: major and minor as the C library puts them together (bits/sysmacros.h of glibc 2.36). */
function deviceNumbers(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** Bun throws where a part of the path is a file; nothing is there either. */
function orNothing(look: () => fs.Stats | undefined): fs.Stats | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function kindOf(stats: fs.Stats): FileKind {
  if (stats.isDirectory()) return 'dir';
  if (stats.isFile()) return 'file';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
