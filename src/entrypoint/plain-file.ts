import { checkKind } from './check-mounts.ts';
import type { PlainFile } from './delivery.ts';
import { ELSEWHERE, makeParents, taken } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { asideOf, show } from './ledger.ts';

/** Puts a file where it is to be, on the disk; a termination log that is there already stays. */
export function placeFile(work: Ledger, { placement, content }: PlainFile): void {
  const { hands } = work;
  const { path, mode, keep } = placement;
  if (hands.fs.stat(path) !== undefined) {
    if (keep !== true) throw taken(path, 'is there already', ELSEWHERE);
    checkKind(hands, path, false);
    return;
  }
  makeParents(hands, path);
  const aside = asideOf(work, path).path;
  hands.fs.write(aside, content.reveal(), mode);
  hands.undo.push(() => hands.fs.unlink(aside));
  show(work, path, false);
}
