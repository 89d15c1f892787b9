import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { boundsOf } from '../plan/bounds.ts';
import type { Plan, Reference } from '../plan/types.ts';
import { ALL_STORES } from '../stores/_all.gen.ts';
import type { Answer, Store, StoreContext } from '../stores/_store.ts';
import type { DataObject } from '../wire/objects.ts';

/** What the stores said, by what they were asked. */
export type Answers = ReadonlyMap<string, Answer>;

/** Where one bound reference's answer stands in the answers. */
export function answerKey(reference: Reference): string {
  return JSON.stringify([reference.store, reference.path, reference.version ?? null]);
}

/** What gathering is given beside the plan. */
export interface GatherContext {
  readonly io: Io;
  readonly objects: readonly DataObject[];
  /** Which references to ask for; all where absent. */
  readonly only?: (reference: Reference) => boolean;
}

/**
 * Asks every store for every path of the plan, each path once. Stores are asked at the same time;
 * all of them are waited for, so that every problem is known.
 */
export async function gather(plan: Plan, context: GatherContext): Promise<Answers> {
  const wanted = new Map<string, Map<string, Reference>>();
  for (const { bound } of boundsOf(plan.placements)) {
    const { reference } = bound;
    if (context.only?.(reference) === false) continue;
    const ofStore = wanted.get(reference.store) ?? new Map<string, Reference>();
    wanted.set(reference.store, ofStore.set(answerKey(reference), reference));
  }
  const answers = new Map<string, Answer>();
  const asked = [...wanted].map(async ([name, references]) => {
    const list = [...references];
    const given = await askStore(
      { plan, name, context },
      list.map(([, one]) => one),
    );
    list.forEach(([key], index) => answers.set(key, given[index] ?? noAnswer(name)));
  });
  await Promise.all(asked);
  return answers;
}

interface StoreQuery {
  readonly plan: Plan;
  readonly name: string;
  readonly context: GatherContext;
}

/** Never rejects: a store that cannot be opened has failed for each of its references. */
async function askStore(
  query: StoreQuery,
  references: readonly Reference[],
): Promise<readonly Answer[]> {
  try {
    const store = await openStore(query);
    return await store.fetch(references);
  } catch (error) {
    const problem =
      error instanceof BellhopError
        ? error
        : new BellhopError('BH_ERR_BUG', {
            where: [`store ${query.name}`],
            what: 'the store threw what it must not',
            cause: error,
          });
    return references.map(() => ({ kind: 'failed', problem }));
  }
}

async function openStore({ plan, name, context }: StoreQuery): Promise<Store> {
  const declared = Object.hasOwn(plan.stores, name) ? plan.stores[name] : undefined;
  const { kind, ...options } = declared ?? { kind: '' };
  const load = Object.hasOwn(ALL_STORES, kind)
    ? ALL_STORES[kind as keyof typeof ALL_STORES]
    : undefined;
  if (load === undefined) {
    const kinds = Object.keys(ALL_STORES).join(', ');
    const what =
      kind === '' ? 'the plan does not declare it' : `there is no kind ${kind} (${kinds})`;
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
  }
  const { default: storeKind } = await load();
  const storeContext: StoreContext = {
    name,
    io: context.io,
    objects: context.objects,
    namespace: plan.origin.namespace,
  };
  return storeKind.open(options, storeContext);
}

function noAnswer(name: string): Answer {
  const problem = new BellhopError('BH_ERR_BUG', {
    where: [`store ${name}`],
    what: 'the store gave fewer answers than it was asked for',
  });
  return { kind: 'failed', problem };
}

/** The keys that an answer has, for messages: names, never values. */
export function keysText(keys: Iterable<string>): string {
  const all = [...keys].toSorted();
  const shown = all.slice(0, KEYS_SHOWN_MAX).join(', ');
  if (all.length === 0) return 'it has no keys';
  return all.length > KEYS_SHOWN_MAX
    ? `keys there: ${shown} … (${all.length})`
    : `keys there: ${shown}`;
}

const KEYS_SHOWN_MAX = 20;
