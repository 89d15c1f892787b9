import { BellhopError } from '../core/errors.ts';
import { MS } from '../core/io/types.ts';
import { rootMode } from '../plan/volume-tree.ts';
import type { Delivery, Directory, Landing, PlainFile } from './delivery.ts';
import type { Hands } from './hands.ts';
import { dress, makeFolder, makeParents, standing, taken, toldAs, unmount } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { asideOf, placesOf, record, show } from './ledger.ts';
import type { Written } from './manifest.ts';
import { markOf } from './manifest.ts';
import type { State } from './state.ts';
import { isBelow, isInMemory, makeOwnFolder } from './state.ts';
import { insidePath, showVersion, writeVersion } from './tree-writer.ts';

// Delivery with the right to mount: every volume is made aside, whole; then each of its places is
// one bind mount. A mount hides what the image has there, as on Kubernetes.

/** Mounting is not allowed after all; nothing was changed that rollback does not undo. */
export class MountDenied extends Error {}

interface Work extends Ledger {
  /** Folder or file that is to be bound, for each place. */
  readonly bindings: Binding[];
}

interface Binding {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
}

/** Delivers everything; throws with everything undone by the caller's rollback. */
export function deliverByMounts(hands: Hands, state: State, delivery: Delivery): Ledger {
  const work: Work = { hands, state, written: [], bindings: [] };
  const base = `${state.folder}/${state.id}`;
  const disk = diskBase(work, delivery);
  const onDisk = delivery.files.filter((one) => one.placement.medium === 'disk');
  record(
    work,
    ...placesOf(hands, state.covers),
    ...onDisk.map((one) => asideOf(work, one.placement.path)),
    ...diskNotes(disk),
  );
  makeFolder(hands, base, 0o700);
  makeDiskFolder(hands, disk);
  delivery.directories.forEach((directory, index) => {
    const stage = directory.placement.medium === 'memory' ? `${base}/${index}` : `${disk}/${index}`;
    stageVolume(work, directory, stage);
  });
  stageFiles(work, delivery.files, base);
  const ordered = work.bindings.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  record(work, ...ordered.map((one) => mountNote(hands, one)));
  for (const binding of ordered) bind(work, binding);
  for (const { path, readOnly } of ordered) if (readOnly) makeReadOnly(work, path);
  releaseStages(work, delivery, base);
  return work;
}

/** A bind mount shows the source itself, so that it is known before it is there. */
function mountNote(hands: Hands, { source, path }: Binding): Written {
  return { path, kind: 'mount', ...markOf(toldAs(path, () => hands.fs.stat(source))) };
}

/** Where disk volumes lie: beside nothing of the user's, on a disk if there is one. */
function diskBase({ hands, state }: Work, delivery: Delivery): string {
  if (delivery.directories.every((one) => one.placement.medium !== 'disk')) return '';
  // Not below a mount of ours, which would hide it from the next one.
  const parents = ['/var/lib', '/var/tmp', '/tmp', '/'].filter((one) => {
    return !state.covers.some((path) => isBelow(one, path));
  });
  const usable = parents.filter((one) => hands.fs.statThrough(one)?.kind === 'dir');
  const parent = usable.find((one) => !isInMemory(hands, one)) ?? usable[0] ?? '/';
  const folder = `${parent === '/' ? '' : parent}/.bellhop-${hands.io.kernel.uid}`;
  const inside = state.covers.find((path) => isBelow(path, folder));
  if (inside !== undefined) throw taken(inside, `lies in ${folder}, which is bellhop's own`);
  return `${folder}/${state.id}`;
}

function diskNotes(disk: string): Written[] {
  if (disk === '') return [];
  const parent = disk.slice(0, disk.lastIndexOf('/'));
  return [
    { path: parent, kind: 'place', device: 0, inode: 0 },
    { path: disk, kind: 'aside', device: 0, inode: 0 },
  ];
}

function makeDiskFolder(hands: Hands, disk: string): void {
  if (disk === '') return;
  makeOwnFolder(hands, disk.slice(0, disk.lastIndexOf('/')));
  makeFolder(hands, disk, 0o711);
}

function stageVolume(work: Work, directory: Directory, stage: string): void {
  const { hands } = work;
  const { placement, tree, landings } = directory;
  makeFolder(hands, stage, 0o700);
  if (placement.medium === 'memory') mountMemory(work, stage, placement.sizeBytesMax);
  if (tree !== undefined) {
    writeVersion(hands, `${stage}/${tree.version}`, tree);
    showVersion(hands, stage, tree);
  }
  const { medium, fsGroup } = placement;
  const rules = {
    medium,
    readOnly: tree !== undefined,
    ...(fsGroup === undefined ? {} : { fsGroup }),
  };
  const finish = (path: string): void => {
    dress(hands, path, { uid: 0, gid: fsGroup ?? 0, mode: rootMode(rules) });
  };
  for (const landing of landings) {
    const part = { work, directory, stage, finish };
    const source = toldAs(landing.path, () => partOf(part, landing));
    work.bindings.push({ source, path: landing.path, readOnly: landing.readOnly });
  }
  finish(stage);
}

interface Part {
  readonly work: Work;
  readonly directory: Directory;
  readonly stage: string;
  readonly finish: (path: string) => void;
}

