import type { Clock, FileStat } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import type { SnapshotLimits } from './limits.ts';
import {
  isExact,
  isOwnFolder,
  NO_TEXT,
  steadyContent,
  steadyNames,
  steadyTarget,
} from './normalise.ts';
import type { View } from './paths.ts';
import { folderOf, reach, resolvePath, statIn, upwards } from './paths.ts';
import type { Cut, Entry, Parent, Tree } from './types.ts';
import type { Valuer } from './values.ts';

/** What all trees of one snapshot share, and use up together. */
export interface Walk {
  readonly view: View;
  readonly valuer: Valuer;
  readonly limits: SnapshotLimits;
  readonly clock: Clock;
  readonly beganMs: number;
  /** Where other trees begin: what is there is listed there. */
  readonly roots: ReadonlySet<string>;
  /** Where other mounts lie: they are no part of what is looked at. */
  readonly mounts: ReadonlySet<string>;
  readonly mediumOf: (path: string) => 'memory' | 'disk';
  readonly cuts: Cut[];
  /** Used so far. */
  entries: number;
  bytes: number;
}

/** A place of a tree: where it really is, and how it is written down. */
interface Place {
  readonly real: string;
  readonly path: string;
  readonly depth: number;
  readonly through?: string;
}

/** Everything at and below a path; links are followed at its top, and into bellhop's own folder. */
export function walkTree(walk: Walk, of: Pick<Tree, 'path' | 'why' | 'medium'>): Tree {
  const entries: Entry[] = [];
  try {
    addEntry(walk, entries, topOf(walk.view, of.path));
  } catch (error) {
    const { path, why } = of;
    return { path, why, error: errnoOf(error), entries };
  }
  return { ...of, entries: entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** Folders above trees, as far as they can be seen, but for those that a tree has itself. */
export function parentsOf(view: View, trees: readonly Tree[]): Parent[] {
  const above = new Set(trees.flatMap(({ path }) => [...upwards(path)].slice(1)));
  const paths = [...above].filter((path) => !trees.some((tree) => isListed(tree, path)));
  return paths.toSorted().flatMap((path) => {
    const stat = attempt(() => statIn(view, resolvePath(view, path)));
    return stat === undefined || 'errno' in stat ? [] : [{ path, ...ownership(stat) }];
  });
}

function isListed({ path: tree, error }: Tree, path: string): boolean {
  return error === undefined && isWithin(path, tree);
}

function errnoOf(error: unknown): string {
  if (error instanceof FsError) return error.errno;
  throw error;
}

function topOf(view: View, path: string): Place {
  const parent = path === '/' ? '/' : resolvePath(view, folderOf(path));
  const place = { path: '.', depth: 0 };
  const real =
    parent === '/'
      ? path.slice(path.lastIndexOf('/'))
      : `${parent}${path.slice(path.lastIndexOf('/'))}`;
  const stat = statIn(view, real);
  if (stat === undefined) throw new FsError('ENOENT', path, 'lstat');
  if (stat.kind !== 'link') return { ...place, real };
  const target = view.fs.readlink(reach(view, real));
  const behind = attempt(() => resolvePath(view, real));
  // A link that leads nowhere is shown as the link that it is.
  if (typeof behind !== 'string') return { ...place, real };
  return { ...place, real: behind, through: steadyTarget(target) };
}

function ownership({ mode, uid, gid }: FileStat): Pick<Entry, 'mode' | 'uid' | 'gid'> {
  return { mode: mode.toString(8).padStart(4, '0'), uid, gid };
}

/** What can be said of every kind of entry. */
function plainEntry(walk: Walk, { path, through, real }: Place, stat: FileStat): Entry {
  const { kind, special } = stat;
  return {
    path,
    type: kind,
    ...(special === undefined ? {} : { special }),
    ...ownership(stat),
    ...(through === undefined ? {} : { through, ...mediumBehind(walk, real) }),
  };
}

/** False where a limit ends the whole walk. */
function mayGoOn(walk: Walk, path: string): boolean {
  const { entriesMax, timeMsMax } = walk.limits;
  if (walk.entries >= entriesMax) return cut(walk, 'entriesMax', path);
  const tookMs = walk.clock.monotonicMs() - walk.beganMs;
  return tookMs < timeMsMax || cut(walk, 'timeMsMax', path);
}

function cut(walk: Walk, limit: keyof SnapshotLimits, path: string): false {
  if (!walk.cuts.some((one) => one.limit === limit)) {
    walk.cuts.push({ limit, max: walk.limits[limit], path });
  }
  return false;
}

function addEntry(walk: Walk, entries: Entry[], place: Place): void {
  const { path, real } = place;
  if (path !== '.' && walk.roots.has(real)) return;
  if (!mayGoOn(walk, real)) return;
  walk.entries += 1;
  const stat = statIn(walk.view, real);
  if (stat === undefined) {
    // Names that are not UTF-8 come as U+FFFD, and are not found again.
    const error = isExact(path) ? 'gone' : NO_TEXT.name;
    entries.push({ path, type: 'other', mode: '0000', uid: 0, gid: 0, error });
    return;
  }
  const plain = plainEntry(walk, place, stat);
  const { type } = plain;
  if (path !== '.' && walk.mounts.has(real)) entries.push({ ...plain, mount: true });
  else if (type === 'link') addLink(walk, entries, { place, plain });
  else if (type === 'file') entries.push({ ...plain, ...contentOf(walk, real, stat) });
  else if (type === 'dir') addFolder(walk, entries, { place, plain });
  else entries.push(plain);
}

/** Secret bytes are to lie in memory: where the link leads is not where it stands. */
function mediumBehind(walk: Walk, real: string): Pick<Entry, 'throughMedium'> {
  return isOwnFolder(real) ? { throughMedium: walk.mediumOf(real) } : {};
}

interface Adding {
  readonly place: Place;
  readonly plain: Entry;
}

function addLink(walk: Walk, entries: Entry[], { place, plain }: Adding): void {
  const { view } = walk;
  const target = attempt(() => view.fs.readlink(reach(view, place.real)));
  if (typeof target === 'object') {
    entries.push({ ...plain, error: target.errno });
    return;
  }
  const behind = isOwnFolder(target) ? attempt(() => resolvePath(view, target)) : undefined;
  if (typeof behind === 'string') {
    walk.entries -= 1;
    addEntry(walk, entries, { ...place, real: behind, through: steadyTarget(target) });
    return;
  }
  const error = isExact(target) ? {} : { error: NO_TEXT.target };
  entries.push({ ...plain, target: steadyTarget(target), ...error });
}

function attempt<T>(work: () => T): T | { readonly errno: string } {
  try {
    return work();
  } catch (error) {
    return { errno: errnoOf(error) };
  }
}

function addFolder(walk: Walk, entries: Entry[], { place, plain }: Adding): void {
  const { view, limits } = walk;
  const { real, path, depth } = place;
  const names = attempt(() => view.fs.list(reach(view, real)));
  if ('errno' in names) {
    entries.push({ ...plain, error: names.errno });
    return;
  }
  if (depth >= limits.depthMax && names.length > 0) {
    cut(walk, 'depthMax', real);
    entries.push({ ...plain, error: 'depthMax' });
    return;
  }
  const distinct = new Set(names);
  const error = distinct.size < names.length ? { error: NO_TEXT.names } : {};
  entries.push({ ...plain, ...error });
  const current = attempt(() => view.fs.readlink(`${reach(view, real)}/..data`));
  const steady = steadyNames(
    [...distinct].filter((name) => !isOwnName(real, name)),
    typeof current === 'string' ? current : undefined,
  );
  for (const [name, written] of steady) {
    addEntry(walk, entries, {
      real: real === '/' ? `/${name}` : `${real}/${name}`,
      path: path === '.' ? written : `${path}/${written}`,
      depth: depth + 1,
    });
  }
}

/** bellhop's own folder and key in /dev/shm are no part of what a container was given. */
function isOwnName(folder: string, name: string): boolean {
  return folder === '/dev/shm' && /^bellhop-(\d+|snapshot-\d+\.key)$/.test(name);
}

function contentOf(walk: Walk, real: string, { size }: FileStat): Partial<Entry> {
  const { limits, view, valuer } = walk;
  if (size > limits.fileBytesMax) {
    cut(walk, 'fileBytesMax', real);
    return { bytes: size, error: 'fileBytesMax' };
  }
  if (walk.bytes + size > limits.totalBytesMax) {
    cut(walk, 'totalBytesMax', real);
    return { bytes: size, error: 'totalBytesMax' };
  }
  const read = attempt(() => view.fs.read(reach(view, real), limits.fileBytesMax));
  if (!(read instanceof Uint8Array)) return { bytes: size, error: read.errno };
  walk.bytes += read.length;
  const { bytes, normalised } = steadyContent(read);
  const content = valuer.value(bytes);
  return normalised.length === 0 ? { content } : { content, normalised };
}
