// What the init container of the webhook's route does: all files of a plan, into a volume in memory
// that the pod's containers share. No mounts, no links, no program to become.
import { BellhopError, judge } from '../core/errors.ts';
import type { Fs, Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { renderWarning } from '../core/report.ts';
import type { Placement, Plan } from '../plan/types.ts';
import type { Delivery, PlainFile } from './delivery.ts';
import { memoryBytes } from './delivery.ts';
import { computeEnvironment } from './environment.ts';
import { gather, startBudget } from './gather.ts';
import type { Hands } from './hands.ts';
import { makeParents, newHands, rollback, writeProblem } from './hands.ts';
import { computeDelivery } from './payloads.ts';
import { isInMemory } from './state.ts';

/** Fetches everything that the plan names and writes its files: all, or none. */
export async function pull(io: Io, plan: Plan, log: LogFormat): Promise<void> {
  replaceAll(newHands(io), plan, await deliveryOf(io, plan, log));
}

async function deliveryOf(io: Io, plan: Plan, log: LogFormat): Promise<Delivery> {
  const budget = startBudget(plan, io);
  const { answers, warnings } = await gather(plan, { io, objects: [], budget });
  for (const warning of warnings) io.stderr(renderWarning(warning, log));
  const nowMs = io.clock.now();
  const environment = computeEnvironment({ plan, answers, inherited: new Map(), nowMs });
  const { delivery, problems } = computeDelivery({
    plan,
    answers,
    environment,
    nowMs,
    version: '..none',
    launcher: () => launcherOf(io),
  });
  judge([...environment.problems, ...problems, ...unfitFor(plan), ...reservedIn(delivery)]);
  budget.end();
  return delivery;
}

/** What has no file to be in; which program runs is not for us. */
function unfitFor({ placements }: Plan): readonly BellhopError[] {
  const held = new Set(placements.flatMap(heldBy));
  const other = placements.find((one) => {
    return one.kind === 'variable' ? !held.has(one.name) : !isForPull.has(one.kind);
  });
  if (other === undefined) return [];
  const what = 'only files can be pulled';
  return [new BellhopError('BH_ERR_PLAN', { where: [other.rule], what })];
}

/** Names that files have here while they are replaced. */
function reservedIn({ files }: Delivery): readonly BellhopError[] {
  return files.flatMap(({ placement: { path } }) => {
    const end = [ASIDE, BEFORE].find((one) => path.endsWith(one));
    if (end === undefined) return [];
    const what = `no file that is pulled can have a name that ends with ${end}`;
    return [new BellhopError('BH_ERR_PLAN', { where: [path], what })];
  });
}

const isForPull: ReadonlySet<string> = new Set(['file', 'argv']);

/** The variables that a file has. */
function heldBy(placement: Placement): readonly string[] {
  if (placement.kind !== 'file') return [];
  const { source } = placement;
  if (source.kind === 'envFile') return source.names;
  if (source.kind !== 'start') return [];
  return source.targets.flatMap(({ parts }) => {
    return parts.flatMap((part) => ('of' in part ? [part.of] : []));
  });
}

const LAUNCHER_BYTES_MAX = 65_536;

function launcherOf({ fs, programPath }: Io): Uint8Array {
  const path = `${programPath.slice(0, programPath.lastIndexOf('/'))}/bellhop`;
  try {
    return fs.read(path, LAUNCHER_BYTES_MAX);
  } catch (error) {
    const what = 'the launcher cannot be read, which containers with variables start by';
    throw new BellhopError('BH_ERR_LAUNCHER', { where: [path], what, cause: error });
  }
}

/** An init container may run again in the same pod: what is there is kept until all is written. */
function replaceAll(hands: Hands, plan: Plan, delivery: Delivery): void {
  const paths = delivery.files.map(({ placement }) => placement.path);
  try {
    for (const path of paths) sweep(hands.fs, path);
    checkRoom(hands.fs, delivery);
    for (const file of delivery.files) writeAside(hands, plan, file);
    for (const path of paths) exchange(hands, path);
  } catch (error) {
    rollback(hands);
    throw writeProblem(error);
  }
  removeOld(hands.fs, paths);
}

/** All are new: from here on nothing is taken back. What cannot be removed, the next run sweeps. */
function removeOld(fs: Fs, paths: readonly string[]): void {
  const stuck: unknown[] = [];
  for (const path of paths) {
    try {
      removeIfThere(fs, before(path));
    } catch (error) {
      stuck.push(error);
    }
  }
  if (stuck.length > 0) throw writeProblem(stuck[0]);
}

const ASIDE = '.bellhop-part';
const BEFORE = '.bellhop-old';
const aside = (path: string): string => `${path}${ASIDE}`;
const before = (path: string): string => `${path}${BEFORE}`;

/** What a run has left that was killed; its old file stays where there is no new one. */
function sweep(fs: Fs, path: string): void {
  removeIfThere(fs, aside(path));
  if (fs.stat(before(path)) === undefined) return;
  if (fs.stat(path) === undefined) fs.rename(before(path), path);
  else fs.unlink(before(path));
}

function removeIfThere(fs: Fs, path: string): void {
  if (fs.stat(path) !== undefined) fs.unlink(path);
}

/** Old and new are there at once for a moment; what is free is so beside the old. */
function checkRoom(fs: Fs, delivery: Delivery): void {
  const byDevice = Map.groupBy(delivery.files, ({ placement }) => {
    return fs.stat(nearestFolder(fs, placement.path))?.device;
  });
  for (const files of byDevice.values()) {
    const [first] = files;
    const folder = nearestFolder(fs, first?.placement.path ?? '/');
    const bytes = memoryBytes({ ...delivery, files });
    const { freeBytes } = fs.fileSystem(folder);
    if (freeBytes >= bytes) continue;
    const what = `${bytes} bytes are wanted, ${freeBytes} are free`;
    throw new BellhopError('BH_ERR_WRITE', { where: [folder], what });
  }
}

function nearestFolder(fs: Fs, path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return parent === '/' || fs.stat(parent) !== undefined ? parent : nearestFolder(fs, parent);
}

function writeAside(hands: Hands, plan: Plan, { placement, content }: PlainFile): void {
  const { fs } = hands;
  const { path, mode } = placement;
  makeParents(hands, path);
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  if (placement.medium === 'memory' && plan.policy.disk !== 'allow' && !isInMemory(hands, folder)) {
    const what = 'is no file system in memory';
    throw new BellhopError('BH_ERR_NO_MEMORY', { where: [folder], what });
  }
  // It could be renamed, with all that is in it.
  if (fs.stat(path)?.kind === 'dir') throw new FsError('EISDIR', path, 'rename');
  fs.write(aside(path), content.reveal(), mode);
  hands.undo.push(() => fs.unlink(aside(path)));
}

function exchange({ fs, undo }: Hands, path: string): void {
  if (fs.stat(path) !== undefined) {
    fs.rename(path, before(path));
    undo.push(() => fs.rename(before(path), path));
  }
  fs.rename(aside(path), path);
  undo.push(() => fs.rename(path, aside(path)));
}
