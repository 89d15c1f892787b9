import { dnsLabelProblem, subPathProblem, variableNameProblem } from './names.ts';
import type {
  Container,
  ContainerSecurity,
  EnvFrom,
  EnvVar,
  Pod,
  PodSecurity,
} from './pod-types.ts';
import type { Resources, ValueFrom, Volume, VolumeMount } from './pod-types.ts';
import { readVolume } from './pod-volumes.ts';
import { checkContainer, checkMetadata, checkPodSecurity, checkReference } from './pod-checks.ts';
import { checkVersion, envFieldProblem, quantityText, readResource } from './pod-fields.ts';
import type { At } from './read.ts';
import {
  complain,
  flag,
  integer,
  list,
  member,
  members,
  needText,
  record,
  sources,
} from './read.ts';
import { records, text, textMap, texts } from './read.ts';

// The parts of a Pod that decide what a container sees, read and judged as the API server does:
// k8s.io/kubernetes v1.33.13 pkg/apis/core/v1 and pkg/apis/core/validation. Unknown fields are
// never an error: a newer Kubernetes may know them.

const ID_MAX = 2 ** 31 - 1;
const HOST_NAMESPACES = ['hostNetwork', 'hostPID', 'hostIPC'];

/**
 * Reads a pod or a pod template: an object with `metadata` and `spec`. `claims` are volumes that
 * its controller adds: a StatefulSet's volumeClaimTemplates.
 */
export function readPod(at: At, claims: readonly string[] = []): Pod {
  const metadata = record(member(at, 'metadata'));
  checkMetadata(metadata);
  const spec = record(member(at, 'spec'));
  if (spec === undefined) complain(at, 'spec is required');
  const part = (name: string): At | undefined =>
    spec === undefined ? undefined : member(spec, name);
  const meta = (name: string): At | undefined =>
    metadata === undefined ? undefined : member(metadata, name);
  const claimed = claims.map((name) => claimVolume(at, name));
  const volumes = [...records(part('volumes')).map(readVolume), ...claimed];
  const containers = records(part('containers')).map((one) => readContainer(one, volumes));
  if (spec !== undefined && list(part('containers')).length === 0) {
    complain(spec, 'containers is required');
  }
  const initContainers = records(part('initContainers')).map((one) => readContainer(one, volumes));
  unique(list(part('volumes')));
  unique([...list(part('initContainers')), ...list(part('containers'))]);
  return {
    name: text(meta('name')) ?? '',
    generateName: text(meta('generateName')) ?? '',
    namespace: text(meta('namespace')) ?? '',
    uid: text(meta('uid')) ?? '',
    labels: textMap(meta('labels')),
    annotations: textMap(meta('annotations')),
    nodeName: text(part('nodeName')) ?? '',
    serviceAccountName: text(part('serviceAccountName')) ?? text(part('serviceAccount')) ?? '',
    enableServiceLinks: flag(part('enableServiceLinks'), true),
    hostNamespaces: HOST_NAMESPACES.filter((name) => flag(part(name), false)),
    security: readPodSecurity(part('securityContext')),
    volumes,
    containers,
    initContainers,
  };
}

/** A volume that only a cluster can give, until bellhop.yaml says that it is present. */
function claimVolume(at: At, name: string): Volume {
  const source = { kind: 'unsupported' as const, name: 'persistentVolumeClaim' };
  return { name, source, place: [...at.path.slice(0, 1), 'volumeClaimTemplates'] };
}

function unique(places: readonly At[]): void {
  const seen = new Set<unknown>();
  for (const place of places) {
    const name = member(place, 'name');
    if (name !== undefined && seen.has(name.value)) complain(name, 'the name occurs twice');
    seen.add(name?.value);
  }
}

