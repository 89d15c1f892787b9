import * as v from 'valibot';
import { BellhopError } from '../core/errors.ts';
import type { Source as DocumentSource } from '../wire/read.ts';
import { pathText } from '../wire/read.ts';
import { ReferenceProblem, parseReference } from './reference.ts';
import { DEFAULT_POLICY } from './types.ts';
import type { Policy, Reference, StoreOptions } from './types.ts';

// bellhop.yaml: one schema gives the check, the types and, by `npm run gen`, the JSON Schema.

const name = v.pipe(v.string(), v.minLength(1));
const written = v.pipe(
  v.string(),
  v.check(
    (text) => referenceProblem(text) === undefined,
    (issue) => {
      return referenceProblem(String(issue.input)) ?? 'not a reference';
    },
  ),
  v.description('A reference: store:path#key@version'),
);
const spelled = v.strictObject({
  store: name,
  path: name,
  key: v.optional(name),
  version: v.optional(name),
});
const reference = v.pipe(v.union([written, spelled]), v.description('store:path#key@version'));
const governed = v.strictObject({
  from: reference,
  optional: v.optional(v.pipe(v.boolean(), v.description('Absence is no error'))),
  default: v.optional(v.pipe(v.string(), v.description('Used where the value is absent'))),
});
const value = v.union([written, spelled, governed]);
const words = v.array(v.string());
const mode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777));

function referenceProblem(text: string): string | undefined {
  try {
    parseReference(text, () => true);
    return undefined;
  } catch (error) {
    if (error instanceof ReferenceProblem) return error.message;
    throw error;
  }
}

function oneOf<const T extends readonly string[]>(options: T, text: string) {
  return v.optional(v.pipe(v.picklist(options), v.description(text)));
}

const policy = v.strictObject({
  overImage: oneOf(
    ['refuse', 'merge'],
    'Content of the image at a mount path (without mount rights)',
  ),
  disk: oneOf(['refuse', 'allow'], 'Secret bytes on a disk where there is no memory file system'),
  nonUtf8Env: oneOf(['replace', 'bytes'], 'Bytes that are not UTF-8, in variables and arguments'),
  initContainers: oneOf(['refuse', 'ignore'], 'Init containers of the pod, which run does not run'),
  identity: oneOf(['become', 'keep'], 'keep: run as the user that the container has'),
  stripEnv: v.optional(v.pipe(words, v.description('Variables on arrival that are not passed on'))),
});

/** The whole of bellhop.yaml. */
export const SETTINGS = v.strictObject({
  apiVersion: v.literal('bellhop/v1'),
  stores: v.optional(v.record(name, v.looseObject({ kind: name }))),
  secrets: v.optional(v.record(name, v.union([written, spelled, v.record(name, value)]))),
  configMaps: v.optional(v.record(name, v.union([written, spelled, v.record(name, value)]))),
  env: v.optional(v.objectWithRest({ from: v.optional(v.array(reference)) }, value)),
  files: v.optional(
    v.record(name, v.strictObject({ ...governed.entries, mode: v.optional(mode) })),
  ),
  tokens: v.optional(v.record(name, value)),
  volumes: v.optional(v.record(name, v.picklist(['present']))),
  fields: v.optional(v.record(name, v.string())),
  node: v.optional(v.record(name, v.union([v.string(), v.number()]))),
  image: v.optional(
    v.strictObject({
      entrypoint: v.optional(words),
      cmd: v.optional(words),
      user: v.optional(v.string()),
      workingDir: v.optional(v.string()),
    }),
  ),
  policy: v.optional(policy),
});

export type Settings = v.InferOutput<typeof SETTINGS>;
export type WrittenReference = v.InferOutput<typeof reference>;
export type WrittenValue = v.InferOutput<typeof value>;

/** No bellhop.yaml at all. */
export const NO_SETTINGS: Settings = { apiVersion: 'bellhop/v1' };

/** Reads bellhop.yaml; every problem is reported, with its position. */
export function readSettings(
  input: unknown,
  source: DocumentSource,
): { readonly settings: Settings; readonly problems: readonly BellhopError[] } {
  const result = v.safeParse(SETTINGS, input);
  if (result.success) return { settings: result.output, problems: [] };
  return {
    settings: NO_SETTINGS,
    problems: result.issues.flatMap((one) => problemOf(one, source)),
  };
}

function problemOf(issue: v.BaseIssue<unknown>, source: DocumentSource): BellhopError[] {
  const best = issue.type === 'union' ? bestBranch(issue) : undefined;
  if (best !== undefined) return best.flatMap((one) => problemOf(withPath(issue, one), source));
  const path = (issue.path ?? []).map((step) => {
    return typeof step.key === 'number' ? step.key : String(step.key);
  });
  const { line, column } = source.locate(path);
  const where = [`${source.name}:${line}:${column}`, pathText(path)];
  return [new BellhopError('BH_ERR_SETTINGS', { where, what: sentence(issue, path) })];
}

/** Of the branches of a union the one whose complaints lie deepest says it best. */
function bestBranch(issue: v.BaseIssue<unknown>): readonly v.BaseIssue<unknown>[] | undefined {
  const issues = issue.issues ?? [];
  const deep = issues.filter((one) => (one.path?.length ?? 0) > 0 || one.type === 'check');
  return deep.length > 0 ? deep.slice(0, 1) : undefined;
}

function withPath(outer: v.BaseIssue<unknown>, inner: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const path = [...(outer.path ?? []), ...(inner.path ?? [])];
  const [first, ...rest] = path;
  return first === undefined ? inner : { ...inner, path: [first, ...rest] };
}

function sentence(issue: v.BaseIssue<unknown>, path: readonly (string | number)[]): string {
  const last = path.at(-1) ?? 'this';
  if (issue.type === 'strict_object' && issue.expected === 'never') return `unknown field ${last}`;
  if (issue.received === 'undefined') return `${last} is required`;
  if (issue.type === 'check') return issue.message;
  return `must be ${issue.expected ?? 'something else'}, is ${received(issue.input)}`;
}

/** The kind of what stands there, never the value: settings may hold a secret by mistake. */
function received(input: unknown): string {
  if (input === null) return 'null';
  return Array.isArray(input) ? 'a list' : typeof input === 'string' ? 'text' : `a ${typeof input}`;
}

/** The policy with its defaults. */
export function policyOf(settings: Settings): Policy {
  const given = Object.entries(settings.policy ?? {}).filter(([, one]) => one !== undefined);
  return { ...DEFAULT_POLICY, ...Object.fromEntries(given) };
}

/** A reference as written in bellhop.yaml, its templates already filled. */
export function referenceOf(
  input: WrittenReference,
  hasVersions: (store: string) => boolean,
): Reference {
  if (typeof input === 'string') return parseReference(input, hasVersions);
  const { store, path, key, version } = input;
  return {
    store,
    path,
    ...(key === undefined ? {} : { key }),
    ...(version === undefined ? {} : { version }),
  };
}

/** The stores of bellhop.yaml by their names. */
export function storesOf(settings: Settings): Readonly<Record<string, StoreOptions>> {
  return settings.stores ?? {};
}
