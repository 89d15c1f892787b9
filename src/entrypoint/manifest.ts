import type { FileStat } from '../core/io/types.ts';
import type { Hands, Look } from './hands.ts';
import type { Home, State } from './state.ts';
import { isOursAlone } from './state.ts';

// What each start leaves behind as knowledge: the paths it took and what it put there.

const MANIFEST_BYTES_MAX = 16 * 1024 * 1024;

/**
 * One thing that bellhop put somewhere, or is about to. Known again by device, inode and time of
 * birth where they are not 0 (a new file may get an old inode), never by a marker.
 * - mount: unmount it;
 * - entry: remove it;
 * - content: a folder of others: remove `names`, or without them all but what is `kept`;
 * - link: remove it while it leads to `target`;
 * - place: a folder or file that is there only to be mounted on: remove it while it is empty;
 * - data: an emptyDir's folder: never its content; remove it while it is empty;
 * - aside: where something was made under a name of this start's own: remove it.
 */
export interface Written {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly bornMs?: number;
  readonly kind: 'mount' | 'entry' | 'content' | 'link' | 'place' | 'aside' | 'data';
  readonly names?: readonly string[];
  readonly kept?: readonly string[];
  readonly target?: string;
  /** The emptyDir whose content this is, which a later start may take over. */
  readonly volume?: string;
  /** The folder that was there, which is to look so again. */
  readonly was?: Look;
}

/** What one start tells the next ones. */
export interface Manifest {
  readonly pid: number;
  /** Start of that process in ticks since boot: pids are used again, this pair is not. */
  readonly started: string;
  /** The pid namespace in which `pid` means something. */
  readonly namespace: string;
  /** Paths that no other start may deliver to while the process lives. */
  readonly covers: readonly string[];
  readonly written: readonly Written[];
}

/** Where a start's manifest lies. */
export function manifestPath(home: Home, id: string): string {
  return `${home.folder}/${id}.json`;
}

/** Reads a manifest; undefined where there is none, where it is broken or not ours alone. */
export function readManifest(hands: Hands, path: string): Manifest | undefined {
  try {
    const there = hands.fs.stat(path);
    if (there?.kind !== 'file' || !isOursAlone(hands, there)) return undefined;
    const bytes = hands.fs.read(path, MANIFEST_BYTES_MAX);
    const read = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest>;
    const { pid, started, namespace, covers, written } = read;
    if (typeof pid !== 'number' || typeof started !== 'string') return undefined;
    if (typeof namespace !== 'string' || !isStrings(covers)) return undefined;
    if (!Array.isArray(written)) return undefined;
    return { pid, started, namespace, covers, written: written.filter(isWritten) };
  } catch {
    // A broken manifest knows nothing: what is there is foreign, and refused where it is wanted.
    return undefined;
  }
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isName(value: string): boolean {
  return value !== '' && value !== '.' && value !== '..' && !value.includes('/');
}

function isCleanPath(value: unknown): value is string {
  return typeof value === 'string' && /^(\/[^/]+)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value);
}

const KINDS: readonly unknown[] = ['mount', 'entry', 'content', 'link', 'place', 'aside', 'data'];

function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null) return false;
  const one = value as Record<string, unknown>;
  const { path, device, inode, kind, names, kept, was, bornMs } = one;
  const isKnown = isCleanPath(path) && KINDS.includes(kind);
  if (!isKnown || (kind === 'aside' && !ASIDE.test(path))) return false;
  if (![device, inode, bornMs ?? 0].every((number) => typeof number === 'number')) return false;
  return hasTarget(one) && areNames(names) && areNames(kept) && isLook(was);
}

function hasTarget({ kind, target, volume = '' }: Record<string, unknown>): boolean {
  if (typeof volume !== 'string') return false;
  return target === undefined ? kind !== 'link' : typeof target === 'string';
}

/** Beside the place, or a folder of this start's in bellhop's own. */
const ASIDE = /\/\.bellhop-(\d+\/\d+-\d+(-\d+)?|\d+-\d+(-\d+)?-\d+)$/;

function areNames(list: unknown): boolean {
  return list === undefined || (isStrings(list) && list.every(isName));
}

function isLook(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { mode, uid, gid } = value as Record<string, unknown>;
  return [mode, uid, gid].every((one) => typeof one === 'number');
}

/** Writes this start's manifest, whole or not at all. */
export function writeManifest(hands: Hands, state: State, written: readonly Written[]): void {
  const { started, namespace, covers } = state;
  const manifest: Manifest = { pid: hands.io.kernel.pid, started, namespace, covers, written };
  rewriteManifest(hands, manifestPath(state, state.id), manifest);
}

/** The same for a manifest that is there, of a start that is over. */
export function rewriteManifest(hands: Hands, path: string, manifest: Manifest): void {
  const temporary = `${path}.tmp`;
  hands.fs.write(temporary, new TextEncoder().encode(JSON.stringify(manifest)), 0o600);
  try {
    hands.fs.rename(temporary, path);
  } catch (error) {
    hands.undo.push(() => hands.fs.unlink(temporary));
    throw error;
  }
}

/** What tells a file from every other one. */
export function markOf(there: FileStat | undefined): Pick<Written, 'device' | 'inode' | 'bornMs'> {
  const { device = 0, inode = 0, bornMs = 0 } = there ?? {};
  return { device, inode, bornMs };
}

/** True if what is there is what was written, not something else that got its inode. */
export function isMarked(there: FileStat | undefined, written: Written): boolean {
  if (there?.device !== written.device || there.inode !== written.inode) return false;
  const { bornMs = 0 } = written;
  return bornMs === 0 || there.bornMs === 0 || bornMs === there.bornMs;
}

/** How a path is known again later. */
export function noteOf(hands: Hands, path: string, kind: Written['kind']): Written {
  const there = hands.fs.stat(path);
  return { path, kind, ...markOf(there) };
}
