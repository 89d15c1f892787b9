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
