import * as v from 'valibot';
import type * as m from '../wire/metrics.ts';
import type * as t from './types.ts';

// The schema of plan documents for editors and other programs: docs/schema/plan-v1.schema.json is
// made from it. It is not in the start path; `readPlan` checks what `run` needs.

/** The members of T, each with a schema; a member too few or too many is a type error. */
type Members<T> = { readonly [K in keyof T]-?: v.GenericSchema };

const text = v.string();
const texts = v.array(text);
const flag = v.exactOptional(v.literal(true));
const rule = v.pipe(text, v.description('Where the declaration asks for it'));
const mode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const reference = v.strictObject({
  store: text,
  path: text,
  key: v.exactOptional(text),
  version: v.exactOptional(text),
} satisfies Members<t.Reference>);

const bound = v.pipe(
  v.strictObject({
    reference,
    member: v.exactOptional(text),
    optional: flag,
    default: v.exactOptional(text),
    defaultOn: v.exactOptional(v.literal('outage')),
    fallbacks: v.exactOptional(v.array(reference)),
    textOnly: flag,
    called: text,
  } satisfies Members<t.Bound>),
  v.description('A reference, and what to do where it has no value'),
);

type Kinds<U extends { readonly kind: string }> = {
  readonly [K in U['kind']]: Members<Extract<U, { kind: K }>>;
};

const SOURCES = {
  template: { kind: v.literal('template'), text },
  text: { kind: v.literal('text'), text, of: text },
  annotations: { kind: v.literal('annotations'), entries: v.record(text, text) },
  labels: { kind: v.literal('labels'), entries: v.record(text, text) },
  index: { kind: v.literal('index'), of: text },
  value: { kind: v.literal('value'), bound },
  absent: { kind: v.literal('absent'), called: text },
} satisfies Kinds<t.Source>;

const source = v.pipe(
  v.variant('kind', [
    v.strictObject(SOURCES.template),
    v.strictObject(SOURCES.text),
    v.strictObject(SOURCES.annotations),
    v.strictObject(SOURCES.labels),
    v.strictObject(SOURCES.index),
    v.strictObject(SOURCES.value),
    v.strictObject(SOURCES.absent),
  ]),
  v.description('Where the content of a variable or file comes from; never a value'),
);

const parts = v.array(
  v.union([v.strictObject({ text }), v.strictObject({ of: text }), v.strictObject({ from: text })]),
);

const MADE = {
  start: {
    kind: v.literal('start'),
    targets: v.array(
      v.union([
        v.strictObject({ variable: text, parts }),
        v.strictObject({ argument: count, parts }),
      ]),
    ),
  },
  envFile: { kind: v.literal('envFile'), names: texts },
  launcher: { kind: v.literal('launcher') },
  hyperparameters: { kind: v.literal('hyperparameters'), bound },
} satisfies Kinds<t.MadeSource>;

const made = v.pipe(
  v.variant('kind', [
    v.strictObject(MADE.start),
    v.strictObject(MADE.envFile),
    v.strictObject(MADE.launcher),
    v.strictObject(MADE.hyperparameters),
  ]),
  v.description('What only a file of its own can hold'),
);

const CONTENTS = {
  file: {
    kind: v.literal('file'),
    path: text,
    mode,
    uid: v.exactOptional(count),
    source,
    rule,
  },
  files: { kind: v.literal('files'), mode, bound, rule },
} satisfies Kinds<t.Content>;

const content = v.variant('kind', [v.strictObject(CONTENTS.file), v.strictObject(CONTENTS.files)]);

const mount = v.strictObject({
  path: v.pipe(text, v.startsWith('/')),
  subPath: v.exactOptional(text),
  subPathExpr: v.exactOptional(text),
  readOnly: v.boolean(),
  rule,
} satisfies Members<t.Mount>);

const layer = v.picklist(['settings', 'service', 'envFrom', 'env']);
const medium = v.picklist(['memory', 'disk']);

const PLACEMENTS = {
  variable: {
    kind: v.literal('variable'),
    layer,
    name: text,
    source,
    unless: v.exactOptional(texts),
    rule,
  },
  variables: { kind: v.literal('variables'), layer, prefix: text, bound, rule },
  argv: { kind: v.literal('argv'), command: texts, args: texts, rule },
  directory: {
    kind: v.literal('directory'),
    volume: text,
    medium,
    shape: v.picklist(['versioned', 'plain']),
    sizeBytesMax: v.exactOptional(count),
    fsGroup: v.exactOptional(count),
    contents: v.array(content),
    nested: v.exactOptional(texts),
    mounts: v.array(mount),
    rule,
  },
  file: {
    kind: v.literal('file'),
    path: v.pipe(text, v.startsWith('/')),
    mode,
    medium,
    keep: flag,
    source: v.union([source, made]),
    rule,
  },
} satisfies Kinds<t.Placement>;

