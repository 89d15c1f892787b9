import type { BellhopError } from '../core/errors.ts';
import { cleanPath, isWithin } from '../core/paths.ts';
import { nestedFolders } from '../plan/nested.ts';
import type { VolumeTree } from '../plan/volume-tree.ts';
import { folderMode, leadsTo, withNested } from '../plan/volume-tree.ts';
import type { Delivery, Directory, Landing, Place } from './delivery.ts';
import { logsOf, placesIn } from './delivery.ts';
import type { Hands, Look } from './hands.ts';
import { ELSEWHERE, dress, makeFolder, standing, taken } from './hands.ts';

// What is to be inside of volumes: other volumes, the termination log, the working directory. For
// other volumes the kubelet makes folders in those of Secrets, ConfigMaps and fields
// (src/plan/nested.ts). What it does not make the runtime would have to; these are read-only.

/** The delivery as the kubelet leaves it: with its folders, and without what they or logs hide. */
export function asInside(delivery: Delivery): Delivery {
  const all = placesIn(delivery).map(({ landing }) => landing.path);
  const logs = new Set(logsOf(delivery).map(({ placement }) => placement.path));
  const directories = delivery.directories.map((directory) => {
    const { placement, tree, landings } = directory;
    if (tree === undefined) return directory;
    const own = nestedFolders({ own: landings.map(({ path }) => path), all });
    const nested = [...new Set([...own, ...(placement.nested ?? [])])].toSorted();
    const made = withNested(tree, nested);
    // A termination log is mounted last, over the file of a subPath at its path.
    const isSeen = ({ path, subPath }: Landing): boolean =>
      !logs.has(path) || kindOf(made, subPath) !== 'file';
    return { ...directory, tree: made, landings: landings.filter(isSeen) };
  });
  return { ...delivery, directories };
}

/** How these folders look. */
export function nestedLook({ placement: { fsGroup } }: Directory): Look {
  return { uid: 0, gid: fsGroup ?? 0, mode: folderMode(fsGroup) };
}

/** Makes them in an empty volume. */
export function makeNested(hands: Hands, root: string, directory: Directory): void {
  for (const folder of directory.tree?.nested ?? []) {
    makeFolder(hands, `${root}/${folder}`, 0o700);
    dress(hands, `${root}/${folder}`, nestedLook(directory));
  }
}

/** What the runtime needs at a path, or makes there. */
interface Wanted {
  readonly path: string;
  readonly kind: 'dir' | 'file';
}

function wantedIn(delivery: Delivery): Wanted[] {
  const { workingDir } = delivery;
  return [
    ...placesIn(delivery).map(({ directory, landing }) => {
      return { path: landing.path, kind: kindOf(directory.tree, landing.subPath) };
    }),
    ...logsOf(delivery).map(({ placement }) => ({ path: placement.path, kind: 'file' as const })),
    ...(workingDir === undefined ? [] : [{ path: cleanPath(workingDir), kind: 'dir' as const }]),
  ];
}

/** What a mount is: of a path that is not there an empty folder is made. */
export function kindOf(tree: VolumeTree | undefined, subPath: string): 'dir' | 'file' {
  if (tree === undefined || subPath === '') return 'dir';
  return leadsTo(tree, subPath) === 'file' ? 'file' : 'dir';
}

/** What keeps the kubelet from filling a volume, or the runtime from making what is to be in it. */
export function nestingProblems(delivery: Delivery): BellhopError[] {
  const places = placesIn(delivery);
  const inside = wantedIn(delivery).flatMap((wanted) => {
    const outer = outerOf(places, wanted.path, pathOf);
    return outer === undefined ? [] : insideProblems(wanted, outer);
  });
  return [...inside, ...delivery.directories.flatMap(fillingProblems)];
}

/** The kubelet reads and writes links of these names (atomic_writer.go Write). */
const LINKS_OF_ITS_OWN = ['..data', '..data_tmp'];

function fillingProblems({ tree, landings }: Directory): BellhopError[] {
  const inTheWay = LINKS_OF_ITS_OWN.filter((one) => tree?.nested.includes(one));
  const [first] = landings;
  if (first === undefined) return [];
  return inTheWay.map((one) => {
    return taken(first.path, `has a mount in ${one}, where the kubelet has a link`, ELSEWHERE);
  });
}

/** The innermost of the mounts that this path lies in; that at the path itself is none of them. */
export function outerOf<T>(
  mounts: readonly T[],
  path: string,
  pathOf: (mount: T) => string,
): T | undefined {
  const around = mounts.filter((one) => pathOf(one) !== path && isWithin(path, pathOf(one)));
  return around.toSorted((a, b) => pathOf(b).length - pathOf(a).length)[0];
}

const pathOf = ({ landing }: Place): string => landing.path;

/** Inside of a read-only mount the runtime makes nothing. */
export function closedProblem(path: string, outer: string): BellhopError {
  return taken(path, `cannot be made in ${outer}, which is mounted read-only`, ELSEWHERE);
}

function insideProblems({ path, kind }: Wanted, { directory, landing }: Place): BellhopError[] {
  const { tree } = directory;
  if (tree === undefined) return [];
  const rest = path.slice(landing.path.length + 1);
  const there = leadsTo(tree, landing.subPath === '' ? rest : `${landing.subPath}/${rest}`);
  if (there === kind) return [];
  if (there === undefined) return [closedProblem(path, landing.path)];
  const names = { dir: 'folder', file: 'file', link: 'link' };
  const what = `is a ${names[there]} of the volume at ${landing.path}, not a ${names[kind]}`;
  return [taken(path, what, ELSEWHERE)];
}

/** Termination logs in volumes: the runtime mounts them there. */
export function logsInVolumes(delivery: Delivery): Delivery['files'] {
  const places = placesIn(delivery);
  return logsOf(delivery).filter(
    ({ placement }) => outerOf(places, placement.path, pathOf) !== undefined,
  );
}

/**
 * What keeps the runtime from mounting inside of volumes where nothing can be mounted: it can make
 * nothing in a read-only emptyDir, and files of a volume cannot be hidden.
 */
export function closedProblems(hands: Hands, delivery: Delivery): BellhopError[] {
  const places = placesIn(delivery);
  const hiding = logsInVolumes(delivery).flatMap(({ placement: { path } }) => {
    if (outerOf(places, path, pathOf)?.directory.tree === undefined) return [];
    const what = 'is a file of a volume, and mounting over it is not allowed';
    return [taken(path, what, ELSEWHERE)];
  });
  const closed = wantedIn(delivery).flatMap(({ path, kind }) => {
    const outer = outerOf(places, path, pathOf);
    if (outer?.landing.readOnly !== true || outer.directory.tree !== undefined) return [];
    if (standing(hands.fs, path) !== undefined) return [];
    const { directory, landing } = outer;
    const rest = path.slice(landing.path.length + 1);
    const open = directory.landings.filter((one) => !one.readOnly);
    const isMade = open.some((one) => {
      return places.some((each) => isWithin(each.landing.path, `${one.path}/${rest}`));
    });
    return isMade && kind === 'dir' ? [] : [closedProblem(path, landing.path)];
  });
  return [...hiding, ...closed];
}
