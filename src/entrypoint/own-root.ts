// `--root DIR`: the program is started with DIR as its root, in the first of three ways that is
// granted. Everything about the program (files, users, PATH) is DIR's; what says what to deliver
// (manifests, settings, credentials) is ours.
import { BellhopError, BellhopErrors, problemsOf } from '../core/errors.ts';
import type { ExecDocument, IdMap, InnerIo, Io, Kernel, NamespaceIds } from '../core/io/types.ts';
import { FsError, MS } from '../core/io/types.ts';
import type { Plan } from '../plan/types.ts';
import type { Delivery } from './delivery.ts';
import type { Delivered } from './deliver.ts';
import { deliver } from './deliver.ts';
import type { RootPlace } from './hands.ts';
import { writeProblem } from './hands.ts';
import { idsOf } from './identity.ts';
import { givePlatform } from './own-root-mounts.ts';
import { belowPrefix, deliveryBelow } from './own-root-prefix.ts';

/** How the program gets its root. */
export type How = 'namespaces' | 'chroot' | 'prefix';

/** DIR, looked at; nothing has changed yet. */
export interface OwnRoot {
  readonly how: How;
  /** DIR without links, absolute. */
  readonly folder: string;
  readonly given: string;
  /** What the program will find: users and groups of DIR, and the rights that it starts with. */
  readonly seen: InnerIo;
  /** Where this differs from Kubernetes, one sentence each. */
  readonly differences: readonly string[];
  readonly ids: NamespaceIds;
}

/** What is to be there. */
export interface Wanted {
  readonly delivery: Delivery;
  readonly readOnlyRoot: boolean;
  readonly workingDir?: string;
}

/** What was delivered, and what the exec document needs for it. */
export interface Inside {
  readonly done: Delivered;
  readonly document: Pick<ExecDocument, 'root' | 'cwd'>;
}

/** DIR, entered as far as that is possible before the program is started. */
interface Entered extends Wanted {
  readonly place: RootPlace;
  readonly document: Pick<ExecDocument, 'root'>;
}

/** CAP_SETGID and CAP_SETUID. */
const MAY_BE_ANYBODY = (1n << 6n) | (1n << 7n);
const CAP_SYS_CHROOT = 1n << 18n;
const CAP_SYS_ADMIN = 1n << 21n;
/** Whoever enters a user namespace has all of them inside. */
const ALL_CAPABILITIES = 2n ** 41n - 1n;

/** The difference that is told even where nobody asked: the files are not where the pod says. */
export function prefixWarning(given: string): string {
  return (
    `--root ${given}: neither namespaces nor chroot are allowed here, so the program keeps the root ` +
    `of this machine, and its files lie below ${given}`
  );
}

/** Finds out how DIR can become the root; throws where it is no folder, or cannot be entered. */
export async function openRoot(io: Io, given: string, plan: Plan): Promise<OwnRoot> {
  const where = ['--root', given];
  if (io.kernel.kind === 'alone') {
    const what = 'needs the launcher, which the runtime alone has not';
    throw new BellhopError('BH_ERR_USAGE', { where, what, help: 'start `bellhop` beside it' });
  }
  const folder = folderAt(io, given);
  const inside: InnerIo = { ...io, fs: await io.filesBelow(folder) };
  const how = waysOf(io.kernel);
  const base = { how, folder, given };
  if (how !== 'namespaces') {
    const differences = how === 'prefix' ? [prefixWarning(given)] : [];
    return { ...base, seen: inside, differences, ids: 'all' };
  }
  return { ...base, ...inNamespaces(inside, plan) };
}

/** Who the process is in its namespaces, and what it may there. */
function inNamespaces(io: InnerIo, plan: Plan): Pick<OwnRoot, 'seen' | 'differences' | 'ids'> {
  const { capabilities } = io.kernel;
  if ((capabilities & CAP_SYS_ADMIN) !== 0n) return { seen: io, differences: [], ids: 'all' };
  const rights = { capabilities: ALL_CAPABILITIES };
  if ((capabilities & MAY_BE_ANYBODY) === MAY_BE_ANYBODY)
    return { seen: withRights(io, rights), differences: [], ids: 'all' };
  // One user and one group can be had: those that the program is to have, root if nobody says.
  const asRoot = withRights(io, { ...rights, uid: 0, gid: 0, groups: [0] });
  const { uid, gid, groups } = idsOf(plan, asRoot);
  const further = groups.filter((one) => one !== gid);
  const lost = `further groups (${further.join(' ')}) cannot be had: they take the right to change groups`;
  const differences = further.length === 0 ? [] : [lost];
  return { seen: withRights(asRoot, { uid, gid, groups }), differences, ids: { uid, gid } };
}

