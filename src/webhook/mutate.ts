import { BellhopError } from '../core/errors.ts';
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
import type { EnvOrder } from './pod-edits.ts';
import { applyEdits } from './pod-edits.ts';
import { patchOf } from './pod-patch.ts';
import type { PodState } from './pod-state.ts';
import { EditProblem } from './pod-volumes.ts';
import { PodProblem, labelsOf, nameOf, readPodState } from './pod-state.ts';
import type { PullSettings } from './pull-container.ts';
import { withPullContainer } from './pull-container.ts';

/** A secret manager that is enabled, as the configuration names it. */
export interface Manager {
  readonly type: string;
  readonly inject: Inject;
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
  const pulling = pulled(settings, state, request);
  if ('wrong' in pulling) return { kind: 'denied', message: pulling.wrong, delivered };
  const handled = settings.statusAnnotation ? withStatus(pulling.state) : pulling.state;
  const { warnings } = handled;
  return { kind: 'patched', patch: patchOf(pod, handled), delivered, warnings };
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
    return { state: withPullContainer(state, pull, { name: nameOf(pod), namespace }) };
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

/** Why one manager does not deliver a secret. */
interface Reason {
  readonly type: string;
  readonly why: string;
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
  for (const { type, inject } of settings.managers) {
    try {
      const refusal = refusalBy(settings.allow, { ...asked, user, manager: type });
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

/** Only what was written to be read is repeated: other errors may have values in them. */
function whyOf(error: unknown): string {
  const isWritten =
    error instanceof Refusal || error instanceof EditProblem || error instanceof BellhopError;
  return isWritten ? error.message : 'an internal error';
}

/** Flyte's words, which others match on, and then the reasons. */
function unsatisfied(called: string, reasons: readonly Reason[]): string {
  const types = reasons.map(({ type }) => type).join(' ');
  const each = reasons.map(({ type, why }) => `${type}: ${why}`).join('; ');
  return (
    `none of the secret managers injected secret [${called}]: ` +
    `failed to inject secret [${called}] using any of the enabled secret managers: [${types}]. ` +
    `Possible reasons: the secret cannot be found or an internal error occurred. ${each}`
  );
}
