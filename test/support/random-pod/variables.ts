// Variables and arguments: literals with references to each other, keys of objects, fields.
import type { Chance } from './chance.ts';
import type { Json, Objects, Source } from './objects.ts';
import { absent } from './objects.ts';

export const LABELS = ['app', 'example.org/tier', 'absent'] as const;
export const ANNOTATIONS = ['note', 'example.org/multi.line', 'absent'] as const;

const NAMES = [
  'A',
  'B',
  'C',
  'A_1',
  'PATH',
  'HOME',
  'HOSTNAME',
  'TERM',
  'LANG',
  'FROM_IMAGE',
  'my.var',
  'my-var',
  '1ST',
  'with space',
  'odd"\'\\;%',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_PORT',
  'LD_LIBRARY_PATH',
  'POD_NAME',
];
const PIECES = [
  '$(A)',
  '$(B)',
  '$(C)',
  '$(A_1)',
  '$(POD_NAME)',
  '$(my.var)',
  '$(with space)',
  '$(KUBERNETES_SERVICE_HOST)',
  '$(PATH)',
  '$(FROM_IMAGE)',
  '$(MISSING)',
  '$$(A)',
  '$$$(A)',
  '$$$$(B)',
  '$$',
  '$',
  '$A',
  '${A}',
  '$(',
  '$()',
  '$ (A)',
  '$(A$(B))',
  '$(A',
  '$((A))',
  ')',
  'text',
  '/',
  ' ',
  '\n',
  '"',
  "'",
  '\\',
  '漢é',
  '-x=',
];
const FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  ...LABELS.map((name) => `metadata.labels['${name}']`),
  ...ANNOTATIONS.map((name) => `metadata.annotations['${name}']`),
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.podIP',
  'status.podIPs',
  'status.hostIP',
  'status.hostIPs',
];
export const RESOURCES = [
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
  'limits.ephemeral-storage',
  'requests.ephemeral-storage',
] as const;

/** Text in which references stand, whole and broken. */
export function randomTemplate(chance: Chance): string {
  return Array.from({ length: 1 + chance.int(4) }, () => chance.pick(PIECES)).join('');
}

/** A divisor that the API takes for this resource, or none. */
export function randomDivisor(chance: Chance, resource: string): Json {
  if (chance.once(2)) return {};
  const all = resource.endsWith('cpu') ? ['1', '1m', '0'] : ['1', '1k', '1Ki', '1M', '1Mi', '0'];
  return { divisor: chance.pick(all) };
}

/** Of this kind: mostly one that is there, with whether it may be missing. */
export function randomSource(
  chance: Chance,
  { objects, prefix, kind }: { objects: Objects; prefix: string; kind: Source['kind'] },
): Source & { readonly isThere: boolean } {
  const there = objects.sources.filter((one) => one.kind === kind);
  const isThere = there.length > 0 && !chance.once(8);
  return { ...(isThere ? chance.pick(there) : absent(kind, prefix)), isThere };
}

/** Where variables come from. */
export interface Given {
  readonly objects: Objects;
  readonly prefix: string;
}

function keyRef(chance: Chance, given: Given): Json {
  const kind = chance.pick(['secret', 'configMap'] as const);
  const source = randomSource(chance, { ...given, kind });
  const isKeyThere = source.isThere && source.keys.length > 0 && !chance.once(8);
  const key = isKeyThere ? chance.pick(source.keys) : chance.pick(['none', 'user', 'A']);
  const isSure = source.isThere && source.keys.includes(key);
  const optional = isSure ? chance.pick([{}, {}, { optional: true }, { optional: false }]) : {};
  const needed = isSure ? optional : { optional: true };
  return { [`${kind}KeyRef`]: { name: source.name, key, ...needed } };
}

function valueFrom(chance: Chance, given: Given): Json {
  if (chance.once(3)) return { fieldRef: { fieldPath: chance.pick(FIELDS) } };
  if (chance.once(6)) {
    const resource = chance.pick(RESOURCES);
    return { resourceFieldRef: { resource, ...randomDivisor(chance, resource) } };
  }
  return keyRef(chance, given);
}

/** `env`, with names that occur twice and values that refer before and behind themselves. */
export function randomEnv(chance: Chance, given: Given): Json[] {
  return chance.list(9, () => {
    const name = chance.pick(NAMES);
    if (chance.once(12)) return { name };
    if (chance.once(2)) return { name, value: randomTemplate(chance) };
    return { name, valueFrom: valueFrom(chance, given) };
  });
}

/** `envFrom`, with prefixes. */
export function randomEnvFrom(chance: Chance, given: Given): Json[] {
  return chance.list(3, () => {
    const kind = chance.pick(['secret', 'configMap'] as const);
    const source = randomSource(chance, { ...given, kind });
    const optional = source.isThere
      ? chance.pick([{}, {}, { optional: true }])
      : { optional: true };
    const prefix = chance.pick([
      {},
      {},
      { prefix: 'P_' },
      { prefix: 'odd.prefix-' },
      { prefix: '1' },
    ]);
    return { ...prefix, [`${kind}Ref`]: { name: source.name, ...optional } };
  });
}
