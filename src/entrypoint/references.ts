import { boundsOf } from '../plan/bounds.ts';
import type { WrittenReference } from '../plan/settings.ts';
import { referenceOf } from '../plan/settings-use.ts';
import type { Plan, Reference } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
import { referencesIn } from '../stores/_options.ts';
import { levelsOf, pathKey } from './answers.ts';

/** What a start asks a store for, and why. */
export interface Asked {
  readonly reference: Reference;
  readonly why: 'value' | 'fallback' | 'credential' | 'last good';
  /** `secret db, key password`, or whose credential it is. */
  readonly called: string;
}

/** Every reference of a plan, also those that only an outage or a store's own settings lead to. */
export function referencesOf(plan: Plan): Asked[] {
  const values = boundsOf(plan.placements).flatMap(({ bound }) => {
    return levelsOf(bound).map((reference, level): Asked => {
      return { reference, why: level === 0 ? 'value' : 'fallback', called: bound.called };
    });
  });
  const { lastGood } = plan.policy;
  const copy: Asked[] =
    lastGood === undefined
      ? []
      : [{ reference: lastGood.to, why: 'last good', called: 'the last good copy' }];
  const key: Asked[] =
    lastGood !== undefined && 'age' in lastGood.key
      ? [{ reference: lastGood.key.age, why: 'credential', called: 'key of the last good copy' }]
      : [];
  const all = [...values, ...credentialsOf(plan), ...key, ...copy];
  return [...new Map(all.map((one) => [`${one.why} ${pathKey(one.reference)}`, one])).values()];
}

/** What stores need of other stores before they can be asked. */
function credentialsOf(plan: Plan): Asked[] {
  const hasVersions = (store: string): boolean => {
    const { kind = '' } = Object.hasOwn(plan.stores, store) ? (plan.stores[store] ?? {}) : {};
    return STORE_KINDS.get(kind)?.hasVersions === true;
  };
  return Object.entries(plan.stores).flatMap(([name, { kind, ...options }]) => {
    const specs = STORE_KINDS.get(kind)?.options ?? {};
    return referencesIn(specs, options).map(({ reference }): Asked => {
      // Checked as a reference by the kind's options.
      const read = referenceOf(reference as WrittenReference, hasVersions);
      return { reference: read, why: 'credential', called: `credential of store ${name}` };
    });
  });
}
