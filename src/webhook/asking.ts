// Which secret manager delivers which secret of a pod, and why others do not.
import type { Edit } from '../injectors/_edit.ts';
import { isPulledVariable } from '../injectors/_edit.ts';
import type { Asked, Inject } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import { Base32Problem } from '../wire/flyte-base32.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { SECRET_ANNOTATION } from '../wire/flyte-names.ts';
import { decodeSecret, inOrder, secretCalled } from '../wire/flyte-secret.ts';
import { TextProblem } from '../wire/flyte-text.ts';
import type { AllowRule } from './allow.ts';
import { askingAhead } from './asking-ahead.ts';
import { refusalBy } from './allow.ts';
import type { PodRequest } from './decision.ts';
import type { Reason } from './denial.ts';
import { reasonOf } from './denial.ts';
import type { EnvOrder } from './pod-edits.ts';
import { applyEdits } from './pod-edits.ts';
import type { PodState } from './pod-state.ts';
import { labelsOf } from './pod-state.ts';

/** A secret manager that is enabled, as the configuration names it. */
export interface Manager {
  readonly type: string;
  readonly inject: Inject;
  /** True where nobody may have this secret of it whom no rule lets have it. */
  readonly needsRule?: (secret: FlyteSecret) => boolean;
  /** True where a key says nothing of which secret it is. */
  readonly isByGroup?: true;
  /** True where `inject` answers at once, from what the webhook knows. */
  readonly asksNobody?: true;
  /** What is done in the place of edits that pull variables: the webhook fetches them itself. */
  readonly keptInstead?: (edits: readonly Edit[], asked: Asked) => Promise<readonly Edit[]>;
  /** What it delivers, nobody else is asked for. */
  readonly isFinal?: true;
  /** Why it is not even asked; no error is made for what most pods meet. */
  readonly refuses?: (asked: Asked) => string | undefined;
}

/** How managers are asked. */
export interface AskSettings {
  /** In the order in which they are asked. */
  readonly managers: readonly Manager[];
  readonly envOrder: EnvOrder;
  /** Who may ask for what; everybody for everything where there is no rule. */
  readonly allow: readonly AllowRule[];
}

/** A secret, and what messages call it. */
export interface AskedSecret {
  readonly secret: FlyteSecret;
  readonly called: string;
}

/** Reads the value of an annotation. Throws Base32Problem or TextProblem. */
export type ReadSecret = (annotation: string) => AskedSecret;

const KNOWN_MAX = 4096;
const KNOWN_CHARACTERS_MAX = 1024;

