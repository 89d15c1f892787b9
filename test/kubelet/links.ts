// What stands for mounts where nothing can be mounted: links. NOT_COMPARABLE (rules.ts) takes them
// out of what we got, each kind by itself.
import type { Context, Pair } from './normalise.ts';
import { declaredAt } from './normalise.ts';
import { type Container, type Entry, type Mount, mountPath } from './vectors.ts';

const OWN_SHM = /^\/dev\/shm\/bellhop-\d+\//;

/** Takes out the links of versions into memory. */
export function dropMemoryLinks(pair: Pair): void {
  dropLinks(pair, ({ path, link }) => path === '..TS' && OWN_SHM.test(link));
}

/** Takes out the links of subPaths into memory. */
export function dropFileLinks(pair: Pair, { container }: Context): void {
  dropLinks(pair, ({ path, link }, mount) => {
    return path === '.' && OWN_SHM.test(link) && hasSubPath(container, mount.path);
  });
}

/** Takes out the links from one path of a volume to another. */
export function dropSecondPaths(pair: Pair, { container }: Context): void {
  dropLinks(pair, ({ path, link }, mount) => {
    if (path !== '.' || OWN_SHM.test(link)) return false;
    if (hasSubPath(container, mount.path)) return true;
    const volume = declaredAt(container, mount.path)?.name;
    return (container.volumeMounts ?? []).some((one) => {
      return (
        one.name === volume && one.mountPath !== mount.path && mountPath(one.mountPath) === link
      );
    });
  });
}

function hasSubPath(container: Container, path: string): boolean {
  const declared = declaredAt(container, path);
  return (declared?.subPath ?? declared?.subPathExpr ?? '') !== '';
}

function dropLinks(
  { got }: Pair,
  isExplained: (entry: Entry & { link: string }, mount: Mount) => boolean,
): void {
  for (const mount of got.mounts) {
    for (const entry of mount.entries) {
      const { link } = entry;
      if (link !== undefined && isExplained({ ...entry, link }, mount)) delete entry.link;
    }
  }
}
