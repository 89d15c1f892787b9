// How the judge calls `bellhop run`: the one place that knows its flags and its input.
import { type Container, containersOf, imageOf, type Vector } from './vectors.ts';
import type { Input } from './rootfs.ts';

/** Values that only the cluster knows, by the mark that the recorder wrote for them. */
export const CLUSTER_VALUES = {
  '<POD_UID>': '5f0c2e6a-6f5b-4f0e-9c59-2f1f0a6b7c8d',
  '<POD_IP>': '10.244.0.7',
  '<HOST_IP>': '192.168.77.5',
} as const;

const NODE_NAME = 'localhost';

// The API server's own Service: its variables are in every container, and `$(KUBERNETES_…)` is
// expanded, so the declaration has to name it.
const API_SERVER = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
};

function fieldFlags(vector: Vector): string[] {
  const values = { ...CLUSTER_VALUES, ...vector.clusterValues };
  const fields: Record<string, string> = {
    'metadata.uid': values['<POD_UID>'],
    'spec.nodeName': NODE_NAME,
    'status.podIP': values['<POD_IP>'],
    'status.podIPs': values['<POD_IP>'],
    'status.hostIP': values['<HOST_IP>'],
    'status.hostIPs': values['<HOST_IP>'],
  };
  const manifest = JSON.stringify(vector.pod);
  const asked = Object.entries(fields).filter(([name]) => manifest.includes(`"${name}"`));
  return asked.flatMap(([name, value]) => ['--field', `${name}=${value}`]);
}

function nodeFlags(vector: Vector): string[] {
  if (vector.node === undefined) return [];
  const { allocatable } = vector.node;
  const pairs = Object.entries(allocatable).map(([name, value]) => `${name}=${value}`);
  return ['--node', pairs.join(',')];
}

function imageFlags(vector: Vector, container: Container): string[] {
  const image = imageOf(vector, container.name);
  const flags: string[] = [];
  if (image.entrypoint !== null) flags.push('--image-entrypoint', JSON.stringify(image.entrypoint));
  if (image.cmd !== null) flags.push('--image-cmd', JSON.stringify(image.cmd));
  if (image.user !== null) flags.push('--image-user', image.user);
  if (image.workdir !== null) flags.push('--image-workdir', image.workdir);
  return flags;
}

/** Where bellhop and the input lie in the container's root. */
export const IN_ROOT = { bellhop: '/bellhop/bellhop', input: '/bellhop-input' } as const;

/** Program and arguments that deliver this container and become its program. */
export function commandLine(
  vector: Vector,
  container: Container,
  { bellhop, input }: { readonly bellhop: string; readonly input: string },
): string[] {
  const several = containersOf(vector.pod).length > 1;
  const init = (vector.pod.spec.initContainers ?? []).length > 0;
  return [
    [bellhop, 'run', '-f', `${input}/pod.yaml`],
    init || vector.settings !== undefined ? ['-c', `${input}/bellhop.yaml`] : [],
    several ? ['--container', container.name] : [],
    imageFlags(vector, container),
    fieldFlags(vector),
    nodeFlags(vector),
  ].flat();
}

// What JSON takes as it is and YAML only as an escape.
function jsonForYaml(document: object): string {
  const escape = (found: string): string =>
    `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(document).replace(/[\x7F-\x9F\uFEFF\uFFFE\uFFFF]/g, escape);
}

/** The manifest (JSON is YAML) as the recorder created it, with these of its objects. */
export function manifestOf({ pod }: Vector, objects: Vector['objects']): string {
  const namespace = pod.metadata.namespace ?? 'default';
  const created = objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace },
  }));
  return [pod, ...created, API_SERVER].map(jsonForYaml).join('\n---\n');
}

/** The manifest and the settings. */
export function inputFiles(vector: Vector): Input {
  const policy = { initContainers: 'ignore' };
  const settings = { apiVersion: 'bellhop/v1', policy, ...vector.settings };
  return {
    'pod.yaml': manifestOf(vector, vector.objects),
    'bellhop.yaml': JSON.stringify(settings),
  };
}
