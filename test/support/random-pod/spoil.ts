// One thing in a pod that the API server, the kubelet, the runtime or the kernel does not take.
import type { Vector } from '../../kubelet/vectors.ts';
import type { Chance } from './chance.ts';
import type { Json } from './objects.ts';

interface Parts {
  readonly spec: Json;
  readonly container: Json;
  readonly objects: Json[];
  readonly prefix: string;
}

type Spoil = (parts: Parts) => void;

const added = (of: Json, name: string, ...more: Json[]): void => {
  of[name] = [...((of[name] as Json[] | undefined) ?? []), ...more];
};

const withVolume = (volume: Json, mount: Json = {}): Spoil => {
  return ({ spec, container }) => {
    added(spec, 'volumes', { name: 'spoiled', ...volume });
    added(container, 'volumeMounts', { name: 'spoiled', mountPath: '/spoiled', ...mount });
  };
};

const withEnv = (...entries: Json[]): Spoil => {
  return ({ container }) => added(container, 'env', ...entries);
};

const withSecurity = (more: Json): Spoil => {
  return ({ container }) => {
    container['securityContext'] = { ...(container['securityContext'] as object), ...more };
  };
};

const withContainer = (more: Json): Spoil => {
  return ({ container }) => Object.assign(container, more);
};

const field = (fieldPath: string): Json => ({ valueFrom: { fieldRef: { fieldPath } } });
const resource = (more: Json): Json => ({ valueFrom: { resourceFieldRef: more } });
const empty = { emptyDir: {} };
const gone = { secretName: 'gone' };

