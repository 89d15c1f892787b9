// `explain --webhook`: what the webhook answers for a pod, and why.
import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable, renderWarning } from '../core/report.ts';
import type { DeclareOptions } from '../entrypoint/declare.ts';
import { readManifests } from '../entrypoint/inputs.ts';
import type { Edit, EnvEdit, KeptEdit, PullEdit } from '../injectors/_edit.ts';
import { SECRETS_DIR } from '../injectors/_injector.ts';
import { chooseWorkload, readDeclaration, templateOf } from '../plan/declaration.ts';
import { formatReference } from '../plan/reference.ts';
import { referenceOf } from '../plan/settings-use.ts';
import type { Reference } from '../plan/types.ts';
import { askManagers, openReader, readAnnotations } from '../webhook/asking.ts';
import type { Outcome } from '../webhook/asking.ts';
import type { Decision, PodRequest } from '../webhook/decision.ts';
import type { MutateSettings } from '../webhook/mutate.ts';
import { NAME } from '../webhook/pull-container.ts';
import type { PodState } from '../webhook/pod-state.ts';
import { PodProblem, readPodState } from '../webhook/pod-state.ts';
import { isRecord } from '../wire/read.ts';
import type { Given } from './command.ts';
import type { Answers } from './explain-secrets.ts';
import { explainSecrets, secretsText } from './explain-secrets.ts';
import type { Look } from './look.ts';
import { lookOf, titled } from './look.ts';
import { NOT_LOOKED_UP, saidBeside } from './mutate.ts';
import { bold } from './table.ts';
import { webhookParts } from './webhook-parts.ts';

/** Something that comes into the pod. */
interface Added {
  readonly what: string;
  readonly from: string;
  readonly annotation: string;
}

interface WebhookAnswer {
  readonly called: string;
  readonly decision: Decision;
  readonly answers: Answers;
  readonly added: readonly Added[];
}

/** Prints the webhook's view of the pod. Throws BH_ERR_NOT_ADMITTED after it for a denial. */
export async function explainWebhook(
  io: Io,
  given: Given,
  { options, asJson }: { readonly options: DeclareOptions; readonly asJson: boolean },
): Promise<void> {
  const parts = await webhookParts(io, options.settings);
  const { request, called } = requestFrom(io, options, given.text('user') ?? '');
  const decision = await parts.mutate(request);
  const outcomes = await outcomesOf(parts.asking, request);
  const managers = parts.asking.managers.map(({ type }) => type);
  const answers = { profile: parts.settings.profile, managers, outcomes };
  const added = addedBy(parts.asking, outcomes);
  const answer = { called, decision, answers, added };
  const unasked = parts.settings.missing === 'deny' ? [NOT_LOOKED_UP] : [];
  const warnings = [...unasked, ...saidBeside(decision)];
  for (const warning of [...parts.warnings, ...warnings]) {
    io.stderr(renderWarning(warning, given.log));
  }
  if (asJson) io.stdout(`${JSON.stringify(asData(answer, warnings), undefined, 2)}\n`);
  else io.stdout(answerText(answer, lookOf(io)));
  if (decision.kind !== 'denied') return;
  throw new BellhopError('BH_ERR_NOT_ADMITTED', { where: [called], what: decision.message });
}

function requestFrom(
  io: Io,
  { manifests, workload: wanted, namespace: byFlag }: DeclareOptions,
  user: string,
): { readonly request: PodRequest; readonly called: string } {
  const { documents, problems } = readManifests(io, manifests);
  const declaration = readDeclaration(documents);
  judge([...problems, ...declaration.problems]);
  const workload = chooseWorkload(declaration.workloads, wanted);
  const { value } = templateOf(workload);
  const namespace = workload.namespace || byFlag || 'default';
  const { signal } = new AbortController();
  const pod = isRecord(value) ? value : {};
  // Nothing may be written: it is no creation.
  const request = { pod, namespace, dryRun: true, user: { name: user, groups: [] }, signal };
  return { request, called: `${workload.kind} ${workload.name} (namespace ${namespace})` };
}

/** All of them, where the webhook itself ends with the first that nobody delivers. */
async function outcomesOf(
  asking: MutateSettings,
  request: PodRequest,
): Promise<Answers['outcomes']> {
  const state = stateOf(request);
  if (state === undefined) return [];
  const annotations = [...readAnnotations(state.annotations, openReader())];
  const secrets = annotations.flatMap((one) => ('wrong' in one ? [] : [one]));
  const { outcomes } = await askManagers(asking, request, { state, secrets, all: true });
  return annotations.flatMap((one): Answers['outcomes'] => {
    if ('wrong' in one) return [one];
    return outcomes.filter(({ annotation }) => annotation === one.annotation);
  });
}

