// Random pods with the objects they refer to, as vectors that both sides run: pure, by a seed.
import type { Image, Vector } from '../../kubelet/vectors.ts';
import type { Chance } from './chance.ts';
import { chanceOf } from './chance.ts';
import { IMAGES, randomContainer, randomSecurity } from './containers.ts';
import type { Json } from './objects.ts';
import { randomObjects } from './objects.ts';
import { spoiled } from './spoil.ts';
import { randomVolume } from './volumes.ts';

/** Which pod of which seed. */
export interface Draw {
  readonly seed: number;
  readonly index: number;
  readonly namespace: string;
  /** False where the cluster has one image only: then it is the first of IMAGES. */
  readonly manyImages?: boolean;
  /** True where every pod is to be one that a cluster takes, as far as the generator can tell. */
  readonly sound?: boolean;
}

const SPOILED_IN = 9;
const VOLUMES_MAX = 5;

function metadata(chance: Chance): Json {
  const labels = { app: 'x', 'example.org/tier': chance.pick(['', 'a_b.c-1']) };
  const notes = ['plain', 'two\nlines "quoted" \\ é', '', '$(A)', '{"a":1}'];
  const annotations = { note: chance.pick(notes), 'example.org/multi.line': chance.pick(notes) };
  return {
    ...(chance.once(2) ? { labels } : {}),
    ...(chance.once(2) ? { annotations } : {}),
  };
}

function podSecurity(chance: Chance): Json {
  if (chance.once(2)) return {};
  const out = randomSecurity(chance);
  if (chance.once(2)) out['fsGroup'] = chance.pick([0, 1001, 2000, 3001]);
  if (chance.once(4)) out['supplementalGroups'] = chance.some([0, 1001, 3001, 5000, 6000], 3);
  if (chance.once(8)) out['fsGroupChangePolicy'] = 'OnRootMismatch';
  return { securityContext: out };
}

function podSettings(chance: Chance): Json {
  return {
    ...(chance.once(5) ? {} : { automountServiceAccountToken: false }),
    ...(chance.once(3) ? { enableServiceLinks: false } : {}),
    ...(chance.once(12) ? { hostname: 'other-host' } : {}),
    ...(chance.once(25) ? { hostname: 'other', subdomain: 'sub', setHostnameAsFQDN: false } : {}),
    ...(chance.once(25) ? { shareProcessNamespace: true } : {}),
    ...(chance.once(20) ? { hostAliases: [{ ip: '10.1.2.3', hostnames: ['db.example'] }] } : {}),
    ...podSecurity(chance),
  };
}

/** One pod; the same draw gives the same pod. */
export function randomVector({ seed, index, namespace, ...wish }: Draw): Vector {
  const { manyImages = true, sound = false } = wish;
  const chance = chanceOf(seed, index);
  const prefix = `p${index}`;
  const objects = randomObjects(chance, prefix);
  const given = { objects, prefix };
  const names = chance.once(4) ? ['main', 'second'] : ['main'];
  const volumes = chance.list(VOLUMES_MAX, (n) => {
    return randomVolume(chance, given, { name: `v${n}`, containers: names });
  });
  const main = names.map((name) => randomContainer(chance, given, { name, volumes }));
  const init = chance.once(8)
    ? [randomContainer(chance, given, { name: 'first', volumes: volumes.slice(0, 2) })]
    : [];
  const image = (one: { readonly image: Image }): Image =>
    manyImages ? one.image : (IMAGES[0] ?? one.image);
  const settings = podSettings(chance);
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${prefix}-pod`, namespace, ...metadata(chance) },
    spec: {
      ...settings,
      ...(init.length > 0 ? { initContainers: init.map((one) => one.container) } : {}),
      containers: main.map((one) => one.container),
      ...(volumes.length > 0 ? { volumes: volumes.map((one) => one.volume) } : {}),
    },
  };
  const images = Object.fromEntries(
    [...init, ...main].map((one) => [one.container.name, image(one)]),
  );
  const vector = {
    id: `seed-${seed}-pod-${index}`,
    rules: [],
    description: 'random',
    objects: objects.manifests,
    pod,
    image: IMAGES[0],
    images,
  } as unknown as Vector;
  return !sound && chance.once(SPOILED_IN) ? spoiled(chance, vector) : vector;
}