function readContainer(at: At, volumes: readonly { readonly name: string }[]): Container {
  const name = needText(at, 'name');
  const problem = name === '' ? undefined : dnsLabelProblem(name);
  if (problem !== undefined) complain(member(at, 'name') ?? at, problem);
  for (const device of list(member(at, 'volumeDevices'))) {
    complain(device, 'a block device comes from a cluster', 'BH_ERR_POD_UNSUPPORTED');
  }
  const mounts = records(member(at, 'volumeMounts'));
  const resources = record(member(at, 'resources'));
  const security = record(member(at, 'securityContext'));
  checkContainer({ mounts, security, resources });
  return {
    name,
    image: text(member(at, 'image')) ?? '',
    command: texts(member(at, 'command')) ?? [],
    args: texts(member(at, 'args')) ?? [],
    workingDir: path(member(at, 'workingDir')),
    env: records(member(at, 'env')).map(readEnvVar),
    envFrom: records(member(at, 'envFrom')).map(readEnvFrom),
    mounts: uniquePaths(
      mounts.map((mount) => readMount(mount, volumes)),
      mounts,
    ),
    resources: readResources(resources),
    security: readSecurity(security),
    terminationMessagePath: path(member(at, 'terminationMessagePath')),
    isSidecar: text(member(at, 'restartPolicy')) === 'Always',
    stdin: flag(member(at, 'stdin'), false),
    tty: flag(member(at, 'tty'), false),
    place: at.path,
  };
}

/** A path, which the API server takes as any text, but no system call does with a NUL. */
function path(at: At | undefined): string {
  const written = text(at) ?? '';
  if (at !== undefined && written.includes('\0')) complain(at, 'must not contain a NUL byte');
  return written;
}

function uniquePaths(mounts: VolumeMount[], places: readonly At[]): VolumeMount[] {
  const seen = new Set<string>();
  mounts.forEach((mount, index) => {
    const place = places[index];
    if (place !== undefined && seen.has(mount.path)) {
      complain(member(place, 'mountPath') ?? place, `${mount.path} must be unique`);
    }
    seen.add(mount.path);
  });
  return mounts;
}

function readMount(at: At, volumes: readonly { readonly name: string }[]): VolumeMount {
  const volume = needText(at, 'name');
  if (volume !== '' && !volumes.some((one) => one.name === volume)) {
    complain(member(at, 'name') ?? at, `there is no volume ${volume}`);
  }
  const subPath = readSubPath(member(at, 'subPath'));
  const subPathExpr = readSubPath(member(at, 'subPathExpr'));
  if (subPath !== '' && subPathExpr !== '') complain(at, 'subPath excludes subPathExpr');
  return {
    volume,
    path: needText(at, 'mountPath') === '' ? '' : path(member(at, 'mountPath')),
    subPath,
    subPathExpr,
    readOnly: flag(member(at, 'readOnly'), false),
    place: at.path,
  };
}

function readSubPath(at: At | undefined): string {
  const written = text(at) ?? '';
  const problem = written === '' ? undefined : subPathProblem(written);
  if (at !== undefined && problem !== undefined) complain(at, problem);
  return written;
}

function readEnvVar(at: At): EnvVar {
  const name = needText(at, 'name');
  checkVariableName(member(at, 'name') ?? at, name);
  const value = text(member(at, 'value')) ?? '';
  const from = record(member(at, 'valueFrom'));
  if (from === undefined) return { name, value, place: at.path };
  if (value !== '') complain(from, 'may not be specified when `value` is not empty');
  const read = readValueFrom(from);
  return { name, value, ...(read === undefined ? {} : { from: read }), place: at.path };
}

function checkVariableName(at: At, name: string): void {
  const problem = name === '' ? undefined : variableNameProblem(name);
  if (problem !== undefined) complain(at, problem);
}

const VALUE_SOURCES = ['secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'];