/** What a landing shows: the whole volume, a part of it, or an empty folder where nothing is. */
function partOf({ work, directory, stage, finish }: Part, { subPath }: Landing): string {
  const { tree } = directory;
  if (subPath === '') return stage;
  const entry = tree === undefined ? undefined : insidePath(tree, subPath);
  if (tree !== undefined && entry !== undefined) {
    return `${stage}/${tree.version}${entry.path === '' ? '' : `/${entry.path}`}`;
  }
  const steps = subPath.split('/');
  steps.forEach((_, index) => {
    const path = `${stage}/${steps.slice(0, index + 1).join('/')}`;
    if (work.hands.fs.stat(path) !== undefined) return;
    makeFolder(work.hands, path, 0o700);
    finish(path);
  });
  return `${stage}/${subPath}`;
}

/** A tmpfs as the kubelet makes it: not swappable where the kernel can (6.4 and later). */
function mountMemory({ hands }: Work, path: string, sizeBytes: number | undefined): void {
  const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
  const request = { source: 'tmpfs', target: path, type: 'tmpfs', flags: 0 };
  const first = hands.io.kernel.mount({ ...request, data: `mode=0700,noswap${size}` });
  const errno =
    first === 'EINVAL' ? hands.io.kernel.mount({ ...request, data: `mode=0700${size}` }) : first;
  checkMount(errno, path);
  hands.undo.push(() => unmount(hands, path));
}

const DENIED = new Set(['EPERM', 'EACCES', 'ENOSYS']);

function checkMount(errno: string | undefined, path: string): void {
  if (errno === undefined) return;
  if (DENIED.has(errno)) throw new MountDenied(errno);
  throw new BellhopError('BH_ERR_WRITE', { where: [path], what: `cannot be mounted (${errno})` });
}

function stageFiles(work: Work, files: readonly PlainFile[], base: string): void {
  const { hands } = work;
  const memory = files.filter((one) => one.placement.medium === 'memory');
  if (memory.length > 0) {
    makeFolder(hands, `${base}/files`, 0o700);
    mountMemory(work, `${base}/files`, undefined);
  }
  files.forEach(({ placement, content }, index) => {
    const { path, mode } = placement;
    if (placement.medium === 'memory') {
      const staged = `${base}/files/${index}`;
      hands.fs.write(staged, content.reveal(), mode);
      work.bindings.push({ source: staged, path, readOnly: true });
    } else if (hands.fs.stat(path) === undefined) {
      makeParents(hands, path);
      const aside = asideOf(work, path).path;
      hands.fs.write(aside, content.reveal(), mode);
      hands.undo.push(() => hands.fs.unlink(aside));
      show(work, path, false);
    } else if (placement.keep !== true) throw taken(path, 'is there already');
  });
}

function bind({ hands }: Work, { source, path }: Binding): void {
  makeParents(hands, path);
  const isFolder = toldAs(path, () => hands.fs.stat(source))?.kind !== 'file';
  const there = standing(hands.fs, path);
  if (there === undefined && isFolder) makeFolder(hands, path, 0o755);
  else if (there === undefined) {
    hands.fs.write(path, new Uint8Array(), 0o644);
    hands.undo.push(() => hands.fs.unlink(path));
  } else if ((there.kind === 'dir') !== isFolder) {
    const [is, wanted] = isFolder ? ['not a folder', 'folder'] : ['a folder', 'file'];
    throw taken(path, `is ${is}, a ${wanted} is to be mounted`);
  }
  const request = { source, target: path, type: '', flags: MS.bind, data: '' };
  checkMount(hands.io.kernel.mount(request), path);
  hands.undo.push(() => unmount(hands, path));
}

/** In a user namespace flags that the outside set may not be taken away, so they are repeated. */
function makeReadOnly({ hands }: Work, path: string): void {
  const { kernel } = hands.io;
  const locked = [0, MS.noSuid | MS.noDev, MS.noSuid | MS.noDev | MS.noExec];
  const request = { source: '', target: path, type: '', data: '' };
  let errno: string | undefined;
  for (const more of locked) {
    const flags = MS.remount | MS.bind | more;
    errno = kernel.mount({ ...request, flags: flags | MS.readOnly });
    if (errno === 'EPERM') continue;
    // What was made below it is taken away first.
    hands.undo.push(() => kernel.mount({ ...request, flags }));
    break;
  }
  checkMount(errno, path);
}

/** The bind mounts keep the volumes; the places where they were made are not needed any more. */
function releaseStages(work: Work, delivery: Delivery, base: string): void {
  const { hands } = work;
  const staged = delivery.directories.flatMap(({ placement }, index) =>
    placement.medium === 'memory' ? [`${base}/${index}`] : [],
  );
  if (delivery.files.some((one) => one.placement.medium === 'memory')) staged.push(`${base}/files`);
  for (const path of staged) {
    checkMount(hands.io.kernel.unmount(path, { detach: true }), path);
    hands.fs.rmdir(path);
  }
  hands.fs.rmdir(base);
}

/** Makes the container's root read-only: only as its first process, never on somebody's machine. */
export function makeRootReadOnly(hands: Hands): void {
  const request = { source: '', target: '/', type: '', data: '' };
  const flags = MS.remount | MS.bind | MS.readOnly;
  const isContainer = hands.io.kernel.pid === 1;
  const errno = isContainer ? hands.io.kernel.mount({ ...request, flags }) : 'EPERM';
  if (errno !== undefined) hands.differences.add('the root file system can be written');
}
