import { BellhopError } from '../core/errors.ts';
import type { FileStat } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, makeFolder, taken } from './hands.ts';
import type { Written } from './manifest.ts';

// bellhop's own folder, e.g. /dev/shm/bellhop-0: one manifest for each start, and below a folder of
// the same name what that start put in memory. A manifest is written before anything becomes
// visible, so that whatever a killed start left is known to the next one and removed.

/** statfs magic of file systems that live in memory: linux/magic.h. */
const MEMORY_MAGIC = new Set([0x01021994, 0x858458f6]);
const STAT_BYTES_MAX = 4096;

/** The folder, and who we are in it. */
export interface Home {
  /** `…/bellhop-UID`, 0711: programs of other users pass through to what is theirs to read. */
  readonly folder: string;
  readonly inMemory: boolean;
  readonly started: string;
  readonly namespace: string;
}

/** The folder with a place for this start. */
export interface State extends Home {
  /** Name of this start's manifest and folder. */
  readonly id: string;
  readonly covers: readonly string[];
  readonly before: Before;
}

/** What earlier starts wrote whose program is gone. */
export interface Before {
  readonly written: readonly Written[];
  /** Removes it once, all but what is in `keeps` and what programs have put into an emptyDir. */
  readonly release: (keeps: readonly string[]) => void;
  /** Forgets the data that is now known as this start's. */
  readonly settle: (written: readonly Written[]) => void;
}

/** What the state folder must offer. */
export interface StateNeeds {
  /** Secret bytes will lie in it. */
  readonly memory: boolean;
  /** policy.disk: allow */
  readonly diskAllowed: boolean;
  /** What is in memory ends with the program, and no secret will lie in it: a disk comes first. */
  readonly lasting: boolean;
  /** Paths that this delivery covers: the state may not lie below them. */
  readonly covered: readonly string[];
}

const BASES = ['/dev/shm', '/run', '/tmp', '/var/tmp'];
/** Mounts that end with the program take what is in memory with them: what is to be known later. */
const LASTING = ['/var/lib', '/var/tmp', '/tmp', '/run', '/'];

function basesOf({ place }: Hands): readonly string[] {
  return place.mounts === 'own' ? [...LASTING, '/dev/shm'] : BASES;
}

function ownFolder({ io }: Hands, base: string): string {
  return `${base === '/' ? '' : base}/bellhop-${io.kernel.uid}`;
}

/** True if the path lies on a file system in memory: by statfs, never by name. */
export function isInMemory({ fs }: Pick<Hands, 'fs'>, path: string): boolean {
  return MEMORY_MAGIC.has(fs.fileSystem(path).magic);
}

/** Opens bellhop's folder in the first place that does, or says why there is none. */
export function openHome(hands: Hands, needs: StateNeeds): Home {
  const bases = basesOf(hands).filter(
    (base) => !needs.covered.some((path) => isWithin(base, path)),
  );
  const usable = bases.filter((base) => isUsable(hands, base));
  const memory = usable.filter((base) => isInMemory(hands, base));
  const others = usable.filter((base) => !memory.includes(base));
  const onDisk = needs.memory && !needs.diskAllowed ? [] : others;
  let refused: FsError | undefined;
  const ordered = needs.lasting ? [...others, ...memory] : [...memory, ...onDisk];
  for (const base of ordered) {
    const folder = ownFolder(hands, base);
    const inside = needs.covered.find((path) => isWithin(path, folder));
    if (inside !== undefined)
      throw taken(inside, `lies in ${folder}, which is bellhop's own`, ELSEWHERE);
    try {
      makeOwnFolder(hands, folder);
      return homeIn(hands, folder, memory.includes(base));
    } catch (error) {
      if (!(error instanceof FsError) || !UNUSABLE.has(error.errno)) throw error;
      refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
  const what = needs.memory
    ? `no memory file system to put secret bytes on (looked at ${bases.join(', ')})`
    : `no folder that may be written (looked at ${bases.join(', ')})`;
  throw new BellhopError('BH_ERR_NO_MEMORY', { where: ['delivery'], what });
}

/**
 * This home first, then the ones that earlier starts may have had elsewhere: which place is taken
 * depends on what a delivery covers.
 */
export function allHomes(hands: Hands, home: Home): Home[] {
  const folders = basesOf(hands).map((base) => ownFolder(hands, base));
  // Images have links between these places (/var/tmp to /tmp), and platforms mount one twice.
  const known = new Set([placeOf(hands.fs.stat(home.folder))]);
  const others = folders.filter((folder) => {
    const there = hands.fs.stat(folder);
    if (there?.kind !== 'dir' || !isOursAlone(hands, there)) return false;
    const place = placeOf(there);
    return known.size < known.add(place).size;
  });
  return [
    home,
    ...others.map((folder) => ({ ...home, folder, inMemory: isInMemory(hands, folder) })),
  ];
}

function placeOf(there: FileStat | undefined): string {
  return there === undefined ? '' : `${there.device} ${there.inode}`;
}

const GIVE = 'remove it, or give it to this user';

/** A base that answers so is passed over. */
export const UNUSABLE: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

function homeIn(hands: Hands, folder: string, inMemory: boolean): Home {
  const started = startOf(hands, hands.io.kernel.pid) ?? '0';
  return { folder, inMemory, started, namespace: namespaceOf(hands) };
}

function isUsable(hands: Hands, base: string): boolean {
  const there = hands.fs.statThrough(base);
  if (there === undefined || there.kind !== 'dir') return false;
  const { uid } = hands.io.kernel;
  return uid === 0 || (there.mode & 0o002) !== 0 || there.uid === uid;
}

/** Makes a folder that only we may write, or takes the one that an earlier start made. */
export function makeOwnFolder(hands: Hands, folder: string): void {
  if (hands.fs.stat(folder) === undefined) {
    try {
      makeFolder(hands, folder, 0o711);
      return;
    } catch (error) {
      // Another start was faster.
      if (!(error instanceof FsError) || error.errno !== 'EEXIST') throw error;
    }
  }
  const there = hands.fs.stat(folder);
  if (there?.kind !== 'dir' || !isOursAlone(hands, there))
    throw taken(folder, 'is not a folder that only bellhop may write: somebody else made it', GIVE);
}

/** True if it belongs to us and nobody else may write it. */
export function isOursAlone(hands: Hands, there: FileStat): boolean {
  return there.uid === hands.io.kernel.uid && (there.mode & 0o022) === 0;
}

function namespaceOf(hands: Hands): string {
  try {
    return hands.io.fs.readlink('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** When a process started, in ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
export function startOf(hands: Hands, pid: number): string | undefined {
  try {
    const text = new TextDecoder().decode(hands.io.fs.read(`/proc/${pid}/stat`, STAT_BYTES_MAX));
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only nobody has asked for its exit code yet.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
