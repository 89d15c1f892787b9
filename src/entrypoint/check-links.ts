import { judge } from '../core/errors.ts';
import type { Policy } from '../plan/types.ts';
import { checkKind } from './check-mounts.ts';
import { checkParents, isFreed } from './check-paths.ts';
import type { Delivery, Place, PlainFile } from './delivery.ts';
import { placesIn } from './delivery.ts';
import { earlierData, foreignIn } from './folders.ts';
import { ELSEWHERE, standing, taken } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { closedProblems, logsInVolumes } from './nested.ts';
import { isInMemory } from './state.ts';

/** What may be in the way of folders and links, a check for each path. */
export function checksOf(work: Ledger, delivery: Delivery): (() => void)[] {
  // What is to be in a volume meets only what is in it.
  const inVolumes = logsInVolumes(delivery);
  const outside = delivery.files.filter((one) => !inVolumes.includes(one));
  return [
    ...placesIn(delivery).map((place) => () => checkPath(work, place, delivery.policy)),
    ...outside.map((file) => () => checkFile(work, file)),
    () => judge(closedProblems(work.hands, delivery)),
  ];
}

/** Content of the image at a mount path cannot be hidden. */
function checkPath(work: Ledger, { directory, landing }: Place, policy: Policy): void {
  const { hands, state } = work;
  const { path } = landing;
  checkParents(hands, state, path);
  if (isFreed(hands, state, path)) return;
  const there = standing(hands.fs, path);
  if (there === undefined) return;
  if (there.kind !== 'dir')
    throw taken(path, 'is there already, and mounting over it is not allowed', ELSEWHERE);
  if (policy.overImage === 'merge') return;
  const isPlain = directory.placement.shape === 'plain';
  if (isPlain && isInMemory(hands, path)) return;
  if (isPlain && earlierData(work, path, dataOf({ directory, landing })) !== undefined) return;
  const foreign = foreignIn(work, path);
  if (foreign.length === 0) return;
  const some = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '');
  throw taken(path, `has content (${some}), and mounting over it is not allowed`);
}

function checkFile({ hands, state }: Ledger, { placement: { path, keep } }: PlainFile): void {
  checkParents(hands, state, path);
  if (isFreed(hands, state, path)) return;
  if (keep !== true) throw taken(path, 'is there already', ELSEWHERE);
  checkKind(hands, path, false);
}

/** The name of what an emptyDir has at one of its places. */
export function dataOf({ directory, landing }: Place): string {
  return `${directory.placement.volume}/${landing.subPath}`;
}
