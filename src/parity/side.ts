import { isWithin } from '../core/paths.ts';
import { upwards } from './paths.ts';
import { isPlatformMount } from './proc.ts';
import type {
  Declared,
  DeclaredArgument,
  DeclaredFile,
  DeclaredVariable,
  Entry,
  MountSeen,
  Parent,
  Snapshot,
  Tree,
} from './types.ts';
import { plainText } from './values.ts';

/** An entry by its absolute path, with the tree that lists it. */
export interface Placed {
  readonly entry: Entry;
  readonly tree: Tree;
}

/** A snapshot made ready for comparing: everything by its name. */
export interface Side {
  readonly snapshot: Snapshot;
  readonly entries: ReadonlyMap<string, Placed>;
  readonly parents: ReadonlyMap<string, Parent>;
  readonly trees: ReadonlyMap<string, Tree>;
  readonly mounts: ReadonlyMap<string, MountSeen>;
  readonly variables: ReadonlySet<string>;
}

/** Both sides, and the plan that is known of either. */
export interface Pair {
  readonly left: Side;
  readonly right: Side;
  readonly declared?: Declared;
  readonly isPlatforms: PlatformVariables;
}

/** Whether a variable, beside all others of its container, is one that some platform gives. */
export type PlatformVariables = (name: string, beside: ReadonlySet<string>) => boolean;

function sideOf(snapshot: Snapshot): Side {
  const { process: seen } = snapshot;
  const entries = new Map<string, Placed>();
  for (const tree of snapshot.trees) {
    for (const entry of tree.entries) {
      const path = absolute(tree.path, entry.path);
      // Where another tree begins, that one says what is there.
      if (entry.path === '.' || !entries.has(path)) entries.set(path, { entry, tree });
    }
  }
  return {
    snapshot,
    entries,
    parents: new Map(snapshot.parents.map((one) => [one.path, one])),
    trees: new Map(snapshot.trees.map((one) => [one.path, one])),
    mounts: new Map(snapshot.mounts.map((one) => [one.path, one])),
    variables: new Set(seen.env.map(({ name }) => plainText(name))),
  };
}

/** Two snapshots made ready for comparing; the plan of the left one counts where both have one. */
export function pairOf(
  left: Snapshot,
  right: Snapshot,
  isPlatforms: PlatformVariables = () => false,
): Pair {
  const declared = left.plan ?? right.plan;
  const sides = { left: sideOf(left), right: sideOf(right), isPlatforms };
  return declared === undefined ? sides : { ...sides, declared };
}

/** The path of an entry in the container. */
export function absolute(tree: string, entry: string): string {
  if (entry === '.') return tree;
  return tree === '/' ? `/${entry}` : `${tree}/${entry}`;
}

/** The tree of a side that would have seen this path; undefined where it was not looked at. */
export function lookedAt({ trees }: Side, path: string): Tree | undefined {
  for (const above of upwards(path)) {
    const tree = trees.get(above);
    if (tree !== undefined) return tree;
  }
  return undefined;
}

/** The mount that a path lies on, other than those that every container has. */
export function ownMount({ mounts }: Side, path: string): MountSeen | undefined {
  for (const above of upwards(path)) {
    const mount = mounts.get(above);
    if (mount !== undefined) return isPlatformMount(mount.path) ? undefined : mount;
  }
  return undefined;
}

/** What the plan says of a variable; not `sure` where it may be one of the keys of an object. */
export function declaredVariable(
  { declared }: Pair,
  name: string,
): { readonly sure: boolean; readonly by: readonly DeclaredVariable[] } | undefined {
  const all = declared?.variables ?? [];
  const exact = all.filter((one) => one.name === name);
  if (exact.length > 0) return { sure: true, by: exact };
  const wild = all.filter((one) => matchesWild(one.name, name));
  return wild.length > 0 ? { sure: false, by: wild } : undefined;
}

/** What the plan marks of an argument; nothing where the sides have not as many. */
export function declaredArgument(
  { declared, left, right }: Pair,
  index: number,
): DeclaredArgument | undefined {
  const [ours, theirs] = [left, right].map(({ snapshot: { process: seen } }) => seen.argv?.length);
  if (ours === undefined || ours !== theirs) return undefined;
  return declared?.arguments.find(({ fromLast }) => fromLast === ours - 1 - index);
}

/** What the plan says of a file. */
export function declaredFile(
  { declared }: Pair,
  path: string,
): { readonly sure: boolean; readonly by: readonly DeclaredFile[] } | undefined {
  const steady = path.replaceAll(/\/\.\.(?:TS|data)(?=\/|$)/g, '');
  const all = declared?.files ?? [];
  const exact = all.filter((one) => one.path === steady);
  if (exact.length > 0) return { sure: true, by: exact };
  const wild = all.filter((one) => matchesWild(one.path, steady));
  if (wild.length > 0) return { sure: false, by: wild };
  const mounts = (declared?.mounts ?? []).filter((one) => isWithin(steady, one.path));
  const by = mounts.map(({ path: mount, volume, rule }): DeclaredFile => {
    return { path: mount, from: `volume ${volume}`, rule };
  });
  return by.length > 0 ? { sure: steady === by[0]?.path, by } : undefined;
}

function matchesWild(pattern: string, name: string): boolean {
  if (!pattern.endsWith('*')) return false;
  const prefix = pattern.slice(0, -1);
  return name.startsWith(prefix) && name.length > prefix.length;
}
