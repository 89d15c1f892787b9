import * as v from 'valibot';
import type * as t from './types.ts';

// The schema of snapshots: docs/schema/snapshot-v1.schema.json is made from it, and what is read
// is checked by it.

/** The members of T, each with a schema; a member too few or too many is a type error. */
type Members<T> = { readonly [K in keyof T]-?: v.GenericSchema };

const string = v.string();
const flag = v.exactOptional(v.literal(true));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const counts = v.array(count);
const octal = v.pipe(string, v.regex(/^[0-7]{4}$/));
const bits = v.pipe(string, v.regex(/^[0-9a-f]{16}$/));
const medium = v.picklist(['memory', 'disk']);
const absolute = v.pipe(string, v.startsWith('/'));

const text = v.pipe(
  v.union([string, v.strictObject({ base64: string })]),
  v.description('Text, or bytes that are not UTF-8'),
);

const value = v.pipe(
  v.strictObject({
    bytes: count,
    digest: v.pipe(string, v.regex(/^[0-9a-f]{32}$/)),
    shown: v.exactOptional(text),
  } satisfies Members<t.Value>),
  v.description(
    'Size and keyed digest (HMAC-SHA256, 128 bits) of a value; itself only with --show',
  ),
);

const variable = v.strictObject({
  name: text,
  value,
  odd: flag,
} satisfies Members<t.Variable>);

const descriptor = v.strictObject({
  fd: count,
  target: string,
  access: v.picklist(['read', 'write', 'both']),
  append: v.boolean(),
  nonBlocking: v.boolean(),
} satisfies Members<t.Descriptor>);

const capabilities = v.strictObject({
  inheritable: bits,
  permitted: bits,
  effective: bits,
  bounding: bits,
  ambient: bits,
} satisfies Members<t.Capabilities>);

const signals = v.strictObject({
  ignored: bits,
  blocked: bits,
  pending: bits,
} satisfies Members<t.Signals>);

const limit = v.pipe(string, v.regex(/^(\d+|unlimited)$/));

const process = v.strictObject({
  argv: v.exactOptional(v.array(value)),
  env: v.array(variable),
  cwd: v.exactOptional(string),
  uids: counts,
  gids: counts,
  groups: counts,
  capabilities,
  noNewPrivileges: v.exactOptional(v.boolean()),
  seccomp: v.exactOptional(count),
  umask: v.exactOptional(octal),
  limits: v.record(string, v.tuple([limit, limit])),
  signals: v.exactOptional(signals),
  descriptors: v.exactOptional(v.array(descriptor)),
  isFirst: v.boolean(),
} satisfies Members<t.ProcessSeen>);

const surroundings = v.strictObject({
  kernel: string,
  cgroup: v.picklist(['v1', 'v2', 'none']),
  hostname: v.exactOptional(value),
} satisfies Members<t.Surroundings>);

const mount = v.strictObject({
  path: absolute,
  type: string,
  medium,
  readOnly: v.boolean(),
  options: v.array(string),
  sizeBytes: v.exactOptional(count),
} satisfies Members<t.MountSeen>);

const entry = v.pipe(
  v.strictObject({
    path: string,
    type: v.picklist(['dir', 'file', 'link', 'other']),
    special: v.exactOptional(string),
    mode: octal,
    uid: count,
    gid: count,
    target: v.exactOptional(string),
    through: v.exactOptional(string),
    throughMedium: v.exactOptional(medium),
    mount: flag,
    content: v.exactOptional(value),
    bytes: v.exactOptional(count),
    normalised: v.exactOptional(v.array(string)),
    error: v.exactOptional(string),
  } satisfies Members<t.Entry>),
  v.description('A file, folder or link; its path is below that of the tree'),
);

const parent = v.strictObject({
  path: absolute,
  mode: octal,
  uid: count,
  gid: count,
} satisfies Members<t.Parent>);

const tree = v.strictObject({
  path: absolute,
  why: v.picklist(['path', 'plan', 'mount', 'platform']),
  medium: v.exactOptional(medium),
  error: v.exactOptional(string),
  entries: v.array(entry),
} satisfies Members<t.Tree>);

const declared = v.pipe(
  v.strictObject({
    digest: string,
    workload: string,
    container: string,
    variables: v.array(
      v.strictObject({
        name: string,
        from: string,
        rule: string,
        isClusters: flag,
        hasOddDollar: flag,
      } satisfies Members<t.DeclaredVariable>),
    ),
    arguments: v.array(
      v.strictObject({
        fromLast: count,
        isClusters: flag,
        hasOddDollar: flag,
      } satisfies Members<t.DeclaredArgument>),
    ),
    files: v.array(
      v.strictObject({
        path: string,
        from: string,
        rule: string,
        isClusters: flag,
      } satisfies Members<t.DeclaredFile>),
    ),
    mounts: v.array(
      v.strictObject({
        path: string,
        volume: string,
        medium,
        shape: v.picklist(['versioned', 'plain']),
        isPart: v.boolean(),
        rule: string,
      } satisfies Members<t.DeclaredMount>),
    ),
    overImage: v.picklist(['refuse', 'merge']),
    identity: v.picklist(['become', 'keep']),
  } satisfies Members<t.Declared>),
  v.description('What the plan says, for the reasons of differences; never a value'),
);

/** A snapshot as `bellhop snapshot` prints it. */
export const SNAPSHOT_DOCUMENT = v.strictObject({
  apiVersion: v.literal('bellhop/snapshot/v1'),
  requires: v.pipe(v.array(string), v.description('Features that a reader must know')),
  bellhop: v.pipe(string, v.description('The release that took it')),
  takenAt: string,
  of: v.picklist(['command', 'self', 'process']),
  key: v.pipe(string, v.regex(/^[0-9a-f]{16}$/), v.description('Names the key of the digests')),
  plan: v.exactOptional(declared),
  process: v.pipe(process, v.description('What the process was given')),
  surroundings: v.pipe(surroundings, v.description('What surrounds every process there')),
  mounts: v.array(mount),
  trees: v.pipe(v.array(tree), v.description('What was looked at, by path')),
  parents: v.pipe(v.array(parent), v.description('Folders above the trees')),
  cuts: v.pipe(
    v.array(v.strictObject({ limit: string, max: count, path: string } satisfies Members<t.Cut>)),
    v.description('Limits that ended it before everything was seen'),
  ),
} satisfies Members<t.Snapshot>);

/** Parts with a name of their own in the JSON Schema. */
export const SNAPSHOT_PARTS = { text, value, variable, mount, entry, tree };

type Frozen<T> = T extends string | number | boolean | undefined
  ? T
  : { readonly [K in keyof T]: Frozen<T[K]> };
type Document = Frozen<v.InferOutput<typeof SNAPSHOT_DOCUMENT>>;
type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Held<T extends true> = T;

/** Schema and type of snapshots mean the same; where they do not, this does not compile. */
export type SchemaIsTheSnapshot = Held<Same<Document, Frozen<t.Snapshot>>>;

/** The snapshot, or where and why it is none. */
export function checkSnapshot(
  document: unknown,
): { readonly snapshot: t.Snapshot } | { readonly where: string } {
  const read = v.safeParse(SNAPSHOT_DOCUMENT, document);
  if (read.success) return { snapshot: read.output };
  const [issue] = read.issues;
  return { where: v.getDotPath(issue) ?? 'the document' };
}
