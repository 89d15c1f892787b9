// Pods that ask for secrets by Flyte's annotations: shapes that people use, and random ones.
import { ENV_VAR, FILE } from '../../src/wire/flyte-secret.ts';
import type { Vector } from '../kubelet/vectors.ts';
import { containersOf } from '../kubelet/vectors.ts';
import { annotationsOf } from '../support/flyte-annotations.ts';
import { chanceOf } from '../support/random-pod/chance.ts';
import { IMAGES } from '../support/random-pod/containers.ts';
import { randomVector } from '../support/random-pod/pod.ts';
import type { Kept, Route } from './_routes-world.ts';

type Json = Record<string, unknown>;

/** One pod that is asked for on both routes. */
export interface Shape {
  readonly name: string;
  readonly vector: Vector;
}

interface Asked extends Kept {
  readonly as: number;
  readonly envVar?: string;
}

/** The pod with its annotations, and with who it is, as its author would say it. */
function withSecrets(route: Route, vector: Vector, asked: readonly Asked[]): Vector {
  const copy = structuredClone(vector);
  const metadata = copy.pod.metadata as unknown as { labels?: Json; annotations?: Json };
  metadata.labels = { ...metadata.labels, 'inject-flyte-secrets': 'true' };
  const wanted = asked.map(({ group, key, as, envVar = '' }) => {
    return { group, key, mountRequirement: as, envVar };
  });
  metadata.annotations = { ...metadata.annotations, ...annotationsOf(wanted) };
  for (const { container } of containersOf(copy.pod)) {
    container.env = [...route.credentials, ...(container.env ?? [])];
  }
  const platformEnv = route.credentials.map(({ name, value }) => `${name}=${value}`);
  return { ...copy, settings: route.settings, platformEnv };
}

const SEVERAL = 4;

interface Plain {
  readonly index: number;
  readonly spec: Json;
}

function plain(route: Route, { index, spec }: Plain): Vector {
  const containers = (spec['containers'] ?? [{}]) as Json[];
  const named = containers.map((one, n) => ({
    name: n === 0 ? 'main' : `c${n}`,
    image: 'images.test/0:1',
    command: ['/probe'],
    ...one,
  }));
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `shape${index}-pod`, namespace: route.live.namespace },
    spec: { automountServiceAccountToken: false, ...spec, containers: named },
  };
  return {
    id: `shape-${index}`,
    rules: [],
    description: 'secrets of stores',
    objects: [],
    pod: pod as unknown as Vector['pod'],
    image: IMAGES[0] as Vector['image'],
  };
}

/** Restricted as Pod Security asks for it. */
const RESTRICTED = {
  runAsUser: 4711,
  runAsGroup: 4712,
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};
const USES = [
  { name: 'A', value: 'a' },
  { name: 'URL', value: 'x://$(TOKEN)@$(A)/$$(TOKEN)/$(LATER)' },
  { name: 'LATER', value: '$(URL)' },
];

const SHAPES: readonly (readonly [string, Json, 'files' | 'variables' | 'both'])[] = [
  ['files', {}, 'files'],
  ['variables', {}, 'variables'],
  ['files and variables', {}, 'both'],
  ['in several containers', { containers: [{}, {}, { command: ['python', '-m', 'x'] }] }, 'both'],
  ['not as root', { securityContext: { runAsUser: 1000, runAsNonRoot: true } }, 'both'],
  ['restricted', { containers: [{ securityContext: RESTRICTED }] }, 'both'],
  ['with an fsGroup', { securityContext: { runAsUser: 1000, fsGroup: 2000 } }, 'both'],
  ['as root with an fsGroup', { securityContext: { fsGroup: 2000 } }, 'files'],
  [
    'on a read-only root',
    { containers: [{ securityContext: { readOnlyRootFilesystem: true } }] },
    'both',
  ],
  ['used by other variables', { containers: [{ env: USES }] }, 'variables'],
  ['used by arguments', { containers: [{ args: ['--t=$(TOKEN)', '$$(TOKEN)', ''] }] }, 'variables'],
  [
    'beside an init container',
    { initContainers: [{ name: 'own', image: 'i', command: ['/probe'] }] },
    'both',
  ],
  [
    'beside an emptyDir',
    {
      containers: [{ volumeMounts: [{ name: 'e', mountPath: '/mnt/e' }] }],
      volumes: [{ name: 'e', emptyDir: { medium: 'Memory' } }],
    },
    'both',
  ],
  ['in a directory of its own', { containers: [{ workingDir: '/srv' }] }, 'both'],
];

/** The shapes, each with secrets of both stores. */
export function routeShapes(route: Route): Shape[] {
  const named = (key: string): Kept[] => route.kept.filter((one) => one.key === key);
  const files = [...named('plain'), ...named('lines'), ...named('long')];
  const tokens = named('pw').slice(0, 1);
  const variables: Asked[] = [
    ...tokens.map((one) => ({ ...one, as: ENV_VAR, envVar: 'TOKEN' })),
    ...named('url').map((one) => ({ ...one, as: ENV_VAR })),
    ...named('empty').map((one) => ({ ...one, as: ENV_VAR })),
  ];
  const asFiles = files.map((one) => ({ ...one, as: FILE }));
  return SHAPES.map(([name, spec, what], index) => {
    const asked = {
      files: asFiles,
      variables,
      both: [...asFiles, ...variables],
    }[what];
    return { name, vector: withSecrets(route, plain(route, { index, spec }), asked) };
  });
}

/** Random pods of a seed, each with a few secrets more. */
export function randomRoutes(
  route: Route,
  { seed, pods }: { readonly seed: number; readonly pods: number },
): Shape[] {
  return Array.from({ length: pods }, (_, index) => {
    const chance = chanceOf(seed, index + 1_000_000);
    const { namespace } = route.live;
    const vector = randomVector({ seed, index, namespace, sound: true });
    const asked = Array.from({ length: 1 + chance.int(SEVERAL) }, () => {
      const as = chance.pick([FILE, ENV_VAR]);
      const envVar =
        as === ENV_VAR && chance.once(2) ? { envVar: chance.pick(['TOKEN', 'A']) } : {};
      return { ...chance.pick(route.kept), as, ...envVar };
    });
    return { name: `random ${seed}/${index}`, vector: withSecrets(route, vector, asked) };
  });
}
