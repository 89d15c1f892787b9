import type { FileStat } from '../core/io/types.ts';
import { checkParents, isFreed } from './check-paths.ts';
import type { Delivery } from './delivery.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, standing, taken } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { closedProblem, kindOf, logsInVolumes, outerOf } from './nested.ts';

/** What may be in the way of mounts, a check for each path. */
export function checksOf({ hands, state }: Ledger, delivery: Delivery): (() => void)[] {
  const check = (path: string, isFolder: boolean): void => {
    checkParents(hands, state, path);
    if (!isFreed(hands, state, path)) checkKind(hands, path, isFolder);
  };
  const checks = delivery.directories.flatMap(({ landings, tree }) =>
    landings.map(
      ({ path, subPath }) =>
        () =>
          check(path, kindOf(tree, subPath) === 'dir'),
    ),
  );
  // What is to be in a volume meets only what is in it.
  const inVolumes = logsInVolumes(delivery);
  const outside = delivery.files.filter((one) => !inVolumes.includes(one));
  const files = outside.map(({ placement: { path, medium, keep } }) => () => {
    if (medium === 'memory' || keep === true) check(path, false);
    else {
      checkParents(hands, state, path);
      if (!isFreed(hands, state, path)) throw taken(path, 'is there already', ELSEWHERE);
    }
  });
  return [...checks, ...files];
}

/** Folders are mounted on folders and files on files. */
export function checkKind(hands: Hands, path: string, isFolder: boolean): FileStat | undefined {
  const there = standing(hands.fs, path);
  if (there === undefined || (there.kind === 'dir') === isFolder) return there;
  const [is, wanted] = isFolder ? ['not a folder', 'folder'] : ['a folder', 'file'];
  throw taken(path, `is ${is}, a ${wanted} is to be mounted`, ELSEWHERE);
}

/** What is missing in a read-only mount cannot be made. */
export function mustBeThere(
  hands: Hands,
  path: string,
  mounts: readonly { readonly path: string; readonly readOnly: boolean }[],
): void {
  const outer = outerOf(mounts, path, (one) => one.path);
  if (outer?.readOnly !== true || standing(hands.fs, path) !== undefined) return;
  throw closedProblem(path, outer.path);
}
