import type { Delivery, Directory, Landing, PlainFile } from './delivery.ts';
import { coveredPaths } from './delivery.ts';
import type { Hands } from './hands.ts';
import { makeFolder, makeParents, own, taken } from './hands.ts';
import type { State, Written } from './state.ts';
import { isBelow, isInMemory, noteOf, writeManifest } from './state.ts';
import { insidePath, showVersion, writeLink, writeVersion } from './tree-writer.ts';
import type { Entry, VolumeTree } from '../plan/volume-tree.ts';
import { rootMode } from '../plan/volume-tree.ts';

// Delivery without the right to mount: real folders at the mount paths. What came from a Secret
// lies in memory below bellhop's folder, and the timestamped folder is a link to it.

interface Work {
  readonly hands: Hands;
  readonly state: State;
  readonly delivery: Delivery;
  readonly written: Written[];
  /** Where each memory volume's versioned folder lies, by volume. */
  readonly staged: Map<string, string>;
  /** Where each emptyDir was made first, by volume and subPath. */
  readonly homes: Map<string, string>;
}

/** Delivers everything; throws with everything undone by the caller's rollback. */
export function deliverByLinks(hands: Hands, state: State, delivery: Delivery): void {
  const work: Work = {
    hands,
    state,
    delivery,
    written: [],
    staged: new Map(),
    homes: new Map(),
  };
  checkPaths(work);
  writeManifest(hands, state, []);
  stageMemory(work);
  const landings = delivery.directories
    .flatMap((directory) => directory.landings.map((landing) => ({ directory, landing })))
    .toSorted((a, b) => (a.landing.path < b.landing.path ? -1 : 1));
  // An emptyDir's whole folder comes before its parts, wherever it lies.
  for (const whole of landings.filter((one) => isWhole(one))) noteHome(work, whole);
  // What is a link into another folder of ours comes after that folder.
  const isLink = (one: (typeof landings)[number]): boolean => hasHomeElsewhere(work, one);
  const ordered = [...landings.filter((one) => !isLink(one)), ...landings.filter(isLink)];
  for (const { directory, landing } of ordered) land(work, directory, landing);
  delivery.files.forEach((file, index) => placeFile(work, file, index));
}

function isWhole(of: { directory: Directory; landing: Landing }): boolean {
  return of.directory.tree === undefined && of.landing.subPath === '';
}

function hasHomeElsewhere(
  { homes }: Work,
  { directory, landing }: { directory: Directory; landing: Landing },
): boolean {
  const home = homes.get(directory.placement.volume);
  return directory.tree === undefined && home !== undefined && home !== landing.path;
}

function noteHome(work: Work, of: { directory: Directory; landing: Landing }): void {
  const key = of.directory.placement.volume;
  if (!work.homes.has(key)) work.homes.set(key, of.landing.path);
}

