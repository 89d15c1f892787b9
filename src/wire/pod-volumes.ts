import { dnsLabelProblem, itemPathProblem } from './names.ts';
import { readResource, volumeFieldProblem } from './pod-fields.ts';
import type { DownwardItem, KeyItem, ObjectSource, ProjectedSource } from './pod-types.ts';
import type { Volume, VolumeSource } from './pod-types.ts';
import type { At } from './read.ts';
import { complain, flag, integer, list, member, members, needText, record, text } from './read.ts';

// Volumes: k8s.io/kubernetes v1.33.13 pkg/apis/core/validation validateVolumeSource.

const DEFAULT_MODE = 0o644;
const MODE = { min: 0, max: 0o777 };

/** Reads one volume; kinds that only a cluster can give are kept as `unsupported`. */
export function readVolume(at: At): Volume {
  const name = needText(at, 'name');
  const problem = name === '' ? undefined : dnsLabelProblem(name);
  if (problem !== undefined) complain(member(at, 'name') ?? at, problem);
  return { name, source: readSource(at), place: at.path };
}

function readSource(at: At): VolumeSource {
  const given = members(at).filter(([name, one]) => name !== 'name' && one.value !== null);
  if (given.length > 1) {
    complain(at, `may have one source, has ${given.map(([name]) => name).join(', ')}`);
  }
  const [[kind, one] = ['emptyDir', at]] = given;
  switch (kind) {
    case 'secret':
      return objectVolume(one, readObject(one, { kind: 'Secret', name: 'secretName' }));
    case 'configMap':
      return objectVolume(one, readObject(one, { kind: 'ConfigMap', name: 'name' }));
    case 'projected':
      return {
        kind: 'projected',
        sources: readProjected(one),
        defaultMode: mode(one, 'defaultMode') ?? DEFAULT_MODE,
      };
    case 'downwardAPI':
      return {
        kind: 'downward',
        items: list(member(one, 'items')).map(readDownward),
        defaultMode: mode(one, 'defaultMode') ?? DEFAULT_MODE,
      };
    case 'emptyDir': {
      const size = one === at ? undefined : member(one, 'sizeLimit');
      const sizeLimit = typeof size?.value === 'number' ? String(size.value) : (text(size) ?? '');
      const medium = one === at ? undefined : text(member(one, 'medium'));
      return { kind: 'emptyDir', memory: medium === 'Memory', sizeLimit };
    }
    default:
      return { kind: 'unsupported', name: kind };
  }
}

function objectVolume(at: At, object: ObjectSource): VolumeSource {
  return { kind: 'object', object, defaultMode: mode(at, 'defaultMode') ?? DEFAULT_MODE };
}

function mode(at: At, name: string): number | undefined {
  return integer(member(at, name), MODE);
}

function readObject(at: At, how: { kind: ObjectSource['kind']; name: string }): ObjectSource {
  record(at);
  const items = member(at, 'items');
  const read = list(items).map(readItem);
  return {
    kind: how.kind,
    name: needText(at, how.name),
    optional: flag(member(at, 'optional'), false),
    // An empty list is as good as none: the kubelet asks for its length.
    ...(read.length === 0 ? {} : { items: read }),
    place: at.path,
  };
}

function readItem(at: At): KeyItem {
  const itemMode = mode(at, 'mode');
  return {
    key: needText(at, 'key'),
    path: readItemPath(at),
    ...(itemMode === undefined ? {} : { mode: itemMode }),
  };
}

function readItemPath(at: At): string {
  const path = needText(at, 'path');
  const problem = path === '' ? undefined : itemPathProblem(path);
  if (problem !== undefined) complain(member(at, 'path') ?? at, problem);
  return path;
}

function readDownward(at: At): DownwardItem {
  const path = readItemPath(at);
  const itemMode = mode(at, 'mode');
  const field = record(member(at, 'fieldRef'));
  const resource = record(member(at, 'resourceFieldRef'));
  if ((field === undefined) === (resource === undefined)) {
    complain(at, 'must have exactly one of fieldRef and resourceFieldRef');
  }
  const fieldPath = field === undefined ? undefined : needText(field, 'fieldPath');
  if (field !== undefined && fieldPath !== undefined && fieldPath !== '') {
    const problem = volumeFieldProblem(fieldPath);
    if (problem !== undefined) complain(member(field, 'fieldPath') ?? field, problem);
  }
  const wanted = resource === undefined ? undefined : readResource(resource);
  if (resource !== undefined && wanted?.container === '') {
    complain(resource, 'containerName is required in a volume');
  }
  return {
    path,
    ...(fieldPath === undefined ? {} : { field: fieldPath }),
    ...(wanted === undefined ? {} : { resource: wanted }),
    ...(itemMode === undefined ? {} : { mode: itemMode }),
    place: at.path,
  };
}

function readProjected(at: At): ProjectedSource[] {
  const paths = new Set<string>();
  return list(member(at, 'sources')).map((one) => {
    const source = readProjectedSource(one);
    for (const path of explicitPaths(source)) {
      if (paths.has(path)) complain(one, `the path ${path} stands in two sources`);
      paths.add(path);
    }
    return source;
  });
}

function explicitPaths(source: ProjectedSource): readonly string[] {
  switch (source.kind) {
    case 'object':
      return (source.object.items ?? []).map((item) => item.path);
    case 'downward':
      return source.items.map((item) => item.path);
    case 'token':
      return [source.path];
    case 'unsupported':
      return [];
  }
}

function readProjectedSource(at: At): ProjectedSource {
  const given = members(at).filter(([, one]) => one.value !== null);
  if (given.length !== 1) complain(at, 'must have exactly one source');
  const [[kind, one] = ['', at]] = given;
  switch (kind) {
    case 'secret':
      return { kind: 'object', object: readObject(one, { kind: 'Secret', name: 'name' }) };
    case 'configMap':
      return { kind: 'object', object: readObject(one, { kind: 'ConfigMap', name: 'name' }) };
    case 'downwardAPI':
      return { kind: 'downward', items: list(member(one, 'items')).map(readDownward) };
    case 'serviceAccountToken':
      return {
        kind: 'token',
        path: readItemPath(one),
        audience: text(member(one, 'audience')) ?? '',
        place: one.path,
      };
    default:
      return { kind: 'unsupported', name: kind, place: at.path };
  }
}
