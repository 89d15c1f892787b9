import type { BellhopError } from '../core/errors.ts';
import type { Delivery, Directory, Landing } from './delivery.ts';
import type { Hands } from './hands.ts';
import { ELSEWHERE, dress, makeFolder, standing, taken } from './hands.ts';
import { isBelow } from './state.ts';
import { insidePath } from './tree-writer.ts';

// Mounts inside of volumes of Secrets, ConfigMaps and fields. The kubelet makes folders for them in
// the volume before it fills it (k8s.io/kubernetes v1.33.13 pkg/volume/util/nested_volumes.go);
// where it does not, the runtime would have to make them, and these volumes are read-only.

interface Place {
  readonly directory: Directory;
  readonly landing: Landing;
}

function placesOf(delivery: Delivery): Place[] {
  return delivery.directories.flatMap((directory) => {
    return directory.landings.map((landing) => ({ directory, landing }));
  });
}

/** Folders that the kubelet makes in the root of this volume, each behind its parents. */
export function nestedFolders(delivery: Delivery, directory: Directory): string[] {
  const paths = placesOf(delivery).map(({ landing }) => landing.path);
  const folders = new Set<string>();
  for (const { path } of directory.landings) {
    const below = paths.filter((one) => one !== path && isBelow(one, path)).toSorted();
    const tops = below.filter(
      (one) => !below.some((other) => other !== one && isBelow(one, other)),
    );
    // A subPath is not looked at: the folder is made in the root of the volume all the same.
    for (const top of tops) {
      const steps = top.slice(path === '/' ? 1 : path.length + 1).split('/');
      steps.forEach((_, index) => folders.add(steps.slice(0, index + 1).join('/')));
    }
  }
  return [...folders].toSorted();
}

/** The delivery, without links of volumes where such a folder is: the kubelet makes none there. */
export function withoutHidden(delivery: Delivery): Delivery {
  const directories = delivery.directories.map((directory) => {
    const { tree } = directory;
    if (tree === undefined) return directory;
    const folders = new Set(nestedFolders(delivery, directory));
    const links = tree.links.filter(({ path }) => !folders.has(path));
    return { ...directory, tree: { ...tree, links } };
  });
  return { ...delivery, directories };
}

/** Makes them in an empty volume, with the fsGroup's bits as everything that is there. */
export function makeNested(
  hands: Hands,
  root: string,
  {
    folders,
    fsGroup,
  }: { readonly folders: readonly string[]; readonly fsGroup: number | undefined },
): void {
  const mode = fsGroup === undefined ? 0o755 : 0o755 | 0o2550;
  for (const folder of folders) {
    makeFolder(hands, `${root}/${folder}`, 0o700);
    dress(hands, `${root}/${folder}`, { uid: 0, gid: fsGroup ?? 0, mode });
  }
}

/** What keeps the kubelet, or the runtime, from mounting one volume inside of another. */
export function nestingProblems(delivery: Delivery): BellhopError[] {
  const places = placesOf(delivery);
  return places.flatMap((place) => {
    const outer = outerOf(places, place);
    const what = outer === undefined ? undefined : mountProblem(place, outer);
    return what === undefined ? [] : [taken(place.landing.path, what, ELSEWHERE)];
  });
}

/** The mount that this one lies in. */
function outerOf(places: readonly Place[], { landing }: Place): Place | undefined {
  const around = places.filter((one) => {
    return one.landing.path !== landing.path && isBelow(landing.path, one.landing.path);
  });
  return around.toSorted((a, b) => b.landing.path.length - a.landing.path.length)[0];
}

function mountProblem({ directory, landing }: Place, outer: Place): string | undefined {
  const { tree } = outer.directory;
  if (tree === undefined) return undefined;
  const isFile = kindOf(directory, landing) === 'file';
  const within = outer.landing.path;
  if (outer.landing.subPath === '') {
    return isFile ? `lies in ${within}, where the kubelet makes a folder for it` : undefined;
  }
  const rest = landing.path.slice(within.length + 1);
  const there = insidePath(tree, `${outer.landing.subPath}/${rest}`);
  if (there !== undefined && (there.kind === 'file') === isFile) return undefined;
  return `cannot be made in ${within}, which is mounted read-only`;
}

/**
 * What keeps the runtime from mounting inside of a read-only emptyDir: it can make no folder there.
 * Where nothing can be mounted this is asked before anything is written; else of the mounts.
 */
export function closedProblems(hands: Hands, delivery: Delivery): BellhopError[] {
  const places = placesOf(delivery);
  return places.flatMap((place) => {
    const outer = outerOf(places, place);
    if (outer?.landing.readOnly !== true || outer.directory.tree !== undefined) return [];
    const { path } = place.landing;
    const rest = path.slice(outer.landing.path.length + 1);
    const open = outer.directory.landings.filter((one) => !one.readOnly);
    const isMade = open.some((one) => {
      return places.some(({ landing }) => isBelow(landing.path, `${one.path}/${rest}`));
    });
    if (isMade || standing(hands.fs, path) !== undefined) return [];
    const what = `cannot be made in ${outer.landing.path}, which is mounted read-only`;
    return [taken(path, what, ELSEWHERE)];
  });
}

function kindOf({ tree }: Directory, { subPath }: Landing): 'dir' | 'file' | undefined {
  const entry = tree === undefined || subPath === '' ? undefined : insidePath(tree, subPath);
  return entry?.kind === 'file' ? 'file' : 'dir';
}
