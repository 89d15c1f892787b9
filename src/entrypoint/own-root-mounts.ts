import type { Fs, Io } from '../core/io/types.ts';
import { FsError, MS } from '../core/io/types.ts';
import { isInMemory } from './state.ts';

// What a container runtime puts into every root and no image has: /proc, /sys, /dev, and the
// machine's names. Given where it is lacking, in the namespace that ends with the program. Where it
// cannot be given the program may do without: delivery says what it needs itself.

interface Bare {
  readonly io: Io;
  /** The files of the folder, with what is mounted there. */
  readonly fs: Fs;
  /** The folder as the process that mounts sees it: it has not entered it yet. */
  readonly folder: string;
}

/** containerd's: oci/mounts.go, v1.6. */
const SHM = 'mode=1777,size=65536k';
const DEV = 'mode=755,size=65536k';
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const LINKS = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};
const NAMES = ['/etc/resolv.conf', '/etc/hosts', '/etc/hostname'];

/** Mounts what is not there already. */
export function givePlatform(bare: Bare): void {
  const { fs } = bare;
  if (fs.stat('/proc/self') === undefined) bindFolder(bare, '/proc');
  if (isEmpty(fs, '/sys')) bindFolder(bare, '/sys');
  giveDev(bare);
  for (const path of NAMES) {
    const there = fs.stat(path);
    if (there?.kind === 'file' && there.size === 0) bind(bare, path);
  }
}

function giveDev(bare: Bare): void {
  const { fs } = bare;
  if (fs.stat('/dev/null')?.kind !== 'other' && hasFolder(bare, '/dev')) giveDevices(bare);
  else if (fs.stat('/dev/shm')?.kind === 'dir' && !isInMemory(bare, '/dev/shm')) giveShm(bare);
}

function isEmpty(fs: Fs, path: string): boolean {
  const there = fs.stat(path);
  return there === undefined || (there.kind === 'dir' && fs.list(path).length === 0);
}

/** Makes it where nothing is; it stays, as those that container runtimes make. */
function hasFolder({ fs }: Bare, path: string): boolean {
  const there = fs.stat(path);
  if (there !== undefined) return there.kind === 'dir';
  try {
    fs.mkdir(path, 0o755);
    return true;
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}

function bindFolder(bare: Bare, path: string): void {
  if (hasFolder(bare, path)) bind(bare, path);
}

/** True where it worked. What is below comes along: less than all may not be had by everybody. */
function bind({ io, folder }: Bare, path: string): boolean {
  const flags = MS.bind | MS.recursive;
  const request = { source: path, target: `${folder}${path}`, type: '', flags, data: '' };
  return io.kernel.mount(request) === undefined;
}

function mountMemory(
  { io, folder }: Bare,
  path: string,
  options: { readonly flags: number; readonly data: string },
): boolean {
  const request = { source: 'tmpfs', target: `${folder}${path}`, type: 'tmpfs', ...options };
  return io.kernel.mount(request) === undefined;
}

function giveDevices(bare: Bare): void {
  const { fs } = bare;
  if (!mountMemory(bare, '/dev', { flags: MS.noSuid, data: DEV })) return;
  for (const name of DEVICES) {
    fs.write(`/dev/${name}`, new Uint8Array(), 0o666);
    bind(bare, `/dev/${name}`);
  }
  for (const [name, target] of Object.entries(LINKS)) fs.symlink(target, `/dev/${name}`);
  fs.mkdir('/dev/pts', 0o755);
  bind(bare, '/dev/pts');
  fs.mkdir('/dev/shm', 0o1777);
  giveShm(bare);
}

function giveShm(bare: Bare): void {
  mountMemory(bare, '/dev/shm', { flags: MS.noSuid | MS.noDev | MS.noExec, data: SHM });
}
