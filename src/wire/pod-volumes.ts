import { dnsLabelProblem, itemPathProblem } from './names.ts';
import { checkToken } from './pod-checks.ts';
import { checkVersion, quantityText, readResource, volumeFieldProblem } from './pod-fields.ts';
import type { DownwardItem, KeyItem, ObjectSource, ProjectedSource } from './pod-types.ts';
import type { ResourceField, Volume, VolumeSource } from './pod-types.ts';
import type { At } from './read.ts';
import { complain, flag, integer, member, needText, record, records } from './read.ts';
import { sources, text } from './read.ts';

// Volumes: k8s.io/kubernetes v1.33.13 pkg/apis/core/validation validateVolumeSource.

const DEFAULT_MODE = 0o644;
const MODE = { min: 0, max: 0o777, said: '0 and 0777 (octal; 511 in JSON)' };

/** Every kind of volume that Kubernetes v1.33 knows. */
const VOLUME_SOURCES = [
  'awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir',
  'ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi nfs',
  'persistentVolumeClaim photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret',
  'storageos vsphereVolume',
].flatMap((line) => line.split(' '));
const PROJECTED_SOURCES = [
  'clusterTrustBundle',
  'configMap',
  'downwardAPI',
  'secret',
  'serviceAccountToken',
];

/** Reads one volume; kinds that only a cluster can give are kept as `unsupported`. */
export function readVolume(at: At): Volume {
  const name = needText(at, 'name');
  const problem = name === '' ? undefined : dnsLabelProblem(name);
  if (problem !== undefined) complain(member(at, 'name') ?? at, problem);
  return { name, source: readSource(at), place: at.path };
}

function readSource(at: At): VolumeSource {
  const given = sources(at, VOLUME_SOURCES).filter(([name]) => name !== 'name');
  if (given.length > 1) {
    complain(at, `may have one source, has ${given.map(([name]) => name).join(', ')}`);
  }
  const [source] = given;
  if (source === undefined) return { kind: 'emptyDir', memory: false, sizeLimit: '' };
  const [kind, one] = source;
  switch (kind) {
    case 'secret':
      return objectVolume(one, readObject(one, { kind: 'Secret', name: 'secretName' }));
    case 'configMap':
      return objectVolume(one, readObject(one, { kind: 'ConfigMap', name: 'name' }));
    case 'projected':
      return {
        kind: 'projected',
        sources: readProjected(one),
        defaultMode: defaultMode(one),
      };
    case 'downwardAPI':
      return {
        kind: 'downward',
        items: downwardItems(one),
        defaultMode: defaultMode(one),
      };
    case 'emptyDir':
      return readEmptyDir(one);
    default:
      return { kind: 'unsupported', name: kind };
  }
}

function readEmptyDir(at: At): VolumeSource {
  record(at);
  const medium = text(member(at, 'medium'));
  const sizeLimit = quantityText(member(at, 'sizeLimit')) ?? '';
  if (medium !== undefined && medium !== '' && medium !== 'Memory') {
    complain(
      member(at, 'medium') ?? at,
      'this medium comes from a cluster',
      'BH_ERR_POD_UNSUPPORTED',
    );
  }
  return { kind: 'emptyDir', memory: medium === 'Memory', sizeLimit };
}

function objectVolume(at: At, object: ObjectSource): VolumeSource {
  return { kind: 'object', object, defaultMode: defaultMode(at) };
}

function defaultMode(at: At): number {
  return mode(at, 'defaultMode') ?? DEFAULT_MODE;
}

function mode(at: At, name: string): number | undefined {
  return integer(member(at, name), MODE);
}

function readObject(at: At, how: { kind: ObjectSource['kind']; name: string }): ObjectSource {
  const isObject = record(at) !== undefined;
  const items = member(at, 'items');
  const read = records(items).map(readItem);
  return {
    kind: how.kind,
    name: isObject ? needText(at, how.name) : '',
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

function downwardItems(at: At): DownwardItem[] {
  record(at);
  return records(member(at, 'items')).map(readDownward);
}

function readDownward(at: At): DownwardItem {
  const path = readItemPath(at);
  const itemMode = mode(at, 'mode');
  const fieldRef = member(at, 'fieldRef');
  const resourceRef = member(at, 'resourceFieldRef');
  if ((fieldRef === undefined) === (resourceRef === undefined)) {
    complain(at, 'must have exactly one of fieldRef and resourceFieldRef');
  }
  return {
    path,
    ...(fieldRef === undefined ? {} : { field: readField(fieldRef) }),
    ...(resourceRef === undefined ? {} : { resource: readNamedResource(resourceRef) }),
    ...(itemMode === undefined ? {} : { mode: itemMode }),
    place: at.path,
  };
}

function readField(at: At): string {
  if (record(at) === undefined) return '';
  const path = needText(at, 'fieldPath');
  const problem = path === '' ? undefined : volumeFieldProblem(path);
  if (problem !== undefined) complain(member(at, 'fieldPath') ?? at, problem);
  checkVersion(at);
  return path;
}

function readNamedResource(at: At): ResourceField {
  if (record(at) === undefined) return { container: '', resource: '', divisor: '' };
  const resource = readResource(at);
  if (resource.container === '') complain(at, 'containerName is required in a volume');
  return resource;
}

function readProjected(at: At): ProjectedSource[] {
  const paths = new Set<string>();
  record(at);
  return records(member(at, 'sources')).map((one) => {
    const source = readProjectedSource(one);
    for (const path of explicitPaths(source)) {
      if (paths.has(path)) complain(one, `the path ${path} occurs twice in this volume`);
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
  const given = sources(at, PROJECTED_SOURCES);
  if (given.length > 1) complain(at, 'may have one source');
  // None at all is taken, and gives nothing (validateProjectionSources).
  const [[kind, one] = ['', at]] = given;
  if (kind === '') return { kind: 'downward', items: [] };
  switch (kind) {
    case 'secret':
      return { kind: 'object', object: readObject(one, { kind: 'Secret', name: 'name' }) };
    case 'configMap':
      return { kind: 'object', object: readObject(one, { kind: 'ConfigMap', name: 'name' }) };
    case 'downwardAPI':
      return { kind: 'downward', items: downwardItems(one) };
    case 'serviceAccountToken':
      checkToken(one);
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
