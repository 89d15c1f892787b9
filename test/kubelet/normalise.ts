// The steps of NOT_COMPARABLE (rules.ts): each takes something out of one snapshot or both.
import { CLUSTER_VALUES } from './command-line.ts';
import type { Mode } from './run.ts';
import {
  type Container,
  containersOf,
  type Entry,
  type Mount,
  mountPath,
  type Seen,
  type Text,
  type Vector,
} from './vectors.ts';

/** A recorded snapshot and ours, both free to be changed. */
export interface Pair {
  expected: Seen;
  got: Seen;
}

/** Where the pair comes from. */
export interface Context {
  vector: Vector;
  container: Container;
  mode: Mode;
}

const API_SERVER_VARIABLES: Record<string, string> = {
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_SERVICE_PORT_HTTPS: '443',
  KUBERNETES_PORT: 'tcp://10.96.0.1:443',
  KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
  KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
  KUBERNETES_PORT_443_TCP_PORT: '443',
  KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
};
/** What the recorder writes in the place of what differs from run to run. */
const RECORDED_MARKS: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{64}\b/g, '<ID>'],
  [/kube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<RANDOM>'],
  [/containerd-mount\d+/g, 'containerd-mount<RANDOM>'],
  [/(kubernetes\.io\/config\.seen=")[^"]*/g, '$1<TIME>'],
  [/\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+/g, '..TS'],
];

/** Gives a text as the recorder would have written it. */
export type Scrub = (text: string) => string;

/** A scrub that also puts marks in the place of these values. */
export function scrubOf(own: readonly (readonly [value: string, mark: string])[]): Scrub {
  return (text) => {
    let out = text;
    for (const [value, mark] of own) out = out.replaceAll(value, mark);
    for (const [pattern, mark] of RECORDED_MARKS) out = out.replace(pattern, mark);
    return out;
  };
}

/** For what `run` was told of the cluster. */
export const scrub = scrubOf(
  Object.entries(CLUSTER_VALUES).map(([mark, value]) => [value, mark] as const),
);

const bytesOf = (content: string): string => Buffer.from(content, 'base64').toString('latin1');
const contentOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('base64');

/** Leaves of a file only what does not follow from its bytes. */
export function loosen(entry: Entry): void {
  delete entry.size;
  delete entry.sha256;
  delete entry.normalised;
}

function scrubEntry(entry: Entry, scrub: Scrub): void {
  entry.path = scrub(entry.path);
  if (entry.target !== undefined) entry.target = scrub(entry.target);
  if (entry.content === undefined) return;
  const bytes = bytesOf(entry.content);
  const clean = scrub(bytes);
  if (clean === bytes) return;
  loosen(entry);
  entry.content = contentOf(clean);
  entry.normalised = true;
}

/** Makes of a snapshot what the recorder would have written. */
export function scrubSeen(seen: Seen, scrub: Scrub): void {
  const scrubText = (text: Text): Text => (typeof text === 'string' ? scrub(text) : text);
  seen.argv = seen.argv.map(scrubText);
  seen.env = seen.env.map(({ name, value }) => ({
    name: scrubText(name),
    value: value === null ? null : scrubText(value),
  }));
  seen.cwd = scrub(seen.cwd);
  seen.hostname = scrub(seen.hostname);
  for (const mount of seen.mounts) {
    mount.path = scrub(mount.path);
    for (const parent of mount.parents) parent.path = scrub(parent.path);
    for (const entry of mount.entries) scrubEntry(entry, scrub);
  }
  for (const fd of seen.fds) fd.target = fd.target.replace(/^\/dev\/pts\/\d+$/, '/dev/pts/N');
}

/** The container's own mount at this path, as the pod declares it. */
export function declaredAt(container: Container, at: string) {
  return container.volumeMounts?.find((mount) => scrub(mountPath(mount.mountPath)) === at);
}

/** Takes mounts of the platform's out of the recorded snapshot, where we have none there. */
export function dropAbsentMounts({ expected, got }: Pair, drop: (at: string) => boolean): void {
  const ours = new Set(got.mounts.map((mount) => mount.path));
  expected.mounts = expected.mounts.filter(({ path }) => ours.has(path) || !drop(path));
}

