import { BellhopError } from '../core/errors.ts';
import type { Hands } from './hands.ts';
import { makeFolder, removeTree, taken } from './hands.ts';

// bellhop's own folder, e.g. /dev/shm/bellhop-0: one manifest for each start, and below a folder of
// the same name what that start put in memory. A manifest is written before anything becomes
// visible, so that whatever a killed start left is known to the next one and removed.

/** statfs magic of file systems that live in memory: linux/magic.h. */
const MEMORY_MAGIC = new Set([0x01021994, 0x858458f6]);
const MANIFEST_BYTES_MAX = 16 * 1024 * 1024;
const STAT_BYTES_MAX = 4096;

/** One thing that bellhop put somewhere; known again by device and inode, never by a marker. */
export interface Written {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** mount: unmount it; entry: remove it; content: a folder of others, remove only `names`. */
  readonly kind: 'mount' | 'entry' | 'content';
  readonly names?: readonly string[];
}

interface Manifest {
  readonly pid: number;
  /** Start of that process in ticks since boot: pids are used again, this pair is not. */
  readonly started: string;
  readonly written: readonly Written[];
}

export interface State {
  /** `…/bellhop-UID`, 0711: programs of other users pass through to what is theirs to read. */
  readonly folder: string;
  readonly inMemory: boolean;
  /** Name of this start's manifest and folder. */
  readonly id: string;
  readonly started: string;
}

/** What the state folder must offer. */
export interface StateNeeds {
  /** Secret bytes will lie in it. */
  readonly memory: boolean;
  /** policy.disk: allow */
  readonly diskAllowed: boolean;
  /** Paths that this delivery covers: the state may not lie below them. */
  readonly covered: readonly string[];
}

const BASES = ['/dev/shm', '/run', '/tmp', '/var/tmp'];

/** True if the path lies on a file system in memory: by statfs, never by name. */
export function isInMemory(hands: Hands, path: string): boolean {
  return MEMORY_MAGIC.has(hands.fs.fileSystem(path).magic);
}

/** True if `path` is `folder` or below it. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Opens bellhop's folder in the first place that does, or says why there is none. */
export function openState(hands: Hands, needs: StateNeeds): State {
  const bases = BASES.filter((base) => !needs.covered.some((path) => isBelow(base, path)));
  const usable = bases.filter((base) => isUsable(hands, base));
  const inMemory = usable.find((base) => isInMemory(hands, base));
  const base = inMemory ?? (needs.memory && !needs.diskAllowed ? undefined : usable[0]);
  if (base === undefined) {
    const what = needs.memory
      ? `no memory file system to put secret bytes on (looked at ${bases.join(', ')})`
      : `no folder that may be written (looked at ${bases.join(', ')})`;
    throw new BellhopError('BH_ERR_NO_MEMORY', { where: ['delivery'], what });
  }
  const { uid, pid } = hands.io.kernel;
  const folder = `${base}/bellhop-${uid}`;
  makeOwnFolder(hands, folder);
  const started = startOf(hands, pid) ?? '0';
  return { folder, inMemory: base === inMemory, id: `${pid}-${started}`, started };
}

function isUsable(hands: Hands, base: string): boolean {
  const there = hands.fs.statThrough(base);
  if (there === undefined || there.kind !== 'dir') return false;
  const { uid } = hands.io.kernel;
  return uid === 0 || (there.mode & 0o002) !== 0 || there.uid === uid;
}

function makeOwnFolder(hands: Hands, folder: string): void {
  const there = hands.fs.stat(folder);
  if (there === undefined) {
    makeFolder(hands, folder, 0o711);
    return;
  }
  const { uid } = hands.io.kernel;
  const ours = there.kind === 'dir' && there.uid === uid && (there.mode & 0o022) === 0;
  if (!ours)
    throw taken(folder, 'is not a folder that only bellhop may write: somebody else made it');
}

/** When a process started, in ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
function startOf(hands: Hands, pid: number): string | undefined {
  try {
    const text = new TextDecoder().decode(hands.fs.read(`/proc/${pid}/stat`, STAT_BYTES_MAX));
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/**
 * Removes what earlier starts wrote whose program is gone. What a living program uses stays; where
 * this delivery wants one of its paths, that is a problem.
 */
export function cleanEarlier(hands: Hands, state: State, wanted: readonly string[]): void {
  for (const name of hands.fs.list(state.folder)) {
    if (!name.endsWith('.json')) continue;
    const manifest = readManifest(hands, `${state.folder}/${name}`);
    const alive = manifest !== undefined && startOf(hands, manifest.pid) === manifest.started;
    if (manifest !== undefined && alive && name !== `${state.id}.json`) {
      const both = manifest.written.find((one) => wanted.includes(one.path));
      if (both !== undefined) throw taken(both.path, `is in use by process ${manifest.pid}`);
      continue;
    }
    for (const one of [...(manifest?.written ?? [])].reverse()) removeEarlier(hands, one);
    removeTree(hands.fs, `${state.folder}/${name.slice(0, -'.json'.length)}`);
    hands.fs.unlink(`${state.folder}/${name}`);
  }
}

function removeEarlier(hands: Hands, one: Written): void {
  const there = hands.fs.stat(one.path);
  if (there === undefined || there.device !== one.device || there.inode !== one.inode) return;
  if (one.kind === 'mount') hands.io.kernel.unmount(one.path, { detach: true });
  else if (one.kind === 'entry') removeTree(hands.fs, one.path);
  else for (const name of one.names ?? []) removeTree(hands.fs, `${one.path}/${name}`);
}

function readManifest(hands: Hands, path: string): Manifest | undefined {
  try {
    const bytes = hands.fs.read(path, MANIFEST_BYTES_MAX);
    const read = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest>;
    const { pid, started, written } = read;
    if (typeof pid !== 'number' || typeof started !== 'string' || !Array.isArray(written)) return;
    return { pid, started, written: written.filter(isWritten) };
  } catch {
    // A broken manifest knows nothing: what is there is foreign, and refused where it is in the way.
    return undefined;
  }
}

function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null) return false;
  const { path, device, inode, kind, names } = value as Record<string, unknown>;
  const kinds: readonly unknown[] = ['mount', 'entry', 'content'];
  const known = typeof path === 'string' && path.startsWith('/') && kinds.includes(kind);
  const goodNames =
    names === undefined ||
    (Array.isArray(names) && names.every((one) => typeof one === 'string' && !one.includes('/')));
  return known && goodNames && typeof device === 'number' && typeof inode === 'number';
}

/** Writes this start's manifest, whole or not at all. */
export function writeManifest(hands: Hands, state: State, written: readonly Written[]): void {
  const manifest: Manifest = { pid: hands.io.kernel.pid, started: state.started, written };
  const path = `${state.folder}/${state.id}.json`;
  const temporary = `${path}.tmp`;
  removeTree(hands.fs, temporary);
  hands.fs.write(temporary, new TextEncoder().encode(JSON.stringify(manifest)), 0o600);
  hands.fs.rename(temporary, path);
  hands.undo.push(() => removeTree(hands.fs, path));
}

/** How a path is known again later. */
export function noteOf(hands: Hands, path: string, kind: Written['kind']): Written {
  const there = hands.fs.stat(path);
  return { path, kind, device: there?.device ?? 0, inode: there?.inode ?? 0 };
}
