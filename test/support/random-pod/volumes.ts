// Volumes and where containers mount them.
import type { Chance } from './chance.ts';
import type { Json, Source } from './objects.ts';
import type { Given } from './variables.ts';
import { ANNOTATIONS, LABELS, randomDivisor, randomSource, RESOURCES } from './variables.ts';

/** A volume of a pod, with the paths below it that a mount may ask for. */
export interface RandomVolume {
  readonly volume: Json & { readonly name: string };
  readonly paths: readonly string[];
  readonly isEmptyDir: boolean;
}

const MODES = [0, 0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o711, 0o755, 0o777];
const PATHS = [
  'a',
  'b',
  'a.txt',
  'deep/er/path',
  'deep/other',
  '.hidden',
  'x/y',
  'with space',
  'é',
];
const MOUNT_PATHS = [
  '/etc/creds',
  '/etc/creds/nested',
  '/etc/app',
  '/etc/app/conf.d',
  '/mnt/x',
  '/mnt/x/y/z',
  '/mnt/with space',
  '/srv',
  '/srv/deep/er/path',
  '/var/run/secrets/app',
  '/home/app',
  '/home/app/.ssh',
  '/data',
  '/tmp',
  '/opt/é/漢',
  '/opt/double//slash/',
  '/app/config',
];

const mode = (chance: Chance, name: string): Json =>
  chance.once(2) ? {} : { [name]: chance.pick(MODES) };

/** Items of distinct paths: two of one path are refused in some kinds of volume only. */
function items(chance: Chance, keys: readonly string[], isThere: boolean): Json[] {
  const paths = chance.some(PATHS, 4);
  return paths.flatMap((path) => {
    const known = isThere && keys.length > 0;
    const key = known && !chance.once(12) ? chance.pick(keys) : undefined;
    return key === undefined ? [] : [{ key, path, ...mode(chance, 'mode') }];
  });
}

interface Filled {
  readonly source: Json;
  readonly paths: readonly string[];
}

function ofObject(chance: Chance, given: Given, kind: Source['kind']): Filled & { name: string } {
  const found = randomSource(chance, { ...given, kind });
  const keys = [...found.keys, ...found.binaryKeys];
  const chosen = chance.once(2) ? items(chance, keys, found.isThere) : [];
  const lost = chosen.length > 0 && chance.once(6) ? [{ key: 'none', path: 'none' }] : [];
  const all = [...chosen, ...lost];
  const mayMiss = !found.isThere || lost.length > 0;
  const optional = mayMiss ? { optional: true } : chance.pick([{}, {}, { optional: false }]);
  const paths = all.length > 0 ? all.map((one) => String(one['path'])) : keys;
  const source = { ...(all.length > 0 ? { items: all } : {}), ...optional };
  return { name: found.name, source, paths };
}

function downwardItems(chance: Chance, containers: readonly string[]): Json[] {
  return chance.some(PATHS, 5).map((path) => {
    const modes = mode(chance, 'mode');
    if (chance.once(3)) {
      const resource = chance.pick(RESOURCES);
      const containerName = chance.pick(containers);
      const divisor = randomDivisor(chance, resource);
      return { path, resourceFieldRef: { containerName, resource, ...divisor }, ...modes };
    }
    const fieldPath = chance.pick([
      'metadata.name',
      'metadata.namespace',
      'metadata.uid',
      'metadata.labels',
      'metadata.annotations',
      `metadata.labels['${chance.pick(LABELS)}']`,
      `metadata.annotations['${chance.pick(ANNOTATIONS)}']`,
    ]);
    return { path, fieldRef: { fieldPath }, ...modes };
  });
}

const pathsOf = (all: readonly Json[]): string[] => all.map((one) => String(one['path']));

function projected(chance: Chance, given: Given, containers: readonly string[]): Filled {
  const taken = new Set<string>();
  const sources = chance.list(3, () => {
    if (chance.once(3)) {
      const all = downwardItems(chance, containers);
      pathsOf(all).forEach((path) => taken.add(path));
      return { downwardAPI: { items: all } };
    }
    const kind = chance.pick(['secret', 'configMap'] as const);
    const { name, source, paths } = ofObject(chance, given, kind);
    paths.forEach((path) => taken.add(path));
    return { [kind]: { name, ...source } };
  });
  return { source: { sources, ...mode(chance, 'defaultMode') }, paths: [...taken] };
}

function emptyDir(chance: Chance): Json {
  const medium = chance.once(2) ? { medium: 'Memory' } : {};
  const limit = chance.once(3) ? { sizeLimit: chance.pick(['1Mi', '10M', '64Ki', '0.5Gi']) } : {};
  return { ...medium, ...limit };
}

/** One volume of any kind that a pod declares by itself. */
export function randomVolume(
  chance: Chance,
  given: Given,
  { name, containers }: { readonly name: string; readonly containers: readonly string[] },
): RandomVolume {
  const kind = chance.pick([
    'secret',
    'secret',
    'configMap',
    'projected',
    'downwardAPI',
    'emptyDir',
  ]);
  const whole = mode(chance, 'defaultMode');
  const isEmptyDir = kind === 'emptyDir';
  if (isEmptyDir) return { volume: { name, emptyDir: emptyDir(chance) }, paths: [], isEmptyDir };
  if (kind === 'downwardAPI') {
    const all = downwardItems(chance, containers);
    return {
      volume: { name, downwardAPI: { items: all, ...whole } },
      paths: pathsOf(all),
      isEmptyDir,
    };
  }
  if (kind === 'projected') {
    const { source, paths } = projected(chance, given, containers);
    return { volume: { name, projected: source }, paths, isEmptyDir };
  }
  const of = kind === 'secret' ? 'secret' : 'configMap';
  const filled = ofObject(chance, given, of);
  const called = of === 'secret' ? { secretName: filled.name } : { name: filled.name };
  const { source, paths } = filled;
  return { volume: { name, [of]: { ...called, ...source, ...whole } }, paths, isEmptyDir };
}

function subPath(chance: Chance, { paths, isEmptyDir }: RandomVolume): Json {
  if (!chance.once(4)) return {};
  if (isEmptyDir) return chance.pick([{ subPath: 'sub/dir' }, { subPathExpr: '$(POD_NAME)/x' }]);
  const path = paths.length > 0 && !chance.once(6) ? chance.pick(paths) : 'not-there';
  return { subPath: path };
}

/** Mounts at distinct paths, nested ones among them, some volumes twice. */
export function randomMounts(chance: Chance, volumes: readonly RandomVolume[]): Json[] {
  if (volumes.length === 0) return [];
  return chance.some(MOUNT_PATHS, 5).map((mountPath) => {
    const volume = chance.pick(volumes);
    const readOnly = chance.pick([{}, {}, { readOnly: true }, { readOnly: false }]);
    return { name: volume.volume.name, mountPath, ...readOnly, ...subPath(chance, volume) };
  });
}