/** What is no pod is denied for that. */
function stateOf({ pod }: PodRequest): PodState | undefined {
  try {
    return readPodState(pod);
  } catch (error) {
    if (error instanceof PodProblem) return undefined;
    throw error;
  }
}

function addedBy(asking: MutateSettings, outcomes: Answers['outcomes']): readonly Added[] {
  const all = outcomes.flatMap((one): Added[] => {
    if ('wrong' in one) return [];
    return edits(one).flatMap((edit) => {
      return addedByEdit(asking, edit).map((each) => ({ ...each, annotation: one.annotation }));
    });
  });
  // The variables that lead the SDK are the same for all.
  const first = new Map<string, Added>();
  for (const one of all) {
    const key = `${one.what} ${one.from}`;
    if (!first.has(key)) first.set(key, one);
  }
  const isFetching = outcomes.some((one) => {
    return !('wrong' in one) && edits(one).some(({ kind }) => kind === 'pull');
  });
  const from = asking.pull?.container.image ?? '';
  const fetching = { what: `init container ${NAME}`, from, annotation: 'what is fetched' };
  return [...first.values(), ...(isFetching ? [fetching] : [])];
}

function edits({ done }: Outcome): readonly Edit[] {
  return done?.edits ?? [];
}

function addedByEdit({ pull }: MutateSettings, edit: Edit): Omit<Added, 'annotation'>[] {
  switch (edit.kind) {
    case 'env':
      return [{ what: `variable ${edit.name}`, from: variableFrom(edit) }];
    case 'secretFile': {
      const { secretName: name, item, optional } = edit;
      const what = `file ${edit.mountPath}/${item.path}`;
      return [{ what, from: keyText({ name, key: item.key, optional }) }];
    }
    case 'pull':
      return [{ what: pulledTo(edit), from: formatReference(referenceIn(edit, pull)) }];
    case 'kept':
      return keptTo(edit).map((what) => ({ what, from: 'a Secret beside the pod' }));
    case 'memory':
      return [{ what: `folder ${edit.mountPath}`, from: 'a volume in memory' }];
    case 'writer':
      return [
        { what: `init container ${edit.name.replace('-#', '')}`, from: edit.container.image },
      ];
    case 'annotation':
      return [{ what: `annotation ${edit.name}`, from: 'literal' }];
    case 'imagePullSecret':
      return [{ what: `image pull secret ${edit.name}`, from: 'a copy' }];
    case 'warning':
      return [];
  }
}

function variableFrom({ valueFrom }: EnvEdit): string {
  return valueFrom === undefined ? 'literal' : keyText(valueFrom.secretKeyRef);
}

function keptTo({ variable, files = [] }: KeptEdit): string[] {
  const names = files.map((name) => `file ${SECRETS_DIR}/${name}`);
  return variable === undefined ? names : [`variable ${variable}`, ...names];
}

function pulledTo(edit: PullEdit): string {
  return 'file' in edit ? `file ${edit.file}` : `variable ${edit.variable}`;
}

function referenceIn(edit: PullEdit, pull: MutateSettings['pull']): Reference {
  const { type, path, key, version } = edit;
  const store = pull?.storeOf(type).name ?? type;
  return referenceOf({ store, path, key, version }, () => false);
}

function keyText({
  name,
  key,
  optional,
}: {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}): string {
  return `Secret ${name}, key ${key}${optional === true ? ', optional' : ''}`;
}

function asData(
  { called, decision, answers, added }: WebhookAnswer,
  warnings: readonly string[],
): unknown {
  return {
    route: 'webhook',
    pod: called,
    profile: answers.profile,
    managers: answers.managers,
    admitted: decision.kind !== 'denied',
    ...(decision.kind === 'denied' ? { message: decision.message } : {}),
    secrets: explainSecrets(answers),
    added,
    warnings,
  };
}

const ANSWERS: Readonly<Record<Decision['kind'], string>> = {
  unchanged: 'admitted as it is: it asks for no secret',
  patched: 'admitted, with its secrets',
  denied: 'denied',
};

function answerText(answer: WebhookAnswer, look: Look): string {
  const { called, decision, answers } = answer;
  const added = decision.kind === 'denied' ? 'WOULD BE ADDED' : 'ADDED';
  const rows = answer.added.map(({ what, from, annotation }) => [what, from, annotation]);
  const parts = [
    bold(printable(`${called}, as the webhook answers`), look.colours),
    `answer    ${ANSWERS[decision.kind]}\n${secretsText(answers, look)}`,
    ...(rows.length === 0 ? [] : [titled({ headings: [added, 'FROM', 'FOR'], rows }, look)]),
  ];
  return `${parts.join('\n\n')}\n`;
}
