import { BellhopError } from '../core/errors.ts';
import { printable } from '../core/report.ts';
import { isWithin } from '../core/paths.ts';
import type { Mount, Placement, Plan } from '../plan/types.ts';
import { nodesAt } from '../targets/_caps.ts';
import type { WaysInput } from './ways.ts';

// What the platform's container can be given: who it starts as, where it can be written, and what
// of the image is there already. What cannot be known from here is told, not guessed.

/** What of a submission decides it. */
export type ContainerInput = Pick<WaysInput, 'target' | 'plan' | 'given'> & {
  /** The executable in the image. */
  readonly bellhop: string;
};

/** What the platform would be asked for in vain. */
export function containerProblems(input: ContainerInput): BellhopError[] {
  return [...userProblems(input), ...placeProblems(input), ...contentProblems(input)];
}

const ROOT = '0';

/**
 * The user that the request itself asks for: root, where bellhop has to become another or to make
 * folders, and knows whom to become then; undefined where the image's USER does.
 */
export function startUser({ target, plan, given }: ContainerInput): string | undefined {
  const { userAt } = target;
  if (userAt === undefined || plan.policy.identity === 'keep') return undefined;
  if (nodesAt(given(userAt.operation), userAt.at).length > 0) return undefined;
  const { user } = plan.image;
  const isKnown = plan.identity.user !== undefined || (user ?? '') !== '';
  if (!isKnown || (user !== undefined && isRoot(user))) return undefined;
  const isNeeded = becomes(plan, user) !== 'no' || mountsOf(plan).length > 0;
  return isNeeded ? ROOT : undefined;
}

/** Sentences on what cannot be known from here, for everybody. */
export function containerHints(input: ContainerInput): string[] {
  return [...userHints(input), ...placeHints(input)];
}

function placeHints({ target, plan, given }: ContainerInput): string[] {
  const writable = target.writable?.({ given });
  if (writable === undefined || writable.isAll) return [];
  const { folders } = writable;
  const others = mountsOf(plan).flatMap(({ path }) => {
    return folders.some((folder) => isBelow(path, folder)) ? [] : [printable(path)];
  });
  if (others.length === 0) return [];
  return [
    `${others.join(', ')}: the platform's user may write below ${folders.join(', ')}; elsewhere only what the image leaves to everybody: ${target.features.files.how}`,
  ];
}

function userHints(input: ContainerInput): string[] {
  const { plan, target } = input;
  if (plan.policy.identity === 'keep' || target.features.user.by === 'nobody') return [];
  if (startUser(input) !== undefined) return [];
  const user = userAtStart(input);
  if (becomes(plan, user) !== 'maybe') return [];
  const who = user === undefined ? 'is not known' : `is USER ${printable(user)}`;
  return [
    `securityContext: bellhop can become whom the pod asks for only where the container starts as root, and whom the image starts as ${who}: tell its USER as a number (\`--image-user\`), or set \`policy: { identity: keep }\``,
  ];
}

/** Sentences on what cannot be known from here, for who asks for an explanation. */
export function contentHints(input: ContainerInput): string[] {
  const { plan, target, given } = input;
  if (plan.policy.overImage === 'merge' || target.mounts?.({ given }) === true) return [];
  const paths = wholeMounts(plan).map(({ path }) => printable(path));
  if (paths.length === 0) return [];
  return [
    `not known from here: whether the image has content at ${paths.join(', ')}; without the right to mount the start refuses that (BH_ERR_PATH_TAKEN), or keeps it beside with \`policy: { overImage: merge }\``,
  ];
}

function isRoot(user: string): boolean {
  const [name] = user.split(':');
  return name === '' || name === '0' || name === 'root';
}

/** As whom the platform starts the container: the request's word, else the image's, if told. */
function userAtStart({ target, plan, given }: ContainerInput): string | undefined {
  const { userAt } = target;
  const [own] = userAt === undefined ? [] : nodesAt(given(userAt.operation), userAt.at);
  return typeof own === 'string' ? own : plan.image.user;
}

function asksForGroups({ group, supplementalGroups }: Plan['identity']): boolean {
  return group !== undefined || supplementalGroups.length > 0;
}

/** Whether one who starts as `user` has to become another; a name may be that of any number. */
function becomes({ identity, image }: Plan, user: string | undefined): 'yes' | 'no' | 'maybe' {
  const hasGroups = asksForGroups(identity);
  const wanted = identity.user === undefined ? nameOf(image.user) : String(identity.user);
  if (wanted === '' && !hasGroups) return 'no';
  if (user === undefined) return 'maybe';
  if (isRoot(user)) return 'no';
  if (wanted === '' || wanted === nameOf(user)) {
    return hasGroups || user.includes(':') ? 'maybe' : 'no';
  }
  return [wanted, nameOf(user)].every((one) => /^\d+$/.test(one)) ? 'yes' : 'maybe';
}

