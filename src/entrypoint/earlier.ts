import type { Hands } from './hands.ts';
import { restoreLook, taken, unmount } from './hands.ts';
import type { Manifest, Written } from './manifest.ts';
import { isMarked, manifestPath, readManifest, writeManifest } from './manifest.ts';
import type { Home, State } from './state.ts';
import { allHomes, isBelow, startOf } from './state.ts';

// What earlier starts left: of a program that is gone it is removed, of a living one it is kept.

const MOUNTS_BYTES_MAX = 16 * 1024 * 1024;
/** Starts of one process, each of which delivered to paths of its own. */
const STARTS_MAX = 1000;

interface Earlier {
  readonly home: Home;
  readonly id: string;
  /** Undefined where the manifest is broken. */
  readonly manifest: Manifest | undefined;
}

/**
 * Takes the paths for this start and removes what earlier starts wrote whose program is gone. What
 * a living program uses stays; where this start wants one of its paths, that is a problem.
 */
export function claim(hands: Hands, home: Home, covers: readonly string[]): State {
  const homes = allHomes(hands, home);
  const state = { ...home, covers, id: ownId(hands, homes, covers) };
  // First ours, then a look at the others': of two starts at once one sees the other's.
  writeManifest(hands, state, []);
  hands.undo.push(() => {
    if (hands.stuck.length === 0) hands.fs.unlink(manifestPath(home, state.id));
  });
  const all = homes.flatMap((one) => earlierOf(hands, one));
  const others = all.filter((one) => one.home !== home || one.id !== state.id);
  const dead = others.filter((one) => !isAlive(hands, one));
  for (const one of others) if (!dead.includes(one)) checkApart(one, covers);
  for (const one of dead) removeStart(hands, one);
  return state;
}

function checkApart({ home, manifest }: Earlier, covers: readonly string[]): void {
  if (manifest === undefined || isElsewhere(home, manifest)) return;
  const both = covers.find((path) => meets(path, manifest.covers));
  if (both !== undefined) throw taken(both, `is in use by process ${manifest.pid}`);
}

/** A program that runs bellhop again is the same process: its earlier deliveries stay beside. */
function ownId(hands: Hands, homes: readonly Home[], covers: readonly string[]): string {
  const [home] = homes;
  const first = `${hands.io.kernel.pid}-${home?.started ?? '0'}`;
  for (let count = 1; count <= STARTS_MAX; count++) {
    const id = count === 1 ? first : `${first}-${count}`;
    const earlier = homes.map((one) => {
      return { home: one, id, manifest: readManifest(hands, manifestPath(one, id)) };
    });
    const known = earlier.filter(({ manifest }) => manifest !== undefined);
    const isApart = known.some(
      ({ manifest }) => !manifest?.covers.some((one) => meets(one, covers)),
    );
    if (isApart) continue;
    for (const one of earlier) removeStart(hands, one);
    return id;
  }
  throw taken(home?.folder ?? '', `process ${first} has started bellhop ${STARTS_MAX} times`);
}

function meets(path: string, others: readonly string[]): boolean {
  return others.some((one) => isBelow(path, one) || isBelow(one, path));
}

const OWN_NAME = /^(\d+-\d+(-\d+)?)(\.json(\.tmp)?)?$/;

/** Every start that left something in the folder; other names are not ours. */
function earlierOf(hands: Hands, home: Home): Earlier[] {
  const ids = new Set(
    hands.fs.list(home.folder).flatMap((name) => OWN_NAME.exec(name)?.slice(1, 2) ?? []),
  );
  return [...ids].map((id) => {
    return { home, id, manifest: readManifest(hands, manifestPath(home, id)) };
  });
}

function isAlive(hands: Hands, { home, id, manifest }: Earlier): boolean {
  const [pid = '', started] = id.split('-');
  if (manifest === undefined) return startOf(hands, Number(pid)) === started;
  // Memory may be shared with another container, whose processes cannot be seen from here. A disk
  // is this container's own: what is on it comes from before it was started again.
  if (isElsewhere(home, manifest)) return home.inMemory;
  return startOf(hands, manifest.pid) === manifest.started;
}

/** True if the pid of the manifest means nothing to us. */
function isElsewhere(home: Home, { namespace }: Manifest): boolean {
  return namespace !== '' && home.namespace !== '' && namespace !== home.namespace;
}

/** Removes all that one start wrote; what cannot be removed keeps its manifest for the next try. */
function removeStart(hands: Hands, { home, id, manifest }: Earlier): void {
  const written = [...(manifest?.written ?? [])].reverse();
  const isDone = [
    ...written.filter(({ kind }) => kind === 'mount'),
    ...written.filter(({ kind }) => kind !== 'mount'),
  ].map((one) => attempt(() => removeWritten(hands, one)));
  const staged = `${home.folder}/${id}`;
  isDone.push(attempt(() => removeStaged(hands, staged)));
  if (isDone.includes(false)) return;
  const path = manifestPath(home, id);
  for (const one of [`${path}.tmp`, path]) hands.fs.remove(one);
}

function attempt(work: () => void): boolean {
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

function removeWritten(hands: Hands, one: Written): void {
  const { path } = one;
  switch (one.kind) {
    case 'mount':
      removeMount(hands, one);
      return;
    case 'entry':
      if (isSame(hands, one)) removeUnmounted(hands, path);
      restore(hands, one);
      return;
    case 'content':
      removeContent(hands, one);
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

function removeContent(hands: Hands, one: Written): void {
  if (isSame(hands, one)) {
    removeInside(hands, one);
    if (one.was !== undefined) restoreLook(hands.fs, one.path, one.was);
  }
  // Also where it was taken away whole and we were killed before it was there again.
  restore(hands, one);
}

function removeInside(hands: Hands, { path, names, kept = [] }: Written): void {
  if (names === undefined && kept.length === 0) {
    removeUnmounted(hands, path);
    return;
  }
  const gone = names ?? hands.fs.list(path).filter((name) => !kept.includes(name));
  for (const name of gone) removeUnmounted(hands, `${path}/${name}`);
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
  const text = new TextDecoder().decode(hands.fs.read('/proc/self/mountinfo', MOUNTS_BYTES_MAX));
  const points = text.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
  const mounted = points.find((point) => isBelow(point, path));
  if (mounted !== undefined)
    throw taken(mounted, 'is mounted inside of what an earlier start made');
  hands.fs.remove(path);
}

/** mountinfo writes space, tab, newline and backslash as \ooo: proc(5). */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
