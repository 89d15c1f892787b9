import { FsError } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import type { Delivery, Directory } from './delivery.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, makeFolder, taken } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { record } from './ledger.ts';
import type { Written } from './manifest.ts';
import { logsInVolumes } from './nested.ts';
import { UNUSABLE, isInMemory, makeOwnFolder } from './state.ts';

// Where mounted disk volumes lie: beside nothing of the user's, on a disk if there is one.

/** Makes this start's folder for disk volumes; '' where none is wanted or none can be written. */
export function makeDisk(work: Ledger, delivery: Delivery): string {
  const isWanted = delivery.directories.some((one) => one.placement.medium === 'disk');
  if (!isWanted && logsInVolumes(delivery).length === 0) return '';
  const { hands, state } = work;
  for (const folder of basesOf(work)) {
    const inside = state.covers.find((path) => isWithin(path, folder));
    if (inside !== undefined)
      throw taken(inside, `lies in ${folder}, which is bellhop's own`, ELSEWHERE);
    const disk = `${folder}/${state.id}`;
    record(work, ...notesOf(folder, disk));
    if (!isMade(hands, folder)) continue;
    makeFolder(hands, disk, 0o711);
    return disk;
  }
  hands.differences.add('a ConfigMap or emptyDir lies in memory: no disk may be written');
  return '';
}

function isMade(hands: Hands, folder: string): boolean {
  try {
    makeOwnFolder(hands, folder);
    return true;
  } catch (error) {
    if (error instanceof FsError && UNUSABLE.has(error.errno)) return false;
    throw error;
  }
}

function basesOf({ hands, state }: Ledger): string[] {
  // Not below a mount of ours, which would hide it from the next one.
  const parents = ['/var/lib', '/var/tmp', '/tmp', '/'].filter((one) => {
    return !state.covers.some((path) => isWithin(one, path));
  });
  const usable = parents.filter((one) => hands.fs.statThrough(one)?.kind === 'dir');
  const inMemory = usable.filter((one) => isInMemory(hands, one));
  const ordered = [...usable.filter((one) => !inMemory.includes(one)), ...inMemory];
  return ordered.map((one) => `${one === '/' ? '' : one}/.bellhop-${hands.io.kernel.uid}`);
}

function notesOf(folder: string, disk: string): Written[] {
  return [
    { path: folder, kind: 'place', device: 0, inode: 0 },
    { path: disk, kind: 'aside', device: 0, inode: 0 },
  ];
}

/**
 * Where the data of an emptyDir lies: the same folder for the same volume at the same path, also
 * for the next start, as it lives as long as the pod.
 */
export function dataFolder(disk: string, { placement, landings }: Directory): string {
  const [path = ''] = landings.map((one) => one.path).toSorted();
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${placement.volume}\0${path}`))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return `${disk.slice(0, disk.lastIndexOf('/'))}/data-${hash.toString(16)}`;
}

/** FNV-1a, 64 bits: names what only this user's own plans choose. */
const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;
