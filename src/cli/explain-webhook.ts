// `explain --webhook`: what the webhook answers for a pod, and why.
import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable, renderWarning } from '../core/report.ts';
import type { DeclareOptions } from '../entrypoint/declare.ts';
import { readManifests } from '../entrypoint/inputs.ts';
import { chooseWorkload, readDeclaration, templateOf } from '../plan/declaration.ts';
import { askManagers, openReader, readAnnotations } from '../webhook/asking.ts';
import type { Decision, PodRequest } from '../webhook/decision.ts';
import type { MutateSettings } from '../webhook/mutate.ts';
import type { PodState } from '../webhook/pod-state.ts';
import { PodProblem, readPodState } from '../webhook/pod-state.ts';
import { isRecord } from '../wire/read.ts';
import type { Given } from './command.ts';
import type { Added } from './explain-added.ts';
import { addedBy } from './explain-added.ts';
import type { Answers } from './explain-secrets.ts';
import { explainSecrets, secretsText } from './explain-secrets.ts';
import type { Look } from './look.ts';
import { lookOf, titled } from './look.ts';
import { saidBeside, unlikeCluster } from './mutate.ts';
import { bold } from './table.ts';
import { webhookParts } from './webhook-parts.ts';

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
  const { outcomes, state } = await outcomesOf(parts.asking, request);
  const managers = parts.asking.managers.map(({ type }) => type);
  const answers = { profile: parts.settings.profile, managers, outcomes };
  const changed = state === undefined ? undefined : { pod: request.pod, decision, state };
  const added = changed === undefined ? [] : addedBy(parts.asking, outcomes, changed);
  const answer = { called, decision, answers, added };
  const warnings = [...unlikeCluster(parts.settings), ...saidBeside(decision)];
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
): Promise<Pick<Answers, 'outcomes'> & { readonly state?: PodState }> {
  const before = stateOf(request);
  if (before === undefined) return { outcomes: [] };
  const annotations = [...readAnnotations(before.annotations, openReader())];
  const secrets = annotations.flatMap((one) => ('wrong' in one ? [] : [one]));
  const work = { state: before, secrets, all: true } as const;
  const { state, outcomes } = await askManagers(asking, request, work);
  const inOrder = annotations.flatMap((one): Answers['outcomes'] => {
    if ('wrong' in one) return [one];
    return outcomes.filter(({ annotation }) => annotation === one.annotation);
  });
  return { outcomes: inOrder, state };
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
