/**
 * The files of a folder as a program sees them whose root it is: absolute links and `..` stay
 * inside, whoever makes them and whenever. Each step of a path is opened by itself and never
 * through a link, as openat2 does with RESOLVE_IN_ROOT, but on every kernel; then the descriptor,
 * not the path, is worked on, so that an exchange in between leads nowhere.
 */
import fs from 'node:fs';
import { FILES, attempt } from './files.ts';
import type { FileStat, Fs, IdMap } from './types.ts';
import { FsError } from './types.ts';

const O_PATH = 0o10000000; // Linux uapi/asm-generic/fcntl.h; the same for both machines
const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** As the kernel: MAXSYMLINKS. */
const LINKS_MAX = 40;
/** What the kernel shows for users that a namespace has not: /proc/sys/kernel/overflowuid. */
const NOBODY = 65_534;

/** An entry by the folder that it is in, which stays open while it is worked on. */
interface Place {
  /** The entry by the descriptor of its folder. */
  readonly at: string;
  /** The path inside without any link, '/' for the root. */
  readonly inside: string;
}

/** Opens the folder, which is followed as it is written; its files are opened one by one. */
export function rootedFiles(folder: string, ids?: IdMap): Fs {
  const root = attempt('open', folder, () => fs.openSync(folder, O_PATH | O_DIRECTORY));
  const nofollow: At = (path, work) => withPlace(root, { path, follow: false }, work);
  const through: At = (path, work) => withPlace(root, { path, follow: true }, work);
  const look = (at: string): FileStat | undefined => seen(FILES.stat(at), ids);
  return {
    ...entries(nofollow, through),
    write: (path, content, mode) => nofollow(path, ({ at }) => FILES.write(at, content, mode)),
    stat: (path) => orNothing(() => nofollow(path, ({ at }) => look(at))),
    statThrough: (path) => orNothing(() => through(path, ({ at }) => look(at))),
    lchown: (path, owner) => {
      const own = ids === undefined ? owner : outsideOwner(path, owner, ids);
      nofollow(path, ({ at }) => FILES.lchown(at, own));
    },
    rename: (from, to) =>
      nofollow(from, (source) => nofollow(to, ({ at }) => FILES.rename(source.at, at))),
  };
}

type At = <T>(path: string, work: (place: Place) => T) => T;
type Plain = Omit<Fs, 'write' | 'stat' | 'statThrough' | 'lchown' | 'rename'>;

function entries(nofollow: At, through: At): Plain {
  return {
    read: (path, bytesMax) =>
      through(path, ({ at }) => withEntry(at, 0, (one) => FILES.read(one, bytesMax))),
    mkdir: (path, mode) => nofollow(path, ({ at }) => makeFolder(at, mode)),
    symlink: (target, path) => nofollow(path, ({ at }) => FILES.symlink(target, at)),
    readlink: (path) => nofollow(path, ({ at }) => FILES.readlink(at)),
    list: (path) => through(path, ({ at }) => withEntry(at, O_DIRECTORY, (one) => FILES.list(one))),
    unlink: (path) => nofollow(path, ({ at }) => FILES.unlink(at)),
    rmdir: (path) => nofollow(path, ({ at }) => FILES.rmdir(at)),
    remove: (path) => nofollow(path, ({ at }) => removeAll(Buffer.from(at))),
    chmod: (path, mode) =>
      through(path, ({ at }) => withEntry(at, 0, (one) => FILES.chmod(one, mode))),
    fileSystem: (path) =>
      through(path, ({ at }) => withEntry(at, 0, (one) => FILES.fileSystem(one))),
    realpath: (path) =>
      through(path, ({ at, inside }) => {
        if (FILES.stat(at) === undefined) throw new FsError('ENOENT', path, 'realpath');
        return inside;
      }),
  };
}

/** What goes wrong is told by the path inside: that of a descriptor says nothing to anybody. */
function withPlace<T>(
  root: number,
  { path, follow }: { readonly path: string; readonly follow: boolean },
  work: (place: Place) => T,
): T {
  const walk: Walk = { open: [], names: [], links: 0, root };
  try {
    return work(walkTo(walk, path, follow));
  } catch (error) {
    const errno = error instanceof FsError ? error.errno : undefined;
    throw errno === undefined ? error : new FsError(errno, path, 'open');
  } finally {
    for (const descriptor of walk.open) fs.closeSync(descriptor);
  }
}

