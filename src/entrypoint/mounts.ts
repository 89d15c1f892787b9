import { MS } from '../core/io/types.ts';
import { isWithin, stepsOf } from '../core/paths.ts';
import { rootMode } from '../plan/volume-tree.ts';
import { checkKind, checksOf, mustBeThere } from './check-mounts.ts';
import { checkAll } from './check-paths.ts';
import type { Delivery, Directory, Landing } from './delivery.ts';
import { dataFolder, makeDisk } from './disk.ts';
import type { Hands } from './hands.ts';
import { dress, makeFolder, makeParents, makeRuntimeFolder, redress, toldAs } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { asideOf, placesAgain, placesOf, record } from './ledger.ts';
import type { Written } from './manifest.ts';
import { isMarked, markOf, noteOf } from './manifest.ts';
import { bindAt, checkMount, makeReadOnly, mountMemory } from './mount-calls.ts';
import type { Binding } from './mount-files.ts';
import { stageFiles } from './mount-files.ts';
import { makeNested, outerOf } from './nested.ts';
import { placeFile } from './plain-file.ts';
import type { State } from './state.ts';
import { insidePath } from '../plan/volume-tree.ts';
import { showVersion, writeVersion } from './tree-writer.ts';

// Delivery with the right to mount: every volume is made aside, whole; then each of its places is
// one bind mount. A mount hides what the image has there, as on Kubernetes.

interface Work extends Ledger {
  /** Folder or file that is to be bound, for each place. */
  readonly bindings: Binding[];
}

/** A volume, and whether it gets a memory file system of its own. */
interface Staged {
  readonly directory: Directory;
  readonly isMemory: boolean;
}

/** Delivers everything; throws with everything undone by the caller's rollback. */
export function deliverByMounts(hands: Hands, state: State, delivery: Delivery): Ledger {
  const work: Work = { hands, state, written: [], bindings: [] };
  const base = `${state.folder}/${state.id}`;
  checkAll(checksOf(work, delivery));
  const disk = makeDisk(work, delivery);
  makeFolder(hands, base, 0o700);
  const isMemory = (one: Directory): boolean => disk === '' || one.placement.medium === 'memory';
  const stages = delivery.directories.map((directory, index) => {
    if (isMemory(directory)) return `${base}/${index}`;
    return directory.tree === undefined ? dataFolder(disk, directory) : `${disk}/${index}`;
  });
  delivery.directories.forEach((directory, index) => {
    const staged = { directory, isMemory: isMemory(directory) };
    stageVolume(work, staged, stages[index] ?? '');
  });
  const files = stageFiles(work, delivery, { base, disk });
  work.bindings.push(...files.bindings);
  state.before.release(stages);
  record(
    work,
    ...placesOf(hands, state.covers),
    ...files.plain.map((one) => asideOf(work, one.placement.path)),
  );
  for (const file of files.plain) placeFile(work, file);
  const ordered = work.bindings.toSorted((a, b) => depthOf(a) - depthOf(b));
  const made = ordered.flatMap((one) => placesInData(work, one, ordered));
  record(work, ...made, ...ordered.map((one) => mountNote(hands, one)));
  for (const binding of ordered) {
    if (binding.byRuntime === true) mustBeThere(hands, binding.path, ordered);
    bind(work, binding);
  }
  for (const { path, readOnly } of ordered) if (readOnly) makeReadOnly(hands, path);
  const staged = [...stages.filter((one) => isWithin(one, base)), ...files.memory];
  releaseStages(hands, base, staged);
  return work;
}

/** As containerd orders mounts (v1.6.20 pkg/cri/server/helpers.go orderedMounts): not by name. */
function depthOf({ path }: Binding): number {
  return path.split('/').length;
}

/** What has to be made in an emptyDir for a mount inside of it: it is no data of a program. */
function placesInData(work: Work, { path }: Binding, all: readonly Binding[]): Written[] {
  const outer = outerOf(all, path, (one) => one.path);
  if (outer === undefined || outer.readOnly || isWithin(outer.source, work.state.folder)) return [];
  return placesAgain(work, [`${outer.source}${path.slice(outer.path.length)}`]);
}

/** A bind mount shows the source itself, so that it is known before it is there. */
function mountNote(hands: Hands, { source, path, volume }: Binding): Written {
  const named = volume === undefined ? {} : { volume };
  return { path, kind: 'mount', ...markOf(toldAs(path, () => hands.fs.stat(source))), ...named };
}

function stageVolume(work: Work, volume: Staged, stage: string): void {
  const { hands } = work;
  const { directory } = volume;
  const { placement, tree, landings } = directory;
  const isMade = openStage(work, volume, stage);
  if (tree !== undefined) {
    makeNested(hands, stage, directory);
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
    const named = isData && volume.isMemory ? { volume: placement.volume } : {};
    const { path, readOnly } = landing;
    work.bindings.push({ source, path, readOnly, byRuntime: true, ...named });
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
    mountMemory(hands, stage, placement.sizeBytesMax);
    return true;
  }
  bindAt(hands, earlier.path, stage);
  return false;
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
  for (const step of stepsOf(subPath)) {
    const path = `${stage}/${step}`;
    const isThere = work.hands.fs.stat(path) !== undefined;
    const { written } = work.state.before;
    const isOurs = written.some((one) => one.path === path && one.kind === 'place');
    if (isThere && !isOurs) continue;
    if (directory.placement.medium === 'disk')
      record(work, { path, kind: 'place', device: 0, inode: 0 });
    if (isThere) {
      finishAgain(path);
      continue;
    }
    makeFolder(work.hands, path, 0o700);
    finish(path);
  }
  return `${stage}/${subPath}`;
}

/** Of an empty file that something is mounted on: runc v1.1.5 libcontainer createIfNotExists. */
const MOUNT_POINT_MODE = 0o755;

function bind({ hands }: Work, { source, path }: Binding): void {
  makeParents(hands, path);
  const isFolder = toldAs(path, () => hands.fs.stat(source))?.kind !== 'file';
  const there = checkKind(hands, path, isFolder);
  if (there === undefined && isFolder) makeRuntimeFolder(hands, path);
  else if (there === undefined) {
    hands.fs.write(path, new Uint8Array(), MOUNT_POINT_MODE);
    hands.undo.push(() => hands.fs.unlink(path));
  }
  bindAt(hands, source, path);
}

/** The bind mounts keep the volumes; the places where they were made are not needed any more. */
function releaseStages({ io, fs }: Hands, base: string, staged: readonly string[]): void {
  for (const path of staged) {
    checkMount(io.kernel.unmount(path, { detach: true }), path);
    fs.rmdir(path);
  }
  fs.rmdir(base);
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
