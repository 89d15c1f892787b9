import { BellhopError } from '../core/errors.ts';
import { isWithin, stepsOf } from '../core/paths.ts';
import { checksOf, dataOf } from './check-links.ts';
import { checkAll } from './check-paths.ts';
import type { Delivery, Directory, Landing, Place, PlainFile } from './delivery.ts';
import { memoryBytes, placesIn } from './delivery.ts';
import { earlierData, finish, makeFolders, openFolder } from './folders.ts';
import type { Hands, Look } from './hands.ts';
import { makeFolder, makeParents, own } from './hands.ts';
import { ELSEWHERE, taken, toldAs } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { asideOf, givingWay, placesAgain, placesOf, record, show, vacate } from './ledger.ts';
import { nestedLook } from './nested.ts';
import { placeFile } from './plain-file.ts';
import type { State } from './state.ts';
import { isInMemory } from './state.ts';
import { showVersion, writeLink, writeVersion } from './tree-writer.ts';
import type { Entry, Owner, VolumeTree } from '../plan/volume-tree.ts';
import { insidePath, leadsTo, rootMode } from '../plan/volume-tree.ts';

// Delivery without the right to mount: real folders at the mount paths. What came from a Secret
// lies in memory below bellhop's folder, and the timestamped folder is a link to it.

interface Work extends Ledger {
  readonly delivery: Delivery;
  /** Where each memory volume's versioned folder lies, by volume. */
  readonly staged: Map<string, string>;
  /** Where each emptyDir was made first, by volume and subPath. */
  readonly homes: Map<string, string>;
}

type VersionedPlace = Place & { readonly tree: VolumeTree };

/** Delivers everything; throws with everything undone by the caller's rollback. */
export function deliverByLinks(hands: Hands, state: State, delivery: Delivery): Ledger {
  const maps = { staged: new Map<string, string>(), homes: new Map<string, string>() };
  const work: Work = { hands, state, delivery, written: [], ...maps };
  const places = placesIn(delivery).toSorted((a, b) => (a.landing.path < b.landing.path ? -1 : 1));
  checkAll(checksOf(work, delivery));
  const wanted = wantedData(work, places);
  makeRoom(work, wanted);
  stageMemory(work);
  state.before.release(wanted);
  const asides = state.covers.map((path) => asideOf(work, path));
  record(work, ...placesAgain(work, state.covers), ...asides);
  // An emptyDir's whole folder comes before its parts, wherever it lies.
  for (const whole of places.filter((one) => isWhole(one))) noteHome(work, whole);
  // What is a link into another folder of ours comes after that folder.
  const isLink = (one: Place): boolean => hasHomeElsewhere(work, one);
  const ordered = [...places.filter((one) => !isLink(one)), ...places.filter(isLink)];
  for (const { directory, landing } of ordered) land(work, directory, landing);
  delivery.files.forEach((file, index) => {
    if (file.placement.medium === 'memory') linkFile(work, file, index);
    else placeFile(work, file);
  });
  return work;
}

function wantedData(work: Work, places: readonly Place[]): string[] {
  return places.flatMap((place) => {
    const { path } = place.landing;
    if (work.hands.fs.statThrough(path)?.kind !== 'dir') return [];
    const data = earlierData(work, path, dataOf(place));
    return data === undefined ? [] : [data.path];
  });
}

function isWhole(of: Place): boolean {
  return of.directory.tree === undefined && of.landing.subPath === '';
}

function hasHomeElsewhere({ homes }: Work, { directory, landing }: Place): boolean {
  const home = homes.get(directory.placement.volume);
  return directory.tree === undefined && home !== undefined && home !== landing.path;
}

function noteHome(work: Work, of: Place): void {
  const key = of.directory.placement.volume;
  if (!work.homes.has(key)) work.homes.set(key, of.landing.path);
}

/**
 * The memory file system is often 64 MiB and shared with the program: said before it is full. Where
 * the new does not fit beside the old of a dead start, the old goes first.
 */
function makeRoom({ hands, state, delivery }: Work, wanted: readonly string[]): void {
  const bytes = memoryBytes(delivery);
  const free = (): number => hands.fs.fileSystem(state.folder).freeBytes;
  if (!state.inMemory || bytes <= free()) return;
  state.before.release(wanted);
  if (bytes <= free()) return;
  const what = `${bytes} bytes of secrets do not fit, ${free()} are free`;
  const help = 'give the container a larger /dev/shm, or deliver less';
  throw new BellhopError('BH_ERR_NO_MEMORY', { where: [state.folder], what, help });
}

