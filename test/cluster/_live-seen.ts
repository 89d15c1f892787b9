// What a container of the cluster has printed, as the recorder of test/golden/kubelet writes it.
import path from 'node:path';
import type { Entry, Mount, Seen, Text } from '../kubelet/vectors.ts';
import { mountPath } from '../kubelet/vectors.ts';

/** The parts of an admitted pod that tell what in a snapshot is this run's own. */
export interface Admitted {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion?: string;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly shareProcessNamespace?: boolean;
    readonly containers: readonly AdmittedContainer[];
    readonly initContainers?: readonly AdmittedContainer[];
    readonly volumes?: readonly AdmittedVolume[];
  };
  readonly status: PodStatus;
}

export interface AdmittedContainer {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface AdmittedVolume {
  readonly name: string;
  readonly projected?: { readonly sources?: readonly ProjectedSource[] };
}

interface ProjectedSource {
  readonly serviceAccountToken?: { readonly path: string };
  readonly configMap?: { readonly name: string; readonly items?: readonly { path: string }[] };
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly state: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: Ended;
  };
}

interface Ended {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
}

/** Of the cluster, for all pods: what else differs from the recorder's. */
export interface Marks {
  /** Of the node's allocatable memory: the size of a tmpfs without a limit of its own. */
  readonly memoryBytes: number;
  /** Where the recorded cluster has 10.96.0.1. */
  readonly apiServer: string;
}

const PLATFORM = new Set([
  '/',
  '/dev/shm',
  '/dev/termination-log',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
]);
const API_SERVER = '10.96.0.1';
const NODE_NAME = 'localhost';

type Scrub = (text: string) => string;

function scrubOf({ metadata, spec, status }: Admitted, { apiServer }: Marks): Scrub {
  const own: readonly (readonly [string | undefined, string])[] = [
    [metadata.uid, '<POD_UID>'],
    [status.podIP, '<POD_IP>'],
    [status.hostIP, '<HOST_IP>'],
    [apiServer === API_SERVER ? undefined : apiServer, API_SERVER],
    [spec.nodeName === NODE_NAME ? undefined : spec.nodeName, NODE_NAME],
  ];
  return (text) => {
    let out = text;
    for (const [value, mark] of own) if (value) out = out.replaceAll(value, mark);
    return out
      .replace(/\b[0-9a-f]{64}\b/g, '<ID>')
      .replace(/kube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<RANDOM>')
      .replace(/(kubernetes\.io\/config\.seen=")[^"]*/g, '$1<TIME>')
      .replace(/\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+/g, '..TS');
  };
}

/** Paths below a projected volume whose bytes are random. */
function randomPaths(admitted: Admitted, volume: string | undefined): Map<string, string> {
  const declared = admitted.spec.volumes?.find(({ name }) => name === volume);
  const marks = new Map<string, string>();
  for (const { serviceAccountToken, configMap } of declared?.projected?.sources ?? []) {
    if (serviceAccountToken !== undefined) marks.set(serviceAccountToken.path, '<TOKEN>');
    if (configMap?.name !== 'kube-root-ca.crt') continue;
    for (const item of configMap.items ?? [{ path: 'ca.crt' }])
      marks.set(item.path, '<CLUSTER_CA>');
  }
  return marks;
}

function scrubEntry(entry: Entry, scrub: Scrub, random: ReadonlyMap<string, string>): void {
  entry.path = scrub(entry.path);
  if (entry.target !== undefined) entry.target = scrub(entry.target);
  if (entry.content === undefined) return;
  const mark = random.get(entry.path.replace(/^\.\.TS\//, ''));
  const bytes = Buffer.from(entry.content, 'base64').toString('latin1');
  const clean = scrub(bytes);
  if (mark === undefined && clean === bytes) return;
  entry.content = mark ?? Buffer.from(clean, 'latin1').toString('base64');
  if (mark === undefined) entry.normalised = true;
  delete entry.size;
  delete entry.sha256;
}

function scrubMount(mount: Mount, { memoryBytes }: Marks): void {
  if (mount.fstype !== 'tmpfs') {
    mount.fstype = '<NODE_DISK>';
    mount.magic = '<NODE_DISK>';
    delete mount.sizeBytes;
  } else if (mount.sizeBytes === memoryBytes) mount.sizeBytes = '<NODE_MEMORY>';
}

/** Takes out of a snapshot what differs from run to run and from cluster to cluster. */
export function asRecorded(
  seen: Seen,
  {
    admitted,
    container,
    marks,
  }: { admitted: Admitted; container: AdmittedContainer; marks: Marks },
): Seen {
  const scrub = scrubOf(admitted, marks);
  const text = (one: Text): Text => (typeof one === 'string' ? scrub(one) : one);
  const declared = new Map(
    (container.volumeMounts ?? []).map((mount) => [mountPath(mount.mountPath), mount.name]),
  );
  const isShm = (mount: Mount): boolean => mount.path === '/dev/shm' && !declared.has('/dev/shm');
  const shm = seen.mounts.filter(isShm);
  const platformMounts = [...seen.platformMounts, ...shm].filter((one) => PLATFORM.has(one.path));
  const mounts = seen.mounts.filter((mount) => !isShm(mount));
  for (const mount of mounts) {
    const random = randomPaths(admitted, declared.get(path.posix.normalize(mount.path)));
    scrubMount(mount, marks);
    for (const entry of mount.entries) scrubEntry(entry, scrub, random);
  }
  return {
    ...seen,
    argv: seen.argv.map(text),
    env: seen.env.map(({ name, value }) => ({
      name: text(name),
      value: value === null ? null : text(value),
    })),
    cwd: scrub(seen.cwd),
    hostname: scrub(seen.hostname),
    pid: admitted.spec.shareProcessNamespace === true ? '<PID>' : seen.pid,
    fds: seen.fds.map((fd) => ({
      ...fd,
      target: fd.target.replace(/^\/dev\/pts\/\d+$/, '/dev/pts/N'),
    })),
    mounts: mounts.map((mount) => ({
      ...mount,
      path: scrub(mount.path),
      parents: mount.parents.map((one) => ({ ...one, path: scrub(one.path) })),
    })),
    platformMounts,
  };
}
