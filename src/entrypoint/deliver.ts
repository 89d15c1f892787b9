import { judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Delivery } from './delivery.ts';
import { coveredPaths, memoryBytes } from './delivery.ts';
import type { Hands, RootPlace } from './hands.ts';
import { makeParents, makeRuntimeFolder, newHands, rollback, standing } from './hands.ts';
import { writeProblem } from './hands.ts';
import { checkMountable } from './check-paths.ts';
import { claim } from './earlier.ts';
import type { Ledger } from './ledger.ts';
import { placesOf, record } from './ledger.ts';
import { deliverByLinks } from './links.ts';
import { asInside, nestingProblems } from './nested.ts';
import { MountDenied } from './mount-calls.ts';
import { deliverByMounts, makeRootReadOnly } from './mounts.ts';
import type { State } from './state.ts';
import { replaceFile } from './replaced.ts';
import { openHome } from './state.ts';

/** What was delivered, for the report. */
export interface Delivered {
  readonly how: 'nothing' | 'mounts' | 'links';
  /** Where this differs from Kubernetes, one sentence each. */
  readonly differences: readonly string[];
}

/** What the container is to be beside its files. */
export interface DeliverOptions {
  readonly readOnlyRoot: boolean;
  /** Made as the runtime makes it, with its parents, where it is not there. */
  readonly workingDir?: string;
  /** Where the program's root lies, if it is not ours. */
  readonly place?: RootPlace;
}

const CAP_SYS_ADMIN = 1n << 21n;

/**
 * Writes everything, or nothing: on any failure what was done is undone and the problem thrown. By
 * mounts where that is allowed, else by real folders and links.
 */
export function deliver(io: Io, delivery: Delivery, options: DeliverOptions): Delivered {
  const hands = newHands(io, options.place);
  io.kernel.finishFirst?.();
  for (const path of coveredPaths(delivery)) checkMountable(path);
  const { workingDir } = options;
  const inside = asInside(workingDir === undefined ? delivery : { ...delivery, workingDir });
  judge(nestingProblems(inside));
  const may = io.kernel.kind === 'launcher' && (io.kernel.capabilities & CAP_SYS_ADMIN) !== 0n;
  const mayMount = may && hands.place.mounts !== 'none';
  const work = { hands, delivery: inside, options };
  const how = deliverFiles(work, mayMount);
  try {
    for (const file of delivery.replaced ?? []) replaceFile(hands, file);
  } catch (error) {
    rollback(hands);
    throw writeProblem(error);
  }
  if (options.readOnlyRoot) makeRootReadOnly(hands);
  return { how, differences: [...hands.differences] };
}

interface Work {
  readonly hands: Hands;
  readonly delivery: Delivery;
  readonly options: DeliverOptions;
}

function deliverFiles(work: Work, mayMount: boolean): Delivered['how'] {
  const { hands, delivery } = work;
  if (mayMount && coveredPaths(delivery).length > 0) {
    try {
      const ledger = deliverByMounts(hands, stateFor(hands, delivery, true), delivery);
      makeWorkingDir(work, ledger);
      ledger.state.before.settle(ledger.written);
      return 'mounts';
    } catch (error) {
      rollback(hands);
      if (!(error instanceof MountDenied)) throw writeProblem(error);
      hands.differences.clear();
    }
  }
  try {
    const isEmpty = coveredPaths(delivery).length === 0;
    const ledger = isEmpty
      ? undefined
      : deliverByLinks(hands, stateFor(hands, delivery, false), delivery);
    makeWorkingDir(work, ledger);
    ledger?.state.before.settle(ledger.written);
    return isEmpty ? 'nothing' : 'links';
  } catch (error) {
    rollback(hands);
    throw writeProblem(error);
  }
}

function makeWorkingDir({ hands, options }: Work, ledger: Ledger | undefined): void {
  const path = options.workingDir;
  if (path === undefined || standing(hands.fs, path) !== undefined) return;
  if (ledger !== undefined) record(ledger, ...placesOf(hands, [path]));
  makeParents(hands, path);
  makeRuntimeFolder(hands, path);
}

function stateFor(hands: Hands, delivery: Delivery, mayMount: boolean): State {
  const covered = coveredPaths(delivery);
  const bytes = memoryBytes(delivery);
  const diskAllowed = mayMount || delivery.policy.disk === 'allow';
  const lasting = mayMount && hands.place.mounts === 'own';
  const home = openHome(hands, { memory: bytes > 0, diskAllowed, lasting, covered });
  return claim(hands, home, { covers: covered, mayMount });
}
