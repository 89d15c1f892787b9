// Secrets and ConfigMaps as people and programs write them, with the keys and bytes that are odd.
import type { Chance } from './chance.ts';

export type Json = Record<string, unknown>;

/** What pods may refer to: an object with its keys, or the name of one that is not there. */
export interface Source {
  readonly kind: 'secret' | 'configMap';
  readonly name: string;
  readonly keys: readonly string[];
  /** Keys that a volume has and the environment has not: a ConfigMap's binaryData. */
  readonly binaryKeys: readonly string[];
}

export interface Objects {
  readonly sources: readonly Source[];
  readonly manifests: readonly Json[];
}

const KEYS_MAX = 6;
const KEYS = [
  'user',
  'password',
  'A',
  'B',
  'DB_HOST',
  'tls.crt',
  'ssh-privatekey',
  '1abc',
  '.dockerconfigjson',
  '.hidden',
  '_under',
  '-dash',
  'UPPER.lower-9_',
  'a.b.c',
  'app.properties',
  'PATH',
  'HOSTNAME',
  'KUBERNETES_SERVICE_HOST',
  'x'.repeat(253),
];
const TEXTS = [
  '',
  'plain',
  'with space',
  ' around ',
  'line\n',
  'two\nlines\n\n',
  'tab\tand\r\n',
  '$(A)',
  '$$(A)-$(B)-$(',
  '"quoted" \'single\' \\ back',
  'é 漢字 𝄞',
  '{"a": 1.0, "b": [null]}',
  'key=value\nother=$(A)\n',
  'a=b=c',
  '%41 & ; | > `x` *',
  '\u{FEFF}bom',
  '\u0001\u001b[0m',
  'long '.repeat(900),
];
const BYTES = [
  [0xff],
  [0xc3, 0x28, 0x41],
  [0xe2, 0x82],
  [0x61, 0xf0, 0x9f, 0x98, 0x62, 0x80],
  [0xed, 0xa0, 0x80],
];
/** No variable may hold it: such a pod is refused, so it is rare. */
const WITH_NUL = [0x61, 0x00, 0x62];
const NUL_IN = 25;

const base64 = (bytes: readonly number[] | string): string =>
  (typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from([...bytes])).toString('base64');

function oddBytes(chance: Chance): string {
  return base64(chance.once(NUL_IN) ? WITH_NUL : chance.pick(BYTES));
}

function secret(chance: Chance, name: string): { manifest: Json; source: Source } {
  const keys = chance.some(KEYS, KEYS_MAX);
  const data: Json = {};
  const stringData: Json = {};
  for (const key of keys) {
    if (chance.once(4)) stringData[key] = chance.pick(TEXTS);
    else if (chance.once(8)) data[key] = oddBytes(chance);
    else data[key] = base64(chance.pick(TEXTS));
    if (key in stringData && chance.once(3)) data[key] = base64('hidden by stringData');
  }
  const manifest: Json = { apiVersion: 'v1', kind: 'Secret', metadata: { name } };
  if (keys.length > 0 || chance.once(2)) manifest['data'] = data;
  if (Object.keys(stringData).length > 0) manifest['stringData'] = stringData;
  if (chance.once(10)) manifest['immutable'] = true;
  if (chance.once(10)) manifest['type'] = 'example.org/own';
  return { manifest, source: { kind: 'secret', name, keys, binaryKeys: [] } };
}

function configMap(chance: Chance, name: string): { manifest: Json; source: Source } {
  const all = chance.some(KEYS, KEYS_MAX);
  const binaryKeys = all.filter(() => chance.once(6));
  const keys = all.filter((key) => !binaryKeys.includes(key));
  const manifest: Json = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
  if (keys.length > 0 || chance.once(2)) {
    manifest['data'] = Object.fromEntries(keys.map((key) => [key, chance.pick(TEXTS)]));
  }
  if (binaryKeys.length > 0) {
    const bytes = (): string => (chance.once(2) ? oddBytes(chance) : base64(chance.pick(TEXTS)));
    manifest['binaryData'] = Object.fromEntries(binaryKeys.map((key) => [key, bytes()]));
  }
  if (chance.once(10)) manifest['immutable'] = true;
  return { manifest, source: { kind: 'configMap', name, keys, binaryKeys } };
}

/** A few objects; names begin with `prefix`, since many pods share a namespace. */
export function randomObjects(chance: Chance, prefix: string): Objects {
  const suffix = (): string => (chance.once(5) ? '.odd-name' : '');
  const made = [
    ...chance.list(3, (n) => secret(chance, `${prefix}-s${n}${suffix()}`)),
    ...chance.list(3, (n) => configMap(chance, `${prefix}-c${n}${suffix()}`)),
  ];
  return { sources: made.map((one) => one.source), manifests: made.map((one) => one.manifest) };
}

/** An object of this kind that is not there. */
export function absent(kind: Source['kind'], prefix: string): Source {
  return { kind, name: `${prefix}-absent`, keys: ['user'], binaryKeys: [] };
}
