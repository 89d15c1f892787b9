import { parseReference } from './reference.ts';
import type { Settings, WrittenReference } from './settings.ts';
import type { Policy, Reference, StoreOptions } from './types.ts';
import { DEFAULT_POLICY } from './types.ts';

// What planning does with settings that were read; apart from the schema, whose library is loaded
// only where there is a bellhop.yaml.

/** No bellhop.yaml at all. */
export const NO_SETTINGS: Settings = { apiVersion: 'bellhop/v1' };

/** The policy with its defaults. */
export function policyOf(settings: Settings): Policy {
  const given = Object.entries(settings.policy ?? {}).filter(([, one]) => one !== undefined);
  return { ...DEFAULT_POLICY, ...Object.fromEntries(given) };
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
      return valueStores(['files', path, 'from'], one.from);
    }),
    ...Object.entries(settings.tokens ?? {}).flatMap(([name, one]) => {
      return valueStores(['tokens', name], one);
    }),
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
  const { store, from } = written as Readonly<Record<string, unknown>>;
  if (typeof store === 'string') return [{ path, store }];
  return from === undefined ? [] : valueStores([...path, 'from'], from);
}