function stageMemory(work: Work): void {
  const { hands, state, delivery } = work;
  const base = `${state.folder}/${state.id}`;
  const needed = delivery.directories.some((one) => one.tree && one.placement.medium === 'memory');
  const files = delivery.files.some((one) => one.placement.medium === 'memory');
  if (!needed && !files) return;
  makeFolder(hands, base, 0o711);
  delivery.directories.forEach(({ placement, tree }, index) => {
    if (tree === undefined || placement.medium !== 'memory') return;
    const folder = `${base}/${index}`;
    makeFolder(hands, folder, 0o755);
    writeVersion(hands, `${folder}/${tree.version}`, tree);
    work.staged.set(placement.volume, `${folder}/${tree.version}`);
  });
}

function land(work: Work, directory: Directory, landing: Landing): void {
  const { tree } = directory;
  makeParents(work.hands, landing.path);
  if (tree === undefined) landPlain(work, directory, landing);
  else if (landing.subPath === '') landVersioned(work, { directory, landing, tree });
  else landPart(work, { directory, landing, tree });
}

function rootLook(tree: VolumeTree): Look {
  return { ...tree.root.owner, mode: tree.root.mode };
}

function landVersioned(work: Work, { directory, landing, tree }: VersionedPlace): void {
  const { hands } = work;
  const absent = absentParts(directory);
  const nested = foldersForOthers(work, { directory, landing, tree });
  const tops = [...nested, ...absent].map((one) => one.split('/')[0] ?? one);
  const links = tree.links.map((one) => one.path);
  const names = [...new Set([tree.version, '..data', '..data_tmp', ...links, ...tops])];
  const opened = openFolder(work, landing.path, { names });
  const version = `${opened.path}/${tree.version}`;
  const staged = work.staged.get(directory.placement.volume);
  if (staged === undefined) writeVersion(hands, version, tree);
  else {
    hands.differences.add('the timestamped folder of a Secret volume is a link into memory');
    writeLink(hands, version, { target: staged, owner: tree.root.owner });
  }
  hands.differences.add('volumes can be written: nothing can be mounted read-only');
  const at = opened.path;
  makeFolders(work, { at, absent: nested, look: nestedLook(directory) });
  toldAs(landing.path, () => makeFolders(work, { at, absent, look: rootLook(tree) }));
  showVersion(hands, opened.path, tree);
  finish(work, opened, rootLook(tree));
}

/** A subPath of an absent key is an empty folder, also in the whole (vector subpath-absent-key). */
function absentParts({ landings, tree }: Directory): string[] {
  if (tree === undefined) return [];
  const parts = landings.filter(
    (one) => one.subPath !== '' && leadsTo(tree, one.subPath) === undefined,
  );
  return parts.flatMap((one) => stepsOf(one.subPath));
}

/** What the kubelet makes in it, but not where mounts of ours lie: there will be other volumes. */
function foldersForOthers({ delivery }: Work, { landing, tree }: VersionedPlace): string[] {
  const all = delivery.directories.flatMap((one) => one.landings.map(({ path }) => path));
  const inside = all.filter((one) => one !== landing.path && isWithin(one, landing.path));
  return tree.nested.filter((folder) => {
    const path = `${landing.path}/${folder}`;
    return !inside.some((one) => isWithin(path, one));
  });
}

function landPart(work: Work, { directory, landing, tree }: VersionedPlace): void {
  const { hands } = work;
  const { path } = landing;
  const entry = insidePath(tree, landing.subPath);
  if (entry === undefined) {
    landFolder(work, { directory, landing, tree });
    return;
  }
  const isFolder = entry.kind === 'dir';
  const staged = work.staged.get(directory.placement.volume);
  if (staged === undefined) {
    writeVersion(hands, asideOf(work, path).path, { ...tree, inside: below(tree, entry) });
    show(work, path, isFolder);
    return;
  }
  hands.differences.add('a subPath of a Secret is a link, not a file');
  const target = entry.path === '' ? staged : `${staged}/${entry.path}`;
  landLink(work, path, { target, owner: tree.root.owner, isFolder });
}

