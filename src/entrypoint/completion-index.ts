import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { INDEX_VARIABLE } from '../plan/completion-index.ts';
import type { Plan } from '../plan/types.ts';
import { variablesOf } from './platform.ts';

/** What tells where this is; looked for only where it is asked. */
type FindPlatform = (() => Promise<{ readonly index?: string } | undefined>) | undefined;

/**
 * The completion index of this task: the platform's, else that of the variable on arrival, else
 * what the plan says. Undefined where the plan needs none; a problem where nobody tells it.
 */
export async function completionIndex(
  io: Io,
  { index }: Pick<Plan, 'index'>,
  platform: FindPlatform,
): Promise<string | BellhopError | undefined> {
  if (index === undefined) return undefined;
  const told = (await platform?.())?.index ?? (variablesOf(io).get(INDEX_VARIABLE) || undefined);
  const found = told ?? index.otherwise;
  if (found === undefined) {
    const what = "nothing tells which of the Job's pods this is";
    return new BellhopError('BH_ERR_INDEX', { where: [INDEX_VARIABLE], what });
  }
  // As Kubernetes writes it: what else stands there is not this index.
  if (/^(0|[1-9]\d{0,9})$/.test(found)) return found;
  const what = 'what is told here as the index is no whole number from 0 on';
  return new BellhopError('BH_ERR_INDEX', { where: [INDEX_VARIABLE], what });
}