interface Walk {
  readonly root: number;
  /** Descriptors of the folders below the root, one for each name. */
  readonly open: number[];
  readonly names: string[];
  links: number;
}

function walkTo(walk: Walk, path: string, follow: boolean): Place {
  const steps = path.split('/').filter((step) => step !== '' && step !== '.');
  let last: string | undefined;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    const at = `${folderOf(walk)}/${step}`;
    if (step === '..') {
      goUp(walk);
      continue;
    }
    const isLast = steps.length === 0;
    const isLink = (!isLast || follow) && FILES.stat(at)?.kind === 'link';
    if (isLink) steps.unshift(...linkSteps(walk, at));
    else if (isLast) last = step;
    else {
      walk.open.push(attempt('open', at, () => fs.openSync(at, FOLDER)));
      walk.names.push(step);
    }
  }
  const names = last === undefined ? walk.names : [...walk.names, last];
  return { at: `${folderOf(walk)}/${last ?? '.'}`, inside: `/${names.join('/')}` };
}

const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW;

function folderOf({ open, root }: Walk): string {
  return `/proc/self/fd/${open.at(-1) ?? root}`;
}

/** The root's parent is the root. */
function goUp({ open, names }: Walk): void {
  const descriptor = open.pop();
  names.pop();
  if (descriptor !== undefined) fs.closeSync(descriptor);
}

function linkSteps(walk: Walk, at: string): string[] {
  if (++walk.links > LINKS_MAX) throw new FsError('ELOOP', at, 'open');
  const target = FILES.readlink(at);
  if (target.startsWith('/')) while (walk.open.length > 0) goUp(walk);
  return target.split('/').filter((step) => step !== '' && step !== '.');
}

/** The entry by a descriptor of its own: a link is none that is followed. */
function withEntry<T>(at: string, flags: number, work: (entry: string) => T): T {
  const entry = attempt('open', at, () => fs.openSync(at, O_PATH | O_NOFOLLOW | flags));
  try {
    return work(`/proc/self/fd/${entry}`);
  } finally {
    fs.closeSync(entry);
  }
}

function makeFolder(at: string, mode: number): void {
  attempt('mkdir', at, () => fs.mkdirSync(at, 0o700));
  try {
    withEntry(at, O_DIRECTORY, (entry) => FILES.chmod(entry, mode));
  } catch (error) {
    FILES.rmdir(at);
    throw error;
  }
}

const SLASH = Buffer.from('/');

/** By bytes, as a program may give its files names that are not UTF-8, and by descriptors. */
function removeAll(at: Buffer): void {
  const path = at.toString();
  const there = attempt('lstat', path, () => fs.lstatSync(at, { throwIfNoEntry: false }));
  if (there === undefined) return;
  attempt('remove', path, () => {
    if (!there.isDirectory()) {
      fs.unlinkSync(at);
      return;
    }
    const folder = fs.openSync(at, FOLDER);
    try {
      const own = Buffer.from(`/proc/self/fd/${folder}`);
      for (const name of fs.readdirSync(own, { encoding: 'buffer' })) {
        removeAll(Buffer.concat([own, SLASH, name]));
      }
    } finally {
      fs.closeSync(folder);
    }
    fs.rmdirSync(at);
  });
}

/** A file in the place of a folder, or a folder that is not there: nothing is there either. */
function orNothing(look: () => FileStat | undefined): FileStat | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof FsError && ['ENOENT', 'ENOTDIR'].includes(error.errno)) return undefined;
    throw error;
  }
}

function seen(there: FileStat | undefined, ids: IdMap | undefined): FileStat | undefined {
  if (there === undefined || ids === undefined) return there;
  const { inside, outside } = ids;
  const uid = there.uid === outside.uid ? inside.uid : NOBODY;
  return { ...there, uid, gid: there.gid === outside.gid ? inside.gid : NOBODY };
}

type Owner = Parameters<Fs['lchown']>[1];

function outsideOwner(path: string, { uid, gid }: Owner, { inside, outside }: IdMap): Owner {
  const known = [inside.uid, -1].includes(uid) && [inside.gid, -1].includes(gid);
  if (!known) throw new FsError('EPERM', path, 'chown');
  return { uid: uid === -1 ? -1 : outside.uid, gid: gid === -1 ? -1 : outside.gid };
}