function nameOf(user = ''): string {
  return user.split(':')[0] ?? '';
}

function userProblems(input: ContainerInput): BellhopError[] {
  const { target, plan } = input;
  if (plan.policy.identity === 'keep') return [];
  const where = [target.name, 'securityContext'];
  if (target.features.user.by === 'nobody') {
    const asks = becomes(plan, undefined) !== 'no';
    const what = 'the pod or the image names a user or groups, and the platform has its own';
    const help = target.features.user.how;
    return asks ? [new BellhopError('BH_ERR_TARGET', { where, what, help })] : [];
  }
  const user = userAtStart(input);
  if (startUser(input) !== undefined || becomes(plan, user) !== 'yes') return [];
  const wanted = String(plan.identity.user ?? nameOf(plan.image.user));
  const what = `the pod wants user ${wanted}, the container starts as user ${printable(user ?? '')} and may not change that`;
  const help =
    'build the image with USER root: bellhop then becomes whom the pod asks for; or set `policy: { identity: keep }`';
  return [new BellhopError('BH_ERR_TARGET', { where, what, help })];
}

/** A path that something is put at, and whose word that is. */
interface Put {
  readonly path: string;
  readonly rule: string;
  /** Secret bytes. */
  readonly isSecret: boolean;
}

function mountsOf({ placements }: Pick<Plan, 'placements'>): readonly Put[] {
  return placements.flatMap((one: Placement): Put[] => {
    if (one.kind === 'file') {
      return [{ path: one.path, rule: one.rule, isSecret: one.medium === 'memory' }];
    }
    if (one.kind !== 'directory') return [];
    const isSecret = one.medium === 'memory' && one.shape === 'versioned';
    return one.mounts.map(({ path, rule }) => ({ path, rule, isSecret }));
  });
}

const isBelow = (path: string, folder: string): boolean =>
  path !== folder && isWithin(path, folder);

/** What lies where the container may not write, or where no memory is. */
function placeProblems({ target, plan, given }: ContainerInput): BellhopError[] {
  const writable = target.writable?.({ given });
  if (writable === undefined) return [];
  const { folders, hasMemory, isAll } = writable;
  if (!isAll) return [];
  const among = folders.join(', ');
  return mountsOf(plan).flatMap(({ path, rule, isSecret }): BellhopError[] => {
    const where = [target.name, rule, path];
    if (!folders.some((folder) => isBelow(path, folder))) {
      const what = `only what lies below ${among} can be written there`;
      const help = `mount it below ${folders[0] ?? among}; or put it into the image and say \`volumes: { NAME: present }\``;
      return [new BellhopError('BH_ERR_TARGET', { where, what, help })];
    }
    if (!isSecret || hasMemory || plan.policy.disk === 'allow') return [];
    const what = 'has no memory file system for the bytes of Secrets';
    const help = 'take them as variables, or allow the disk with `policy: { disk: allow }`';
    return [new BellhopError('BH_ERR_TARGET', { where, what, help })];
  });
}

/** Every container's own: the runtime itself puts files there. */
const ALWAYS = ['/etc/hosts', '/etc/resolv.conf', '/dev/null', '/proc/self', '/sys/kernel'];

/** Mounts of whole volumes: what the image has at their paths is in the way. */
function wholeMounts({ placements }: Plan): readonly Mount[] {
  const all = placements.flatMap((one) => (one.kind === 'directory' ? one.mounts : []));
  return all.filter(({ subPath, subPathExpr }) => {
    return subPath === undefined && subPathExpr === undefined;
  });
}

/** What is known to be at a mount path, where it could not be mounted over. */
function contentProblems({ target, plan, given, bellhop }: ContainerInput): BellhopError[] {
  if (target.mounts?.({ given }) !== false || plan.policy.overImage === 'merge') return [];
  const own = [bellhop, plan.image.workingDir ?? ''].filter((one) => one.startsWith('/'));
  return wholeMounts(plan).flatMap(({ path, rule }): BellhopError[] => {
    const there = [...ALWAYS, ...own].find((one) => isBelow(one, path));
    if (there === undefined) return [];
    const what = `${printable(there)} is there already, and nothing can be mounted over it`;
    const help =
      'mount elsewhere, or set `policy: { overImage: merge }` to keep what is there beside it';
    return [new BellhopError('BH_ERR_TARGET', { where: [target.name, rule, path], what, help })];
  });
}
