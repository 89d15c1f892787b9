import { BellhopError } from '../core/errors.ts';
import { MS } from '../core/io/types.ts';
import { rootMode } from '../plan/volume-tree.ts';
import { checkKind, checksOf, mustBeThere } from './check-mounts.ts';
import { checkAll } from './check-paths.ts';
import type { Delivery, Directory, Landing, PlainFile } from './delivery.ts';
import { dataFolder, makeDisk } from './disk.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, dress, makeFolder, makeParents, own, redress } from './hands.ts';
import { taken, toldAs, unmount } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { asideOf, placesOf, record, show } from './ledger.ts';
import type { Written } from './manifest.ts';
import { isMarked, markOf, noteOf } from './manifest.ts';
import { makeNested, nestedFolders } from './nested.ts';
import type { State } from './state.ts';
import { isBelow } from './state.ts';
import { insidePath, showVersion, writeVersion } from './tree-writer.ts';

// Delivery with the right to mount: every volume is made aside, whole; then each of its places is
// one bind mount. A mount hides what the image has there, as on Kubernetes.

/** Mounting is not allowed after all; nothing was changed that rollback does not undo. */
export class MountDenied extends Error {}

interface Work extends Ledger {
  /** Folder or file that is to be bound, for each place. */
  readonly bindings: Binding[];
}

/** A volume, and whether it gets a memory file system of its own. */
interface Staged {
  readonly directory: Directory;
  readonly isMemory: boolean;
  /** Folders in its root that other volumes are mounted on. */
  readonly nested: readonly string[];
}

interface Binding {
  readonly source: string;
  readonly path: string;
  /** The memory emptyDir that a later start may take over. */
  readonly volume?: string;
  readonly readOnly: boolean;
  /** True for a volume, which the container runtime mounts where there is a place for it. */
  readonly isVolume?: true;
}

/** Delivers everything; throws with everything undone by the caller's rollback. */
export function deliverByMounts(hands: Hands, state: State, delivery: Delivery): Ledger {
  const work: Work = { hands, state, written: [], bindings: [] };
  const base = `${state.folder}/${state.id}`;
  const onDisk = delivery.files.filter((one) => one.placement.medium === 'disk');
  checkAll(checksOf(work, delivery));
  const disk = makeDisk(work, delivery);
  makeFolder(hands, base, 0o700);
  const isMemory = (one: Directory): boolean => disk === '' || one.placement.medium === 'memory';
  const stages = delivery.directories.map((directory, index) => {
    if (isMemory(directory)) return `${base}/${index}`;
    return directory.tree === undefined ? dataFolder(disk, directory) : `${disk}/${index}`;
  });
  delivery.directories.forEach((directory, index) => {
    const nested = directory.tree === undefined ? [] : nestedFolders(delivery, directory);
    const staged = { directory, isMemory: isMemory(directory), nested };
    stageVolume(work, staged, stages[index] ?? '');
  });
  stageFiles(work, delivery, base);
  state.before.release(stages);
  record(
    work,
    ...placesOf(hands, state.covers),
    ...onDisk.map((one) => asideOf(work, one.placement.path)),
  );
  for (const file of onDisk) placeFile(work, file);
  const ordered = work.bindings.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  record(work, ...ordered.map((one) => mountNote(hands, one)));
  for (const binding of ordered) {
    if (binding.isVolume === true) mustBeThere(hands, binding.path, ordered);
    bind(work, binding);
  }
  for (const { path, readOnly } of ordered) if (readOnly) makeReadOnly(work, path);
  releaseStages(work, delivery, { base, stages });
  return work;
}

/** A bind mount shows the source itself, so that it is known before it is there. */
function mountNote(hands: Hands, { source, path, volume }: Binding): Written {
  const named = volume === undefined ? {} : { volume };
  return { path, kind: 'mount', ...markOf(toldAs(path, () => hands.fs.stat(source))), ...named };
}

function stageVolume(work: Work, volume: Staged, stage: string): void {
  const { hands } = work;
  const { directory, isMemory, nested } = volume;
  const { placement, tree, landings } = directory;
  const isMade = openStage(work, volume, stage);
  if (tree !== undefined) {
    makeNested(hands, stage, { folders: nested, fsGroup: placement.fsGroup });
    writeVersion(hands, `${stage}/${tree.version}`, tree);
    showVersion(hands, stage, tree);
  }
  const { medium, fsGroup } = placement;
  const rules = {
    medium,
    readOnly: tree !== undefined,
    ...(fsGroup === undefined ? {} : { fsGroup }),
  };
  const look = { uid: 0, gid: fsGroup ?? 0, mode: rootMode(rules) };
  const finish = (path: string): void => dress(hands, path, look);
  const finishAgain = (path: string): void => redress(hands, path, look);
  for (const landing of landings) {
    const part = { work, directory, stage, finish, finishAgain };
    const source = toldAs(landing.path, () => partOf(part, landing));
    const isData = tree === undefined && landing.subPath === '' && !landing.readOnly;
    const named = isData && isMemory ? { volume: placement.volume } : {};
    const { path, readOnly } = landing;
    work.bindings.push({ source, path, readOnly, isVolume: true, ...named });
  }
  if (isMade) finish(stage);
  else finishAgain(stage);
}

