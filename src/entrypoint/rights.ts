import type { Plan, Reference, StoreOptions } from '../plan/types.ts';
import { ALL_STORES } from '../stores/_all.gen.ts';
import type { Right, StoreKind } from '../stores/_store.ts';
import { pathKey } from './answers.ts';
import type { Asked } from './references.ts';
import { referencesOf } from './references.ts';

/** The least rights that a plan needs in one store. */
export interface StoreRights {
  readonly store: string;
  readonly kind: string;
  readonly rights: readonly Right[];
}

/** The rights of every store of the plan, in its order; nothing is asked of any of them. */
export async function rightsOf(plan: Plan): Promise<StoreRights[]> {
  const asked = referencesOf(plan);
  const stores = await Promise.all(
    Object.entries(plan.stores).map(async ([store, options]) => {
      const read = await readRights(options, { store, asked });
      const kept = await copyRights(plan, store, options);
      return { store, kind: options.kind, rights: [...read, ...kept] };
    }),
  );
  return stores.filter(({ rights }) => rights.length > 0);
}

/** What the last good copy needs of this store: a place, a key, or nothing. */
async function copyRights(
  { policy: { lastGood } }: Plan,
  store: string,
  options: StoreOptions,
): Promise<readonly Right[]> {
  if (lastGood === undefined) return [];
  const { to, key } = lastGood;
  const { kind, ...own } = options;
  const { dataKeys, writes } = (await kindOf(kind)) ?? {};
  const keys = 'kms' in key && key.store === store ? dataKeys?.rights(own, key.kms) : [];
  if (to.store !== store) return keys ?? [];
  const read = await rightsFor(options, [to]);
  return [...read, ...(writes?.rights(own, to.path) ?? []), ...(keys ?? [])];
}

async function readRights(
  options: StoreOptions,
  { store, asked }: { readonly store: string; readonly asked: readonly Asked[] },
): Promise<readonly Right[]> {
  const own = asked.filter(
    ({ reference, why }) => reference.store === store && why !== 'last good',
  );
  const wanted = new Map(own.map(({ reference }) => [pathKey(reference), reference]));
  return wanted.size === 0 ? [] : rightsFor(options, [...wanted.values()]);
}

async function rightsFor(
  { kind, ...options }: StoreOptions,
  references: readonly Reference[],
): Promise<readonly Right[]> {
  const storeKind = await kindOf(kind);
  if (storeKind?.rights === undefined) return [];
  const wanted = references.map(({ path, version }) => {
    return version === undefined ? { path } : { path, version };
  });
  return storeKind.rights(options, wanted);
}

async function kindOf(kind: string): Promise<StoreKind | undefined> {
  const load = Object.hasOwn(ALL_STORES, kind) ? ALL_STORES[kind] : undefined;
  return load === undefined ? undefined : (await load()).default;
}
