import { BellhopError } from '../core/errors.ts';

/** What one snapshot may take; each can be set by `--limit NAME=NUMBER`. */
export interface SnapshotLimits {
  /** Files, folders and links in all trees together. */
  readonly entriesMax: number;
  /** Folders below a tree's path. */
  readonly depthMax: number;
  /** A file that has more is not read. */
  readonly fileBytesMax: number;
  /** Content read from all files together. */
  readonly totalBytesMax: number;
  /** From the beginning to the last entry. */
  readonly timeMsMax: number;
}

/** What a snapshot may take where nothing else is said. */
export const SNAPSHOT_LIMITS: SnapshotLimits = {
  entriesMax: 20_000,
  depthMax: 64,
  fileBytesMax: 16 * 1024 * 1024,
  totalBytesMax: 256 * 1024 * 1024,
  timeMsMax: 20_000,
};

/** The limits with those that were given as `NAME=NUMBER`. */
export function readLimits(given: readonly string[]): SnapshotLimits {
  const limits: Record<string, number> = { ...SNAPSHOT_LIMITS };
  for (const one of given) {
    const [, name = '', number = ''] = /^(\w+)=(\d{1,15})$/.exec(one) ?? [];
    if (!Object.hasOwn(limits, name)) {
      const what = `${one} is not NAME=NUMBER with a name of ${Object.keys(limits).join(', ')}`;
      throw new BellhopError('BH_ERR_USAGE', { where: ['--limit'], what });
    }
    limits[name] = Number(number);
  }
  return { ...SNAPSHOT_LIMITS, ...limits };
}
