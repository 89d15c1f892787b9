import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import type { BundledObject } from '../plan/bundle.ts';
import type { Plan } from '../plan/types.ts';
import type { DataObject } from '../wire/objects.ts';
import { objectPath } from '../wire/objects.ts';

/** What of the input a plan takes along. */
export interface Carried {
  /** ConfigMaps, and of them the keys that the plan refers to. */
  readonly objects: readonly BundledObject[];
  /** Secrets that stand in the input: no request and no object may hold them. */
  readonly secrets: readonly string[];
}

/** Takes the ConfigMaps of the input that the plan refers to out of their seals. */
export function carriedBy(plan: Plan, objects: readonly DataObject[]): Carried {
  const { namespace } = plan.origin;
  const wanted = new Map<string, Set<string> | 'all'>();
  for (const { bound, all } of boundsOf(plan.placements)) {
    const { store, path, key } = bound.reference;
    if (store !== EMBEDDED) continue;
    const member = bound.member ?? key;
    const before = wanted.get(path);
    if (all || member === undefined || before === 'all') wanted.set(path, 'all');
    else wanted.set(path, new Set([...(before ?? []), member]));
  }
  const found = objects.flatMap((one) => {
    const keys = wanted.get(objectPath(one, namespace));
    return keys === undefined ? [] : [{ one, keys }];
  });
  // Of several documents of one name the last counts.
  const last = new Map(found.map((each) => [objectPath(each.one, namespace), each]));
  const sorted = [...last].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return {
    objects: sorted
      .filter(({ one }) => one.kind === 'ConfigMap')
      .map(({ one, keys }) => ({
        name: one.name,
        namespace: one.namespace ?? namespace,
        values: [...one.entries]
          .filter(([key]) => keys === 'all' || keys.has(key))
          .map(([key, value]) => ({ key, bytes: value.reveal(), isBinary: value.binary })),
      })),
    secrets: sorted.filter(({ one }) => one.kind === 'Secret').map(({ one }) => one.name),
  };
}

/** Values of a ConfigMap of the input; undefined where there is none of that name. */
export function configMapValues(
  objects: readonly DataObject[],
  wanted: { readonly name: string; readonly namespace: string },
): ReadonlyMap<string, Uint8Array> | undefined {
  const found = objects.findLast((one) => {
    const namespace = one.namespace ?? wanted.namespace;
    return one.kind === 'ConfigMap' && one.name === wanted.name && namespace === wanted.namespace;
  });
  if (found === undefined) return undefined;
  return new Map([...found.entries].map(([key, value]) => [key, value.reveal()]));
}