/** What is wrong, in words, and how it comes into a pod. */
export const SPOILS: readonly (readonly [string, Spoil])[] = [
  [
    'a Secret of a variable is absent',
    withEnv({ name: 'X', valueFrom: { secretKeyRef: { name: 'gone', key: 'k' } } }),
  ],
  [
    'a ConfigMap of envFrom is absent',
    withContainer({ envFrom: [{ configMapRef: { name: 'gone' } }] }),
  ],
  ['a Secret of a volume is absent', withVolume({ secret: gone })],
  [
    'a source of a projected volume is absent',
    withVolume({ projected: { sources: [{ configMap: { name: 'gone' } }] } }),
  ],
  ['a name has =', withEnv({ name: 'A=B', value: '' })],
  ['a name is empty', withEnv({ name: '', value: 'x' })],
  ['a name has a control character', withEnv({ name: 'A\tB', value: 'x' })],
  ['value beside valueFrom', withEnv({ name: 'X', value: 'x', ...field('metadata.name') })],
  ['an unknown field', withEnv({ name: 'X', ...field('metadata.nope') })],
  ['a field of volumes only', withEnv({ name: 'X', ...field('metadata.labels') })],
  ['an unknown resource', withEnv({ name: 'X', ...resource({ resource: 'limits.gpu' }) })],
  [
    'a divisor that is none',
    withEnv({ name: 'X', ...resource({ resource: 'limits.cpu', divisor: '7m' }) }),
  ],
  [
    'a resource of an unknown container',
    withEnv({ name: 'X', ...resource({ resource: 'limits.cpu', containerName: 'nope' }) }),
  ],
  ['a mount path with :', withVolume(empty, { mountPath: '/a:b' })],
  [
    'a mount path twice',
    ({ spec, container }) => {
      withVolume(empty)({ spec, container, objects: [], prefix: '' });
      added(container, 'volumeMounts', { name: 'spoiled', mountPath: '/spoiled' });
    },
  ],
  ['a mount without path', withVolume(empty, { mountPath: '' })],
  ['a mount of no volume', withContainer({ volumeMounts: [{ name: 'nope', mountPath: '/x' }] })],
  ['subPath ..', withVolume(empty, { subPath: 'a/../../b' })],
  ['an absolute subPath', withVolume(empty, { subPath: '/a' })],
  ['subPath beside subPathExpr', withVolume(empty, { subPath: 'a', subPathExpr: 'b' })],
  ['subPathExpr of an unknown variable', withVolume(empty, { subPathExpr: '$(NOT_THERE)' })],
  ['a volume of no kind that is there', withVolume({ secret: gone, ...empty })],
  [
    'a volume twice',
    ({ spec }) => added(spec, 'volumes', { name: 'v', ...empty }, { name: 'v', ...empty }),
  ],
  ['a volume name that is none', ({ spec }) => added(spec, 'volumes', { name: 'V_1', ...empty })],
  ['an item path ..', withVolume({ secret: { ...gone, items: [{ key: 'a', path: '../a' }] } })],
  [
    'an absolute item path',
    withVolume({ configMap: { name: 'gone', items: [{ key: 'a', path: '/a' }] } }),
  ],
  ['an item path ..x', withVolume({ secret: { ...gone, items: [{ key: 'a', path: '..x' }] } })],
  ['an item without key', withVolume({ secret: { ...gone, items: [{ key: '', path: 'x' }] } })],
  ['a mode beyond 0777', withVolume({ secret: { ...gone, optional: true, defaultMode: 0o1000 } })],
  ['a negative mode', withVolume({ configMap: { name: 'gone', optional: true, defaultMode: -1 } })],
  [
    'a mode that is text',
    withVolume({ configMap: { name: 'gone', optional: true, defaultMode: '0644' } }),
  ],
  [
    'two files of one path',
    withVolume({
      downwardAPI: {
        items: [
          { path: 'a', fieldRef: { fieldPath: 'metadata.name' } },
          { path: 'a/b', fieldRef: { fieldPath: 'metadata.name' } },
        ],
      },
    }),
  ],
  ['a size that is none', withVolume({ emptyDir: { sizeLimit: 'many' } })],
  ['a negative size', withVolume({ emptyDir: { sizeLimit: '-1Mi' } })],
  ['an unknown medium', withVolume({ emptyDir: { medium: 'Paper' } })],
  ['root where it must not be', withSecurity({ runAsUser: 0, runAsNonRoot: true })],
  ['a negative user', withSecurity({ runAsUser: -1 })],
  ['a group beyond 31 bits', withSecurity({ runAsGroup: 2 ** 31 })],
  [
    'privileged without escalation',
    withSecurity({ privileged: true, allowPrivilegeEscalation: false }),
  ],
  ['a program that is not there', withContainer({ command: ['/not/there'] })],
  ['a program that is in no PATH', withContainer({ command: ['not-there'] })],
  ['a program that is a folder', withContainer({ command: ['/srv'] })],
  ['a file that is no program', withContainer({ command: ['/etc/passwd'] })],
  ['a relative working directory', withContainer({ workingDir: 'srv' })],
  ['a file as working directory', withContainer({ workingDir: '/etc/passwd' })],
  [
    'requests over limits',
    withContainer({ resources: { requests: { cpu: '2' }, limits: { cpu: '1m' } } }),
  ],
  ['a negative limit', withContainer({ resources: { limits: { memory: '-1' } } })],
  ['a quantity that is none', withContainer({ resources: { limits: { memory: '1 Gi' } } })],
  ['no container name', withContainer({ name: '' })],
  ['a container name that is none', withContainer({ name: 'Main_1' })],
  ['an argument that is a number', withContainer({ args: [1] })],
  ['a variable that is a number', withEnv({ name: 'X', value: 1 })],
  ['a variable over the kernel’s limit', withEnv({ name: 'X', value: 'x'.repeat(131_072) })],
  [
    'a Secret key that is none',
    ({ objects, prefix }) => {
      objects.push({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${prefix}-bad` },
        data: { 'a/b': '' },
      });
    },
  ],
  [
    'a Secret that is no base64',
    ({ objects, prefix }) => {
      objects.push({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${prefix}-bad` },
        data: { a: '*' },
      });
    },
  ],
  [
    'a key in data and in binaryData',
    ({ objects, prefix }) => {
      const both = { data: { a: '' }, binaryData: { a: '' } };
      objects.push({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `${prefix}-bad` },
        ...both,
      });
    },
  ],
];

/** The vector with one of SPOILS in its last container. */
export function spoiled(chance: Chance, vector: Vector): Vector {
  const copy = structuredClone(vector);
  const [says, spoil] = chance.pick(SPOILS);
  const { spec, metadata } = copy.pod as unknown as { spec: Json; metadata: { name: string } };
  const container = (spec['containers'] as Json[]).at(-1) ?? {};
  const before = String(container['name']);
  const objects = copy.objects as unknown as Json[];
  spoil({ spec, container, objects, prefix: metadata.name.replace(/-pod$/, '') });
  const image = copy.images?.[before];
  if (image !== undefined) copy.images = { ...copy.images, [String(container['name'])]: image };
  return { ...copy, description: `random, and ${says}` };
}
