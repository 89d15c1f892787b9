import { BellhopError } from '../core/errors.ts';
import type { Sealed } from '../core/sealed.ts';
import { cleanPath, stepsOf } from '../core/paths.ts';
import { itemPathProblem } from '../wire/names.ts';

// The shape of a volume as the kubelet writes it: k8s.io/kubernetes v1.33.13
// pkg/volume/util/atomic_writer.go and pkg/volume/volume_linux.go; golden vectors secret-*,
// projected-*, user-fsgroup-*.

/** A file that a volume is to have, before the kubelet's shape is given to it. */
export interface Payload {
  readonly path: string;
  readonly mode: number;
  readonly uid?: number;
  readonly content: Sealed;
}

/** One entry of the finished tree; `path` is relative to the volume's root. */
export type Entry =
  | { readonly kind: 'dir'; readonly path: string; readonly mode: number; readonly owner: Owner }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly owner: Owner;
      readonly content: Sealed;
    }
  | {
      readonly kind: 'link';
      readonly path: string;
      readonly target: string;
      readonly owner: Owner;
    };

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A versioned volume: the timestamped folder with its content, and the links beside it. */
export interface VolumeTree {
  readonly root: { readonly mode: number; readonly owner: Owner };
  /** Name of the timestamped folder. */
  readonly version: string;
  /** The folder itself (path '') and everything below it. */
  readonly inside: readonly Entry[];
  /** Links in the volume's root, one for each top name; `..data` is not among them. */
  readonly links: readonly Extract<Entry, { kind: 'link' }>[];
  readonly dataLink: Extract<Entry, { kind: 'link' }>;
  /** Folders of its root that are there before it is filled, for mounts inside of it. */
  readonly nested: readonly string[];
}

/** What decides modes and owners. */
export interface VolumeRules {
  readonly medium: 'memory' | 'disk';
  readonly readOnly: boolean;
  readonly fsGroup?: number;
}

const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;

/** Mode of a volume's root: 1777 in memory, 0777 on disk, with the fsGroup's bits. */
export function rootMode(rules: VolumeRules): number {
  const plain = rules.medium === 'memory' ? 0o1777 : 0o777;
  return rules.fsGroup === undefined ? plain : plain | (rules.readOnly ? 0o2550 : 0o2770);
}

/** Mode of a folder in a volume of files, with the fsGroup's bits. */
export function folderMode(fsGroup: number | undefined): number {
  return fsGroup === undefined ? 0o755 : 0o755 | 0o2550;
}

/** `..2026_11_21_08_42_09.33691685`: UTC, then a number without padding. */
export function versionName(nowMs: number, random: number): string {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
  return `..${stamp}.${random}`;
}

/** Gives the payloads the kubelet's shape. The later of two payloads with one path wins. */
export function volumeTree(
  payloads: readonly Payload[],
  rules: VolumeRules,
  version: string,
): VolumeTree | readonly BellhopError[] {
  const files = new Map<string, Payload>();
  const problems: BellhopError[] = [];
  for (const payload of payloads) {
    const problem = itemPathProblem(payload.path) ?? lengthProblem(payload.path);
    const path = cleanPath(payload.path);
    if (problem === undefined && path !== '') files.set(path, payload);
    else problems.push(pathProblem(payload.path, problem ?? 'must name a file'));
  }
  const folders = new Set<string>();
  for (const path of files.keys()) {
    for (const folder of stepsOf(path).slice(0, -1)) folders.add(folder);
  }
  for (const path of files.keys()) {
    if (folders.has(path)) problems.push(pathProblem(path, 'is both a file and a folder'));
  }
  if (problems.length > 0) return problems;
  return treeOf({ files, folders, rules, version });
}

/** validatePath of atomic_writer.go: bytes of the whole, and of each element. */
function lengthProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    return `must be no more than ${PATH_BYTES_MAX} bytes`;
  }
  const isLong = path.split('/').some((step) => Buffer.byteLength(step) > NAME_BYTES_MAX);
  return isLong ? `must have no element of more than ${NAME_BYTES_MAX} bytes` : undefined;
}

function pathProblem(path: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_VALUE', { where: [`path ${path}`], what });
}

interface Parts {
  readonly files: ReadonlyMap<string, Payload>;
  readonly folders: ReadonlySet<string>;
  readonly rules: VolumeRules;
  readonly version: string;
}

function treeOf({ files, folders, rules, version }: Parts): VolumeTree {
  const { fsGroup } = rules;
  const owner: Owner = { uid: 0, gid: fsGroup ?? 0 };
  const dirMode = folderMode(fsGroup);
  const inside: Entry[] = [{ kind: 'dir', path: '', mode: dirMode, owner }];
  for (const path of [...folders].toSorted()) {
    inside.push({ kind: 'dir', path, mode: dirMode, owner });
  }
  for (const [path, payload] of files) {
    const mode = fsGroup === undefined ? payload.mode : payload.mode | 0o440;
    const fileOwner = { ...owner, uid: payload.uid ?? 0 };
    inside.push({ kind: 'file', path, mode, owner: fileOwner, content: payload.content });
  }
  const tops = new Set([...files.keys()].map((path) => path.split('/')[0] ?? path));
  const links = [...tops].map((top) => {
    return { kind: 'link' as const, path: top, target: `..data/${top}`, owner };
  });
  const dataLink = { kind: 'link' as const, path: '..data', target: version, owner };
  const root = { mode: rootMode(rules), owner };
  return { root, version, inside, links, dataLink, nested: [] };
}

/** The same tree in a volume that has such folders already: the kubelet makes no link there. */
export function withNested(tree: VolumeTree, nested: readonly string[]): VolumeTree {
  const links = tree.links.filter(({ path }) => !nested.includes(path));
  return { ...tree, links, nested };
}

/** What a path in a volume leads to; undefined where nothing is. */
export function leadsTo(tree: VolumeTree, path: string): Entry['kind'] | undefined {
  if (tree.nested.includes(path)) return 'dir';
  return insidePath(tree, path)?.kind;
}

/** Where a path of a volume lies inside the versioned folder; undefined where nothing is there. */
export function insidePath(tree: VolumeTree, path: string): Entry | undefined {
  const [top = '', ...rest] = path.split('/');
  if (tree.nested.includes(top)) return undefined;
  const inside = top === '..data' || top === tree.version ? rest.join('/') : path;
  return tree.inside.find((entry) => entry.path === inside);
}