function folderAt(io: Io, given: string): string {
  try {
    if (io.fs.statThrough(given)?.kind === 'dir') return io.fs.realpath(given);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const what = `cannot be looked at (${error.errno})`;
    throw new BellhopError('BH_ERR_INPUT_READ', { where: ['--root', given], what, cause: error });
  }
  const help = 'give a folder that is there, e.g. one with the files of an image';
  const facts = { where: ['--root', given], what: 'is not a folder', help };
  throw new BellhopError('BH_ERR_INPUT_READ', facts);
}

function waysOf(kernel: Kernel): How {
  if (kernel.tryNamespaces() === undefined) return 'namespaces';
  return (kernel.capabilities & CAP_SYS_CHROOT) === 0n ? 'prefix' : 'chroot';
}

/** The same outside, with the rights that the process has once it is inside. */
function withRights(io: InnerIo, rights: Partial<Kernel>): InnerIo {
  return { ...io, kernel: { ...io.kernel, ...rights } };
}

/** Delivers into DIR; what goes wrong is told with the folder that it is inside of. */
export async function deliverInside(io: Io, root: OwnRoot, wanted: Wanted): Promise<Inside> {
  try {
    const { place, document, delivery, ...rest } = await enter(io, root, wanted);
    const done = deliver({ ...io, kernel: root.seen.kernel }, delivery, { ...rest, place });
    const cwd = rest.workingDir === undefined ? {} : { cwd: rest.workingDir };
    return { done, document: { ...document, ...cwd } };
  } catch (error) {
    const problems = problemsOf(writeProblem(error));
    throw new BellhopErrors(problems.map((one) => toldOf(root, one)));
  }
}

/** Below a prefix the paths say it all. */
function toldOf({ given, how }: OwnRoot, problem: BellhopError): BellhopError {
  if (how === 'prefix') return problem;
  const within = problem.within(`--root ${given}`);
  if (how === 'namespaces' || problem.code !== 'BH_ERR_NO_MEMORY') return within;
  const { code, where, what, cause } = within;
  const help = `mount a tmpfs at ${given}/dev/shm, or set \`policy: { disk: allow }\``;
  return new BellhopError(code, { where, what, help, cause });
}

/** Enters DIR as far as the runtime can; the rest stands in the exec document. */
async function enter(io: Io, root: OwnRoot, wanted: Wanted): Promise<Entered> {
  const { how, folder, seen } = root;
  if (how === 'namespaces') {
    return { ...wanted, place: await enterNamespaces(io, root), document: {} };
  }
  const table = '/proc/self/mountinfo';
  if (how === 'chroot') {
    const mountTable = { path: table, root: folder === '/' ? '' : folder };
    return {
      ...wanted,
      place: { fs: seen.fs, mounts: 'none', mountTable },
      document: { root: folder },
    };
  }
  const fs = belowPrefix(folder, seen.fs, io.fs);
  const place: RootPlace = { fs, mounts: 'none', mountTable: { path: table, root: '' } };
  return { ...wanted, ...deliveryBelow(folder, wanted), place, document: {} };
}

/** `io` is what we are; what the process is inside, only the program is to know. */
async function enterNamespaces(io: Io, { folder, ids }: OwnRoot): Promise<RootPlace> {
  const { kernel } = io;
  const outside = { uid: kernel.uid, gid: kernel.gid };
  const map: IdMap | undefined = ids === 'all' ? undefined : { inside: ids, outside };
  must('namespaces cannot be entered', kernel.enterNamespaces(ids));
  if (folder !== '/') {
    // From a user namespace only what is mounted below may be bound together with it.
    const request = { source: folder, target: folder, type: '', flags: MS.bind | MS.recursive };
    must('cannot be mounted', kernel.mount({ ...request, data: '' }));
  }
  const fs = await io.filesBelow(`${kernel.rootPrefix}${folder}`, map);
  if (folder !== '/') {
    givePlatform({ io, fs, folder });
    must('cannot become the root', kernel.enterRoot(folder));
  }
  return { fs, mounts: 'own', mountTable: { path: `/proc/${kernel.pid}/mountinfo`, root: '' } };
}

function must(what: string, errno: string | undefined): void {
  if (errno === undefined) return;
  throw new BellhopError('BH_ERR_WRITE', { where: [], what: `${what} (${errno})` });
}