/** Content of the image at a mount path cannot be hidden; told for all paths before any change. */
function checkPaths({ hands, delivery }: Work): void {
  const covered = coveredPaths(delivery);
  for (const { landings, placement } of delivery.directories) {
    for (const { path } of landings) {
      const there = hands.fs.statThrough(path);
      if (there === undefined) continue;
      if (there.kind !== 'dir')
        throw taken(path, 'is there already, and mounting over it is not allowed');
      if (delivery.policy.overImage === 'merge') continue;
      if (placement.shape === 'plain' && isInMemory(hands, path)) continue;
      const foreign = hands.fs.list(path).filter((name) => {
        return !covered.some((one) => isBelow(one, `${path}/${name}`));
      });
      if (foreign.length > 0) {
        const some = foreign.slice(0, 3).join(', ');
        throw taken(
          path,
          `has content (${some}${foreign.length > 3 ? ', …' : ''}), and mounting over it is not allowed`,
        );
      }
    }
  }
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

interface VersionedLanding {
  readonly directory: Directory;
  readonly landing: Landing;
  readonly tree: VolumeTree;
}

function landVersioned(work: Work, { directory, landing, tree }: VersionedLanding): void {
  const { hands } = work;
  const { path } = landing;
  const made = openFolder(work, path, [
    tree.version,
    '..data',
    ...tree.links.map((one) => one.path),
  ]);
  const staged = work.staged.get(directory.placement.volume);
  if (staged === undefined) writeVersion(hands, `${path}/${tree.version}`, tree);
  else writeLink(hands, `${path}/${tree.version}`, { target: staged, owner: tree.root.owner });
  for (const folder of absentParts(directory)) {
    if (hands.fs.stat(`${path}/${folder}`) === undefined)
      makeRootFolder(hands, `${path}/${folder}`, tree);
  }
  showVersion(hands, path, tree);
  if (!made) return;
  own(hands, path, tree.root.owner);
  hands.fs.chmod(path, tree.root.mode);
}

/** A subPath of an absent key is an empty folder, in the whole volume too (vector subpath-absent-key). */
function absentParts({ landings, tree }: Directory): string[] {
  if (tree === undefined) return [];
  const parts = landings.filter(
    (one) => one.subPath !== '' && insidePath(tree, one.subPath) === undefined,
  );
  return parts.flatMap((one) => {
    const steps = one.subPath.split('/');
    return steps.map((_, index) => steps.slice(0, index + 1).join('/'));
  });
}

function makeRootFolder(hands: Hands, path: string, tree: VolumeTree): void {
  makeFolder(hands, path, 0o700);
  own(hands, path, tree.root.owner);
  hands.fs.chmod(path, tree.root.mode);
}

function landPart(work: Work, { directory, landing, tree }: VersionedLanding): void {
  const { hands } = work;
  const { path } = landing;
  const entry = insidePath(tree, landing.subPath);
  if (entry === undefined) {
    if (openFolder(work, path, [])) {
      own(hands, path, tree.root.owner);
      hands.fs.chmod(path, tree.root.mode);
    }
    return;
  }
  if (hands.fs.stat(path) !== undefined) throw taken(path, 'is there already');
  const staged = work.staged.get(directory.placement.volume);
  if (staged !== undefined) {
    hands.differences.add('a subPath of a Secret is a link, not a file');
    const target = entry.path === '' ? staged : `${staged}/${entry.path}`;
    writeLink(hands, path, { target, owner: tree.root.owner });
  } else {
    writeVersion(hands, path, { ...tree, inside: below(tree, entry) });
  }
  remember(work, noteOf(hands, path, 'entry'));
}

/** The part of a tree at and below an entry, its paths relative to it. */
function below(tree: VolumeTree, top: Entry): Entry[] {
  const own = tree.inside.filter((one) => isBelow(`/${one.path}`, `/${top.path}`));
  return own.map((one) => ({ ...one, path: one.path.slice(top.path.length).replace(/^\//, '') }));
}

function landPlain(
  work: Work,
  { placement }: Directory,
  { path, subPath, readOnly }: Landing,
): void {
  const { hands, homes } = work;
  const whole = homes.get(placement.volume);
  const key = `${placement.volume}/${subPath}`;
  const home = subPath === '' ? whole : (homes.get(key) ?? (whole && `${whole}/${subPath}`));
  if (readOnly) hands.differences.add('a read-only mount can be written');
  if (home !== undefined && home !== path) {
    hands.differences.add('a volume that is mounted twice is a link at its second path');
    if (hands.fs.stat(path) !== undefined) throw taken(path, 'is there already');
    writeLink(hands, path, { target: home, owner: { uid: 0, gid: placement.fsGroup ?? 0 } });
    remember(work, noteOf(hands, path, 'entry'));
    if (subPath !== '' && whole !== undefined) makeParts(work, whole, { placement, subPath });
    return;
  }
  homes.set(key, path);
  if (placement.medium === 'memory' && !isThereInMemory(hands, path)) {
    hands.differences.add('an emptyDir of medium Memory lies on the disk');
  }
  if (openFolder(work, path, [])) finishPlain(work, path, placement);
}

function isThereInMemory(hands: Hands, path: string): boolean {
  const there = hands.fs.statThrough(path);
  return there !== undefined && there.kind === 'dir' && isInMemory(hands, path);
}

function finishPlain({ hands }: Work, path: string, placement: Directory['placement']): void {
  const { medium, fsGroup } = placement;
  const rules = { medium, readOnly: false, ...(fsGroup === undefined ? {} : { fsGroup }) };
  own(hands, path, { uid: 0, gid: fsGroup ?? 0 });
  hands.fs.chmod(path, rootMode(rules));
}

/** Folders of a subPath inside an emptyDir that is mounted as a whole elsewhere. */
function makeParts(
  work: Work,
  whole: string,
  of: { placement: Directory['placement']; subPath: string },
): void {
  const steps = of.subPath.split('/');
  steps.forEach((_, index) => {
    const path = `${whole}/${steps.slice(0, index + 1).join('/')}`;
    makeParents(work.hands, path);
    if (work.hands.fs.stat(path) !== undefined) return;
    makeFolder(work.hands, path, 0o700);
    finishPlain(work, path, of.placement);
  });
}

/** Makes the folder or takes the one that is there; true if it was made. */
function openFolder(work: Work, path: string, names: readonly string[]): boolean {
  const { hands } = work;
  if (hands.fs.statThrough(path) === undefined) {
    makeFolder(hands, path, 0o700);
    remember(work, noteOf(hands, path, 'entry'));
    return true;
  }
  for (const name of names) {
    if (hands.fs.stat(`${path}/${name}`) !== undefined)
      throw taken(`${path}/${name}`, 'is there already');
  }
  remember(work, { ...noteOf(hands, path, 'content'), names });
  return false;
}

function remember(work: Work, one: Written): void {
  work.written.push(one);
  writeManifest(work.hands, work.state, work.written);
}

function placeFile(work: Work, { placement, content }: PlainFile, index: number): void {
  const { hands, state } = work;
  const { path, mode } = placement;
  if (hands.fs.stat(path) !== undefined) {
    if (placement.keep === true) return;
    throw taken(path, 'is there already');
  }
  makeParents(hands, path);
  if (placement.medium === 'memory') {
    hands.differences.add('a file from a store is a link, not a file');
    const staged = `${state.folder}/${state.id}/file-${index}`;
    hands.fs.write(staged, content.reveal(), mode);
    hands.undo.push(() => hands.fs.unlink(staged));
    writeLink(hands, path, { target: staged, owner: { uid: 0, gid: 0 } });
  } else {
    hands.fs.write(path, content.reveal(), mode);
    hands.undo.push(() => hands.fs.unlink(path));
  }
  remember(work, noteOf(hands, path, 'entry'));
}
