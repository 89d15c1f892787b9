import { BellhopError } from '../core/errors.ts';
import { cleanPath } from '../core/paths.ts';
import type { Container, DownwardItem, ObjectSource, Pod } from '../wire/pod-types.ts';
import type { ProjectedSource, Volume, VolumeMount } from '../wire/pod-types.ts';
import { parseQuantity, quantityUnits } from '../wire/quantity.ts';
import { pathText } from '../wire/read.ts';
import { bindObject, bindValue, calledObject } from './bind.ts';
import { fieldSource, resourceText } from './fields.ts';
import { foldersOfOthers } from './nested.ts';
import type {
  Content,
  DirectoryPlacement,
  FilePlacement,
  Mount,
  Placement,
  Source,
} from './types.ts';
import { keySource, unbound } from './variables.ts';
import type { PlanContext } from './variables.ts';

const TERMINATION_DEFAULT = '/dev/termination-log';

/** The volumes that the container mounts; as on Kubernetes one that nobody mounts is not there. */
export function podVolumes(context: PlanContext, pod: Pod, container: Container): Placement[] {
  const placements: Placement[] = [];
  for (const volume of pod.volumes) {
    const mounts = container.mounts.filter((mount) => mount.volume === volume.name);
    if (mounts.length === 0 || context.settings.volumes?.[volume.name] === 'present') continue;
    const placement = directoryOf({ context, pod, volume, container }, mounts.map(mountOf));
    if (placement !== undefined) placements.push(placement);
  }
  return placements;
}

function mountOf(mount: VolumeMount): Mount {
  const { subPath, subPathExpr, readOnly } = mount;
  return {
    // A relative mount path starts at the root (golden vector mount-relative-path).
    path: cleanPath(`/${mount.path}`) || '/',
    ...(subPath === '' ? {} : { subPath }),
    ...(subPathExpr === '' ? {} : { subPathExpr }),
    readOnly,
    rule: pathText(mount.place),
  };
}

interface VolumeQuery {
  readonly context: PlanContext;
  readonly pod: Pod;
  readonly volume: Volume;
  readonly container: Container;
}

function directoryOf(query: VolumeQuery, mounts: readonly Mount[]): DirectoryPlacement | undefined {
  const { context, pod, volume, container } = query;
  const { source } = volume;
  const { fsGroup } = pod.security;
  const base = {
    kind: 'directory' as const,
    volume: volume.name,
    ...(fsGroup === undefined ? {} : { fsGroup }),
    rule: pathText(volume.place),
  };
  // Whatever readOnly says: the kubelet mounts these read-only.
  const sealedMounts = mounts.map((mount) => ({ ...mount, readOnly: true }));
  const folders = foldersOfOthers(pod, volume.name, container);
  const nested = folders.length === 0 ? {} : { nested: folders };
  const versioned = { ...base, shape: 'versioned' as const, ...nested, mounts: sealedMounts };
  switch (source.kind) {
    case 'object': {
      const contents = objectContents(context, source.object, source.defaultMode);
      if (source.object.kind === 'ConfigMap') return { ...versioned, medium: 'disk', contents };
      return { ...versioned, medium: 'memory', ...podSize(pod), contents };
    }
    case 'projected': {
      const one = (from: ProjectedSource): Content[] =>
        projectedContents(query, from, source.defaultMode);
      const contents = source.sources.flatMap(one);
      return { ...versioned, medium: 'memory', ...podSize(pod), contents };
    }
    case 'downward': {
      const contents = downwardContents(context, source.items, source.defaultMode);
      return { ...versioned, medium: 'memory', ...podSize(pod), contents };
    }
    case 'emptyDir': {
      const size = source.memory ? podSize(pod, source.sizeLimit) : {};
      const medium = source.memory ? 'memory' : 'disk';
      return { ...base, shape: 'plain', medium, ...size, mounts, contents: [] };
    }
    case 'unsupported': {
      const where = [`volume ${volume.name}`, `${base.rule}.${source.name}`];
      const what = 'this kind of volume comes from a cluster';
      const help = `if the platform provides it, say so in bellhop.yaml: \`volumes: { ${volume.name}: present }\``;
      context.problems.push(new BellhopError('BH_ERR_POD_UNSUPPORTED', { where, what, help }));
      return undefined;
    }
  }
}

/**
 * Every tmpfs of a pod has its memory limit as size, or the volume's own limit if that is less: the
 * pod's limit counts only if all its containers have one (k8s.io/kubernetes v1.33.13
 * pkg/kubelet/cm ResourceConfigForPod, k8s.io/component-helpers resource PodLimits).
 */
function podSize(pod: Pod, sizeLimit = ''): { sizeBytesMax?: number } {
  const limitOf = (one: Container): number => units(one.resources.limits.get('memory'));
  const all = [...pod.initContainers, ...pod.containers];
  let sidecars = 0;
  let init = 0;
  for (const one of pod.initContainers) {
    if (one.isSidecar) sidecars += limitOf(one);
    init = Math.max(init, sidecars + (one.isSidecar ? 0 : limitOf(one)));
  }
  const sum = pod.containers.reduce((total, one) => total + limitOf(one), sidecars);
  const podLimit = all.every((one) => limitOf(one) > 0) ? Math.max(sum, init) : 0;
  const own = sizeLimit === '' ? 0 : units(sizeLimit);
  const sizes = [own, podLimit].filter((one) => one > 0);
  return sizes.length === 0 ? {} : { sizeBytesMax: Math.min(...sizes) };
}

function units(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity === undefined ? 0 : Number(quantityUnits(quantity));
}

