import { BellhopError, judge } from '../core/errors.ts';
import type { Fs } from '../core/io/types.ts';
import { isWithin } from '../core/paths.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, parentsOf, standing, taken } from './hands.ts';
import type { Written } from './manifest.ts';
import { isMarked } from './manifest.ts';
import type { State } from './state.ts';

// What stands in the way is told before anything is changed, and all of it together. What an
// earlier start wrote whose program is gone counts as free: it is removed later.

/** As container runtimes: runc refuses these mount points. */
export function checkMountable(path: string): void {
  const what = path === '/' ? 'is the root itself' : isWithin(path, '/proc') ? 'lies in /proc' : '';
  if (what !== '') throw taken(path, `${what}, nothing can be mounted there`, ELSEWHERE);
}

/** Runs every check and throws all problems together. */
export function checkAll(checks: readonly (() => void)[]): void {
  const problems: BellhopError[] = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof BellhopError)) throw error;
      problems.push(error);
    }
  }
  judge(problems);
}

/** Every parent must be a folder, be absent, or be about to go. */
export function checkParents(hands: Hands, state: State, path: string): void {
  for (const parent of parentsOf(path)) {
    if (isFreed(hands, state, parent)) return;
    const there = standing(hands.fs, parent);
    if (there === undefined) return;
    if (there.kind !== 'dir') throw taken(parent, 'is not a folder', ELSEWHERE);
  }
}

/** True where nothing is, or only what goes with the earlier starts. */
export function isFreed(hands: Hands, state: State, path: string): boolean {
  const { written } = state.before;
  const there = hands.fs.stat(path);
  if (there === undefined) return true;
  if (written.length === 0) return false;
  const isSame = (one: Written): boolean => isMarked(hands.fs.stat(one.path), one);
  const data = written.filter((one) => one.kind === 'data' && isWithin(one.path, path));
  if (!data.some(isSame) && written.some((one) => goesWith(hands, one, path))) return true;
  const known = written.some((one) => {
    return one.path === path && (one.kind === 'place' || (isOwn(one) && isSame(one)));
  });
  if (!known) return false;
  if (there.kind === 'file') return there.size === 0;
  if (there.kind !== 'dir') return false;
  return hands.fs.list(path).every((name) => isFreed(hands, state, `${path}/${name}`));
}

function isOwn({ kind, was }: Written): boolean {
  return kind === 'entry' || (kind === 'data' && was === undefined);
}

function goesWith({ fs }: Hands, one: Written, path: string): boolean {
  if (!isWithin(path, one.path)) return false;
  if (one.kind === 'aside') return true;
  if (one.kind === 'link') return isLinkTo(fs, one, path);
  if (one.kind === 'mount') return isMarked(fs.statThrough(one.path), one);
  if (one.kind === 'content' && !isListed(one, path)) return false;
  return ['entry', 'content'].includes(one.kind) && isMarked(fs.stat(one.path), one);
}

function isLinkTo(fs: Fs, { path, target }: Written, at: string): boolean {
  return at === path && fs.stat(path)?.kind === 'link' && fs.readlink(path) === target;
}

function isListed({ path, names, kept }: Written, at: string): boolean {
  const [name = ''] = at.slice(path.length + 1).split('/');
  return name !== '' && (names?.includes(name) ?? kept?.includes(name) === false);
}
