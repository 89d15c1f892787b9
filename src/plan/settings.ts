import * as v from 'valibot';
import type { BellhopError } from '../core/errors.ts';
import type { Source as DocumentSource } from '../wire/read.ts';
import { isRecord } from '../wire/read.ts';
import { ReferenceProblem, parseReference } from './reference.ts';
import { issuePath, namesAt, schemaSentence } from './schema-issues.ts';
import { METRICS } from './settings-metrics.ts';
import { name, setting, words } from './settings-parts.ts';
import type { SettingsIssue, SettingsPath } from './settings-problems.ts';
import { guardNames, listProblems, settingsProblems, unguardNames } from './settings-problems.ts';
import { SUBMIT } from './settings-submit.ts';
import { NO_SETTINGS } from './settings-use.ts';

// bellhop.yaml: one schema gives the check, the types and, by `npm run gen`, the JSON Schema.

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
const spelled = v.pipe(
  v.strictObject({
    store: v.pipe(name, v.description("The store's name in `stores`")),
    path: v.pipe(name, v.description('Where the value is in the store')),
    key: v.optional(v.pipe(name, v.description('One key of a value that has several'))),
    version: v.optional(v.pipe(name, v.description('Which version, where the store has them'))),
  }),
  v.description('A reference in its object form, without escapes'),
);
const reference = v.pipe(v.union([written, spelled]), v.description('store:path#key@version'));
const governed = v.strictObject({
  from: v.pipe(reference, v.description('The reference')),
  optional: setting(v.boolean(), 'Absence is no error'),
  default: setting(v.string(), 'Used where the value is absent'),
  defaultOn: setting(v.literal('outage'), 'The default covers an outage of the store, too'),
  fallback: setting(
    v.array(reference),
    'Asked in this order when the store is down, past one that lacks it; before `policy.fallback`',
  ),
});
const value = v.union([written, spelled, governed]);
const mode = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(0o777),
  v.description('Permissions, octal with a leading 0 as in manifests (0400 where absent)'),
);

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

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const fallbackStore = v.pipe(
  v.union([name, v.strictObject({ store: name, path: v.optional(name) })]),
  v.description('A store that holds the same under the same path, or under the path given'),
);
const lastGood = v.strictObject({
  to: v.pipe(
    reference,
    v.description(
      'Where the encrypted copy is written, e.g. s3:bucket/key; in a store that can be written',
    ),
  ),
  key: v.pipe(
    v.union([
      v.strictObject({
        kms: v.pipe(name, v.description('Id, ARN or alias of the KMS key; with `store`')),
        store: v.pipe(
          name,
          v.description('The AWS store whose region and identity KMS is asked by'),
        ),
      }),
      v.strictObject({
        age: v.pipe(reference, v.description('Where the age identity is; instead of `kms`')),
      }),
    ]),
    v.description('A KMS key of an AWS store, or where an age identity (AGE-SECRET-KEY-1…) is'),
  ),
  maxAgeSeconds: v.pipe(count, v.description('An older copy is never used')),
});

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
  startMsMax: setting(count, 'The whole start is decided within this time (30000 where absent)'),
  attemptsMax: setting(count, 'Attempts of a request, but for throttling (as the time allows)'),
  hedgeAfterMs: setting(
    count,
    'A second request goes out beside one that takes longer (only once 20 answers show what is usual)',
  ),
  fallback: setting(
    v.record(name, v.array(fallbackStore)),
    'For each store the ones that are asked in this order when it is down',
  ),
  missing: oneOf(['fail'], 'What is required and absent: nothing starts'),
  jobSecondsMax: setting(
    count,
    "How long the job may take: what is lent must last as long (the pod's activeDeadlineSeconds)",
  ),
  shortLease: oneOf(['refuse', 'allow'], 'What is lent for less than the job may take'),
  lastGood: setting(lastGood, 'An encrypted copy of all but leases, for when every store is down'),
});

const store = v.looseObject({
  kind: v.pipe(name, v.description('What kind of store; the others are options of that kind')),
});
const bindings = v.record(name, v.union([written, spelled, v.record(name, value)]));
const image = v.strictObject({
  entrypoint: setting(words, "The image's ENTRYPOINT, which the pod's `command` replaces"),
  cmd: setting(words, "The image's CMD, which the pod's `args` replace"),
  user: setting(v.string(), "The image's USER"),
  workingDir: setting(v.string(), "The image's WORKDIR"),
});
const files = v.record(name, v.strictObject({ ...governed.entries, mode: v.optional(mode) }));
const env = v.objectWithRest(
  { from: setting(v.array(reference), 'Objects whose keys all become variables, in this order') },
  v.pipe(value, v.description('The variable of this name')),
);
const amounts = v.record(name, v.union([v.string(), v.number()]));
const present = v.record(name, v.picklist(['present']));