const placement = v.variant('kind', [
  v.strictObject(PLACEMENTS.variable),
  v.strictObject(PLACEMENTS.variables),
  v.strictObject(PLACEMENTS.argv),
  v.strictObject(PLACEMENTS.directory),
  v.strictObject(PLACEMENTS.file),
]);

const origin = v.strictObject({
  kind: text,
  name: text,
  namespace: text,
  container: text,
} satisfies Members<t.Origin>);

const lastGood = v.strictObject({
  to: reference,
  key: v.union([v.strictObject({ kms: text, store: text }), v.strictObject({ age: reference })]),
  maxAgeSeconds: count,
} satisfies Members<t.LastGood>);

const policy = v.strictObject({
  overImage: v.picklist(['refuse', 'merge']),
  disk: v.picklist(['refuse', 'allow']),
  nonUtf8Env: v.picklist(['replace', 'bytes']),
  initContainers: v.picklist(['refuse', 'ignore']),
  identity: v.picklist(['become', 'keep']),
  stripEnv: texts,
  startMsMax: v.exactOptional(count),
  attemptsMax: v.exactOptional(count),
  hedgeAfterMs: v.exactOptional(count),
  jobSecondsMax: v.exactOptional(count),
  shortLease: v.exactOptional(v.picklist(['refuse', 'allow'])),
  lastGood: v.exactOptional(lastGood),
} satisfies Members<t.Policy>);

const image = v.strictObject({
  entrypoint: v.exactOptional(texts),
  cmd: v.exactOptional(texts),
  user: v.exactOptional(text),
  workingDir: v.exactOptional(text),
} satisfies Members<t.Image>);

const identity = v.strictObject({
  user: v.exactOptional(count),
  group: v.exactOptional(count),
  supplementalGroups: v.array(count),
  nonRoot: v.exactOptional(v.boolean()),
  noNewPrivileges: flag,
  dropCapabilities: v.exactOptional(texts),
  addCapabilities: v.exactOptional(texts),
  readOnlyRoot: flag,
} satisfies Members<t.Identity>);

const relay = v.strictObject({
  listen: texts,
  taken: v.picklist(['warn', 'fail']),
  tags: v.record(text, text),
  forward: v.array(v.strictObject({ listen: text, to: text } satisfies Members<m.Forward>)),
} satisfies Members<m.Relay>);

const metrics = v.strictObject({
  statsd: v.exactOptional(text),
  otlp: v.exactOptional(text),
  tags: v.picklist(['dogstatsd', 'none']),
  self: v.boolean(),
  relay: v.exactOptional(relay),
} satisfies Members<m.Metrics>);

const index = v.strictObject({
  otherwise: v.exactOptional(text),
  below: v.exactOptional(count),
  toldBy: v.exactOptional(texts),
} satisfies Members<t.CompletionIndex>);

const PLAN = {
  apiVersion: v.literal('bellhop/plan/v1'),
  requires: v.pipe(texts, v.description('Features that a reader must know, else it refuses')),
  origin: v.pipe(origin, v.description('Where the declaration came from')),
  stores: v.record(text, v.looseObject({ kind: text })),
  policy: v.pipe(policy, v.description('How strict delivery is')),
  image: v.pipe(image, v.description("What the image's own configuration says")),
  identity: v.pipe(identity, v.description('Who the program is to be')),
  index: v.exactOptional(
    v.pipe(index, v.description('How the completion index of an Indexed Job is found')),
  ),
  metrics: v.exactOptional(
    v.pipe(metrics, v.description('Where metrics go, and the relay beside the program')),
  ),
  workingDir: v.pipe(text, v.description("The container's workingDir, or empty")),
  placements: v.pipe(v.array(placement), v.description('What must appear, in order')),
} satisfies Members<t.Plan>;

/** A plan as `bellhop plan` prints it. */
export const PLAN_DOCUMENT = v.strictObject({
  ...PLAN,
  digest: v.pipe(
    text,
    v.regex(/^sha256:[0-9a-f]{64}$/),
    v.description('SHA-256 over the canonical JSON (RFC 8785) of the document without this member'),
  ),
});

/** Parts with a name of their own in the JSON Schema. */
export const PLAN_PARTS = { reference, bound, source, made, content, mount, placement };

type Frozen<T> = unknown extends T
  ? T
  : T extends string | number | boolean | undefined
    ? T
    : T extends readonly (infer E)[]
      ? readonly Frozen<E>[]
      : { readonly [K in keyof T]: Frozen<T[K]> };
type Document = Frozen<v.InferOutput<typeof PLAN_DOCUMENT>>;
type Printed = t.Plan & { readonly digest: string };
type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Held<T extends true> = T;

/** Schema and type of plans mean the same; where they do not, this does not compile. */
export type SchemaIsThePlan = Held<Same<Document, Printed>>;
