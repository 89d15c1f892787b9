import type { Edit } from '../injectors/_edit.ts';
import type { Asked, Inject } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import { Base32Problem } from '../wire/flyte-base32.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { SECRET_ANNOTATION, decodeSecret, inOrder, secretCalled } from '../wire/flyte-secret.ts';
import { TextProblem } from '../wire/flyte-text.ts';
import type { AllowRule } from './allow.ts';
import { refusalBy } from './allow.ts';
import type { Decision, Delivered, Mutate, PodRequest } from './decision.ts';
import type { Reason } from './denial.ts';
import { unsatisfied, whyOf } from './denial.ts';
import type { EnvOrder } from './pod-edits.ts';
import { applyEdits } from './pod-edits.ts';
import { patchOf } from './pod-patch.ts';
import type { PodState } from './pod-state.ts';
import { EditProblem } from './pod-volumes.ts';
import { PodProblem, labelsOf, nameOf, readPodState } from './pod-state.ts';
import { valuesStoreOf, withValuesPulled } from './pod-values.ts';
import type { Decided } from './pod-secret.ts';
import { keepValues, nameSecret } from './pod-secret.ts';
import type { PullSettings } from './pull-container.ts';
import { withPullContainer } from './pull-container.ts';
import type { ValueSecrets } from './value-secrets.ts';

/** A secret manager that is enabled, as the configuration names it. */
export interface Manager {
  readonly type: string;
  readonly inject: Inject;
  /** True where nobody may have what it has whom no rule lets have it. */
  readonly needsRule?: boolean;
}

/** How pods are decided about. */
export interface MutateSettings {
  /** In the order in which they are asked. */
  readonly managers: readonly Manager[];
  readonly envOrder: EnvOrder;
  /** What is said before the reason why an annotation cannot be read. */
  readonly undecodable: string;
  /** Who may ask for what; everybody for everything where there is no rule. */
  readonly allow: readonly AllowRule[];
  /** True where a pod that was handled says so in an annotation. */
  readonly statusAnnotation: boolean;
  /** How one container fetches what the managers leave to it; none does where absent. */
  readonly pull?: PullSettings;
  /** Names and makes Secrets for values; nobody does where absent, and no manager has any. */
  readonly values?: ValueSecrets;
}

/**
 * Decides about pods as Flyte's webhook does: each secret is delivered by the first manager that
 * can, in the order of the annotations; a pod with one that nobody can deliver is denied.
 */
export function openMutate(settings: MutateSettings): Mutate {
  const read = openReader();
  return async (request) => {
    try {
      return await decide(settings, request, read);
    } catch (error) {
      if (!(error instanceof PodProblem)) throw error;
      return { kind: 'denied', message: error.message, delivered: [] };
    }
  };
}

async function decide(
  settings: MutateSettings,
  request: PodRequest,
  reader: ReadSecret,
): Promise<Decision> {
  const { pod } = request;
  let state = readPodState(pod);
  const read = secretsOf(state.annotations, settings, reader);
  if ('wrong' in read) return { kind: 'denied', message: read.wrong, delivered: [] };
  if (read.secrets.length === 0) return { kind: 'unchanged' };
  const labels = labelsOf(pod);
  const delivered: Delivered[] = [];
  const before = new Map<string, number>();
  for (const { secret, called } of read.secrets) {
    const repeat = before.get(called) ?? 0;
    before.set(called, repeat + 1);
    const about = { secret, labels, repeat };
    const asked = { ...askedOf(request, state, about), user: request.user.name };
    const done = await byFirst(settings, state, asked);
    if ('reasons' in done) {
      return { kind: 'denied', message: unsatisfied(called, done.reasons), delivered };
    }
    ({ state } = done);
    delivered.push({ secret: called, by: done.by });
  }
  return finished(settings, state, { request, delivered });
}

/** What all secrets have in common; last of all, the Secret for values is made. */
async function finished(
  settings: MutateSettings,
  state: PodState,
  { request, delivered }: Pick<Decided, 'request' | 'delivered'>,
): Promise<Decision> {
  const denied = (message: string): Decision => ({ kind: 'denied', message, delivered });
  const decided = { request, delivered, values: settings.values };
  const named = await nameSecret(state, decided);
  if ('wrong' in named) return denied(named.wrong);
  const pulling = pulled(settings, named.state, request);
  if ('wrong' in pulling) return denied(pulling.wrong);
  const handled = settings.statusAnnotation ? withStatus(pulling.state) : pulling.state;
  const { warnings } = handled;
  const patch = patchOf(request.pod, handled);
  const { secret } = named;
  if (secret === undefined) return { kind: 'patched', patch, delivered, warnings };
  const why = await keepValues(secret, decided);
  if (why !== undefined) return denied(why);
  const { namespace, name } = secret;
  const facts = { namespace, name, keys: secret.values.map(({ key }) => key) };
  return { kind: 'patched', patch, delivered, warnings, secret: facts };
}

