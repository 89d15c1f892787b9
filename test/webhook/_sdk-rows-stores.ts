// What tasks ask for of the stores beside Kubernetes, and how they read it.
import { ALL, ENV_VAR, FILE, NOBODY, NOT_IN_V1, file, get, rowsOf } from './_sdk-row.ts';
import type { Row } from './_sdk-row.ts';

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
  { claim: 'a variable', name: 'variable', asks: ENV_VAR, ends: NOBODY },
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
  { claim: 'a variable', name: 'variable', asks: ENV_VAR, ends: NOBODY },
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
  {
    claim: 'a variable',
    name: 'variable',
    asks: ENV_VAR,
    ends: { ...NOBODY, v1: 'none' },
  },
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
  { claim: 'a variable', name: 'variable', asks: ENV_VAR, ends: NOBODY },
]);

const CONFIDANT = rowsOf('Confidant', { flyte: 'denied', native: 'delivered', v1: 'denied' }, [
  { claim: 'a file', name: 'plain', asks: FILE },
  { claim: 'what it may choose is a file', name: 'any', shape: 'blanks', asks: {} },
  { claim: 'a variable', name: 'variable', asks: ENV_VAR, ends: NOBODY },
]);

export const STORE_ROWS: readonly Row[] = [...AWS, ...GCP, ...AZURE, ...VAULT, ...CONFIDANT];
