import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { Declaration, Workload } from '../plan/declaration.ts';
import { chooseWorkload, readDeclaration } from '../plan/declaration.ts';
import { buildPlan, chooseContainer } from '../plan/build.ts';
import type { PlanInput } from '../plan/build.ts';
import { withGivenIndex } from '../plan/completion-index.ts';
import type { Left } from '../plan/left.ts';
import { leftOf } from '../plan/left.ts';
import type { Runs } from '../plan/runs.ts';
import { runsIn } from '../plan/runs.ts';
import type { Settings } from '../plan/settings.ts';
import { storesOf } from '../plan/settings-use.ts';
import type { Sidecar } from '../plan/sidecars.ts';
import type { Image, Plan } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
import type { AnswerAnnotations, ReadAnnotated } from './annotated.ts';
import { NOTHING_ASKED, readAnnotated } from './annotated.ts';
import { storeProblems, storesBehind } from './store-problems.ts';
import type { DataObject } from '../wire/objects.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import type { Source } from '../wire/read.ts';
import { parsePath } from '../wire/read.ts';
import type { SettingsRead } from './inputs.ts';
import { readManifests, readSettingsFile } from './inputs.ts';

/** What the flags of `run`, `plan` and `explain` say about the declaration. */
export interface DeclareOptions {
  readonly manifests: readonly string[];
  readonly settings?: string;
  readonly workload?: string;
  readonly container?: string;
  readonly namespace?: string;
  /** `PATH=VALUE` each. */
  readonly fields: readonly string[];
  /** `cpu=4,memory=8Gi`, may be repeated. */
  readonly node: readonly string[];
  readonly image: Image;
  /** Who answers annotations that ask for secrets; they mean nothing where absent. */
  readonly annotations?: AnswerAnnotations;
  /** What else may be wrong with it; told together with everything else. */
  readonly examine?: (read: Read) => readonly BellhopError[];
}

/** What the plan was made from, beside the objects. */
export interface Read {
  readonly pod: Pod;
  readonly container: Container;
  readonly settings: Settings;
  /** What the manifest says of a cluster that neither the plan nor a request brings. */
  readonly left: readonly Left[];
  /** What it says of attempts, time and tasks. */
  readonly runs: Runs;
}

/** The plan and what it was made from. */
export interface Declared {
  readonly plan: Plan;
  readonly objects: readonly DataObject[];
  readonly warnings: readonly string[];
  /** Absent where the plan was not made here. */
  readonly read?: Read;
  /** What stands where the words on arrival have their mark; see `WORDS_MARK`. */
  readonly words?: readonly string[];
  /** Where a manifest was read: what stands beside the container and is not started. */
  readonly sidecars?: readonly Sidecar[];
}

/** Makes the plan from manifests and settings; throws everything that is wrong, together. */
export async function declare(io: Io, options: DeclareOptions): Promise<Declared> {
  const { documents, problems: manifestProblems } = readManifests(io, options.manifests);
  const {
    settings,
    problems: settingsProblems,
    source,
  } = await readSettingsFile(io, options.settings);
  const problems: BellhopError[] = [...manifestProblems, ...settingsProblems];
  const fields = pairs(options.fields, { flag: '--field', problems });
  const node = pairs(
    options.node.flatMap((one) => one.split(',')),
    { flag: '--node', problems },
  );
  problems.push(...storeProblems(settings, source));
  judge(problems);
  const declaration = readDeclaration(documents);
  const chosen = choose(declaration, options);
  const answered = await podIn(chosen, options, { settings, source });
  const input = planInput({ options, settings, declaration, fields, node }, chosen, answered);
  const result = buildPlan(input);
  const { pod, container } = input;
  const read: Read = { pod, container, settings, ...saidBy(chosen, input) };
  const found = [...answered.problems, ...result.problems, ...(options.examine?.(read) ?? [])];
  const placed = found.map((problem) => {
    return withPosition(problem, chosen.source);
  });
  judge([...declaration.problems, ...chosen.problems, ...placed]);
  const warnings = [...answered.warnings, ...result.warnings];
  const { plan, sidecars } = result;
  return { plan, objects: declaration.objects, warnings, read, sidecars };
}

/** The chosen pod with what its annotations ask for; bellhop.yaml alone is an empty one. */
async function podIn(
  { workload }: Chosen,
  options: DeclareOptions,
  { settings, source }: Pick<SettingsRead, 'settings'> & { source: Source | undefined },
): Promise<ReadAnnotated> {
  if (!('place' in workload)) return { ...NOTHING_ASKED, pod: EMPTY_POD };
  const namespace = namespaceOf(workload, options);
  const about = { settings, namespace, ...(source === undefined ? {} : { source }) };
  return readAnnotated(workload, options.annotations, about);
}

