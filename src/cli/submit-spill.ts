import { BellhopError } from '../core/errors.ts';
import type { Declared } from '../entrypoint/declare.ts';
import { storesBehind } from '../entrypoint/store-problems.ts';
import { ReferenceProblem, fillTemplate, parseReference } from '../plan/reference.ts';
import type { Settings } from '../plan/settings.ts';
import { storesOf } from '../plan/settings-use.ts';
import { withStoresBehind } from '../plan/stores-used.ts';
import type { StoreOptions } from '../plan/types.ts';
import { ALL_STORES } from '../stores/_all.gen.ts';
import type { StoreKind } from '../stores/_store.ts';
import type { SpillPlace } from '../submit/ways.ts';

/** The place that `submit.spill` names; undefined where it names none, or after a problem. */
export async function spillPlace(
  declared: Declared,
  settings: Settings,
  problems: BellhopError[],
): Promise<SpillPlace | undefined> {
  const written = settings.submit?.spill;
  if (written === undefined) return undefined;
  try {
    return await placeAt(written, declared, settings);
  } catch (error) {
    if (!(error instanceof ReferenceProblem)) throw error;
    const where = ['bellhop.yaml', 'submit.spill'];
    problems.push(new BellhopError('BH_ERR_SETTINGS', { where, what: error.message }));
    return undefined;
  }
}

async function placeAt(
  written: string,
  { plan, read }: Declared,
  settings: Settings,
): Promise<SpillPlace | undefined> {
  const { namespace, name, container } = plan.origin;
  const values = { namespace, name, container, job: name, pod: read?.pod.name ?? '' };
  const { store, path } = parseReference(fillTemplate(written, values), () => false);
  const declared = storesOf(settings);
  const options = Object.hasOwn(declared, store) ? declared[store] : undefined;
  // The check of all references has told it.
  if (options === undefined) return undefined;
  const writes = writesOf(options, (await ALL_STORES[options.kind]?.())?.default);
  const { bytesMax } = writes;
  return {
    store,
    path: path.replace(/\/+$/, ''),
    stores: withStoresBehind({ stores: declared, storesBehind }, [store]),
    addressOf: (one) => writes.address?.(one),
    ...(bytesMax === undefined ? {} : { bytesMax }),
  };
}

function writesOf(options: StoreOptions, kind: StoreKind | undefined): StoreKind['writes'] & {} {
  const called = `a store of kind ${options.kind}`;
  if (kind?.writes === undefined) throw new ReferenceProblem(`nothing can be written to ${called}`);
  const { needs } = kind.writes;
  if (needs === undefined || options[needs] !== undefined) return kind.writes;
  throw new ReferenceProblem(`${called} can be written where \`${needs}\` is set`);
}
