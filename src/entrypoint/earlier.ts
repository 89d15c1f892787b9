import { isWithin } from '../core/paths.ts';
import type { Hands } from './hands.ts';
import { taken } from './hands.ts';
import type { Written } from './manifest.ts';
import { isMarked, manifestPath, readManifest, writeManifest } from './manifest.ts';
import type { Earlier } from './release.ts';
import { attempt, isElsewhere, release, stillMounted } from './release.ts';
import type { Home, State } from './state.ts';
import { allHomes, startOf } from './state.ts';

// What earlier starts left: of a program that is gone it is removed, of a living one it is kept.

/** Starts of one process, each of which delivered to paths of its own. */
const STARTS_MAX = 1000;

/** What a start wants, and what it may. */
interface Claim {
  readonly covers: readonly string[];
  readonly mayMount: boolean;
}

/**
 * Takes the paths for this start. What a living program uses stays; where this start wants one of
 * its paths, that is a problem. What starts wrote whose program is gone goes with `release`.
 */
export function claim(hands: Hands, home: Home, { covers, mayMount }: Claim): State {
  const homes = allHomes(hands, home);
  const id = ownId(hands, homes);
  let isReleased = false;
  const written: Written[] = [];
  const found: { dead: Earlier[]; living: Earlier[] } = { dead: [], living: [] };
  const before = {
    written,
    release: (keeps: readonly string[]): void => {
      if (!isReleased) release(hands, found, keeps);
      isReleased = true;
    },
    settle: (own: readonly Written[]): void => {
      for (const one of found.dead) attempt(() => settle(hands, one, own));
    },
  };
  const state = { ...home, covers, id, before };
  // First ours, then a look at the others': of two starts at once one sees the other's.
  writeManifest(hands, state, []);
  hands.undo.push(() => {
    if (hands.stuck.length === 0) hands.fs.unlink(manifestPath(home, id));
  });
  const all = homes.flatMap((one) => earlierOf(hands, one));
  for (const one of all.filter((each) => each.home !== home || each.id !== id)) {
    if (isOver(hands, one, covers)) found.dead.push(one);
    else found.living.push(one);
  }
  for (const one of found.living) checkApart(one, covers);
  written.push(...found.dead.flatMap(({ manifest }) => manifest?.written ?? []));
  if (!mayMount) checkUnmounted(hands, written);
  return state;
}

/** A program that runs bellhop again is the same process: what it delivers elsewhere stays. */
function isOver(hands: Hands, one: Earlier, covers: readonly string[]): boolean {
  const own = `${hands.io.kernel.pid}-${one.home.started}`;
  if (!`${one.id}-`.startsWith(`${own}-`)) return !isAlive(hands, one);
  const theirs = one.manifest?.covers ?? [];
  return theirs.length === 0 || theirs.some((path) => meets(path, covers));
}

function checkUnmounted({ fs }: Hands, written: readonly Written[]): void {
  const mounted = written.find(
    (one) => one.kind === 'mount' && isMarked(fs.statThrough(one.path), one),
  );
  if (mounted !== undefined) throw stillMounted(mounted.path);
}

function checkApart({ home, manifest }: Earlier, covers: readonly string[]): void {
  if (manifest === undefined || isElsewhere(home, manifest)) return;
  const both = covers.find((path) => meets(path, manifest.covers));
  const help = 'end that program, or deliver to other paths';
  if (both !== undefined) throw taken(both, `is in use by process ${manifest.pid}`, help);
}

/** The first name that is free; a process may start bellhop more than once. */
function ownId(hands: Hands, homes: readonly Home[]): string {
  const [home] = homes;
  const first = `${hands.io.kernel.pid}-${home?.started ?? '0'}`;
  const used = new Set(homes.flatMap((one) => earlierOf(hands, one)).map((one) => one.id));
  for (let count = 1; count <= STARTS_MAX; count++) {
    const id = count === 1 ? first : `${first}-${count}`;
    if (!used.has(id)) return id;
  }
  throw taken(home?.folder ?? '', `process ${first} has started bellhop ${STARTS_MAX} times`);
}

function meets(path: string, others: readonly string[]): boolean {
  return others.some((one) => isWithin(path, one) || isWithin(one, path));
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

/** The manifest of a dead start of which nothing is left that we have not taken over. */
function settle(hands: Hands, { home, id }: Earlier, own: readonly Written[]): void {
  const path = manifestPath(home, id);
  const rest = readManifest(hands, path);
  if (rest === undefined || rest.covers.length > 0) return;
  const isOurs = (at: string): boolean => own.some((one) => one.kind === 'data' && one.path === at);
  const data = rest.written.filter(({ kind }) => kind === 'data');
  if (data.every((one) => isOurs(one.path))) hands.fs.remove(path);
}
