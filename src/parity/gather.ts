import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { cleanPath, isWithin } from '../core/paths.ts';
import type { Plan } from '../plan/types.ts';
import { declaredOf, declaredPaths } from './declared.ts';
import type { SnapshotLimits } from './limits.ts';
import type { Looked, Subject } from './process.ts';
import { lookAt, processSeen, readProc, tryProc } from './process.ts';
import { isPlatformMount, isUnlisted, parseMounts, PLATFORM_FILES } from './proc.ts';
import type { Walk } from './tree.ts';
import { parentsOf, walkTree } from './tree.ts';
import type { MountSeen, Snapshot, Surroundings, Tree } from './types.ts';
import { SNAPSHOT_VERSION } from './types.ts';
import { valuer } from './values.ts';

/** What a snapshot is asked to look at. */
export interface SnapshotOptions {
  readonly subject: Subject;
  readonly plan?: Plan;
  /** Absolute paths that were asked for. */
  readonly paths: readonly string[];
  readonly key: Uint8Array;
  /** Values of at most this size are kept; undefined keeps none. */
  readonly showBytesMax?: number;
  readonly limits: SnapshotLimits;
  /** bellhop's own release. */
  readonly version: string;
}

/** Looks at everything; nothing is changed by it. */
export function takeSnapshot(io: Io, options: SnapshotOptions): Snapshot {
  const { subject, plan, limits } = options;
  const beganMs = io.clock.monotonicMs();
  const values = valuer(io, options.key, options.showBytesMax);
  const looked = lookAt(io, subject);
  const mounts = parseMounts(readProc(io, looked, 'mountinfo'));
  const asked = askedOf(options);
  const roots = rootsOf(asked, mounts);
  const process = processSeen(io, looked, values);
  const walk: Walk = {
    view: { fs: io.fs, prefix: subject.kind === 'process' ? `/proc/${subject.pid}/root` : '' },
    valuer: values,
    limits,
    clock: io.clock,
    beganMs,
    roots: new Set(roots.map(({ path }) => path)),
    mounts: new Set(mounts.map(({ path }) => path)),
    mediumOf: (path) => mediumOf(path, mounts),
    cuts: [],
    entries: 0,
    bytes: 0,
  };
  checkRoot(walk);
  const trees = roots.map((root) => walkTree(walk, root));
  return {
    apiVersion: SNAPSHOT_VERSION,
    requires: [],
    bellhop: options.version,
    takenAt: new Date(io.clock.now()).toISOString(),
    of: subject.kind,
    key: values.keyName,
    ...(plan === undefined ? {} : { plan: declaredOf(plan) }),
    process,
    surroundings: surroundingsOf(io, looked, values),
    mounts: mounts.filter(({ path }) => !isUnlisted(path) && concerns(asked, path)),
    trees,
    parents: parentsOf(walk.view, trees),
    cuts: walk.cuts,
  };
}

/** Another process's files are read through /proc/PID/root, which needs its rights. */
function checkRoot({ view }: Walk): void {
  if (view.prefix === '') return;
  try {
    view.fs.list(`${view.prefix}/`);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const what = `its files cannot be reached (${error.errno})`;
    const help =
      'run as the same user as that process; in an ephemeral container set its securityContext so';
    throw new BellhopError('BH_ERR_SNAPSHOT_PROCESS', { where: [view.prefix], what, help });
  }
}

type Root = Pick<Tree, 'path' | 'why' | 'medium'>;

/** What `--path` and the plan ask for. */
function askedOf({ paths, plan }: SnapshotOptions): Root[] {
  const declared = plan === undefined ? [] : declaredPaths(plan);
  return [
    ...paths.map((path): Root => ({ path: cleanPath(path), why: 'path' })),
    ...declared.map((path): Root => ({ path, why: 'plan' })),
  ];
}

/** Where paths are asked for, mounts elsewhere are none of it: a machine may have hundreds. */
function concerns(asked: readonly Root[], mount: string): boolean {
  const near = asked.some(({ path }) => isWithin(mount, path) || isWithin(path, mount));
  return asked.length === 0 || near || mount === '/' || PLATFORM_FILES.includes(mount);
}

/**
 * `--path` and the plan say where to look; without either all mounts do. What is mounted below is
 * looked at too, but for what every container has.
 */
function rootsOf(asked: readonly Root[], mounts: readonly MountSeen[]): Root[] {
  const isAsked = (path: string): boolean =>
    asked.length === 0 || asked.some((root) => isWithin(path, root.path));
  const found = mounts
    .filter(({ path }) => !isPlatformMount(path) && isAsked(path))
    .map(({ path }): Root => ({ path, why: 'mount' }));
  const always = PLATFORM_FILES.map((path): Root => ({ path, why: 'platform' }));
  const distinct = new Map(
    [...asked, ...found, ...always].toReversed().map((root) => [root.path, root]),
  );
  return [...distinct.values()]
    .map((root) => ({ ...root, medium: mediumOf(root.path, mounts) }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Of the mount that is nearest above. */
function mediumOf(path: string, mounts: readonly MountSeen[]): 'memory' | 'disk' {
  const above = mounts.filter((one) => isWithin(path, one.path));
  const nearest = above.toSorted((a, b) => b.path.length - a.path.length)[0];
  return nearest?.medium ?? 'disk';
}

const HOSTNAME = '/proc/sys/kernel/hostname';
const FACT_BYTES_MAX = 4096;

function surroundingsOf(io: Io, looked: Looked, values: ReturnType<typeof valuer>): Surroundings {
  const fact = (path: string): string | undefined => {
    try {
      return Buffer.from(io.fs.read(path, FACT_BYTES_MAX)).toString('utf8').trim();
    } catch (error) {
      if (error instanceof FsError) return undefined;
      throw error;
    }
  };
  const groups = tryProc(io, looked, 'cgroup') ?? '';
  const cgroup =
    groups === '' ? 'none' : /^0::/m.test(groups) && !/^[1-9]/m.test(groups) ? 'v2' : 'v1';
  // The name of another process's namespace cannot be read from here.
  const hostname = looked.subject.kind === 'process' ? undefined : fact(HOSTNAME);
  return {
    kernel: fact('/proc/sys/kernel/osrelease') ?? 'unknown',
    cgroup,
    ...(hostname === undefined ? {} : { hostname: values.value(Buffer.from(hostname)) }),
  };
}
