import type { Aspect, Finding } from './diff-types.ts';
import { changed, valueFinding, valueText } from './finding.ts';
import type { Placed, Side } from './side.ts';
import { lookedAt } from './side.ts';
import type { Entry, Parent, Tree } from './types.ts';

/** Every entry of every tree that both sides looked at. */
export function fileFindings(left: Side, right: Side): Finding[] {
  const paths = [...new Set([...left.entries.keys(), ...right.entries.keys()])].toSorted();
  const below = { left: countBelow(left), right: countBelow(right) };
  const gone = new Set<string>();
  const entries = paths.flatMap((path): Finding[] => {
    const [one, other] = [left.entries.get(path), right.entries.get(path)];
    if (one !== undefined && other !== undefined) return entryFindings(path, one, other);
    if (!isKnownAbsent(one === undefined ? left : right, path)) return [];
    gone.add(path);
    // A folder that is missing is told once, with how much it holds.
    if (gone.has(path.slice(0, path.lastIndexOf('/')))) return [];
    const of = { kind: 'file', name: path, aspect: 'presence' } as const;
    const text = [
      one && entryText(one.entry, below.left.get(path)),
      other && entryText(other.entry, below.right.get(path)),
    ];
    return changed(of, text[0], text[1]);
  });
  return [...entries, ...treeFindings(left, right), ...parentFindings(left, right)];
}

/** Somebody looked, and nothing is there. */
function isKnownAbsent(side: Side, path: string): boolean {
  const tree = lookedAt(side, path);
  return tree !== undefined && !isUnread(tree);
}

/** Nothing is known of what is in it. */
function isUnread({ error }: Tree): boolean {
  return error !== undefined && error !== 'ENOENT' && error !== 'ENOTDIR';
}

/** How many entries lie below each folder of a side. */
function countBelow({ entries }: Side): Map<string, number> {
  const counts = new Map<string, number>();
  for (const path of entries.keys()) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const above = path.slice(0, at);
      counts.set(above, (counts.get(above) ?? 0) + 1);
    }
  }
  return counts;
}

const NAMES = { dir: 'folder', file: 'file', link: 'link', other: 'no file' } as const;

/** An entry as one line: `file 0644 0:0, 28 bytes 1a2b3c4d`. */
function entryText(entry: Entry, below = 0): string {
  const { type, special = NAMES[type], mode, uid, gid, target, content, bytes } = entry;
  const owned = `${special} ${mode} ${uid}:${gid}`;
  if (type === 'link') return `link to ${target ?? 'nowhere'}`;
  if (content !== undefined) return `${owned}, ${valueText(content)}`;
  if (type === 'file') return `${owned}, ${bytes ?? 0} bytes`;
  return below === 0 ? owned : `${owned} with ${below === 1 ? '1 entry' : `${below} entries`}`;
}

function entryFindings(path: string, { entry: one }: Placed, { entry: other }: Placed): Finding[] {
  const of = (aspect: Aspect) => ({ kind: 'file' as const, name: path, aspect });
  if (one.type !== other.type || one.special !== other.special)
    return changed(of('type'), entryText(one), entryText(other));
  const owner = ({ uid, gid }: Entry): string => `${uid}:${gid}`;
  const state = (is: Entry): string =>
    `${is.error ?? 'read'}${is.mount === true ? ', another mount' : ''}`;
  const taken = ({ normalised = [] }: Entry): string => normalised.join(', ') || 'nothing';
  return [
    ...changed(of('mode'), one.mode, other.mode),
    ...changed(of('owner'), owner(one), owner(other)),
    ...changed(of('target'), one.target, other.target),
    ...changed(of('through'), one.through, other.through),
    ...changed(of('unread'), state(one), state(other)),
    ...changed(of('normalised'), taken(one), taken(other)),
    ...contentFindings(path, one, other),
  ];
}

function contentFindings(path: string, one: Entry, other: Entry): Finding[] {
  const of = { kind: 'file', name: path, aspect: 'content' } as const;
  if (one.content !== undefined && other.content !== undefined) {
    return valueFinding(of, one.content, other.content);
  }
  const size = ({ content, bytes = content?.bytes }: Entry): string => `${bytes ?? 0} bytes`;
  return changed(of, size(one), size(other));
}

/** What can be said of a tree as a whole, where both sides have it under the same path. */
function treeFindings(left: Side, right: Side): Finding[] {
  return [...left.trees.values()].flatMap((one) => {
    const other = right.trees.get(one.path);
    if (other === undefined) return [];
    const of = (aspect: Aspect) => ({ kind: 'file' as const, name: one.path, aspect });
    const isThere = one.error === undefined && other.error === undefined;
    const unread = [one, other].some(isUnread);
    const state = ({ error }: Tree): string => error ?? 'read';
    return [
      ...(unread ? changed(of('unread'), state(one), state(other)) : []),
      ...(isThere ? changed(of('medium'), one.medium, other.medium) : []),
    ];
  });
}

function parentFindings(left: Side, right: Side): Finding[] {
  const above = ({ parents, entries }: Side, path: string): Parent | Entry | undefined =>
    parents.get(path) ?? entries.get(path)?.entry;
  const paths = new Set([...left.parents.keys(), ...right.parents.keys()]);
  return [...paths].flatMap((path) => {
    const [one, other] = [above(left, path), above(right, path)];
    if (one === undefined || other === undefined) return [];
    const of = (aspect: Aspect) => ({ kind: 'file' as const, name: path, aspect });
    return [
      ...changed(of('mode'), one.mode, other.mode),
      ...changed(of('owner'), `${one.uid}:${one.gid}`, `${other.uid}:${other.gid}`),
    ];
  });
}
