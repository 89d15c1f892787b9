// What the init container of the webhook's route does: all files of a plan, into a volume in memory
// that the pod's containers share. No mounts, no links, no program to become.
import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { renderWarning } from '../core/report.ts';
import type { Placement, Plan } from '../plan/types.ts';
import type { PlainFile } from './delivery.ts';
import { memoryBytes } from './delivery.ts';
import { computeEnvironment } from './environment.ts';
import { gather, startBudget } from './gather.ts';
import type { Hands } from './hands.ts';
import { makeParents, newHands, rollback, writeProblem } from './hands.ts';
import { computeDelivery } from './payloads.ts';
import { isInMemory } from './state.ts';

/** Fetches everything that the plan names and writes its files: all, or none. */
export async function pull(io: Io, plan: Plan, log: LogFormat): Promise<void> {
  const files = await filesOf(io, plan, log);
  const hands = newHands(io);
  try {
    for (const file of files) place(hands, plan, file);
  } catch (error) {
    rollback(hands);
    throw writeProblem(error);
  }
}

async function filesOf(io: Io, plan: Plan, log: LogFormat): Promise<readonly PlainFile[]> {
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
  judge([...environment.problems, ...problems, ...unfitFor(plan)]);
  budget.end();
  const bytes = memoryBytes(delivery);
  const [first] = delivery.files;
  if (first !== undefined) checkRoom(io, first.placement.path, bytes);
  return delivery.files;
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

function checkRoom(io: Io, path: string, bytes: number): void {
  const folder = nearestFolder(io, path);
  const { freeBytes } = io.fs.fileSystem(folder);
  if (freeBytes >= bytes) return;
  const what = `${bytes} bytes are wanted, ${freeBytes} are free`;
  throw new BellhopError('BH_ERR_WRITE', { where: [folder], what });
}

function nearestFolder(io: Io, path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return parent === '/' || io.fs.stat(parent) !== undefined ? parent : nearestFolder(io, parent);
}

/** An init container may run again in the same pod: what it wrote before is replaced. */
function place(hands: Hands, plan: Plan, { placement, content }: PlainFile): void {
  const { fs } = hands;
  const { path, mode } = placement;
  makeParents(hands, path);
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  if (placement.medium === 'memory' && plan.policy.disk !== 'allow' && !isInMemory(hands, folder)) {
    const what = 'is no file system in memory';
    throw new BellhopError('BH_ERR_NO_MEMORY', { where: [folder], what });
  }
  const aside = `${path}.bellhop-part`;
  if (fs.stat(aside) !== undefined) fs.unlink(aside);
  fs.write(aside, content.reveal(), mode);
  hands.undo.push(() => fs.unlink(aside));
  const isNew = fs.stat(path) === undefined;
  fs.rename(aside, path);
  hands.undo.pop();
  if (isNew) hands.undo.push(() => fs.unlink(path));
}
