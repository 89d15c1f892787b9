// What tasks ask for, whether they get it, and how they read it. A row is a secret; where a profile
// does not deliver it, it says so.
import { ALL, ENV_VAR, FILE, NOBODY, NOT_IN_V1, file, get, rowsOf, variable } from './_sdk-row.ts';
import type { Row } from './_sdk-row.ts';
import { STORE_ROWS } from './_sdk-rows-stores.ts';

const K8S = rowsOf('K8s', ALL, [
  { claim: 'a variable', name: 'password', asks: ENV_VAR },
  {
    claim: 'a variable, by attributes',
    name: 'attribute',
    asks: ENV_VAR,
    // A group with a dash is no name of Python's; getattr takes it.
    reads: ({ get: { group = '', key = '' } }) => [[{ how: 'attribute', group, key }, 'stripped']],
  },
  {
    claim: 'a variable, also by the name that the task gives it',
    name: 'token',
    asks: { ...ENV_VAR, env_var: 'MY_TOKEN' },
    reads: (place) => [
      [get(place), 'stripped'],
      [variable('MY_TOKEN'), 'whole'],
    ],
  },
  { claim: 'a variable of a key with capitals and dots', name: 'Api.Key', asks: ENV_VAR },
  {
    claim: 'a variable with white space around it, which only `get` takes away',
    name: 'blanks',
    shape: 'blanks',
    asks: { ...ENV_VAR, env_var: 'BLANKS' },
    reads: (place) => [
      [get(place), 'stripped'],
      [variable('BLANKS'), 'whole'],
    ],
  },
  {
    claim: 'a variable with what looks like one',
    name: 'dollars',
    shape: 'dollars',
    asks: ENV_VAR,
  },
  { claim: 'a file', name: 'file', asks: FILE },
  { claim: 'a file of a key with capitals', name: 'Pass_Word', asks: FILE },
  { claim: 'what it may choose is a file', name: 'any', asks: {} },
  {
    claim: 'a file, and a variable that names it',
    name: 'cert',
    shape: 'blanks',
    asks: { ...FILE, env_var: 'MY_CERT' },
    reads: (place) => [
      [get(place), 'stripped'],
      [{ how: 'fileOf', name: 'MY_CERT' }, 'whole'],
    ],
  },
  {
    claim: 'a file of bytes that are no text, read as such',
    name: 'binary',
    shape: 'binary',
    asks: FILE,
    reads: (place) => [
      [{ how: 'get', ...place.get, encode_mode: 'rb' }, 'stripped'],
      [get(place), 'UnicodeDecodeError'],
    ],
  },
  {
    claim: 'a version, which only `get` without one reads: Secrets have none',
    name: 'versioned',
    asks: FILE,
    named: { version: 'v3' },
    reads: (place) => [
      [get(place), 'stripped'],
      [{ how: 'get', ...place.get, group_version: 'v3' }, 'ValueError'],
    ],
  },
]);

/** One that is not there holds the pod, but where Flyte leaves it out. */
const K8S_MISSING = rowsOf('K8s', { ...ALL, native: 'held' }, [
  {
    claim: 'a Secret that is missing (oddity 7)',
    name: 'missing',
    asks: ENV_VAR,
    isKept: false,
    named: { group: 'nobody', key: 'missing' },
    reads: () => [[{ how: 'get', group: 'nobody', key: 'missing' }, 'ValueError']],
  },
  {
    claim: 'no group, which flyte 2 allows: no Secret of Flyte is called so (oddity 8)',
    name: 'alone',
    sdk: 'flyte',
    asks: {},
    isKept: false,
    named: { group: undefined, key: 'alone' },
    ends: { ...ALL, native: 'held', v1: 'denied' },
    reads: () => [[variable('ALONE'), 'KeyError']],
  },
]);

const K8S_2 = rowsOf('K8s', ALL, [
  {
    claim: 'flyte 2: a variable of the name that it makes',
    name: 'api-key',
    sdk: 'flyte',
    asks: {},
    reads: () => [[variable('DB_CREDS_API_KEY'), 'whole']],
  },
  {
    claim: 'flyte 2: a variable of the name that the task gives it',
    name: 'named',
    sdk: 'flyte',
    asks: { env_var: 'NAMED' },
    reads: () => [[variable('NAMED'), 'whole']],
  },
  {
    claim: 'flyte 2: a file',
    name: 'Mounted',
    sdk: 'flyte',
    shape: 'blanks',
    asks: FILE,
    reads: () => [[file('/etc/flyte/secrets/db-creds/mounted'), 'whole']],
  },
]);

const GLOBAL = rowsOf('Global', ALL, [
  { claim: 'a variable', name: 'one', asks: ENV_VAR },
  { claim: 'what it may choose is a variable', name: 'Any', asks: {} },
  {
    claim: 'a variable with what looks like one (oddity 10)',
    name: 'dollars',
    shape: 'dollars',
    asks: ENV_VAR,
  },
  {
    claim: 'a variable by its own name alone',
    name: 'named',
    asks: { ...ENV_VAR, env_var: 'NAMED' },
    reads: (place) => [
      [get(place), 'stripped'],
      [variable('NAMED'), 'KeyError'],
    ],
  },
  { claim: 'a file is nothing that it has', name: 'file', asks: FILE, ends: NOBODY },
]);

const EMBEDDED = rowsOf('Embedded', NOT_IN_V1, [
  { claim: 'a variable, by the key alone', name: 'plain', asks: ENV_VAR },
  {
    claim: 'what it may choose is a variable; a group does not read it',
    name: 'Any',
    shape: 'dollars',
    asks: {},
    reads: (place) => [
      [get(place), 'stripped'],
      [{ how: 'get', group: 'any', key: 'Any' }, 'ValueError'],
    ],
  },
  {
    claim: 'a variable by the name that the task gives it, and no other',
    name: 'named',
    shape: 'blanks',
    asks: { ...ENV_VAR, env_var: 'NAMED' },
    reads: (place) => [
      [variable('NAMED'), 'whole'],
      [get(place), 'ValueError'],
    ],
  },
  { claim: 'a file, by the key alone', name: 'file', shape: 'blanks', asks: FILE },
  {
    claim: 'a file of a key with capitals, and the variable of a second file (oddity 9)',
    name: 'Capitals',
    shape: 'binary',
    asks: { ...FILE, env_var: 'SECOND' },
    reads: (place) => [
      [{ how: 'get', ...place.get, encode_mode: 'rb' }, 'stripped'],
      [{ how: 'fileOf', name: 'SECOND' }, 'whole'],
      [file('/etc/flyte/secrets/Capitals'), 'whole'],
    ],
  },
  {
    claim: 'flyte 2: a variable of the name that it makes',
    name: 'api-key',
    sdk: 'flyte',
    asks: {},
    named: { group: undefined },
    reads: () => [[variable('API_KEY'), 'whole']],
  },
  {
    claim: 'flyte 2: a file',
    name: 'mounted',
    sdk: 'flyte',
    asks: FILE,
    named: { group: undefined },
    reads: () => [[file('/etc/flyte/secrets/mounted'), 'whole']],
  },
]);

export const ROWS: readonly Row[] = [K8S, K8S_2, K8S_MISSING, GLOBAL, STORE_ROWS, EMBEDDED].flat();