function saidBy({ workload }: Chosen, input: PlanInput): Pick<Read, 'left' | 'runs'> {
  if (!('place' in workload)) return { left: [], runs: {} };
  const { place, template } = workload;
  const { container, fields } = input;
  const runs = runsIn(workload, fields);
  return { runs, left: leftOf({ value: place.value, template, container, runs }) };
}

/** bellhop.yaml may place variables and files directly, without a pod. */
const EMPTY_CONTAINER: Container = {
  name: 'main',
  image: '',
  command: [],
  args: [],
  workingDir: '',
  env: [],
  envFrom: [],
  mounts: [],
  resources: { limits: new Map(), requests: new Map() },
  security: { addCapabilities: [], dropCapabilities: [] },
  terminationMessagePath: '',
  isSidecar: false,
  stdin: false,
  tty: false,
  place: [],
};
const EMPTY_POD: Pod = {
  name: '',
  generateName: '',
  namespace: '',
  uid: '',
  labels: new Map(),
  annotations: new Map(),
  nodeName: '',
  serviceAccountName: '',
  enableServiceLinks: true,
  hostNamespaces: [],
  security: { supplementalGroups: [] },
  volumes: [],
  containers: [EMPTY_CONTAINER],
  initContainers: [],
};
const SETTINGS_ALONE = { kind: 'bellhop.yaml', name: 'alone', namespace: '' };

interface Chosen {
  readonly workload: Workload | Pick<Workload, 'kind' | 'name' | 'namespace'>;
  readonly problems: readonly BellhopError[];
  /** Where the workload was read from; undefined without one. */
  readonly source?: Source;
}

/** A problem that names a field of the manifest is told with the field's position. */
function withPosition(problem: BellhopError, source: Source | undefined): BellhopError {
  // bellhop.yaml has told its own.
  if (problem.code === 'BH_ERR_SETTINGS') return problem;
  const path = problem.where.map(parsePath).find((one) => one !== undefined);
  if (path === undefined || source === undefined) return problem;
  const { line, column } = source.locate(path);
  return problem.within(`${source.name}:${line}:${column}`);
}

function choose(declaration: Declaration, options: DeclareOptions): Chosen {
  const { workloads, problems } = declaration;
  if (options.manifests.length === 0) return { workload: SETTINGS_ALONE, problems };
  try {
    const workload = chooseWorkload(workloads, options.workload);
    const { problems: read, source } = workload.place;
    return { workload, problems: read, source };
  } catch (error) {
    if (error instanceof BellhopError) judge([...problems, error]);
    throw error;
  }
}

interface Parts {
  readonly options: DeclareOptions;
  readonly settings: Settings;
  readonly declaration: Declaration;
  readonly fields: ReadonlyMap<string, string>;
  readonly node: ReadonlyMap<string, string>;
}

/** A template's own namespace means nothing: its pods live where the workload does. */
function namespaceOf(workload: Chosen['workload'], options: DeclareOptions): string {
  return workload.namespace || options.namespace || 'default';
}

function planInput(
  parts: Parts,
  { workload, problems }: Chosen,
  { pod: podAsRead, values, stores }: ReadAnnotated,
): PlanInput {
  const { options, declaration, fields: given, node } = parts;
  // Stores that nobody has declared do not hide those that somebody has.
  const settings = { ...parts.settings, stores: { ...stores, ...storesOf(parts.settings) } };
  const fields = new Map([...Object.entries(settings.fields ?? {}), ...given]);
  const pod = withGivenIndex(podAsRead, fields);
  let container: PlanInput['container'];
  try {
    container = chooseContainer(pod, options.container);
  } catch (error) {
    if (error instanceof BellhopError) judge([...problems, error]);
    throw error;
  }
  const nodeSettings = Object.entries(settings.node ?? {}).map(([k, v]) => [k, String(v)] as const);
  return {
    kind: workload.kind,
    workloadName: workload.name,
    pod,
    container,
    namespace: namespaceOf(workload, options),
    objects: declaration.objects,
    services: declaration.services,
    annotated: values,
    settings,
    image: imageOf(settings, options.image),
    fields,
    node: new Map([...nodeSettings, ...node]),
    hasVersions: (store) =>
      STORE_KINDS.get(settings.stores?.[store]?.kind ?? '')?.hasVersions === true,
    storesBehind,
  };
}

function imageOf(settings: Settings, flags: Image): Image {
  const given = Object.entries(settings.image ?? {}).filter(([, one]) => one !== undefined);
  return { ...Object.fromEntries(given), ...flags };
}

function pairs(
  written: readonly string[],
  of: { readonly flag: string; readonly problems: BellhopError[] },
): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const pair of written) {
    const equals = pair.indexOf('=');
    if (equals > 0) map.set(pair.slice(0, equals), pair.slice(equals + 1));
    else
      of.problems.push(
        new BellhopError('BH_ERR_USAGE', { where: [of.flag], what: 'must be NAME=VALUE' }),
      );
  }
  return map;
}
