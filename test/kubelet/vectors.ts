// The recorded vectors (test/golden/kubelet/README.md) and what a program says of itself.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A string, or its bytes where they are not UTF-8. */
export type Text = string | { base64: string };

/** What `lstat` says of one file, folder or link, and its bytes. */
export interface Entry {
  path: string;
  type: string;
  mode: string;
  uid: number;
  gid: number;
  target?: string;
  /** Only ours: the link that the probe followed to get here. */
  link?: string;
  size?: number;
  sha256?: string;
  content?: string;
  normalised?: boolean;
  mountpoint?: boolean;
  error?: string;
}

/** One mount, or one path that stands for a mount, with everything below it. */
export interface Mount {
  path: string;
  fstype: string;
  options: string;
  magic: string;
  readOnly: boolean;
  sizeBytes?: number | '<NODE_MEMORY>';
  parents: Entry[];
  entries: Entry[];
}

/** What the probe saw inside one container. */
export interface Seen {
  argv: Text[];
  env: { name: Text; value: Text | null }[];
  cwd: string;
  hostname: string;
  uid: number;
  gid: number;
  groups: number[];
  pid: number | '<PID>';
  fds: { fd: number; tty: boolean; flags: string; target: string }[];
  mounts: Mount[];
  platformMounts: { path: string; fstype: string; options: string }[];
  etcHosts?: string;
  [more: string]: unknown;
}

/** What an image says of how its containers start; null is "not set". */
export interface Image {
  entrypoint: string[] | null;
  cmd: string[] | null;
  env: string[] | null;
  workdir: string | null;
  user: string | null;
}

/** The parts of a container in a manifest that the judge looks at. */
export interface Container {
  name: string;
  args?: string[];
  command?: string[];
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; subPathExpr?: string }[];
  terminationMessagePath?: string;
  stdin?: boolean;
  tty?: boolean;
}

/** The parts of a volume in a manifest that the judge looks at. */
export interface Volume {
  name: string;
  emptyDir?: object;
  projected?: { sources?: { serviceAccountToken?: object }[] };
}

/** The parts of a pod that the judge looks at. */
export interface Pod {
  metadata: { name: string; namespace?: string };
  spec: { containers: Container[]; initContainers?: Container[]; volumes?: Volume[] };
}

/** What kept a pod from starting. */
export interface Refused {
  by: string;
  container?: string;
  message: string;
}

/** One recorded pod. */
export interface Vector {
  id: string;
  rules: string[];
  description: string;
  objects: { kind: string; metadata: { name: string; namespace?: string } }[];
  pod: Pod;
  image: Image;
  images?: Record<string, Image>;
  snapshot?: Partial<Record<Group, Record<string, Seen>>>;
  refused?: Refused;
  node?: { allocatable: Record<string, string> };
  /** More of bellhop.yaml, where values come from stores. */
  settings?: object;
  /** What `run` is given from outside, by its mark, where it is not CLUSTER_VALUES. */
  clusterValues?: Record<string, string>;
  /** Variables that only the platform gives to `run`: its credentials. */
  platformEnv?: string[];
}

/** Which list of the pod a container stands in. */
export type Group = 'containers' | 'initContainers';

/** Where the repository's own vectors lie. */
export const GOLDEN = path.join(import.meta.dirname, '..', 'golden', 'kubelet');

/** What random pods on a node have shown (test/cluster/live.test.ts), recorded as the others. */
export const LIVE = path.join(import.meta.dirname, '..', 'golden', 'kubelet-live');

/** Every vector of a folder, or the one of a file, ordered by name. */
export function readVectors(place: string): Vector[] {
  const files = statSync(place).isDirectory()
    ? readdirSync(place)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => path.join(place, name))
    : [place];
  return files.map((file) => {
    const vector: Vector = JSON.parse(readFileSync(file, 'utf8'));
    return vector;
  });
}

/** Every container of the pod with the list it stands in, in the order they start. */
export function containersOf(pod: Pod): { group: Group; container: Container }[] {
  const init = (pod.spec.initContainers ?? []).map((container) => ({
    group: 'initContainers' as const,
    container,
  }));
  const main = pod.spec.containers.map((container) => ({
    group: 'containers' as const,
    container,
  }));
  return [...init, ...main];
}

/** The image configuration of one container. */
export function imageOf(vector: Vector, name: string): Image {
  return vector.images?.[name] ?? vector.image;
}

/** A mount path as the kubelet reads it: absolute, without `.`, `..` and doubled slashes. */
export function mountPath(given: string): string {
  const full = path.posix.normalize(`/${given}`);
  return full.length > 1 ? full.replace(/\/$/, '') : full;
}
