import { isOwnFolder } from './normalise.ts';
import { upwards } from './paths.ts';
import type { Pair, Side } from './side.ts';
import { declaredFile, declaredVariable, lookedAt, ownMount } from './side.ts';

// What the rules of rules.ts ask. Each is about one finding or one path.

/** Variables that the kubelet adds for the API server. */
export const API_SERVER =
  /^KUBERNETES_(SERVICE_(HOST|PORT|PORT_HTTPS)|PORT|PORT_443_TCP(_(PROTO|PORT|ADDR))?)$/;
const SERVICE = new RegExp(
  '^([A-Z0-9_]+?)_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|' +
    'PORT(_\\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$',
);
/** Paths of the token volume that admission adds to pods. */
export const SERVICE_ACCOUNT = /^(\/var)?\/run\/secrets\/kubernetes\.io(\/|$)/;

type Says = { readonly by: readonly { readonly isClusters?: true }[] } | undefined;

/** True where one of what the plan says comes from a field that only a cluster knows. */
export function isClusters(says: Says): boolean {
  return says?.by.some((one) => one.isClusters === true) === true;
}

/** By its name: a key of an object may be any, and is most often none of these. */
export function isDeclared(pair: Pair, name: string): boolean {
  return declaredVariable(pair, name)?.sure === true;
}

/** Only beside the two that every Service has: `APP_PORT` alone is somebody's own. */
export function isService({ left, right }: Pair, name: string): boolean {
  const [, service] = SERVICE.exec(name) ?? [];
  if (service === undefined) return false;
  return [left, right].some(({ variables }) => {
    const has = (suffix: string): boolean => variables.has(`${service}_SERVICE_${suffix}`);
    return variables.has(name) && has('HOST') && has('PORT');
  });
}

/** What one side has where the other has nothing. */
export function onlyOf(left: string | undefined, right: string | undefined): string | undefined {
  return left === undefined ? right : right === undefined ? left : undefined;
}

/** True where a snapshot's link leads into bellhop's own folder. */
export function isOwn(target: string | undefined): boolean {
  return target !== undefined && isOwnFolder(target.replace('<uid>', '0'));
}

/** Both lie in one volume, as far as a plan says; without one any other tree will do. */
export function pathOfOneVolume(
  { declared, left, right }: Pair,
  path: string,
  other: string,
): boolean {
  const volumeOf = (at: string): string | undefined => {
    for (const above of upwards(at)) {
      const mount = declared?.mounts.find((one) => one.path === above);
      if (mount !== undefined) return mount.volume;
    }
    return undefined;
  };
  if (declared === undefined) {
    return [left, right].every((side) => lookedAt(side, other) !== undefined);
  }
  return volumeOf(path) !== undefined && volumeOf(path) === volumeOf(other);
}

/** True where no mount but those of every container lies at the path or above it. */
export function isUnmounted(side: Side, path: string): boolean {
  return ownMount(side, path) === undefined;
}

/** A version of a volume, or a part of one, that is on a disk: here, or behind a link. */
export function bytesOnDisk({ entries }: Side, path: string): boolean {
  const version = entries.get(`${path}/..TS`)?.entry;
  const at = version ?? entries.get(path)?.entry;
  if (at === undefined) return false;
  if (at.through !== undefined) return at.throughMedium === 'disk';
  // A folder without a version has nothing of a Secret in it: an emptyDir.
  return version !== undefined || at.type === 'file';
}

/** True where neither side has it behind a link to a disk. */
export function isInMemory({ left, right }: Pair, path: string): boolean {
  return ![left, right].some(({ entries }) => {
    return entries.get(path)?.entry.throughMedium === 'disk';
  });
}

/** What a mount or a file of the plan brings, or the way to it. */
export function isDelivered(pair: Pair, path: string): boolean {
  const { declared, left, right } = pair;
  if (declaredFile(pair, path) !== undefined) return true;
  const mounts = [left, right].flatMap((side) => {
    return [...side.mounts.keys()].filter((one) => ownMount(side, one) !== undefined);
  });
  const named = [...(declared?.files ?? []), ...(declared?.mounts ?? [])].map((one) => one.path);
  const isWay = [...mounts, ...named].some((one) => one.startsWith(`${path}/`));
  return isWay || !isUnmounted(left, path) || !isUnmounted(right, path);
}

/** Not root, not on a mount, and the file is its own. */
export function isOwnersWord(side: Side, path: string, owner: string | undefined): boolean {
  const { uids, gids } = side.snapshot.process;
  const [uid = 0, gid = 0] = [uids[1], gids[1]];
  return uid !== 0 && isUnmounted(side, path) && owner === `${uid}:${gid}`;
}
