// One secret that a task asks for: whether it gets it, and how it reads it.
import type { Declaration, Read, Sdk } from './_sdk.ts';
import type { ManagerName, Place } from './_sdk-stores.ts';

export type ProfileName = 'flyte' | 'native' | 'v1';

/** `denied`: the pod is not admitted; `held`: it waits for a Secret; `none`: no such manager. */
export type Ends = 'delivered' | 'denied' | 'held' | 'none';

/** `whole`: the stored bytes; `stripped`: without white space around them, as flytekit has it. */
export type Wanted =
  | 'whole'
  | 'stripped'
  | 'ValueError'
  | 'KeyError'
  | 'UnicodeDecodeError'
  | 'IsADirectoryError';

export interface Row {
  readonly claim: string;
  readonly manager: ManagerName;
  readonly sdk: Sdk;
  /** Of the value in its store. */
  readonly name: string;
  /** Around the canary. */
  readonly shape: 'plain' | 'blanks' | 'dollars' | 'binary';
  readonly asks: Omit<Declaration, 'group' | 'key' | 'version'>;
  /** Laid over what the place says; undefined takes away. */
  readonly named?: Readonly<Record<string, string | undefined>>;
  /** False where the store has no such value. */
  readonly isKept: boolean;
  readonly ends: Readonly<Record<ProfileName, Ends>>;
  readonly reads: (place: Place, profile: ProfileName) => readonly (readonly [Read, Wanted])[];
}

export const get = ({ get: named }: Place): Read => ({ how: 'get', ...named });
export const variable = (name: string): Read => ({ how: 'variable', name });
export const file = (path: string): Read => ({ how: 'file', path });
const byGet: Row['reads'] = (place) => [[get(place), 'stripped']];

export type GivenRow = Partial<Row> & Pick<Row, 'claim' | 'name' | 'asks'>;

export function rowsOf(
  manager: ManagerName,
  ends: Row['ends'],
  given: readonly GivenRow[],
): readonly Row[] {
  const common = { manager, ends, sdk: 'flytekit', shape: 'plain', isKept: true } as const;
  return given.map((one) => ({ ...common, reads: byGet, ...one }));
}

export const ALL = { flyte: 'delivered', native: 'delivered', v1: 'delivered' } as const;
export const NOBODY = { flyte: 'denied', native: 'denied', v1: 'denied' } as const;
/** Flyte gives no variables of cloud stores; neither does its profile here. */
export const NATIVE_ALONE = { flyte: 'denied', native: 'delivered', v1: 'denied' } as const;
/** Version 1 of Flyte does not have them. */
export const NOT_IN_V1 = { ...ALL, v1: 'none' } as const;
export const FILE = { mount: 'FILE' } as const;
export const ENV_VAR = { mount: 'ENV_VAR' } as const;
