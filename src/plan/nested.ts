import { cleanPath, stepsOf } from '../core/paths.ts';
import type { Container, Pod } from '../wire/pod-types.ts';

// Mounts inside of volumes of Secrets, ConfigMaps and fields: the kubelet makes a folder for each
// in the volume before it fills it, for all containers of the pod (k8s.io/kubernetes v1.33.13
// pkg/volume/util/nested_volumes.go). Where such a folder is, the volume gets no link to its
// content (atomic_writer.go createUserVisibleFiles).

/** One container's mount paths, absolute and clean: those of the volume, and all of them. */
export interface MountPaths {
  readonly own: readonly string[];
  readonly all: readonly string[];
}

/** Folders that the kubelet makes in the root of a volume for one container, parents first. */
export function nestedFolders({ own, all }: MountPaths): string[] {
  const folders = new Set<string>();
  for (const path of own) {
    const below = all.filter((one) => one.startsWith(`${path}/`));
    const tops = below.filter((one) => !below.some((other) => one.startsWith(`${other}/`)));
    // A subPath is not looked at: the folder is made in the root of the volume all the same.
    for (const top of tops) {
      for (const step of stepsOf(top.slice(path.length + 1))) folders.add(step);
    }
  }
  return [...folders].toSorted();
}

/** The same for the pod's other containers: what the plan of one container does not show. */
export function foldersOfOthers(pod: Pod, volume: string, container: Container): string[] {
  const others = [...pod.initContainers, ...pod.containers].filter((one) => one !== container);
  const folders = others.flatMap(({ mounts }) => {
    const all = mounts.map((one) => ({ ...one, path: cleanPath(`/${one.path}`) }));
    const own = all.filter((one) => one.volume === volume);
    return nestedFolders({ own: own.map(({ path }) => path), all: all.map(({ path }) => path) });
  });
  return [...new Set(folders)].toSorted();
}
