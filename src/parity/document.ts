import { BellhopError } from '../core/errors.ts';
import { checkSnapshot } from './snapshot-schema.ts';
import type { Snapshot } from './types.ts';
import { SNAPSHOT_VERSION } from './types.ts';

/** Features of snapshots that this reader knows. */
const FEATURES: readonly string[] = [];

/** A snapshot may have this many bytes as a document. */
export const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024;

/** Reads a snapshot; what it says of values, paths and names is foreign input. */
export function readSnapshot(text: string, name: string): Snapshot {
  const refuse = (what: string, help?: string): BellhopError => {
    const more = help === undefined ? {} : { help };
    return new BellhopError('BH_ERR_SNAPSHOT', { where: [name], what, ...more });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refuse('is not JSON', 'the snapshot is one line: cut out what else stands in the file');
  }
  const { apiVersion, requires } = (parsed ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith('bellhop/snapshot/')) {
    throw refuse('is not a snapshot');
  }
  if (apiVersion !== SNAPSHOT_VERSION) {
    throw refuse(`has a version that this bellhop does not read (it reads ${SNAPSHOT_VERSION})`);
  }
  const unknown = Array.isArray(requires)
    ? requires.filter((one) => !FEATURES.includes(String(one)))
    : [];
  if (unknown.length > 0) {
    throw refuse(`needs what this bellhop does not know: ${unknown.join(', ')}`);
  }
  const read = checkSnapshot(parsed);
  if ('where' in read) throw refuse(`is not as the schema says at ${read.where}`);
  const twice = repeated(read.snapshot);
  if (twice !== undefined) throw refuse(`has ${twice} twice`);
  return read.snapshot;
}

/** What can be there once only; each would hide the other. */
function repeated({ process: seen, mounts, trees, parents }: Snapshot): string | undefined {
  const pathsOf = (all: readonly { readonly path: string }[]) => all.map(({ path }) => path);
  const lists: readonly (readonly [called: string, names: readonly string[]])[] = [
    ['descriptor', (seen.descriptors ?? []).map(({ fd }) => String(fd))],
    ['mount', pathsOf(mounts)],
    ['tree', pathsOf(trees)],
    ['parent', pathsOf(parents)],
    ...trees.map(({ path, entries }) => [`${path}, entry`, pathsOf(entries)] as const),
  ];
  for (const [called, names] of lists) {
    const before = new Set<string>();
    for (const name of names) {
      if (before.has(name)) return `${called} ${name}`;
      before.add(name);
    }
  }
  return undefined;
}
