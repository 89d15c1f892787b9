import type { BellhopError } from '../core/errors.ts';
import { isWithin, mountedPath } from '../core/paths.ts';
import type { Hands } from './hands.ts';
import { restoreLook, taken, unmount } from './hands.ts';
import type { Manifest, Written } from './manifest.ts';
import { isMarked, manifestPath, rewriteManifest } from './manifest.ts';
import type { Home } from './state.ts';

// Takes away what starts wrote whose program is gone; what programs put into an emptyDir stays.

const MOUNTS_BYTES_MAX = 16 * 1024 * 1024;

/** What one earlier start left. */
export interface Earlier {
  readonly home: Home;
  readonly id: string;
  /** Undefined where the manifest is broken. */
  readonly manifest: Manifest | undefined;
}

/** A mount of an earlier start is in the way of a start that may not take it away. */
export function stillMounted(path: string): BellhopError {
  return taken(path, STILL_MOUNTED, UNMOUNT);
}

const STILL_MOUNTED =
  'is still mounted by an earlier start, which only a start with the right to mount can take away';
const UNMOUNT = 'start with the right to mount, or in a new container';

/** True if the pid of the manifest means nothing to us. */
export function isElsewhere(home: Home, { namespace }: Manifest): boolean {
  return namespace !== '' && home.namespace !== '' && namespace !== home.namespace;
}

/** Removes what dead starts wrote: mounts first, and nothing where one of them stays. */
export function release(
  hands: Hands,
  { dead, living }: { readonly dead: readonly Earlier[]; readonly living: readonly Earlier[] },
  keeps: readonly string[],
): void {
  const written = dead.flatMap(({ manifest }) => manifest?.written ?? []).toReversed();
  for (const one of written.filter(({ kind }) => kind === 'mount')) {
    if (!attempt(() => removeMount(hands, one))) throw stillMounted(one.path);
  }
  const used = living.flatMap(({ home, manifest }) => {
    if (manifest === undefined || isElsewhere(home, manifest)) return [];
    const data = manifest.written.filter(({ kind }) => kind === 'data');
    return [...manifest.covers, ...data.map(({ path }) => path)];
  });
  const spared = [...keeps, ...used];
  const data = written.filter(({ kind }) => kind === 'data');
  // What was on its way into an emptyDir is no data of a program, also where that is wanted again.
  const asides = written.filter((one) => {
    return one.kind === 'aside' && data.some(({ path }) => isWithin(one.path, path));
  });
  for (const one of asides) attempt(() => removeWritten(hands, one, used));
  const places = written.filter(({ kind }) => kind === 'place');
  for (const one of places) attempt(() => removeWritten(hands, one, spared));
  const full = data.filter((one) => isSame(hands, one));
  const filled = full.filter(({ path }) => hands.fs.list(path).length > 0);
  spared.push(...filled.map(({ path }) => path));
  const noted = new Set<string>();
  for (const one of dead) removeStart(hands, one, { spared, noted });
}

interface Sparing {
  readonly spared: readonly string[];
  /** Folders of data that stay and are in the manifest of one dead start. */
  readonly noted: Set<string>;
}

/** Removes all that one start wrote; what cannot be removed keeps its manifest for the next try. */
function removeStart(hands: Hands, { home, id, manifest }: Earlier, sparing: Sparing): void {
  const written = manifest?.written ?? [];
  const isDone = written
    .toReversed()
    .filter(({ kind }) => kind !== 'mount')
    .map((one) => attempt(() => removeWritten(hands, one, sparing.spared)));
  const staged = `${home.folder}/${id}`;
  isDone.push(attempt(() => removeStaged(hands, staged)));
  if (isDone.includes(false)) return;
  const path = manifestPath(home, id);
  hands.fs.remove(`${path}.tmp`);
  // A folder with data stays, and stays known: a later start may want it again.
  const data = written.filter((one) => {
    if (one.kind !== 'data' || one.volume === undefined || !isSame(hands, one)) return false;
    return sparing.spared.some((each) => isWithin(one.path, each));
  });
  const rest = data.filter((one) => !sparing.noted.has(one.path));
  for (const one of rest) sparing.noted.add(one.path);
  const around = written.filter((one) => {
    return rest.some((each) => each.path !== one.path && isWithin(each.path, one.path));
  });
  if (manifest === undefined || rest.length === 0) hands.fs.remove(path);
  else rewriteManifest(hands, path, { ...manifest, covers: [], written: [...around, ...rest] });
}

