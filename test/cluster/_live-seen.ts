// What a container of the cluster has printed, as the recorder of test/golden/kubelet writes it.
import path from 'node:path';
import type { Scrub } from '../kubelet/normalise.ts';
import { loosen, scrubOf, scrubSeen } from '../kubelet/normalise.ts';
import type { Entry, Mount, Seen } from '../kubelet/vectors.ts';
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

function scrubFor({ metadata, spec, status }: Admitted, { apiServer }: Marks): Scrub {
  const own: readonly (readonly [string | undefined, string])[] = [
    [metadata.uid, '<POD_UID>'],
    [status.podIP, '<POD_IP>'],
    [status.hostIP, '<HOST_IP>'],
    [apiServer, API_SERVER],
    [spec.nodeName, NODE_NAME],
  ];
  return scrubOf(own.flatMap(([value, mark]) => (value ? [[value, mark] as const] : [])));
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

/** Gives random bytes the mark that stands for them. */
function markRandom(entry: Entry, random: ReadonlyMap<string, string>): void {
  const mark = random.get(entry.path.replace(/^\.\.TS\//, ''));
  if (mark === undefined || entry.content === undefined) return;
  loosen(entry);
  entry.content = mark;
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
  const scrub = scrubFor(admitted, marks);
  scrubSeen(seen, scrub);
  const declared = new Map(
    (container.volumeMounts ?? []).map((one) => [scrub(mountPath(one.mountPath)), one.name]),
  );
  const isShm = (mount: Mount): boolean => mount.path === '/dev/shm' && !declared.has('/dev/shm');
  const shm = seen.mounts.filter(isShm);
  const platformMounts = [...seen.platformMounts, ...shm].filter((one) => PLATFORM.has(one.path));
  const mounts = seen.mounts.filter((mount) => !isShm(mount));
  for (const mount of mounts) {
    const random = randomPaths(admitted, declared.get(path.posix.normalize(mount.path)));
    scrubMount(mount, marks);
    for (const entry of mount.entries) markRandom(entry, random);
  }
  const pid = admitted.spec.shareProcessNamespace === true ? '<PID>' : seen.pid;
  return { ...seen, pid, mounts, platformMounts };
}
