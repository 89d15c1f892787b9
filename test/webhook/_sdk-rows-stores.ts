// What tasks ask for of the stores beside Kubernetes, and how they read it.
import {
  ALL,
  ENV_VAR,
  FILE,
  NATIVE_ALONE,
  NOT_IN_V1,
  file,
  get,
  rowsOf,
  variable,
} from './_sdk-row.ts';
import type { GivenRow, Row } from './_sdk-row.ts';

/** What Flyte's users ask for most: the same for every store. */
const variables = (ends: Row['ends']): readonly GivenRow[] => [
  { claim: 'a variable', name: 'variable', shape: 'dollars', asks: ENV_VAR, ends },
  {
    claim: 'a variable, also by the name that the task gives it',
    name: 'both',
    shape: 'blanks',
    asks: { ...ENV_VAR, env_var: 'BY_ITS_NAME' },
    ends,
    reads: (place) => [
      [get(place), 'stripped'],
      [variable('BY_ITS_NAME'), 'whole'],
    ],
  },
];

const AWS = rowsOf('AWS', ALL, [
  { claim: 'a file', name: 'plain', asks: FILE },
  { claim: 'a file of a name with capitals', name: 'Capitals', asks: FILE },
  { claim: 'what it may choose is a file', name: 'any', shape: 'blanks', asks: {} },
  {
    claim: 'a file that a variable names, in version 1 of Flyte alone',
    name: 'named',
    asks: { ...FILE, env_var: 'AWS_FILE' },
    reads: (place, profile) => [
      [get(place), 'stripped'],
      [{ how: 'fileOf', name: 'AWS_FILE' }, profile === 'v1' ? 'whole' : 'KeyError'],
    ],
  },
  ...variables(NATIVE_ALONE),
]);

const GCP = rowsOf('GCP', ALL, [
  { claim: 'a file, by group and version', name: 'plain', shape: 'blanks', asks: FILE },
  { claim: 'a file of a name with capitals', name: 'Capitals', asks: FILE },
  {
    claim: 'what it may choose is a file; the version as the key reads it too',
    name: 'any',
    asks: {},
    named: { version: 'latest' },
    reads: ({ get: { group = '' } }) => [
      [{ how: 'get', group, group_version: 'latest' }, 'stripped'],
      [{ how: 'get', group, key: 'latest' }, 'stripped'],
      [{ how: 'get', group }, 'IsADirectoryError'],
    ],
  },
  ...variables(NATIVE_ALONE),
]);

const AZURE = rowsOf('Azure', NOT_IN_V1, [
  { claim: 'a file, by name and version', name: 'plain', asks: FILE },
  {
    claim: 'a file of a name with capitals, without a version',
    name: 'Capitals',
    asks: FILE,
    named: { version: undefined },
    reads: ({ get: { group = '' } }) => [[{ how: 'get', group }, 'stripped']],
  },
  {
    claim: 'what it may choose is a file; the URI does not read it',
    name: 'any',
    asks: {},
    reads: (place) => [
      [get(place), 'stripped'],
      [{ how: 'get', group: place.declared.group ?? '' }, 'ValueError'],
    ],
  },
  ...variables({ ...NATIVE_ALONE, v1: 'none' }),
]);

const VAULT = rowsOf('Vault', ALL, [
  { claim: 'a file', name: 'plain', shape: 'blanks', asks: FILE },
  { claim: 'what it may choose is a file', name: 'any', asks: {} },
  { claim: 'a file of a key that is no name of a field', name: 'with-dash', asks: FILE },
  {
    claim: 'a file of a key with capitals, which flytekit does not find (oddity 12)',
    name: 'Capitals',
    asks: FILE,
    reads: (place) => [
      [get(place), 'ValueError'],
      [file(`/etc/flyte/secrets/${place.get.group ?? ''}/Capitals`), 'whole'],
    ],
  },
  ...variables(NATIVE_ALONE),
]);

const CONFIDANT = rowsOf('Confidant', { flyte: 'denied', native: 'delivered', v1: 'denied' }, [
  { claim: 'a file', name: 'plain', asks: FILE },
  { claim: 'what it may choose is a file', name: 'any', shape: 'blanks', asks: {} },
  ...variables(NATIVE_ALONE),
]);

export const STORE_ROWS: readonly Row[] = [...AWS, ...GCP, ...AZURE, ...VAULT, ...CONFIDANT];
