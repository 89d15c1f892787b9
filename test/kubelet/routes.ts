// Secrets of stores: on the webhook's route an init container put them into volumes, on the
// entrypoint's `run` put them where the program finds them. Steps of NOT_COMPARABLE (rules.ts).
import type { Pair } from './normalise.ts';
import type { Entry, Mount, Seen } from './vectors.ts';

/** Where files of annotations are, on both routes. */
export const SECRETS_DIR = '/etc/flyte/secrets';
const START_DIR = '/bellhop-start';

/** Takes out the volume in which the webhook's launcher finds what to start. */
export function dropStartVolume({ expected }: Pair): void {
  expected.mounts = expected.mounts.filter(({ path }) => path !== START_DIR);
}

/** Leaves of the secrets' folder each file with its mode and bytes. */
export function flattenSecrets({ expected, got }: Pair): void {
  for (const seen of [expected, got]) flatten(seen);
}

function flatten(seen: Seen): void {
  const isIn = ({ path }: Mount): boolean => `${path}/`.startsWith(`${SECRETS_DIR}/`);
  const files = seen.mounts
    .filter(isIn)
    .flatMap((mount) =>
      mount.entries
        .filter(({ type, mountpoint }) => type === 'file' && mountpoint !== true)
        .map((entry) => plain(entry, entry.path === '.' ? '' : `/${entry.path}`, mount)),
    );
  seen.mounts = seen.mounts.filter((mount) => !isIn(mount));
  if (files.length === 0) return;
  const look = { fstype: '', options: '', magic: '', readOnly: true, parents: [] };
  const entries = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  seen.mounts.push({ path: SECRETS_DIR, ...look, entries });
}

function plain({ mode, ...entry }: Entry, at: string, mount: Mount): Entry {
  const path = `${mount.path}${at}`.slice(SECRETS_DIR.length + 1);
  const { type, content, sha256, size } = entry;
  return {
    path,
    type,
    mode,
    uid: 0,
    gid: 0,
    ...(content === undefined ? {} : { content }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(size === undefined ? {} : { size }),
  };
}
