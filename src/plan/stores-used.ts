import { boundsOf } from './bounds.ts';
import type { Placement, Policy, StoreOptions } from './types.ts';

type Stores = Readonly<Record<string, StoreOptions>>;

/** The stores that there are, and which of them one's credentials come from. */
export interface DeclaredStores {
  readonly stores: Stores;
  readonly storesBehind: (options: StoreOptions) => readonly string[];
}

/** Those that are named, and those behind them; a name that nobody has declared is passed over. */
export function withStoresBehind(
  { stores, storesBehind }: DeclaredStores,
  names: readonly string[],
): Stores {
  const used: Record<string, StoreOptions> = {};
  const use = (store: string): void => {
    const options = Object.hasOwn(stores, store) ? stores[store] : undefined;
    if (options === undefined || Object.hasOwn(used, store)) return;
    used[store] = options;
    for (const behind of storesBehind(options)) use(behind);
  };
  for (const name of names) use(name);
  return used;
}

/** What a plan lists: the stores that its placements or its policy refer to, and those behind. */
export function storesUsed(
  declared: DeclaredStores,
  placements: readonly Placement[],
  { lastGood }: Policy,
): Stores {
  const named = boundsOf(placements).flatMap(({ bound: { reference, fallbacks = [] } }) => {
    return [reference, ...fallbacks].map(({ store }) => store);
  });
  if (lastGood !== undefined) {
    const { to, key } = lastGood;
    named.push(to.store, 'age' in key ? key.age.store : key.store);
  }
  return withStoresBehind(declared, named);
}
