import { isWithin } from '../core/paths.ts';
import type { Hands, Look } from './hands.ts';
import { lookOf, parentsOf, standing, taken } from './hands.ts';
import type { Written } from './manifest.ts';
import { noteOf, writeManifest } from './manifest.ts';
import type { State } from './state.ts';

// The running account of a delivery: what it puts somewhere is in the manifest before it is there.

/** What one delivery has written, or is about to write. */
export interface Ledger {
  readonly hands: Hands;
  readonly state: State;
  readonly written: Written[];
}

/** Notes things before they are visible, so that whoever ends us now leaves nothing unknown. */
export function record(ledger: Ledger, ...added: readonly Written[]): void {
  if (added.length === 0) return;
  ledger.written.push(...added);
  writeManifest(ledger.hands, ledger.state, ledger.written);
}

/** The paths and parents that are not there yet, parents first. */
export function placesOf(hands: Hands, paths: readonly string[]): Written[] {
  const places = new Set<string>();
  for (const path of paths) {
    for (const one of [...parentsOf(path), path]) {
      if (!places.has(one) && standing(hands.fs, one) === undefined) places.add(one);
    }
  }
  return [...places].map((path) => ({ path, kind: 'place', device: 0, inode: 0 }));
}

/** The same, with those of an earlier start that are still there: an emptyDir has kept them. */
export function placesAgain({ hands, state }: Ledger, paths: readonly string[]): Written[] {
  const again = state.before.written.filter(({ kind, path }) => {
    const isOurs = kind === 'place' && paths.some((one) => isWithin(one, path));
    return isOurs && hands.fs.stat(path) !== undefined;
  });
  return [...again, ...placesOf(hands, paths)];
}

/** Where something is made before it is renamed to `path`: beside it, under a name of ours. */
export function asideOf({ state }: Ledger, path: string): Written {
  const parent = path.slice(0, path.lastIndexOf('/'));
  const name = `.bellhop-${state.id}-${state.covers.indexOf(path)}`;
  return { path: `${parent}/${name}`, kind: 'aside', device: 0, inode: 0 };
}

/** The folder that is to give way, where there is one; anything that has content is in the way. */
export function givingWay(hands: Hands, path: string, isFolder: boolean): Look | undefined {
  const there = hands.fs.stat(path);
  if (there === undefined) return undefined;
  const isEmpty = there.kind === 'dir' && hands.fs.list(path).length === 0;
  if (isFolder && isEmpty) return lookOf(there);
  throw taken(path, 'is there already');
}

/** Takes an empty folder away, with its look kept for the way back. */
export function vacate({ fs, undo }: Hands, path: string, was: Look | undefined): void {
  if (was === undefined) return;
  fs.rmdir(path);
  undo.push(() => {
    fs.mkdir(path, 0o700);
    fs.lchown(path, was);
    fs.chmod(path, was.mode);
  });
}

/** Shows what was made aside, all at once. */
export function show(ledger: Ledger, path: string, isFolder: boolean): void {
  const { hands } = ledger;
  const aside = asideOf(ledger, path).path;
  const was = givingWay(hands, path, isFolder);
  record(ledger, { ...noteOf(hands, aside, 'entry'), path, ...(was === undefined ? {} : { was }) });
  vacate(hands, path, was);
  hands.fs.rename(aside, path);
  hands.undo.push(() => hands.fs.remove(path));
}