/** Makes the volume's folder, or takes the one that an earlier start has left; true if made. */
function openStage(work: Work, { directory, isMemory }: Staged, stage: string): boolean {
  const { placement, tree, landings } = directory;
  const { hands, state } = work;
  if (tree === undefined && !isMemory) {
    const isMade = hands.fs.stat(stage) === undefined;
    if (isMade) {
      record(work, { path: stage, kind: 'place', device: 0, inode: 0 });
      makeFolder(hands, stage, 0o700);
    }
    record(work, noteOf(hands, stage, 'data'));
    return isMade;
  }
  makeFolder(hands, stage, 0o700);
  if (!isMemory) return true;
  const isHere = (one: Written): boolean => isMarked(hands.fs.statThrough(one.path), one);
  const earlier = state.before.written.find((one) => {
    if (one.kind !== 'mount' || one.volume !== placement.volume || tree !== undefined) return false;
    return landings.some((each) => each.path === one.path) && isHere(one);
  });
  if (earlier === undefined) {
    mountMemory(work, stage, placement.sizeBytesMax);
    return true;
  }
  bindAt(hands, earlier.path, stage);
  return false;
}

function bindAt(hands: Hands, source: string, target: string): void {
  const request = { source, target, type: '', flags: MS.bind, data: '' };
  checkMount(hands.io.kernel.mount(request), target);
  hands.undo.push(() => unmount(hands, target));
}

interface Part {
  readonly work: Work;
  readonly directory: Directory;
  readonly stage: string;
  readonly finish: (path: string) => void;
  /** For what an earlier start has left. */
  readonly finishAgain: (path: string) => void;
}

/** What a landing shows: the whole volume, a part of it, or an empty folder where nothing is. */
function partOf(part: Part, { subPath }: Landing): string {
  const { work, directory, stage, finish, finishAgain } = part;
  const { tree } = directory;
  if (subPath === '') return stage;
  const entry = tree === undefined ? undefined : insidePath(tree, subPath);
  if (tree !== undefined && entry !== undefined) {
    return `${stage}/${tree.version}${entry.path === '' ? '' : `/${entry.path}`}`;
  }
  const steps = subPath.split('/');
  steps.forEach((_, index) => {
    const path = `${stage}/${steps.slice(0, index + 1).join('/')}`;
    const isThere = work.hands.fs.stat(path) !== undefined;
    const { written } = work.state.before;
    const isOurs = written.some((one) => one.path === path && one.kind === 'place');
    if (isThere && !isOurs) return;
    if (directory.placement.medium === 'disk')
      record(work, { path, kind: 'place', device: 0, inode: 0 });
    if (isThere) {
      finishAgain(path);
      return;
    }
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

function stageFiles(work: Work, { files, owner }: Delivery, base: string): void {
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
      if (owner !== undefined) own(hands, staged, owner);
      work.bindings.push({ source: staged, path, readOnly: true });
    }
  });
}

function placeFile(work: Work, { placement, content }: PlainFile): void {
  const { hands } = work;
  const { path, mode } = placement;
  const isThere = hands.fs.stat(path) !== undefined;
  if (isThere && placement.keep === true) return;
  if (isThere) throw taken(path, 'is there already', ELSEWHERE);
  makeParents(hands, path);
  const aside = asideOf(work, path).path;
  hands.fs.write(aside, content.reveal(), mode);
  hands.undo.push(() => hands.fs.unlink(aside));
  show(work, path, false);
}

function bind({ hands }: Work, { source, path }: Binding): void {
  makeParents(hands, path);
  const isFolder = toldAs(path, () => hands.fs.stat(source))?.kind !== 'file';
  const there = checkKind(hands, path, isFolder);
  if (there === undefined && isFolder) makeFolder(hands, path, 0o755);
  else if (there === undefined) {
    hands.fs.write(path, new Uint8Array(), 0o644);
    hands.undo.push(() => hands.fs.unlink(path));
  }
  bindAt(hands, source, path);
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
function releaseStages(
  { hands }: Work,
  delivery: Delivery,
  { base, stages }: { readonly base: string; readonly stages: readonly string[] },
): void {
  const staged = stages.filter((one) => isBelow(one, base));
  if (delivery.files.some((one) => one.placement.medium === 'memory')) staged.push(`${base}/files`);
  for (const path of staged) {
    checkMount(hands.io.kernel.unmount(path, { detach: true }), path);
    hands.fs.rmdir(path);
  }
  hands.fs.rmdir(base);
}

/** Makes a container's root read-only, by its first process or in its own mounts: no machine's. */
export function makeRootReadOnly(hands: Hands): void {
  const request = { source: '', target: '/', type: '', data: '' };
  const flags = MS.remount | MS.bind | MS.readOnly;
  const { mounts } = hands.place;
  const isContainer = mounts === 'own' || (mounts === 'shared' && hands.io.kernel.pid === 1);
  const errno = isContainer ? hands.io.kernel.mount({ ...request, flags }) : 'EPERM';
  if (errno !== undefined) hands.differences.add('the root file system can be written');
}
