// Variables of other stores by `webhook.pull.variables: secret`: the webhook fetches the values
// itself, when the pod is created, and a Secret beside the pod holds them.
import type { Edit, PulledVariable, PullEdit } from '../injectors/_edit.ts';
import { isPulledVariable } from '../injectors/_edit.ts';
import type { Asked, InjectorContext } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import { bytesForVariable, kept, mustKeep } from '../injectors/_kept.ts';

/**
 * Fetches what an edit names. Rejects with Refusal where the store says that there is none, or
 * where it may not be kept; with BellhopError where it cannot say.
 */
export type ReadPulled = (pull: PullEdit, signal: AbortSignal) => Promise<Uint8Array>;

/** What stands in the place of the edits that would pull variables; files stay pulled. */
export function openKeptInstead(
  read: ReadPulled,
  context: Pick<InjectorContext, 'keepsIn'>,
): (edits: readonly Edit[], asked: Asked) => Promise<readonly Edit[]> {
  return async (edits, asked) => {
    const made: Edit[] = [];
    for (const edit of edits) {
      made.push(isPulledVariable(edit) ? await keptFor(edit, asked, { read, context }) : edit);
    }
    return made;
  };
}

async function keptFor(
  edit: PulledVariable,
  asked: Asked,
  { read, context }: { read: ReadPulled; context: Pick<InjectorContext, 'keepsIn'> },
): Promise<Edit> {
  mustKeep(asked, context);
  const { type, path, key, version, variable } = edit;
  // Some stores are asked to make something by what stands behind it, also on a dry run.
  if (path.includes('?')) throw new Refusal('its path has a `?`; ask for a file');
  const bytes = bytesForVariable(await read(edit, asked.signal));
  const { group } = asked.secret;
  const id = JSON.stringify([type, path, key ?? null, version ?? null]);
  const { kind: _, called: __, variable: ___, ...fetched } = edit;
  const own = kept(asked, bytes, { id, variable });
  return { ...own, fetched, ...(key === undefined ? { key: group } : {}) };
}
