// Containers: what they start, as whom, with what.
import type { Image } from '../../kubelet/vectors.ts';
import type { Chance } from './chance.ts';
import type { Json } from './objects.ts';
import type { Given } from './variables.ts';
import { randomEnv, randomEnvFrom, randomTemplate } from './variables.ts';
import type { RandomVolume } from './volumes.ts';
import { randomMounts } from './volumes.ts';

const NO_IMAGE: Image = { entrypoint: null, cmd: null, env: null, workdir: null, user: null };
const PATH = 'PATH=/usr/local/bin:/usr/bin:/bin';

/** Images as they are built; few, since each is imported into the node. */
export const IMAGES: readonly Image[] = [
  { ...NO_IMAGE, entrypoint: ['/probe'] },
  { ...NO_IMAGE, entrypoint: ['/probe', 'from', '$(A)'], cmd: ['cmd', '$(B)', ''] },
  { ...NO_IMAGE, cmd: ['python', '-m', 'app'], env: [PATH] },
  { ...NO_IMAGE, entrypoint: ['docker-entrypoint.sh'], cmd: ['serve'], env: [PATH, 'A=of image'] },
  {
    ...NO_IMAGE,
    entrypoint: ['/app/server'],
    env: [PATH, 'FROM_IMAGE=x y=z', 'HOME=/image/home', 'LANG=C.UTF-8'],
    workdir: '/app',
    user: '1001',
  },
  { ...NO_IMAGE, entrypoint: ['/probe'], workdir: '/not/there/yet', user: 'app' },
  { ...NO_IMAGE, entrypoint: ['/bin/sh', '-c'], cmd: ['echo $(A)'], user: 'app:extra' },
  { ...NO_IMAGE, entrypoint: ['./server'], workdir: '/app', user: '4711:4712' },
  { ...NO_IMAGE, entrypoint: ['/probe'], user: 'nobody' },
  {
    ...NO_IMAGE,
    cmd: ['/usr/bin/env'],
    env: ['A=1', 'A=2', 'B=$(A)', 'PATH=/bin'],
    user: '0:1001',
  },
];

const PROGRAMS = ['/probe', 'python', '/bin/sh', 'env', '/app/server', '/data/../probe'];
const WORKDIRS = ['/', '/srv', '/tmp', '/app', '/made/for/it', '/data', '/home/app/../app'];
const IDS = [0, 1, 1000, 1001, 4711, 65534];

/** User and groups, and what else processes may and may not. */
export function randomSecurity(chance: Chance): Json {
  const out: Json = {};
  if (chance.once(2)) out['runAsUser'] = chance.pick(IDS);
  if ('runAsUser' in out && chance.once(2)) out['runAsGroup'] = chance.pick(IDS);
  if (Number(out['runAsUser'] ?? 0) > 0 && chance.once(3)) out['runAsNonRoot'] = true;
  else if (chance.once(6)) out['runAsNonRoot'] = false;
  return out;
}

function containerSecurity(chance: Chance): Json {
  if (chance.once(2)) return {};
  const out = randomSecurity(chance);
  if (chance.once(3)) out['allowPrivilegeEscalation'] = chance.once(3);
  if (chance.once(4)) out['readOnlyRootFilesystem'] = true;
  if (chance.once(4)) {
    out['capabilities'] = chance.pick([
      { drop: ['ALL'] },
      { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      { add: ['SYS_TIME'] },
      { drop: ['CHOWN', 'KILL'] },
      { drop: ['CAP_CHOWN'] },
    ]);
  }
  return { securityContext: out };
}

/** Small, so that many pods fit on a node at once: the kubelet counts requests. */
function resources(chance: Chance): Json {
  if (chance.once(2)) return {};
  const requests = {
    cpu: chance.pick(['1m', '0.003', '2m']),
    memory: chance.pick(['1Mi', '3M', '1500k', '1048577']),
    ...(chance.once(4) ? { 'ephemeral-storage': '1Mi' } : {}),
  };
  const limits = {
    ...(chance.once(2) ? { cpu: chance.pick(['1', '1500m', '0.75', '2', '500m']) } : {}),
    ...(chance.once(2) ? { memory: chance.pick(['512Mi', '1G', '1Gi', '600000000']) } : {}),
    ...(chance.once(5) ? { 'ephemeral-storage': '1Gi' } : {}),
  };
  return { resources: chance.pick([{ requests }, { requests, limits }, { requests, limits }]) };
}

function program(chance: Chance): Json {
  const args = chance.list(4, () => (chance.once(6) ? '' : randomTemplate(chance)));
  const command = [chance.pick(PROGRAMS), ...chance.list(2, () => randomTemplate(chance))];
  return chance.pick<Json>([
    {},
    { args },
    { command },
    { command, args },
    { command: [], args: [] },
  ]);
}

/** A container and its image. */
export interface RandomContainer {
  readonly container: Json & { readonly name: string };
  readonly image: Image;
}

/** One container that mounts some of these volumes. */
export function randomContainer(
  chance: Chance,
  given: Given,
  { name, volumes }: { readonly name: string; readonly volumes: readonly RandomVolume[] },
): RandomContainer {
  const volumeMounts = randomMounts(chance, volumes);
  const env = randomEnv(chance, given);
  if (volumeMounts.some((mount) => 'subPathExpr' in mount)) {
    env.unshift({ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
  }
  const image = chance.pick(IMAGES);
  const started = program(chance);
  const all: Json & { readonly name: string } = {
    name,
    image: `images.test/${IMAGES.indexOf(image)}:1`,
    ...started,
    ...(chance.once(5) ? { workingDir: chance.pick(WORKDIRS) } : {}),
    ...(env.length > 0 ? { env } : {}),
    ...containerSecurity(chance),
    ...resources(chance),
    ...(volumeMounts.length > 0 ? { volumeMounts } : {}),
  };
  const envFrom = chance.once(2) ? randomEnvFrom(chance, given) : [];
  if (envFrom.length > 0) all['envFrom'] = envFrom;
  if (chance.once(30)) all['terminationMessagePath'] = '/tmp/why';
  if (chance.once(30)) all['stdin'] = true;
  return { container: all, image };
}
