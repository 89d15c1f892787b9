import type { AskSettings, Outcome, ReadSecret, Work } from './asking.ts';
import { askManagers, openReader, readAnnotations } from './asking.ts';
import type { Decision, Delivered, Mutate, PodRequest } from './decision.ts';
import { unsatisfied, whyOf } from './denial.ts';
import { patchOf } from './pod-patch.ts';
import type { PodState } from './pod-state.ts';
import { EditProblem } from './pod-volumes.ts';
import { PodProblem, nameOf, readPodState } from './pod-state.ts';
import { valuesStoreOf } from './pod-values.ts';
import { ANNOTATIONS_BYTES_MAX, annotationBytes } from './pull-plan.ts';
import type { Decided } from './pod-secret.ts';
import { keepValues, nameSecret } from './pod-secret.ts';
import type { PullSettings } from './pull-container.ts';
import { imagesToLookUp, withPullContainer } from './pull-container.ts';
import type { LookedUp, LookedUpImages } from './pull-variables.ts';
import { architecturesOf } from './pod-platforms.ts';
import type { StartOf } from './image-starts.ts';
import type { ValueSecrets } from './value-secrets.ts';

/** How pods are decided about. */
export interface MutateSettings extends AskSettings {
  /** What is said before the reason why an annotation cannot be read. */
  readonly undecodable: string;
  /** True where a pod that was handled says so in an annotation. */
  readonly statusAnnotation: boolean;
  /** How one container fetches what the managers leave to it; none does where absent. */
  readonly pull?: PullSettings;
  /** Asks registries what images start; absent where none may be asked. */
  readonly startOf?: StartOf;
  /** Names and makes Secrets for values; absent where no manager brings values. */
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
  const before = readPodState(request.pod);
  const tooLong = excessOf(before.annotations);
  if (tooLong !== undefined) return { kind: 'denied', message: tooLong, delivered: [] };
  const read = secretsOf(before.annotations, settings, reader);
  if ('wrong' in read) return { kind: 'denied', message: read.wrong, delivered: [] };
  if (read.secrets.length === 0) return { kind: 'unchanged' };
  const { secrets } = read;
  const tooMuch = excess(secrets.length, before.containers.length);
  if (tooMuch !== undefined) return { kind: 'denied', message: tooMuch, delivered: [] };
  const { state, outcomes } = await askManagers(settings, request, { state: before, secrets });
  const delivered: Delivered[] = outcomes.flatMap(({ called, done }) => {
    return done === undefined ? [] : [{ secret: called, by: done.by }];
  });
  const last = outcomes.at(-1);
  if (last !== undefined && last.done === undefined) {
    return { kind: 'denied', message: unsatisfied(last.called, last.reasons), delivered };
  }
  const warnings = [...state.warnings, ...outcomes.flatMap(doubtsIn)];
  return finished(settings, { ...state, warnings }, { request, delivered });
}

/** More than any task asks for, and what one review may cost the others. */
const SECRETS_MAX = 1000;
/** What is done for each secret in each container; more would not fit into an object of etcd. */
const EDITS_MAX = 20_000;

/** Mutation comes before Kubernetes looks at the size of annotations. */
function excessOf(annotations: PodState['annotations']): string | undefined {
  const bytes = annotationBytes(annotations);
  if (bytes <= ANNOTATIONS_BYTES_MAX) return undefined;
  return `the pod's annotations have ${bytes} bytes, Kubernetes takes at most ${ANNOTATIONS_BYTES_MAX}`;
}

function excess(secrets: number, containers: number): string | undefined {
  if (secrets > SECRETS_MAX) {
    return `the pod asks for ${secrets} secrets, at most ${SECRETS_MAX} are delivered`;
  }
  if (secrets * containers <= EDITS_MAX) return undefined;
  return (
    `the pod asks for ${secrets} secrets in ${containers} containers, ` +
    `at most ${EDITS_MAX} in all are delivered`
  );
}

/** A store that is down must not look like one that lacks the secret. */
function doubtsIn({ called, reasons, done }: Outcome): readonly string[] {
  if (done === undefined) return [];
  return reasons
    .filter(({ isInDoubt }) => isInDoubt === true)
    .map(
      ({ type, why }) =>
        `secret [${called}] comes from ${done.by}, for ${type} could not say: ${why}`,
    );
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
  const looked = await lookedUp(settings, named.state, request);
  const pulling = pulled({ ...settings, looked }, named.state, request);
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
export const STATUS_ANNOTATION = 'bellhop/status';

function withStatus(state: PodState): PodState {
  return { ...state, added: { ...state.added, [STATUS_ANNOTATION]: 'delivered' } };
}

/** What registries say of images that nothing else is known of, all at once. */
async function lookedUp(
  { pull, startOf }: MutateSettings,
  state: PodState,
  request: PodRequest,
): Promise<LookedUpImages> {
  const { pod, namespace, signal } = request;
  if (pull === undefined || startOf === undefined) return new Map();
  const images = imagesToLookUp(state, pull);
  const pullSecrets = state.pullSecrets.map(({ value }) => String(value['name']));
  const about = { namespace, pullSecrets, architectures: architecturesOf(pod) };
  if (images.length > 0) request.onStep?.(`what ${images.join(' and ')} starts`);
  const found = images.map(async (image): Promise<readonly [string, LookedUp]> => {
    try {
      return [image, await startOf({ image, ...about }, signal)];
    } catch (error) {
      return [image, { why: whyOf(error) }];
    }
  });
  return new Map(await Promise.all(found));
}

function pulled(
  { pull, looked }: MutateSettings & { readonly looked: LookedUpImages },
  state: PodState,
  { pod, namespace }: PodRequest,
): { readonly state: PodState } | { readonly wrong: string } {
  if (pull === undefined) return { state };
  try {
    const storeOf: PullSettings['storeOf'] = (type) => valuesStoreOf(type) ?? pull.storeOf(type);
    const origin = { name: nameOf(pod), namespace };
    return { state: withPullContainer(state, { ...pull, storeOf, looked }, origin) };
  } catch (error) {
    if (!(error instanceof EditProblem)) throw error;
    const [first] = state.pulls;
    const why = `bellhop cannot fetch for this pod: ${error.message}`;
    return { wrong: unsatisfied(first?.called ?? '', [{ type: first?.type ?? '', why }]) };
  }
}

function secretsOf(
  annotations: Readonly<Record<string, string>>,
  { undecodable }: MutateSettings,
  reader: ReadSecret,
): Pick<Work, 'secrets'> | { readonly wrong: string } {
  const secrets: Work['secrets'][number][] = [];
  for (const one of readAnnotations(annotations, reader)) {
    if ('wrong' in one) {
      const what = `error unmarshaling secret [${one.annotation}]. Error: ${one.wrong}`;
      return { wrong: `${undecodable}${what}` };
    }
    secrets.push(one);
  }
  return { secrets };
}