function objectContents(context: PlanContext, object: ObjectSource, mode: number): Content[] {
  if (object.name === '') return [];
  const rule = pathText(object.place);
  if (object.items !== undefined) return itemContents(context, object, mode);
  const called = calledObject(object.kind, object.name);
  const binding = bindObject(context, object.kind, object.name);
  const optional = object.optional ? { optional: true as const } : {};
  switch (binding.kind) {
    case 'whole': {
      const bound = { ...binding.to, called, ...optional };
      return [{ kind: 'files', mode, bound, rule }];
    }
    case 'keys':
      return [...binding.keys].map(([key, bound]) => {
        const source: Source = { kind: 'value', bound: { ...bound, ...optional } };
        return { kind: 'file', path: key, mode, source, rule };
      });
    case 'none':
      if (!object.optional) context.problems.push(unbound(context, called, rule));
      return [];
  }
}

function itemContents(context: PlanContext, object: ObjectSource, mode: number): Content[] {
  const { kind, name, optional } = object;
  return (object.items ?? []).flatMap((item, index) => {
    const rule = pathText([...object.place, 'items', index]);
    const query = { kind, name, key: item.key, optional, rule, bytes: true };
    const source = keySource(context, query);
    if (source === undefined) return [];
    return [{ kind: 'file', path: item.path, mode: item.mode ?? mode, source, rule }];
  });
}

function downwardContents(
  context: PlanContext,
  items: readonly DownwardItem[],
  mode: number,
): Content[] {
  return items.flatMap((item) => {
    const rule = pathText(item.place);
    const source = downwardSource(context, item);
    if (source instanceof BellhopError) {
      context.problems.push(source.within(rule));
      return [];
    }
    return [{ kind: 'file', path: item.path, mode: item.mode ?? mode, source, rule }];
  });
}

function downwardSource(context: PlanContext, item: DownwardItem): Source | BellhopError {
  if (item.resource === undefined) return fieldSource(context.field, item.field ?? '');
  const text = resourceText(context.field, item.resource);
  return typeof text === 'string' ? { kind: 'text', text, of: item.resource.resource } : text;
}

function projectedContents(query: VolumeQuery, from: ProjectedSource, mode: number): Content[] {
  switch (from.kind) {
    case 'object':
      return objectContents(query.context, from.object, mode);
    case 'downward':
      return downwardContents(query.context, from.items, mode);
    case 'token':
      return tokenContents(query, from, mode);
    case 'unsupported': {
      const where = [pathText(from.place), from.name];
      const what = 'this projected source comes from a cluster';
      query.context.problems.push(new BellhopError('BH_ERR_POD_UNSUPPORTED', { where, what }));
      return [];
    }
  }
}

/** A token needs a declared replacement, by audience; its mode is the kubelet's (projected.go). */
function tokenContents(
  query: VolumeQuery,
  from: Extract<ProjectedSource, { kind: 'token' }>,
  mode: number,
): Content[] {
  const { context, pod } = query;
  const tokens = context.settings.tokens ?? {};
  const exact = Object.hasOwn(tokens, from.audience) ? tokens[from.audience] : undefined;
  const written = exact ?? (Object.hasOwn(tokens, '*') ? tokens['*'] : undefined);
  const rule = pathText(from.place);
  const called = `service account token for ${from.audience || 'the API server'}`;
  if (written === undefined) {
    const what = 'only a cluster can give a service account token';
    const help = `declare a replacement in bellhop.yaml: \`tokens: { "${from.audience || '*'}": store:path }\``;
    const where = [rule, called];
    context.problems.push(new BellhopError('BH_ERR_POD_UNSUPPORTED', { where, what, help }));
    return [];
  }
  const bound = bindValue(context, written, { called, name: from.audience });
  if (bound === undefined) return [];
  const uid = commonUser(pod);
  const guarded = uid !== undefined || pod.security.fsGroup !== undefined;
  const source: Source = { kind: 'value', bound };
  const owner = uid === undefined ? {} : { uid };
  return [{ kind: 'file', path: from.path, mode: guarded ? 0o600 : mode, ...owner, source, rule }];
}

/** The uid of all containers, if they all have the same: pkg/volume/util FsUserFrom. */
function commonUser(pod: Pod): number | undefined {
  const all = [...pod.initContainers, ...pod.containers];
  const users = new Set(all.map((one) => one.security.user ?? pod.security.user));
  const [only] = users;
  return users.size === 1 ? only : undefined;
}

/** A termination log of its own is a file that anybody may write. */
export function terminationFile(container: Container): FilePlacement[] {
  const path = container.terminationMessagePath;
  if (path === '' || cleanPath(path) === TERMINATION_DEFAULT) return [];
  const source: Source = { kind: 'text', text: '', of: 'an empty file' };
  const rule = `${pathText(container.place)}.terminationMessagePath`;
  const at = cleanPath(`/${path}`);
  return [{ kind: 'file', path: at, mode: 0o666, medium: 'disk', keep: true, source, rule }];
}

/** bellhop.yaml's own files, at paths of their own. */
export function settingsFiles(context: PlanContext): FilePlacement[] {
  const files = Object.entries(context.settings.files ?? {});
  return files.flatMap(([path, { mode, ...written }]) => {
    const rule = `bellhop.yaml files`;
    if (!path.startsWith('/') || path.split('/').includes('..') || path.includes('\0')) {
      const what = 'the path of a file must be absolute, without .. and NUL';
      context.problems.push(new BellhopError('BH_ERR_SETTINGS', { where: [rule, path], what }));
      return [];
    }
    const bound = bindValue(context, written, { called: `file ${path}`, name: '' });
    if (bound === undefined) return [];
    const source: Source = { kind: 'value', bound };
    const at = cleanPath(path);
    return [{ kind: 'file', path: at, mode: mode ?? 0o400, medium: 'memory', source, rule }];
  });
}