/** Pods of one task have the same annotations, thousands of times. */
export function openReader(): ReadSecret {
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

/** An annotation that asks for a secret. */
export interface Annotation extends AskedSecret {
  readonly annotation: string;
}

/** An annotation that cannot be read, and why. */
export interface WrongAnnotation {
  readonly annotation: string;
  readonly wrong: string;
}

/** The annotations that ask for secrets, in the order in which they are handled. */
export function* readAnnotations(
  annotations: Readonly<Record<string, string>>,
  reader: ReadSecret,
): Generator<Annotation | WrongAnnotation> {
  const names = Object.keys(annotations).filter((name) => name.startsWith(SECRET_ANNOTATION));
  for (const annotation of inOrder(names)) {
    try {
      yield { annotation, ...reader(annotations[annotation] ?? '') };
    } catch (error) {
      if (!(error instanceof TextProblem || error instanceof Base32Problem)) throw error;
      yield { annotation, wrong: error.message };
    }
  }
}

/** What is told beside the secret need not repeat it, as Flyte's words do. */
export function shorter(why: string, called: string): string {
  return why.replace(`. Secret: [${called}]`, '');
}

/** What was said of one secret. */
export interface Outcome extends Annotation {
  /** Those that were asked and do not deliver it, in their order. */
  readonly reasons: readonly Reason[];
  /** Who delivers it, and what that does to the pod; nobody where absent. */
  readonly done?: { readonly by: string; readonly edits: readonly Edit[] };
}

export interface Answered {
  /** The pod with all secrets that are delivered. */
  readonly state: PodState;
  readonly outcomes: readonly Outcome[];
}

/** What managers are asked for, and of which pod. */
export interface Work {
  readonly state: PodState;
  readonly secrets: readonly Annotation[];
  /** Asks for the others, too, where nobody delivers one. */
  readonly all?: true;
  /** What is done to the pod in the place of a manager's edits. */
  readonly doneAs?: (edits: readonly Edit[], annotation: string) => readonly Edit[];
  /** Sees what one secret has made of the pod. */
  readonly seen?: (outcome: Outcome, state: PodState) => void;
}

/**
 * Asks the managers for each secret, one after another: the first that can delivers it. Ends with
 * the first secret that nobody delivers, unless all are wanted.
 */
export async function askManagers(
  settings: AskSettings,
  request: PodRequest,
  work: Work,
): Promise<Answered> {
  let { state } = work;
  const outcomes: Outcome[] = [];
  const labels = labelsOf(request.pod);
  const { managers, end } = askingAhead(askable(settings, request.user.name), () => {
    return work.secrets.map(({ secret }) => {
      return askedOf(request, work.state, { secret, labels, repeat: 0 });
    });
  });
  const before = new Map<string, number>();
  for (const one of work.secrets) {
    const repeat = before.get(one.called) ?? 0;
    before.set(one.called, repeat + 1);
    const about = { secret: one.secret, labels, repeat };
    const asked = askedOf(request, state, about);
    request.onStep?.(`secret [${one.called}]`);
    const doing = (edits: readonly Edit[]): PodState => {
      const done = work.doneAs?.(edits, one.annotation) ?? edits;
      return applyEdits(state, done, settings.envOrder);
    };
    const said = await byFirst(managers, asked, doing);
    const { result: now = state, ...rest } = said;
    const outcome: Outcome = { ...one, ...rest };
    outcomes.push(outcome);
    state = now;
    work.seen?.(outcome, state);
    if (outcome.done === undefined && work.all !== true) break;
  }
  end();
  return { state, outcomes };
}

function askedOf(
  request: PodRequest,
  { memory }: PodState,
  { secret, labels, repeat }: Pick<Asked, 'secret' | 'labels' | 'repeat'>,
): Asked {
  const { namespace, dryRun } = request;
  return {
    secret,
    labels,
    repeat,
    namespace,
    dryRun,
    hasMemory: (name) => memory.has(name),
    get signal() {
      return request.signal;
    },
  };
}

/** The managers, asked only for what the rules let through. */
function askable({ managers, allow }: AskSettings, user: string): readonly Manager[] {
  return managers.map((one) => {
    const { type: manager } = one;
    if (allow.length === 0 && one.needsRule === undefined) return one;
    return {
      ...one,
      refuses: ({ namespace, secret }: Asked) => {
        const needsRule = one.needsRule?.(secret) ?? false;
        const isByGroup = needsRule && one.isByGroup === true;
        return refusalBy(allow, { namespace, secret, user, manager, needsRule, isByGroup });
      },
    };
  });
}

type Done = NonNullable<Outcome['done']>;

/** What managers say of a secret, and what came of the edits of the one that delivers it. */
export type Said<T> = Pick<Outcome, 'reasons' | 'done'> & { readonly result?: T };

/**
 * The first that can deliver it; `doing` does its edits, and throws EditProblem where they do not
 * fit. Variables of other stores come last: in Flyte their managers refuse ENV_VAR, so that the
 * others of a list have it, and so it stays.
 */
export async function byFirst<T>(
  managers: readonly Manager[],
  asked: Asked,
  doing: (edits: readonly Edit[]) => T,
): Promise<Said<T>> {
  const reasons: Reason[] = [];
  const last: Pulling[] = [];
  for (const manager of managers) {
    const { type, inject, isFinal, refuses } = manager;
    const refusal = refuses?.(asked);
    if (refusal !== undefined) {
      reasons.push({ type, why: refusal });
      continue;
    }
    try {
      const made = inject(asked);
      const edits: readonly Edit[] = made instanceof Promise ? await made : made;
      const done = { by: type, edits };
      if (isFinal === true || !edits.some(isPulledVariable)) {
        return { result: doing(edits), reasons, done };
      }
      last.push({ done, manager });
    } catch (error) {
      reasons.push(reasonOf(type, error));
      if (error instanceof Refusal && error.isFinal) return { reasons };
    }
  }
  return ofLast(last, { asked, reasons }, doing);
}

/** A manager that would have a variable pulled, until it is known that nobody else delivers it. */
interface Pulling {
  readonly done: Done;
  readonly manager: Manager;
}

async function ofLast<T>(
  last: readonly Pulling[],
  { asked, reasons }: { readonly asked: Asked; readonly reasons: Reason[] },
  doing: (edits: readonly Edit[]) => T,
): Promise<Said<T>> {
  for (const { done: pulling, manager } of last) {
    const { by } = pulling;
    try {
      const edits = await manager.keptInstead?.(pulling.edits, asked);
      const done = { by, edits: edits ?? pulling.edits };
      return { result: doing(done.edits), reasons, done };
    } catch (error) {
      reasons.push(reasonOf(by, error));
    }
  }
  return { reasons };
}