/** True if it worked. */
export function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    // What is in the way of this start is reported where it wants to write.
    return false;
  }
}

/** A killed start may have left its memory file systems mounted where it filled them. */
function removeStaged(hands: Hands, folder: string): void {
  const own = hands.fs.stat(folder);
  if (own?.kind !== 'dir') return;
  for (const name of hands.fs.list(folder)) {
    const path = `${folder}/${name}`;
    if (hands.fs.stat(path)?.device !== own.device) unmount(hands, path);
  }
  removeUnmounted(hands, folder);
}

function removeWritten(hands: Hands, one: Written, spared: readonly string[]): void {
  const { path } = one;
  if (spared.some((each) => isWithin(path, each))) return;
  switch (one.kind) {
    case 'mount':
      removeMount(hands, one);
      return;
    case 'entry':
      if (isSame(hands, one)) removeSparing(hands, path, spared);
      restore(hands, one);
      return;
    case 'content':
      removeContent(hands, one, spared);
      return;
    case 'data':
      removeData(hands, one);
      return;
    case 'link':
      removeLink(hands, one);
      restore(hands, one);
      return;
    case 'place':
      removePlace(hands, path);
      return;
    case 'aside':
      removeUnmounted(hands, path);
  }
}

function removeMount(hands: Hands, one: Written): void {
  if (isMarked(hands.fs.statThrough(one.path), one)) unmount(hands, one.path);
}

function removeLink({ fs }: Hands, { path, target }: Written): void {
  if (fs.stat(path)?.kind === 'link' && fs.readlink(path) === target) fs.unlink(path);
}

/** The empty folder that had to give way. */
function restore({ fs }: Hands, { path, was }: Written): void {
  if (was === undefined || fs.stat(path) !== undefined) return;
  fs.mkdir(path, 0o700);
  restoreLook(fs, path, was);
}

function isSame(hands: Hands, one: Written): boolean {
  return isMarked(hands.fs.stat(one.path), one);
}

function removeContent(hands: Hands, one: Written, spared: readonly string[]): void {
  if (isSame(hands, one)) {
    const { path, names, kept = [] } = one;
    const gone = names ?? hands.fs.list(path).filter((name) => !kept.includes(name));
    const isAll = names === undefined && kept.length === 0;
    if (isAll && !spared.some((each) => isWithin(each, path))) removeUnmounted(hands, path);
    else for (const name of gone) removeSparing(hands, `${path}/${name}`, spared);
    if (one.was !== undefined) restoreLook(hands.fs, path, one.was);
  }
  // Also where it was taken away whole and we were killed before it was there again.
  restore(hands, one);
}

/** What a program has put into an emptyDir is never ours to remove. */
function removeData(hands: Hands, one: Written): void {
  if (!isSame(hands, one) || hands.fs.list(one.path).length > 0) return;
  if (one.was === undefined) hands.fs.rmdir(one.path);
  else restoreLook(hands.fs, one.path, one.was);
}

/** Removes all but the spared folders and the way to them. */
function removeSparing(hands: Hands, path: string, spared: readonly string[]): void {
  if (spared.some((each) => isWithin(path, each))) return;
  if (!spared.some((each) => isWithin(each, path))) removeUnmounted(hands, path);
  else if (hands.fs.stat(path)?.kind === 'dir')
    for (const name of hands.fs.list(path)) removeSparing(hands, `${path}/${name}`, spared);
}

/** Only what is empty: somebody else may have put something there in the meantime. */
function removePlace({ fs, io }: Hands, path: string): void {
  const there = fs.stat(path);
  if (there === undefined || there.uid !== io.kernel.uid) return;
  if (there.kind === 'dir' && fs.list(path).length === 0) fs.rmdir(path);
  if (there.kind === 'file' && there.size === 0) fs.unlink(path);
}

/** Never what somebody mounted there since: that is another file system's content. */
function removeUnmounted(hands: Hands, path: string): void {
  if (hands.fs.stat(path) === undefined) return;
  const { path: table, root } = hands.place.mountTable;
  const text = new TextDecoder().decode(hands.io.fs.read(table, MOUNTS_BYTES_MAX));
  const points = text.split('\n').map((line) => mountedPath(line.split(' ')[4] ?? ''));
  const mounted = points.find((point) => isWithin(point, `${root}${path}`));
  if (mounted !== undefined)
    throw taken(mounted, 'is mounted inside of what an earlier start made');
  hands.fs.remove(path);
}