/** Does something to each mount of both snapshots. */
export function eachMount({ expected, got }: Pair, change: (mount: Mount) => void): void {
  for (const mount of [...expected.mounts, ...got.mounts]) change(mount);
}

/** Does something to each entry below each mount of both snapshots. */
export function eachEntry(pair: Pair, change: (entry: Entry, mount: Mount) => void): void {
  eachMount(pair, (mount) => mount.entries.forEach((entry) => change(entry, mount)));
}

/** The entry of the same mount and path in a snapshot. */
export function entryOf(seen: Seen, mount: Mount, entry: Entry): Entry | undefined {
  const same = seen.mounts.find((other) => other.path === mount.path);
  return same?.entries.find((other) => other.path === entry.path);
}

/** What this container's own arguments make the probe write. */
function ownWrites(container: Container): Set<string> {
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  const writes = words.filter((word) => word.startsWith('probe:write='));
  return new Set(writes.map((word) => word.split('=')[1] ?? ''));
}

/** Whether an emptyDir at this path is also mounted by another container of the pod. */
function isShared(at: string, { vector, container }: Context): boolean {
  const volume = declaredAt(container, at)?.name;
  const declared = vector.pod.spec.volumes?.find((candidate) => candidate.name === volume);
  if (declared?.emptyDir === undefined) return false;
  return containersOf(vector.pod).some(
    ({ container: other }) =>
      other.name !== container.name &&
      (other.volumeMounts ?? []).some((mount) => mount.name === volume),
  );
}

/** Takes out what other containers wrote into a volume that they share. */
export function dropForeignData({ expected, got }: Pair, context: Context): void {
  const own = ownWrites(context.container);
  for (const mount of expected.mounts) {
    if (!isShared(mount.path, context)) continue;
    mount.entries = mount.entries.filter((entry) => {
      const kept = entry.path === '.' || entry.mountpoint || own.has(`${mount.path}/${entry.path}`);
      return kept || entryOf(got, mount, entry) !== undefined;
    });
  }
}

/** Paths of mounts and termination logs below mounts of the volume, and their parents. */
function nestedBelow(volume: string, containers: readonly Container[]): Set<string> {
  const nested = new Set<string>();
  for (const { volumeMounts = [], terminationMessagePath: log } of containers) {
    const paths = volumeMounts.map((mount) => mountPath(mount.mountPath));
    if (log !== undefined) paths.push(mountPath(log));
    const outer = volumeMounts.filter((mount) => mount.name === volume);
    for (const top of outer.map((mount) => mountPath(mount.mountPath))) {
      for (const one of paths.filter((each) => each.startsWith(`${top}/`))) {
        const steps = one.slice(top.length + 1).split('/');
        steps.forEach((_, index) => nested.add(steps.slice(0, index + 1).join('/')));
      }
    }
  }
  return nested;
}

/** Takes out folders that mounts of other containers have made in a volume that they share. */
export function dropForeignFolders({ expected, got }: Pair, context: Context): void {
  const { container, vector } = context;
  const others = containersOf(vector.pod)
    .map((one) => one.container)
    .filter((other) => other.name !== container.name);
  for (const mount of expected.mounts) {
    const volume = declaredAt(container, mount.path)?.name;
    const theirs = others.filter(({ volumeMounts = [] }) => {
      return volumeMounts.some((one) => one.name === volume);
    });
    if (volume === undefined || theirs.length === 0) continue;
    const made = nestedBelow(volume, theirs);
    for (const { volumeMounts = [] } of theirs) {
      for (const { name, subPath = '' } of volumeMounts) if (name === volume) made.add(subPath);
    }
    const hasExpr = theirs.some(({ volumeMounts = [] }) => {
      return volumeMounts.some((one) => one.name === volume && one.subPathExpr !== undefined);
    });
    mount.entries = mount.entries.filter((entry) => {
      if (entry.type !== 'dir' || entryOf(got, mount, entry) !== undefined) return true;
      const ofThem = hasExpr || [...made].some((one) => `${one}/`.startsWith(`${entry.path}/`));
      return !ofThem || entry.path.startsWith('..');
    });
  }
}

