import { parseReference } from './reference.ts';
import type { Settings, WrittenReference } from './settings.ts';
import type { LastGood, Policy, Reference, StoreOptions } from './types.ts';
import { DEFAULT_POLICY } from './types.ts';

// What planning does with settings that were read; apart from the schema, whose library is loaded
// only where there is a bellhop.yaml.

/** No bellhop.yaml at all. */
export const NO_SETTINGS: Settings = { apiVersion: 'bellhop/v1' };

/** The policy with its defaults; where values come from stands with each reference. */
export function policyOf(settings: Settings, lastGood: LastGood | undefined): Policy {
  const { fallback: _, missing: __, lastGood: ___, ...own } = settings.policy ?? {};
  const given = Object.entries(own).filter(([, one]) => one !== undefined);
  const kept = lastGood === undefined ? {} : { lastGood };
  return { ...DEFAULT_POLICY, ...Object.fromEntries(given), ...kept };
}

/** What `policy.fallback` says of a reference: the same key in the next stores, in their order. */
export function policyFallbacks(settings: Settings, { store, path, key }: Reference): Reference[] {
  const stores = settings.policy?.fallback ?? {};
  const listed = Object.hasOwn(stores, store) ? (stores[store] ?? []) : [];
  return listed.map((one) => {
    const next = typeof one === 'string' ? { store: one } : one;
    // A version is the word of one store: another one does not know it.
    return { store: next.store, path: next.path ?? path, ...(key === undefined ? {} : { key }) };
  });
}

/** A reference as written in bellhop.yaml, its templates already filled. */
export function referenceOf(
  input: WrittenReference,
  hasVersions: (store: string) => boolean,
): Reference {
  if (typeof input === 'string') return parseReference(input, hasVersions);
  const { store, path, key, version } = input;
  return {
    store,
    path,
    ...(key === undefined ? {} : { key }),
    ...(version === undefined ? {} : { version }),
  };
}

/** The stores of bellhop.yaml by their names. */
export function storesOf(settings: Settings): Readonly<Record<string, StoreOptions>> {
  return settings.stores ?? {};
}

/** A store that bellhop.yaml refers to, and where. */
export interface StoreNamed {
  readonly path: readonly (string | number)[];
  readonly store: string;
}

/** Every store that a reference of the settings names, used or not. */
export function storesNamed(settings: Settings): StoreNamed[] {
  const { from = [], ...variables } = settings.env ?? {};
  return [
    ...bindingStores('secrets', settings.secrets),
    ...bindingStores('configMaps', settings.configMaps),
    ...from.flatMap((one, index) => valueStores(['env', 'from', index], one)),
    ...Object.entries(variables).flatMap(([name, one]) => valueStores(['env', name], one)),
    ...Object.entries(settings.files ?? {}).flatMap(([path, one]) => {
      return valueStores(['files', path], one);
    }),
    ...Object.entries(settings.tokens ?? {}).flatMap(([name, one]) => {
      return valueStores(['tokens', name], one);
    }),
    ...Object.entries(settings.flyte ?? {}).flatMap(([name, one]) => {
      return valueStores(['flyte', name], one);
    }),
    ...policyStores(settings),
    ...valueStores(['submit', 'spill'], settings.submit?.spill),
    ...valueStores(['submit', 'via'], settings.submit?.via),
  ];
}

function policyStores({ policy = {} }: Settings): StoreNamed[] {
  const { fallback = {}, lastGood } = policy;
  const fallbacks = Object.entries(fallback).flatMap(([name, stores]) => {
    const path = ['policy', 'fallback', name];
    const next = stores.map((one, index) => {
      return { path: [...path, index], store: typeof one === 'string' ? one : one.store };
    });
    return [{ path, store: name }, ...next];
  });
  if (lastGood === undefined) return fallbacks;
  const { to, key } = lastGood;
  const keyPath = ['policy', 'lastGood', 'key'];
  return [
    ...fallbacks,
    ...valueStores(['policy', 'lastGood', 'to'], to),
    ...('age' in key ? valueStores(keyPath, key.age) : [{ path: keyPath, store: key.store }]),
  ];
}

function bindingStores(section: string, bindings: Settings['secrets']): StoreNamed[] {
  return Object.entries(bindings ?? {}).flatMap(([name, binding]) => {
    const path = [section, name];
    if (typeof binding === 'string') return valueStores(path, binding);
    const { store } = binding as Readonly<Record<string, unknown>>;
    if (typeof store === 'string' && !store.includes(':')) return [{ path, store }];
    return Object.entries(binding).flatMap(([key, one]) => valueStores([...path, key], one));
  });
}

function valueStores(path: readonly (string | number)[], written: unknown): StoreNamed[] {
  if (typeof written === 'string') return [{ path, store: written.split(':')[0] ?? '' }];
  if (typeof written !== 'object' || written === null) return [];
  const { store, from, fallback } = written as Readonly<Record<string, unknown>>;
  if (typeof store === 'string') return [{ path, store }];
  const next = Array.isArray(fallback) ? fallback : [];
  return [
    ...(from === undefined ? [] : valueStores([...path, 'from'], from)),
    ...next.flatMap((one, index) => valueStores([...path, 'fallback', index], one)),
  ];
}
