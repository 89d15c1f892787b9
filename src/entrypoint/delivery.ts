import type { Sealed } from '../core/sealed.ts';
import type { DirectoryPlacement, FilePlacement, Policy } from '../plan/types.ts';
import type { Owner, VolumeTree } from '../plan/volume-tree.ts';

/** A volume with its content at hand. */
export interface Directory {
  readonly placement: DirectoryPlacement;
  /** Absent for a plain folder. */
  readonly tree?: VolumeTree;
  readonly landings: readonly Landing[];
}

/** One place where the container sees a volume. */
export interface Landing {
  readonly path: string;
  /** Clean and relative; '' for the whole volume. */
  readonly subPath: string;
  readonly readOnly: boolean;
}

/** A volume at one of its places. */
export interface Place {
  readonly directory: Directory;
  readonly landing: Landing;
}

/** A file at a path of its own, with its content at hand. */
export interface PlainFile {
  readonly placement: FilePlacement;
  readonly content: Sealed;
}

/** Everything that is to appear in the file system. */
export interface Delivery {
  readonly directories: readonly Directory[];
  readonly files: readonly PlainFile[];
  /** Files of the platform that get other content, whole, with mode and owner as they are. */
  readonly replaced?: readonly PlainFile[];
  readonly policy: Policy;
  /** Where the program starts: made as the runtime makes it, where it is not there. */
  readonly workingDir?: string;
  /** Who the program will be: it must be able to read what bellhop.yaml places; root if absent. */
  readonly owner?: Owner;
}

/** Every place of every volume. */
export function placesIn({ directories }: Delivery): Place[] {
  return directories.flatMap((directory) => {
    return directory.landings.map((landing) => ({ directory, landing }));
  });
}

/** Every path that the delivery covers, in an order in which parents come first. */
export function coveredPaths(delivery: Delivery): string[] {
  const landings = delivery.directories.flatMap((one) => one.landings.map(({ path }) => path));
  const files = delivery.files.map((one) => one.placement.path);
  return [...landings, ...files].toSorted();
}

/** Termination logs, which the runtime mounts after all volumes of the same depth. */
export function logsOf(delivery: Delivery): PlainFile[] {
  return delivery.files.filter((one) => one.placement.keep === true);
}

/** Bytes of all content, for what must fit into memory. */
export function memoryBytes(delivery: Delivery): number {
  let bytes = 0;
  for (const { placement, tree } of delivery.directories) {
    if (placement.medium !== 'memory') continue;
    for (const entry of tree?.inside ?? [])
      if (entry.kind === 'file') bytes += pages(entry.content);
  }
  for (const { placement, content } of delivery.files) {
    if (placement.medium === 'memory') bytes += pages(content);
  }
  return bytes;
}

const PAGE_BYTES = 4096;

function pages(content: Sealed): number {
  return Math.ceil(content.bytes / PAGE_BYTES) * PAGE_BYTES;
}
