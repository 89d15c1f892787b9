// A fresh root file system for each container, as the recorder's image and a container runtime
// make it: an overlay over one shared image, in a mount namespace that takes it away again.
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { compileStatic, openFolder } from '../support/workshop.ts';
import { GOLDEN } from './vectors.ts';

// What `bellhop run` needs that no image has; never compared.
const HARNESS = { dist: '/bellhop', input: '/bellhop-input' } as const;
const SHM_BYTES = 64 * 1024 * 1024; // containerd's size of /dev/shm
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
// The probe answers to the names that real manifests start.
const PROBE_NAMES = `probe bin/sh bin/bash bin/echo usr/bin/env usr/bin/java app/server
  app/entrypoint.sh usr/local/bin/python usr/local/bin/python3 usr/local/bin/node
  usr/local/bin/pyflyte-execute usr/local/bin/pyflyte-fast-execute usr/local/bin/torchrun
  usr/local/bin/docker-entrypoint.sh`.split(/\s+/);
const PLATFORM_FILES: Record<string, string> = {
  'etc/hosts': '127.0.0.1\tlocalhost\n',
  'etc/hostname': 'localhost\n',
  'etc/resolv.conf': 'nameserver 127.0.0.1\n',
};
const IMAGE_FILES: Record<string, string> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001:app:/home/app:/bin/sh\n' +
    'nobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\napp:x:1001:\nextra:x:3001:app\nnogroup:x:65534:\n',
  'data/image-file': 'from the image\n',
};
const FOLDERS = `bin etc root tmp proc sys dev app srv data home/app usr/bin usr/local/bin usr/lib
  lib lib64 bellhop bellhop-input`.split(/\s+/);

/** The image that all containers share, and the folder that everything temporary lies in. */
export interface Base {
  dir: string;
  image: string;
  /** A program that starts another one to which a system call is denied (deny.c). */
  deny: string;
}

function write(root: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text);
}

/** Builds probe and image in a new temporary folder; `removeBase` takes it away. */
export function buildBase(): Base {
  const before = process.umask(0o022);
  try {
    const dir = openFolder('kubelet');
    const image = path.join(dir, 'image');
    for (const folder of FOLDERS) mkdirSync(path.join(image, folder), { recursive: true });
    chmodSync(path.join(image, 'root'), 0o700);
    chmodSync(path.join(image, 'tmp'), 0o1777);
    chownSync(path.join(image, 'home/app'), 1001, 1001);
    write(image, { ...IMAGE_FILES, ...PLATFORM_FILES });
    compileStatic(path.join(GOLDEN, 'probe.c'), path.join(dir, 'probe'));
    const deny = path.join(dir, 'deny');
    compileStatic(path.join(import.meta.dirname, 'deny.c'), deny);
    const first = path.join(image, 'probe');
    copyFileSync(path.join(dir, 'probe'), first);
    chmodSync(first, 0o755);
    for (const name of PROBE_NAMES.slice(1)) linkSync(first, path.join(image, name));
    return { dir, image, deny };
  } finally {
    process.umask(before);
  }
}

/** Removes the image, if there is one, and all that is left of the runs. */
export function removeBase(base: Base | undefined): void {
  if (base !== undefined) rmSync(base.dir, { recursive: true, force: true });
}

/** Whether the image has something at this path that a mount would hide. */
export function hasContent(base: Base, at: string): boolean {
  const real = path.join(base.image, at);
  if (!existsSync(real)) return false;
  return !statSync(real).isDirectory() || readdirSync(real).length > 0;
}

/** Mounts that only the harness makes, left out of what the probe lists. */
export function harnessMounts(): string[] {
  return [HARNESS.dist, HARNESS.input, ...libraryFolders()];
}

/** The files of one run: what the container may read, and what came out of it. */
export interface RunFolder {
  dir: string;
  root: string;
  deny: string;
}

/** What else lies in the root of a run. */
export interface Layout {
  /** The folder with the executables. */
  dist?: string;
  /** Nothing but the image: what a container runtime mounts is left to bellhop. */
  isBare?: boolean;
}

function libraryFolders(): string[] {
  const merged = realpathSync('/lib') === realpathSync('/usr/lib');
  return (merged ? ['/lib', '/lib64'] : ['/lib', '/lib64', '/usr/lib']).filter((l) =>
    existsSync(l),
  );
}

function fstab(base: Base, folder: RunFolder, { dist, isBare }: Layout): string {
  const at = (inside: string): string => path.join(folder.root, inside);
  const upper = `upperdir=${folder.dir}/ns/upper,workdir=${folder.dir}/ns/work`;
  const image = ['overlay', folder.root, 'overlay', `lowerdir=${base.image},${upper}`];
  const input = [`${folder.dir}/input`, at(HARNESS.input), 'none', 'bind,ro'];
  const runtime = [
    ['proc', at('/proc'), 'proc', 'nosuid,nodev,noexec'],
    [`${folder.dir}/dev`, at('/dev'), 'none', 'bind'],
    ...DEVICES.map((name) => [`/dev/${name}`, at(`/dev/${name}`), 'none', 'bind']),
    ['shm', at('/dev/shm'), 'tmpfs', `nosuid,nodev,noexec,mode=1777,size=${SHM_BYTES}`],
    ['/dev/pts', at('/dev/pts'), 'none', 'bind'],
    ...libraryFolders().map((lib) => [realpathSync(lib), at(lib), 'none', 'bind,ro']),
  ];
  const rows = [image, ...(isBare === true ? [] : runtime), input];
  if (dist !== undefined) rows.push([realpathSync(dist), at(HARNESS.dist), 'none', 'bind,ro']);
  return `${rows.map((row) => `${row.join(' ')} 0 0`).join('\n')}\n`;
}

/** What a run finds below /bellhop-input, by file name. */
export type Input = Record<string, string>;

/** Lays out one run below the base. */
export function layOutRun(base: Base, input: Input, layout: Layout): RunFolder {
  const before = process.umask(0o022);
  try {
    const dir = mkdtempSync(path.join(base.dir, 'run-'));
    for (const name of ['dev/shm', 'dev/pts', 'input', 'ns']) {
      mkdirSync(path.join(dir, name), { recursive: true });
    }
    for (const name of DEVICES) writeFileSync(path.join(dir, 'dev', name), '');
    writeFileSync(path.join(dir, 'dev/termination-log'), '');
    chmodSync(path.join(dir, 'dev/termination-log'), 0o666);
    write(path.join(dir, 'input'), input);
    const folder = { dir, root: path.join(dir, 'ns/root'), deny: base.deny };
    writeFileSync(path.join(dir, 'fstab'), fstab(base, folder, layout));
    return folder;
  } finally {
    process.umask(before);
  }
}