function readValueFrom(at: At): ValueFrom | undefined {
  const given = sources(at, VALUE_SOURCES);
  const [[kind, one] = ['', at]] = given;
  if (given.length !== 1) {
    const many = given.map(([name]) => name).join(', ') || 'none';
    complain(at, `must have exactly one of ${VALUE_SOURCES.join(', ')}; has ${many}`);
    return undefined;
  }
  switch (kind) {
    case 'secretKeyRef':
    case 'configMapKeyRef':
      checkReference(one);
      return {
        kind: kind === 'secretKeyRef' ? 'secretKey' : 'configMapKey',
        name: needText(one, 'name'),
        key: needText(one, 'key'),
        optional: flag(member(one, 'optional'), false),
      };
    case 'fieldRef':
      return { kind: 'field', path: readFieldPath(one) };
    case 'resourceFieldRef':
      return { kind: 'resource', ...readResource(one) };
    default:
      complain(one, 'bellhop does not know this source', 'BH_ERR_POD_UNSUPPORTED');
      return undefined;
  }
}

function readFieldPath(at: At): string {
  const written = needText(at, 'fieldPath');
  // What clients of v1 wrote before 2015: ConvertDownwardAPIFieldLabel.
  const path = written === 'spec.host' ? 'spec.nodeName' : written;
  const problem = path === '' ? undefined : envFieldProblem(path);
  if (problem !== undefined) complain(member(at, 'fieldPath') ?? at, problem);
  checkVersion(at);
  return path;
}

function readEnvFrom(at: At): EnvFrom {
  const prefix = text(member(at, 'prefix')) ?? '';
  checkVariableName(member(at, 'prefix') ?? at, prefix);
  const secret = member(at, 'secretRef');
  const configMap = member(at, 'configMapRef');
  if ((secret === undefined) === (configMap === undefined)) {
    complain(at, 'must have exactly one of secretRef and configMapRef');
  }
  const source = record(secret ?? configMap);
  if (source !== undefined) checkReference(source);
  return {
    kind: secret === undefined ? 'ConfigMap' : 'Secret',
    prefix,
    name: source === undefined ? '' : needText(source, 'name'),
    optional: source !== undefined && flag(member(source, 'optional'), false),
    place: at.path,
  };
}

function readResources(at: At | undefined): Resources {
  const map = (name: string): ReadonlyMap<string, string> => {
    const read = new Map<string, string>();
    const place = at === undefined ? undefined : member(at, name);
    for (const [resource, one] of members(place)) {
      read.set(resource, (one.value === null ? undefined : quantityText(one)) ?? '0');
    }
    return read;
  };
  return { limits: map('limits'), requests: map('requests') };
}

function readIds(at: At | undefined): Pick<PodSecurity, 'user' | 'group' | 'nonRoot'> {
  if (at === undefined) return {};
  const user = integer(member(at, 'runAsUser'), { min: 0, max: ID_MAX });
  const group = integer(member(at, 'runAsGroup'), { min: 0, max: ID_MAX });
  const nonRoot = member(at, 'runAsNonRoot');
  return {
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(nonRoot === undefined ? {} : { nonRoot: flag(nonRoot, false) }),
  };
}

function readPodSecurity(at: At | undefined): PodSecurity {
  if (record(at) === undefined || at === undefined) return { supplementalGroups: [] };
  checkPodSecurity(at);
  const fsGroup = integer(member(at, 'fsGroup'), { min: 0, max: ID_MAX });
  const groups = list(member(at, 'supplementalGroups'));
  return {
    ...readIds(at),
    ...(fsGroup === undefined ? {} : { fsGroup }),
    supplementalGroups: groups.map((one) => integer(one, { min: 0, max: ID_MAX }) ?? 0),
  };
}

function readSecurity(at: At | undefined): ContainerSecurity {
  if (at === undefined) return { addCapabilities: [], dropCapabilities: [] };
  const escalation = member(at, 'allowPrivilegeEscalation');
  const privileged = flag(member(at, 'privileged'), false);
  const capabilities = record(member(at, 'capabilities'));
  const names = (which: string): string[] =>
    capabilities === undefined ? [] : (texts(member(capabilities, which)) ?? []);
  return {
    ...readIds(at),
    ...(escalation === undefined ? {} : { allowEscalation: flag(escalation, true) }),
    privileged,
    readOnlyRoot: flag(member(at, 'readOnlyRootFilesystem'), false),
    addCapabilities: names('add'),
    dropCapabilities: names('drop'),
  };
}
