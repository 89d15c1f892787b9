import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { INDEX_VARIABLE, indexProblem } from '../plan/completion-index.ts';
import type { CompletionIndex, Plan } from '../plan/types.ts';
import { variablesOf } from './platform.ts';

/** What tells where this is; looked for only where it is asked. */
type FindPlatform = (() => Promise<{ readonly index?: string } | undefined>) | undefined;

/** An index, and who tells it. */
type Told = readonly [by: string, index: string];

/**
 * The completion index of this task; 0 where the Job has one pod. Of a submitted job the
 * platform's own variable counts, then JOB_COMPLETION_INDEX on arrival; where nobody has said
 * where this is to run, JOB_COMPLETION_INDEX, then the platform that this looks like. Then what the
 * plan says. Undefined where the plan needs none; a problem where nobody tells it, or where what is
 * told is no index of the Job.
 */
export async function completionIndex(
  io: Io,
  { index }: Pick<Plan, 'index'>,
  platform: FindPlatform,
): Promise<string | BellhopError | undefined> {
  if (index === undefined) return undefined;
  if (index.below === 1) return '0';
  const told = toldByVariable(io, index) ?? (await toldByPlatform(index, platform));
  if (told === undefined) {
    if (index.otherwise !== undefined) return index.otherwise;
    const what = "nothing tells which of the Job's pods this is";
    return new BellhopError('BH_ERR_INDEX', { where: [INDEX_VARIABLE], what });
  }
  const [by, found] = told;
  const what = indexProblem(found, index.below);
  return what === undefined ? found : new BellhopError('BH_ERR_INDEX', { where: [by], what });
}

function toldByVariable(io: Io, { toldBy = [] }: CompletionIndex): Told | undefined {
  const variables = variablesOf(io);
  return [...toldBy, INDEX_VARIABLE]
    .map((name): Told => [name, variables.get(name) ?? ''])
    .find(([, value]) => value !== '');
}

/** Variables of one platform may stand in a job of another: only asked where nobody knows more. */
async function toldByPlatform(
  { toldBy }: CompletionIndex,
  platform: FindPlatform,
): Promise<Told | undefined> {
  if (toldBy !== undefined) return undefined;
  const index = (await platform?.())?.index;
  return index === undefined ? undefined : ["the platform's index", index];
}
