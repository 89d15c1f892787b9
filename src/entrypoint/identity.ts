import { BellhopError } from '../core/errors.ts';
import type { InnerIo } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { Plan } from '../plan/types.ts';
import { capabilityNumbers } from '../wire/capabilities.ts';
import type { PasswdUser } from '../wire/passwd.ts';
import { findUser, groupsOf } from '../wire/passwd.ts';

/** Who the program becomes; absent members stay as they are. */
export interface Become {
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly noNewPrivileges?: boolean;
  readonly dropCapabilities?: readonly number[];
  /** Home of the user that the process was started as, and of the one it becomes. */
  readonly home: { readonly before: string; readonly after: string };
  /** Of whom the program will be; as the runtime finds it. */
  readonly ownHome: () => string;
  readonly differences: readonly string[];
  readonly problems: readonly BellhopError[];
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const CAP_SETUID = 1n << 7n;
const CAP_SETGID = 1n << 6n;
const CAP_SETPCAP = 1n << 8n;

/**
 * Finds user, group and groups as kubelet and containerd do: the pod's word, else the image's USER
 * (told by `image.user`), else who we are; group and further groups from the image's /etc/passwd
 * and /etc/group (golden vectors user-*). With another root, which `io` then shows, `machine` is
 * where HOME comes from on arrival.
 */
export function whoToBecome(plan: Plan, io: InnerIo, machine?: InnerIo): Become {
  const problems: BellhopError[] = [];
  const hasOwnRoot = machine !== undefined;
  const { files, wanted, entry } = usersOf({ plan, io, hasOwnRoot }, problems);
  if (typeof wanted === 'string' && entry === undefined) {
    const what = `the image has no user ${wanted} in /etc/passwd`;
    const help = 'add the user to the image, or name another: a uid needs no entry';
    problems.push(identityProblem('image.user', what, help));
  }
  const ids = wantedIds({ plan, io, files }, wanted, entry);
  if (plan.identity.nonRoot === true) problems.push(...rootProblems(plan, wanted, ids.uid));
  const decision = decide({ plan, io, hasOwnRoot }, ids);
  const privileges = privilegesOf(plan, io);
  const homeOf = (uid: number): string => findUser(files.passwd(), uid)?.home || '/';
  const changes = decision.become.uid !== undefined || machine !== undefined;
  const before = machine === undefined ? homeOf(io.kernel.uid) : homeIn(machine);
  return {
    ...decision.become,
    ...privileges.become,
    home: changes ? { before, after: homeOf(ids.uid) } : { before: '', after: '' },
    ownHome: () => homeOf(decision.become.uid ?? io.kernel.uid),
    differences: [...decision.differences, ...privileges.differences],
    problems: [...problems, ...decision.problems],
  };
}

/** Who the program is to be, as far as numbers can tell. */
export function idsOf(plan: Plan, io: InnerIo): Ids {
  const { files, wanted, entry } = usersOf({ plan, io, hasOwnRoot: true }, []);
  return wantedIds({ plan, io, files }, wanted, entry);
}

interface Asked {
  readonly plan: Plan;
  readonly io: InnerIo;
  /** Nobody has started a container here: what its runtime does is ours to do. */
  readonly hasOwnRoot: boolean;
}

function usersOf({ plan, io, hasOwnRoot }: Asked, problems: BellhopError[]) {
  const files = { passwd: lazyText(io, '/etc/passwd'), group: lazyText(io, '/etc/group') };
  const byRuntime = hasOwnRoot && io.kernel.uid === 0 ? 0 : undefined;
  const wanted = wantedUser(plan, problems) ?? byRuntime;
  const entry = wanted === undefined ? undefined : findUser(files.passwd(), wanted);
  return { files, wanted, entry };
}

function homeIn(machine: InnerIo): string {
  return findUser(lazyText(machine, '/etc/passwd')(), machine.kernel.uid)?.home || '/';
}

interface Sources {
  readonly plan: Plan;
  readonly io: InnerIo;
  readonly files: { readonly group: () => string };
}

function wantedIds(
  { plan, io, files }: Sources,
  wanted: number | string | undefined,
  entry: PasswdUser | undefined,
): Ids {
  const { kernel } = io;
  const further = plan.identity.supplementalGroups;
  if (wanted === undefined) {
    const gid = plan.identity.group ?? kernel.gid;
    return { uid: kernel.uid, gid, groups: sorted([...kernel.groups, ...further]) };
  }
  const gid = plan.identity.group ?? entry?.gid ?? 0;
  const member = entry === undefined ? [] : groupsOf(files.group(), entry.name);
  const uid = entry?.uid ?? (typeof wanted === 'number' ? wanted : kernel.uid);
  return { uid, gid, groups: sorted([gid, ...member, ...further]) };
}

function sorted(groups: readonly number[]): number[] {
  return [...new Set(groups)].toSorted((a, b) => a - b);
}

/** As the container runtime: none is an empty one, and one that cannot be read is an error. */
function lazyText(io: InnerIo, path: string): () => string {
  let text: string | undefined;
  return () => {
    if (text !== undefined) return text;
    try {
      const there = io.fs.statThrough(path);
      text = there === undefined ? '' : new TextDecoder().decode(io.fs.read(path, FILE_BYTES_MAX));
      return text;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      const help = 'users and groups of the image are to be in a plain file, of at most 16 MiB';
      throw identityProblem(path, `cannot be read (${error.errno})`, help);
    }
  };
}

function identityProblem(where: string, what: string, help?: string): BellhopError {
  const better = help === undefined ? {} : { help };
  return new BellhopError('BH_ERR_IDENTITY', { where: [where], what, ...better });
}

/** A uid, a name of the image, or undefined where nobody says. The gid of USER is dropped. */
function wantedUser(plan: Plan, problems: BellhopError[]): number | string | undefined {
  if (plan.identity.user !== undefined) return plan.identity.user;
  const [name = ''] = (plan.image.user ?? '').split(':');
  if (name === '') return undefined;
  if (!/^\d+$/.test(name)) return name;
  const uid = Number(name);
  if (uid < 2 ** 32 - 1) return uid;
  problems.push(identityProblem('image.user', 'no uid is that large'));
  return undefined;
}

const NON_ROOT_HELP = 'set `runAsUser` to a number other than 0';

/** runAsNonRoot as the kubelet has it: a name cannot be verified. */
function rootProblems(
  plan: Plan,
  wanted: number | string | undefined,
  uid: number,
): BellhopError[] {
  const where = 'securityContext.runAsNonRoot';
  if (typeof wanted === 'string' && plan.identity.user === undefined) {
    return [
      identityProblem(where, `the image's user ${wanted} is a name, so it cannot be verified`),
    ];
  }
  return uid === 0 ? [identityProblem(where, 'the program would run as root', NON_ROOT_HELP)] : [];
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

interface Decision {
  readonly become: Partial<Ids>;
  readonly differences: readonly string[];
  readonly problems: readonly BellhopError[];
}

function asksForSomebody({ identity, image }: Plan): boolean {
  const { user, group, supplementalGroups } = identity;
  const hasUser = user !== undefined || (image.user ?? '') !== '';
  return hasUser || group !== undefined || supplementalGroups.length > 0;
}

/** What has to be changed, whether that is allowed, and what the policy says where it is not. */
function decide({ plan, io, hasOwnRoot }: Asked, ids: Ids): Decision {
  const { kernel } = io;
  const changed = changedIds(ids, kernel);
  const asRuntime = hasOwnRoot && (kernel.capabilities & CAP_SETGID) !== 0n;
  const become = asRuntime || asksForSomebody(plan) ? changed : {};
  const needs = (become.uid === undefined ? 0n : CAP_SETUID) | needsOf(become);
  if ((kernel.capabilities & needs) === needs) return { become, differences: [], problems: [] };
  const wanted = `user ${ids.uid}, group ${ids.gid}, groups ${ids.groups.join(' ')}`;
  const is = `${kernel.uid}:${kernel.gid}`;
  const what = `the pod wants ${wanted}; the container runs as ${is} and may not change that`;
  if (plan.policy.identity === 'keep') return { become: {}, differences: [what], problems: [] };
  return { become: {}, differences: [], problems: [identityProblem('securityContext', what)] };
}

function changedIds(ids: Ids, kernel: InnerIo['kernel']): Partial<Ids> {
  const sameGroups = String(ids.groups) === String([...kernel.groups].toSorted((a, b) => a - b));
  return {
    ...(ids.uid === kernel.uid ? {} : { uid: ids.uid }),
    ...(ids.gid === kernel.gid ? {} : { gid: ids.gid }),
    ...(sameGroups ? {} : { groups: ids.groups }),
  };
}

function needsOf(become: Partial<Ids>): bigint {
  return become.gid === undefined && become.groups === undefined ? 0n : CAP_SETGID;
}

function privilegesOf(
  plan: Plan,
  io: InnerIo,
): { become: Pick<Become, 'noNewPrivileges' | 'dropCapabilities'>; differences: string[] } {
  const { capabilities } = io.kernel;
  const add = capabilityNumbers(plan.identity.addCapabilities ?? []);
  const drop = capabilityNumbers(plan.identity.dropCapabilities ?? []).filter(
    (one) => !add.includes(one),
  );
  const mayDrop = (capabilities & CAP_SETPCAP) !== 0n;
  const differences: string[] = [];
  const held = drop.filter((one) => (capabilities & (1n << BigInt(one))) !== 0n);
  if (held.length > 0 && !mayDrop) differences.push('capabilities cannot be dropped here');
  const lacking = add.filter((one) => (capabilities & (1n << BigInt(one))) === 0n);
  if (lacking.length > 0) differences.push('capabilities that the pod adds cannot be had here');
  return {
    become: {
      ...(plan.identity.noNewPrivileges === true ? { noNewPrivileges: true } : {}),
      ...(drop.length > 0 && mayDrop ? { dropCapabilities: drop } : {}),
    },
    differences,
  };
}