/** A folder that the kubelet makes: for a mount inside of the volume, or as nothing is there. */
function landFolder(work: Work, { directory, landing, tree }: VersionedPlace): void {
  const { path, subPath } = landing;
  const below = tree.nested.filter((one) => one.startsWith(`${subPath}/`));
  const absent = below.map((one) => one.slice(subPath.length + 1));
  const opened = openFolder(work, path, { names: absent.filter((one) => !one.includes('/')) });
  const look = nestedLook(directory);
  makeFolders(work, { at: opened.path, absent, look });
  finish(work, opened, tree.nested.includes(subPath) ? look : rootLook(tree));
}

/** A link at a path of ours, noted with its target before it is there. */
function landLink(
  work: Work,
  path: string,
  link: { readonly target: string; readonly owner: Owner; readonly isFolder: boolean },
): void {
  const { target, isFolder } = link;
  const was = givingWay(work.hands, path, isFolder);
  const kept = was === undefined ? {} : { was };
  record(work, { path, kind: 'link', device: 0, inode: 0, target, ...kept });
  vacate(work.hands, path, was);
  writeLink(work.hands, path, link);
}

/** The part of a tree at and below an entry, its paths relative to it. */
function below(tree: VolumeTree, top: Entry): Entry[] {
  const own = tree.inside.filter((one) => isWithin(`/${one.path}`, `/${top.path}`));
  return own.map((one) => ({ ...one, path: one.path.slice(top.path.length).replace(/^\//, '') }));
}

function landPlain(work: Work, directory: Directory, landing: Landing): void {
  const { hands, homes } = work;
  const { placement } = directory;
  const { path, subPath, readOnly } = landing;
  const whole = homes.get(placement.volume);
  const key = `${placement.volume}/${subPath}`;
  const home = subPath === '' ? whole : (homes.get(key) ?? (whole && `${whole}/${subPath}`));
  if (readOnly) hands.differences.add('a read-only mount can be written');
  if (home !== undefined && home !== path) {
    hands.differences.add('a volume that is mounted twice is a link at its second path');
    if (whole !== undefined) toldAs(path, () => makeParts(work, whole, { directory, landing }));
    const owner = { uid: 0, gid: placement.fsGroup ?? 0 };
    landLink(work, path, { target: home, owner, isFolder: true });
    return;
  }
  homes.set(key, path);
  noteMedium(hands, path, placement.medium);
  const volume = dataOf({ directory, landing });
  finish(work, openFolder(work, path, { names: [], volume }), plainLook(placement));
}

function noteMedium(hands: Hands, path: string, medium: 'memory' | 'disk'): void {
  if (medium === 'disk') return;
  const there = hands.fs.statThrough(path);
  if (there?.kind === 'dir' && isInMemory(hands, path)) return;
  hands.differences.add('an emptyDir of medium Memory lies on the disk');
}

function plainLook({ medium, fsGroup }: Directory['placement']): Look {
  const rules = { medium, readOnly: false, ...(fsGroup === undefined ? {} : { fsGroup }) };
  return { uid: 0, gid: fsGroup ?? 0, mode: rootMode(rules) };
}

/** Folders of a subPath inside an emptyDir that is mounted as a whole elsewhere. */
function makeParts(work: Work, whole: string, { directory, landing }: Place): void {
  const absent = landing.subPath === '' ? [] : stepsOf(landing.subPath);
  const at = work.hands.fs.realpath(whole);
  const earlier = work.state.before.written.filter((one) => {
    return one.kind === 'place' && absent.some((part) => one.path === `${at}/${part}`);
  });
  record(
    work,
    ...earlier,
    ...placesOf(
      work.hands,
      absent.map((one) => `${at}/${one}`),
    ),
  );
  makeFolders(work, { at, absent, look: plainLook(directory.placement) });
}

/** A file from a store, in memory. */
function linkFile(work: Work, { placement, content }: PlainFile, index: number): void {
  const { hands, state, delivery } = work;
  const { path, mode } = placement;
  if (hands.fs.stat(path) !== undefined) throw taken(path, 'is there already', ELSEWHERE);
  makeParents(hands, path);
  const at = `${state.folder}/${state.id}/file-${index}`;
  hands.fs.write(at, content.reveal(), mode);
  hands.undo.push(() => hands.fs.unlink(at));
  hands.differences.add('a file from a store is a link, not a file');
  if (delivery.owner !== undefined) own(hands, at, delivery.owner);
  landLink(work, path, { target: at, owner: { uid: 0, gid: 0 }, isFolder: false });
}