/** The whole of bellhop.yaml. */
export const SETTINGS = v.strictObject({
  apiVersion: v.pipe(v.literal('bellhop/v1'), v.description('The version of this format')),
  stores: setting(v.record(name, store), 'Places that values come from, by names of your own'),
  secrets: setting(
    bindings,
    'What holds the Secret of this name: one reference for all its keys, or one a key; `*` is any',
  ),
  configMaps: setting(bindings, 'What holds the ConfigMap of this name, as for `secrets`'),
  env: setting(env, "Variables beside the pod's, which win over these"),
  files: setting(files, 'Files at absolute paths outside of volumes, in memory'),
  tokens: setting(
    v.record(name, value),
    'What stands in for a service account token of this audience; `*` is any',
  ),
  flyte: setting(
    v.record(name, value),
    'What holds the secret of a Flyte annotation, by its group and key (`GROUP/KEY`); `*` is any',
  ),
  volumes: setting(present, 'Volumes of the pod that the platform brings: left as they are'),
  fields: setting(v.record(name, v.string()), 'What only a cluster knows, e.g. `status.podIP`'),
  node: setting(amounts, "The node's allocatable `cpu`, `memory` and the like"),
  image: setting(image, "What the image's configuration says; bellhop cannot see it from inside"),
  metrics: setting(METRICS, 'Where metrics go, now that there is no sidecar'),
  policy: setting(policy, 'How strict delivery is'),
  submit: setting(SUBMIT, 'What `bellhop submit` needs beside the pod'),
  webhook: setting(
    v.looseObject({}),
    "The admission webhook: Flyte's own section of that name, and what is ours",
  ),
  flyteSecrets: setting(
    v.looseObject({}),
    "Flyte's section `secrets`: where the manager Global looks for values",
  ),
});

export type Settings = v.InferOutput<typeof SETTINGS>;
export type WrittenReference = v.InferOutput<typeof reference>;
export type WrittenValue = v.InferOutput<typeof value>;

/** Reads bellhop.yaml; every problem is reported, with its position. */
export function readSettings(
  input: unknown,
  source: DocumentSource,
): { readonly settings: Settings; readonly problems: readonly BellhopError[] } {
  const lists = listProblems(input);
  const result = v.safeParse(SETTINGS, guardNames(input));
  const told = (result.issues ?? []).flatMap((issue: Issue) => settle(issue, [], SETTINGS));
  const issues = [...lists, ...told.filter((one) => !lists.some((list) => isWithin(one, list)))];
  if (result.success && issues.length === 0) {
    return { settings: unguardNames(result.output) as Settings, problems: [] };
  }
  return { settings: NO_SETTINGS, problems: settingsProblems(issues, source) };
}

type Issue = v.BaseIssue<unknown>;

function isWithin(one: SettingsIssue, outer: SettingsIssue): boolean {
  return outer.path.every((step, index) => one.path[index] === step);
}

/** What a union says is of no use: the branch that was meant is asked again, and says all. */
function settle(issue: Issue, outer: SettingsPath, schema: v.GenericSchema): SettingsIssue[] {
  const inner = issuePath(issue);
  const path = [...outer, ...inner];
  const branch = issue.type === 'union' ? branchMeant(path, issue.input) : undefined;
  if (branch === undefined) {
    return [{ path, what: schemaSentence(issue, path, namesAt(schema, inner.slice(0, -1))) }];
  }
  const again = v.safeParse(branch, issue.input);
  return (again.issues ?? []).flatMap((one: Issue) => settle(one, path, branch));
}

/** The branch of a union that the author must have meant, by what stands there. */
function branchMeant(path: SettingsPath, input: unknown): v.GenericSchema | undefined {
  if (path[0] === 'node') return undefined;
  if (typeof input === 'string') return written;
  if (!isRecord(input)) return undefined;
  const isObject = (path[0] === 'secrets' || path[0] === 'configMaps') && path.length === 2;
  if (isObject) return isSpelled(input) ? spelled : v.record(name, value);
  if (Object.hasOwn(input, 'from')) return governed;
  return isSpelled(input) ? spelled : undefined;
}

function isSpelled(input: Record<string, unknown>): boolean {
  const { store } = input;
  return typeof store === 'string' ? !store.includes(':') : Object.hasOwn(input, 'store');
}