/** What the ValidatingAdmissionPolicy of the chart looks for. */
const STATUS_ANNOTATION = 'bellhop/status';

function withStatus(state: PodState): PodState {
  return { ...state, added: { ...state.added, [STATUS_ANNOTATION]: 'delivered' } };
}

function pulled(
  { pull }: MutateSettings,
  state: PodState,
  { pod, namespace }: PodRequest,
): { readonly state: PodState } | { readonly wrong: string } {
  if (pull === undefined) return { state };
  try {
    const storeOf: PullSettings['storeOf'] = (type) => valuesStoreOf(type) ?? pull.storeOf(type);
    const origin = { name: nameOf(pod), namespace };
    return { state: withValuesPulled(withPullContainer(state, { ...pull, storeOf }, origin)) };
  } catch (error) {
    if (!(error instanceof EditProblem)) throw error;
    return { wrong: `bellhop cannot fetch for this pod: ${error.message}` };
  }
}

/** A secret, and what messages call it. */
interface AskedSecret {
  readonly secret: FlyteSecret;
  readonly called: string;
}

type ReadSecret = (annotation: string) => AskedSecret;

const KNOWN_MAX = 4096;
const KNOWN_CHARACTERS_MAX = 1024;

/** Pods of one task have the same annotations, thousands of times. */
function openReader(): ReadSecret {
  const known = new Map<string, AskedSecret>();
  return (annotation) => {
    const before = known.get(annotation);
    if (before !== undefined) return before;
    const secret = decodeSecret(annotation);
    const read = { secret, called: secretCalled(secret) };
    if (annotation.length > KNOWN_CHARACTERS_MAX) return read;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(annotation, read);
    return read;
  };
}

function secretsOf(
  annotations: Readonly<Record<string, string>>,
  { undecodable }: MutateSettings,
  reader: ReadSecret,
): { readonly secrets: readonly AskedSecret[] } | { readonly wrong: string } {
  const names = Object.keys(annotations).filter((name) => name.startsWith(SECRET_ANNOTATION));
  const secrets: AskedSecret[] = [];
  for (const name of inOrder(names)) {
    try {
      secrets.push(reader(annotations[name] ?? ''));
    } catch (error) {
      if (!(error instanceof TextProblem || error instanceof Base32Problem)) throw error;
      const what = `error unmarshaling secret [${name}]. Error: ${error.message}`;
      return { wrong: `${undecodable}${what}` };
    }
  }
  return { secrets };
}

function askedOf(
  { namespace, dryRun, signal }: PodRequest,
  { memory }: PodState,
  about: Pick<Asked, 'secret' | 'labels' | 'repeat'>,
): Asked {
  const hasMemory = (name: string): boolean => memory.has(name);
  return { ...about, namespace, dryRun, signal, hasMemory };
}

type Done =
  | { readonly state: PodState; readonly by: string }
  | { readonly reasons: readonly Reason[] };

/**
 * A manager that cannot leaves nothing behind. Variables of other stores come last: in Flyte their
 * managers refuse ENV_VAR, so that the others of a list have it, and so it stays.
 */
async function byFirst(
  settings: MutateSettings,
  state: PodState,
  { user, ...asked }: Asked & { readonly user: string },
): Promise<Done> {
  const reasons: Reason[] = [];
  const last: (() => Done)[] = [];
  for (const { type, inject, needsRule = false } of settings.managers) {
    try {
      const refusal = refusalBy(settings.allow, { ...asked, user, manager: type, needsRule });
      if (refusal !== undefined) throw new Refusal(refusal);
      const edits: readonly Edit[] = await inject(asked);
      const apply = (): Done => ({ state: applyEdits(state, edits, settings.envOrder), by: type });
      if (!edits.some(isPulledVariable)) return apply();
      last.push(apply);
    } catch (error) {
      reasons.push({ type, why: whyOf(error) });
      if (error instanceof Refusal && error.isFinal) return { reasons };
    }
  }
  return last[0]?.() ?? { reasons };
}

function isPulledVariable(edit: Edit): boolean {
  return edit.kind === 'pull' && 'variable' in edit;
}
