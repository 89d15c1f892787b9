// The plan of the container that fetches: value-free, it rides in an annotation of the pod and is
// read as a file.
import type { PullEdit } from '../injectors/_edit.ts';
import { barePlan } from '../plan/bare.ts';
import { printPlan } from '../plan/document.ts';
import { referenceOf } from '../plan/settings-use.ts';
import type { DeclaredStores } from '../plan/stores-used.ts';
import { storesUsed } from '../plan/stores-used.ts';
import type { Placement, Plan, Policy, Reference, StoreOptions } from '../plan/types.ts';
import { isRecord } from '../wire/read.ts';
import type { Json, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';
import { EditProblem } from './pod-volumes.ts';

/** What bellhop.yaml says of fetching. */
export interface FetchSettings extends DeclaredStores {
  readonly policy: Policy;
  /** Where else a reference is looked for when its store is down. */
  readonly fallbacksOf: (reference: Reference) => readonly Reference[];
}

/** Where fetched values are, and how strictly they are fetched. */
export interface PlanSettings {
  readonly fetching: FetchSettings;
  /** The store that holds the secrets of a manager's type: its name and its settings. */
  readonly storeOf: (type: string) => { readonly name: string; readonly options: StoreOptions };
}

export const PLAN_ANNOTATION = 'bellhop/plan';
export const PLAN_VOLUME = 'bellhop-plan';
/** Where the container that fetches finds it. */
export const PLAN_DIR = '/bellhop-plan';
export const PLAN_FILE = `${PLAN_DIR}/plan.json`;
const FILE_MODE = 0o444;

/** Kubernetes' limit for all annotations of an object together. */
export const ANNOTATIONS_BYTES_MAX = 262_144;

/** Where what is pulled lies: in the store that holds the secrets of its manager's type. */
export function pulledReference(
  { type, path, key, version }: Pick<PullEdit, 'type' | 'path' | 'key' | 'version'>,
  storeOf: (type: string) => { readonly name: string },
): Reference {
  return referenceOf({ store: storeOf(type).name, path, key, version }, () => false);
}

function fetched(
  pulls: readonly PullEdit[],
  { storeOf, fetching }: PlanSettings,
): readonly Placement[] {
  return pulls.map((edit): Placement => {
    const { type, called } = edit;
    const reference = pulledReference(edit, storeOf);
    const fallbacks = fetching.fallbacksOf(reference);
    const others = fallbacks.length === 0 ? {} : { fallbacks };
    const source = { kind: 'value' as const, bound: { reference, called, ...others } };
    const rule = `${type} [${called}]`;
    if ('variable' in edit) {
      return { kind: 'variable', layer: 'env', name: edit.variable, source, rule };
    }
    return { kind: 'file', path: edit.file, mode: FILE_MODE, medium: 'memory', source, rule };
  });
}

/** The plan as a document: what is fetched, and files that are made of it. */
export function planOf(
  pulls: readonly PullEdit[],
  settings: PlanSettings,
  {
    origin,
    files,
  }: { readonly origin: Omit<Plan['origin'], 'kind'>; readonly files: readonly Placement[] },
): string {
  const { storeOf, fetching } = settings;
  const { policy, storesBehind } = fetching;
  const ofManagers = pulls.map(({ type }) => {
    const { name, options } = storeOf(type);
    return [name, options] as const;
  });
  const declared = { ...fetching.stores, ...Object.fromEntries(ofManagers) };
  const placements = [...fetched(pulls, settings), ...files];
  const stores = storesUsed({ stores: declared, storesBehind }, placements, policy);
  return printPlan(barePlan({ origin, stores, policy, placements }));
}

/** The pod with the plan, as an annotation and as a volume. Throws EditProblem. */
export function withPlan(state: PodState, plan: string): PodState {
  return withPlanVolume(withAnnotation(state, plan));
}

/** As Kubernetes counts it. */
export function annotationBytes(annotations: PodState['annotations']): number {
  return Object.entries(annotations).reduce((sum, [name, value]) => {
    return sum + Buffer.byteLength(name) + Buffer.byteLength(value);
  }, 0);
}

function withAnnotation(state: PodState, plan: string): PodState {
  const all = { ...state.annotations, ...state.added, [PLAN_ANNOTATION]: plan };
  const bytes = annotationBytes(all);
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    throw new EditProblem(
      `the pod's annotations would have ${bytes} bytes with the plan, at most ` +
        `${ANNOTATIONS_BYTES_MAX} are allowed: ask for fewer secrets`,
    );
  }
  return { ...state, added: { ...state.added, [PLAN_ANNOTATION]: plan } };
}

/** The annotation as a file: a plan may be larger than one variable. */
function planVolume(): Json {
  const fieldRef = { apiVersion: 'v1', fieldPath: `metadata.annotations['${PLAN_ANNOTATION}']` };
  return {
    name: PLAN_VOLUME,
    downwardAPI: { items: [{ path: 'plan.json', fieldRef }] },
  };
}

function withPlanVolume(state: PodState): PodState {
  const there = state.volumes.find(({ value }) => value['name'] === PLAN_VOLUME);
  if (there === undefined) {
    return { ...state, volumes: [...state.volumes, { value: planVolume() }] };
  }
  // The API server adds the mode that it would have had.
  const { downwardAPI } = there.value;
  const items = isRecord(downwardAPI) ? downwardAPI['items'] : undefined;
  if (sameJson(items, (planVolume()['downwardAPI'] as Json)['items'])) return state;
  throw new EditProblem(`the pod has a volume ${PLAN_VOLUME} of its own`);
}