/** Takes out how a mount inside of a volume looks from that volume, here and at its other paths. */
export function dropNested(pair: Pair, { container, vector }: Context): void {
  const all = containersOf(vector.pod).map((one) => one.container);
  const declared = (container.volumeMounts ?? []).map((mount) => mountPath(mount.mountPath));
  eachMount(pair, (mount) => {
    const volume = declaredAt(container, mount.path)?.name;
    const nested = volume === undefined ? [] : [...nestedBelow(volume, all)];
    const isNested = (path: string): boolean =>
      nested.some((one) => `/${path}/`.includes(`/${one}/`)) && !path.startsWith('..');
    mount.entries = mount.entries.filter(({ path }) => path === '.' || !isNested(path));
    mount.parents = mount.parents.filter(({ path }) => {
      return !declared.some((one) => `${path}/`.startsWith(`${one}/`));
    });
  });
}

/** Undoes a link to a volume's first path in the working directory. */
export function dropLinkedCwd({ expected, got }: Pair, { container }: Context): void {
  const mounts = (container.volumeMounts ?? []).map((one) => mountPath(one.mountPath));
  const isIn = (cwd: string): boolean => mounts.some((one) => `${cwd}/`.startsWith(`${one}/`));
  if (isIn(expected.cwd) && isIn(got.cwd)) got.cwd = expected.cwd;
}

/** Takes out the API server's variables that we have not. */
export function dropApiServerVariables({ expected, got }: Pair): void {
  const ours = new Set(got.env.map(({ name }) => name));
  expected.env = expected.env.filter(({ name, value }) => {
    const known = typeof name === 'string' ? API_SERVER_VARIABLES[name] : undefined;
    return known === undefined || known !== value || ours.has(name);
  });
}

/** Leaves of the platform's mounts only whether / is read-only. */
export function rootReadOnly(seen: Seen): void {
  const root = seen.platformMounts.find((mount) => mount.path === '/');
  seen['rootReadOnly'] = root?.options.split(',').includes('ro') ?? false;
  seen.platformMounts = [];
}

/** Takes out the two lines that the kubelet adds to what the API object has. */
export function dropConfigLines(entry: Entry): void {
  if (entry.content === undefined) return;
  const bytes = bytesOf(entry.content);
  const lines = bytes.split('\n');
  const kept = lines.filter((line) => !/^kubernetes\.io\/config\.(seen|source)="/.test(line));
  if (kept.length === lines.length) return;
  entry.content = contentOf(kept.join('\n'));
  entry.normalised = true;
}

/** Gives our tokens the mark that stands for the recorded ones. */
export function dropRandomBytes({ expected, got }: Pair): void {
  for (const mount of expected.mounts) {
    for (const entry of mount.entries) {
      if (entry.content !== '<TOKEN>' && entry.content !== '<CLUSTER_CA>') continue;
      const same = entryOf(got, mount, entry);
      if (same !== undefined) same.content = entry.content;
    }
  }
}

// The bytes of a character after `$` as v1.33.13 gave them: the first read as Latin-1, each of the
// others as U+FFFD.
function corrupted(character: string): string {
  const bytes = [...Buffer.from(character)];
  return String.fromCodePoint(bytes[0] ?? 0) + '\u{FFFD}'.repeat(bytes.length - 1);
}

/** Undoes what v1.33.13 did to a character outside ASCII behind `$`. */
export function mendDollars({ expected }: Pair, { container }: Context): void {
  const written = JSON.stringify([container.env, container.command, container.args]);
  const broken = new Set([...written.matchAll(/\$([^\0-\x7F])/gu)].map((match) => match[1] ?? ''));
  const mend = (text: Text): Text => {
    let out = text;
    for (const character of broken) {
      if (typeof out === 'string')
        out = out.replaceAll(`$${corrupted(character)}`, `$${character}`);
    }
    return out;
  };
  expected.argv = expected.argv.map(mend);
  for (const variable of expected.env) {
    if (variable.value !== null) variable.value = mend(variable.value);
  }
}
