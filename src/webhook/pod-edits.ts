// Edits of injectors, done to a pod: all of one secret, or none.
import type { AnnotationEdit, Edit, EnvEdit, KeptEdit, PullEdit } from '../injectors/_edit.ts';
import type { ContainerState, Item, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';
import { withValue } from './pod-values.ts';
import { eachContainer, named, withMemory, withSecretFile } from './pod-volumes.ts';
import { withPullSecret, withWriter } from './pod-writers.ts';
import type { PulledFile } from './pulled-files.ts';
import { isFile, mustBeFree } from './pulled-files.ts';

/** How variables come to those that a container has. */
export type EnvOrder =
  /** In front; what is there under the name gives way. */
  | 'first'
  /** Behind; what is there under the name stays. As Flyte's version 1. */
  | 'last';

/** The pod with the edits. Throws EditProblem; then the state that was given still counts. */
export function applyEdits(state: PodState, edits: readonly Edit[], order: EnvOrder): PodState {
  let now = state;
  let entries: Item[] = [];
  for (const edit of edits) {
    if (edit.kind === 'env') {
      entries.push(entryOf(edit));
      continue;
    }
    now = applied(withVariables(now, entries, order), edit, { edits, order });
    entries = [];
  }
  return withVariables(now, entries, order);
}

interface Whole {
  readonly edits: readonly Edit[];
  readonly order: EnvOrder;
}

type OtherEdit = Exclude<Edit, EnvEdit>;

function applied(state: PodState, edit: OtherEdit, { edits, order }: Whole): PodState {
  switch (edit.kind) {
    case 'kept':
      return withKept(state, edit, order);
    case 'secretFile':
      return withSecretFile(state, edit);
    case 'memory':
      return withMemory(state, edit);
    case 'writer': {
      const memory = edits.find((one) => one.kind === 'memory');
      return memory === undefined ? state : withWriter(state, edit, memory);
    }
    case 'annotation':
      return withAnnotation(state, edit);
    case 'warning':
      return state.warnings.includes(edit.text)
        ? state
        : { ...state, warnings: [...state.warnings, edit.text] };
    case 'pull':
      return withPull(state, edit);
    case 'imagePullSecret':
      return withPullSecret(state, edit);
  }
}

function withAnnotation(state: PodState, { name, value }: AnnotationEdit): PodState {
  if (Object.hasOwn(state.annotations, name)) return state;
  return { ...state, added: { ...state.added, [name]: value } };
}

function withKept(state: PodState, edit: KeptEdit, order: EnvOrder): PodState {
  const { variable, id } = edit;
  const now = withValue(state, edit);
  if (variable === undefined) return now;
  return withVariables(now, [{ value: { name: variable }, kept: id }], order);
}

function entryOf({ name, value, valueFrom }: EnvEdit): Item {
  const entry: Record<string, unknown> = { name };
  // The API server drops a value that is empty.
  if (value !== undefined && value !== '') entry['value'] = value;
  if (valueFrom !== undefined) entry['valueFrom'] = valueFrom;
  return { value: entry };
}

/** Variables that edits beside each other bring, in their order. */
function withVariables(state: PodState, entries: readonly Item[], order: EnvOrder): PodState {
  if (entries.length === 0) return state;
  // One secret after another brings the same ones.
  const isThere = ({ env }: ContainerState): boolean => areInFront(env, entries);
  if (order === 'first' && state.containers.every(isThere)) return state;
  // In front, each goes before those that came earlier.
  const all = order === 'first' ? entries.toReversed() : entries;
  const names = all.map(nameOf);
  const distinct = all.filter((_, n) => names.indexOf(names[n] ?? '') === n);
  const add = order === 'first' ? inFront : behind;
  const pulls = names.reduce(withoutPulled, state.pulls);
  return eachContainer({ ...state, pulls }, (one) => {
    const env = add(one.env, distinct);
    return env === one.env ? one : { ...one, env };
  });
}

function nameOf({ value }: Item): string {
  return String(value['name']);
}

function behind(env: readonly Item[], entries: readonly Item[]): readonly Item[] {
  const more = entries.filter((one) => named(env, nameOf(one)) === undefined);
  return more.length === 0 ? env : [...env, ...more];
}

function inFront(env: readonly Item[], entries: readonly Item[]): readonly Item[] {
  const gone = entries.map((one) => named(env, nameOf(one)));
  return [...entries, ...env.filter((one) => !gone.includes(one))];
}

/** True where nothing would change: the last of them is the first, and so on. */
function areInFront(env: readonly Item[], entries: readonly Item[]): boolean {
  return entries.every((entry, n) => isSame(env[entries.length - 1 - n], entry));
}

function isSame(there: Item | undefined, { value, kept }: Item): boolean {
  if (there === undefined || there.from !== undefined || there.kept !== kept) return false;
  const own = there.value;
  const isText = own['name'] === value['name'] && own['value'] === value['value'];
  return isText && sameJson(own['valueFrom'], value['valueFrom']);
}

/** What is asked for twice is fetched once; of two for one variable the later counts. */
function withPull(before: PodState, edit: PullEdit): PodState {
  const state = isFile(edit) ? before : withoutVariable(withBoth(before, edit), edit.variable);
  if (isFile(edit)) {
    if (state.pulls.some((one) => isSamePull(one, edit))) return state;
    mustBeFree(state.pulls, edit);
  }
  return { ...state, pulls: [...state.pulls, edit] };
}

/** Says so where two secrets are one variable. */
function withBoth(state: PodState, edit: Exclude<PullEdit, PulledFile>): PodState {
  const { variable, called } = edit;
  const other = state.pulls.find((one) => !isFile(one) && one.variable === variable);
  if (other === undefined || isSamePull(other, edit)) return state;
  const text = `[${other.called}] and [${called}] are both the variable ${variable}: it has the latter`;
  return { ...state, warnings: [...state.warnings, text] };
}

/** Whatever messages call it. */
function isSamePull(one: PullEdit, other: PullEdit): boolean {
  return sameJson({ ...one, called: '' }, { ...other, called: '' });
}

/** All of that name: the value that comes later would win over each. */
function withoutVariable(state: PodState, name: string): PodState {
  const pulls = withoutPulled(state.pulls, name);
  return eachContainer({ ...state, pulls }, (one) => {
    return { ...one, env: one.env.filter(({ value }) => value['name'] !== name) };
  });
}

function withoutPulled(pulls: readonly PullEdit[], name: string): readonly PullEdit[] {
  return pulls.filter((one) => !('variable' in one && one.variable === name));
}
