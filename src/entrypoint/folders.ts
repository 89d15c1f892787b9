import type { FileStat } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import { isFreed } from './check-paths.ts';
import type { Look } from './hands.ts';
import { ELSEWHERE, dress, lookOf, makeFolder, redress, standing, taken } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { record } from './ledger.ts';
import type { Written } from './manifest.ts';
import { isMarked, noteOf } from './manifest.ts';

// Folders at the mount paths, where nothing can be mounted: made, taken, or taken over.

/** What is in a folder beside the way to other paths of ours. */
export function foreignIn({ hands, state }: Ledger, path: string): string[] {
  return hands.fs.list(path).filter((name) => {
    const at = `${path}/${name}`;
    return !state.covers.some((one) => isWithin(one, at)) && !isFreed(hands, state, at);
  });
}

/** The folder of an earlier start with the data of this volume. */
export function earlierData(
  { hands, state }: Ledger,
  path: string,
  volume: string,
): Written | undefined {
  const at = hands.fs.realpath(path);
  return state.before.written.find((one) => {
    return one.path === at && one.volume === volume && isMarked(hands.fs.stat(at), one);
  });
}

/** Makes folders below one of ours, or takes those that an earlier start made. */
export function makeFolders(
  { hands, state }: Ledger,
  { at, absent, look }: { at: string; absent: readonly string[]; look: Look },
): void {
  for (const folder of absent) {
    const path = `${at}/${folder}`;
    if (hands.fs.stat(path) !== undefined) {
      const places = state.before.written.filter((one) => one.kind === 'place');
      if (places.some((one) => one.path === path)) redress(hands, path, look);
      continue;
    }
    makeFolder(hands, path, 0o700);
    dress(hands, path, look);
  }
}

/** A folder at a path of ours. */
export interface Opened {
  /** Through the links of the image. */
  readonly path: string;
  readonly how: 'made' | 'taken' | 'merged';
}

/** What an earlier start made on the way to its data, which is this start's from now on. */
function wayTo({ hands, state }: Ledger, path: string): Written[] {
  return state.before.written.filter((one) => {
    if (one.path === path || !isWithin(path, one.path)) return false;
    return one.kind === 'place' || (one.kind === 'entry' && isMarked(hands.fs.stat(one.path), one));
  });
}

interface Content {
  /** What will be put into the folder. */
  readonly names: readonly string[];
  /** Of an emptyDir: its content outlives this start. */
  readonly volume?: string;
}

/** Makes the folder or takes the one that is there. */
export function openFolder(work: Ledger, wanted: string, { names, volume }: Content): Opened {
  const { hands } = work;
  const there = standing(hands.fs, wanted);
  const data = volume === undefined ? undefined : { kind: 'data' as const, volume };
  if (there === undefined) {
    makeFolder(hands, wanted, 0o700);
    record(work, { ...noteOf(hands, wanted, 'entry'), ...data });
    return { path: wanted, how: 'made' };
  }
  if (there.kind !== 'dir') throw taken(wanted, 'is not a folder', ELSEWHERE);
  const earlier = volume === undefined ? undefined : earlierData(work, wanted, volume);
  if (earlier !== undefined) {
    record(work, ...wayTo(work, earlier.path), earlier);
    return { path: earlier.path, how: 'taken' };
  }
  return takeFolder(work, { wanted, there, names, data });
}

interface Found {
  readonly wanted: string;
  readonly there: FileStat;
  readonly names: readonly string[];
  readonly data: Data | undefined;
}

type Data = { readonly kind: 'data'; readonly volume: string };

function takeFolder(work: Ledger, { wanted, there, names, data }: Found): Opened {
  const { hands, state } = work;
  const path = hands.fs.realpath(wanted);
  for (const name of names) {
    if (hands.fs.stat(`${path}/${name}`) !== undefined)
      throw taken(`${path}/${name}`, 'is there already');
  }
  // A volume of the platform may be shared, e.g. /dev/shm: what comes there later is not all ours.
  const isMountPoint = hands.fs.stat(`${path}/..`)?.device !== there.device;
  const isOurs = !isMountPoint && foreignIn(work, path).length === 0;
  const was = lookOf(there);
  const kept = hands.fs.list(path);
  // What of an earlier start had to stay, as the way to data in it, is ours again.
  const again = state.before.written.find(
    (one) => one.path === path && one.kind === 'entry' && isMarked(there, one),
  );
  if (isOurs && again !== undefined) record(work, again);
  else if (isOurs && data !== undefined)
    record(work, { ...noteOf(hands, path, 'data'), ...data, was });
  else record(work, { ...noteOf(hands, path, 'content'), ...(isOurs ? { kept, was } : { names }) });
  return { path, how: isOurs ? 'taken' : 'merged' };
}

/** The volume's root gets its look last: until then nobody else looks into a new folder. */
export function finish({ hands }: Ledger, { path, how }: Opened, look: Look): void {
  if (how === 'made') dress(hands, path, look);
  if (how === 'taken') redress(hands, path, look);
}
