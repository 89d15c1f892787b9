import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import { readManifests } from '../entrypoint/inputs.ts';
import { deadlineBy } from '../webhook/deadline.ts';
import { review } from '../webhook/review.ts';
import type { Decision, PodRequest, SecretFacts } from '../webhook/decision.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import { readReview } from '../wire/admission.ts';
import { applyPatch } from '../wire/json-patch.ts';
import { isRecord } from '../wire/read.ts';
import type { Command, Given } from './command.ts';
import { webhookParts } from './webhook-parts.ts';

const NOT_LOOKED_UP =
  'webhook.missing is deny: without a cluster every Secret of the manager K8s is taken to be there';
const NOT_READ =
  "webhook.registry.pullSecrets: without a cluster pods' own Secrets are not read, and registries " +
  'are asked without them';

/** What cannot be as it would be in the cluster. */
export function unlikeCluster({ missing, registry }: WebhookSettings): readonly string[] {
  const looked = missing === 'deny' ? [NOT_LOOKED_UP] : [];
  return registry.pullSecrets ? [...looked, NOT_READ] : looked;
}

const FORMATS = ['pod', 'patch', 'review'];

const command: Command = {
  name: 'mutate',
  summary: "The webhook's answer to a pod, without a cluster",
  usage: '-f pod.yaml [-c bellhop.yaml] [FLAGS]',
  about: [
    'Answers as `bellhop webhook` with the same bellhop.yaml would: the patched pod, the patch alone,',
    'or the whole AdmissionReview. FILE is a Pod, or an AdmissionReview as the API server sends it.',
    'Only what the secret managers of bellhop.yaml ask for is read, and what images start, with the',
    'logins of `dockerConfig`, where `registry.allow` names their registry; nothing is written.',
  ].join('\n'),
  flags: {
    file: { short: 'f', value: 'FILE', help: 'a Pod, or an AdmissionReview; - for stdin' },
    config: { short: 'c', value: 'FILE', help: 'bellhop.yaml: the sections webhook, flyteSecrets' },
    namespace: { value: 'NAME', help: 'namespace of a pod that names none (default: default)' },
    user: { value: 'NAME', help: 'who creates the pod, e.g. system:serviceaccount:flyte:flyte' },
    output: { short: 'o', value: 'FORMAT', help: 'pod, patch or review (default: pod)' },
  },
  wordsMax: 0,
  takesCommand: false,
  example: [
    '$ bellhop mutate -f pod.yaml -c bellhop.yaml -o patch',
    '[',
    '  {"op":"add","path":"/spec/containers/0/env","value":[…]}',
    ']',
  ].join('\n'),
  async run(io, given) {
    const format = given.text('output') ?? 'pod';
    if (!FORMATS.includes(format)) {
      const what = 'is pod, patch or review';
      throw new BellhopError('BH_ERR_USAGE', { where: ['--output'], what });
    }
    const { mutate, settings, ...parts } = await webhookParts(io, given.text('config'));
    const warnings = [...parts.warnings, ...unlikeCluster(settings)];
    for (const warning of warnings) io.stderr(renderWarning(warning, given.log));
    const body = bodyOf(io, given);
    const { signal } = new AbortController();
    if (format === 'review') {
      const input = {
        body: Buffer.from(JSON.stringify(body)),
        contentType: undefined,
        deadline: deadlineBy(signal),
      };
      io.stdout((await review(input, mutate)).text);
      return 0;
    }
    const request = requestOf(body, signal);
    const decision = await mutate(request);
    if (decision.kind === 'denied') {
      const where = [given.text('file') ?? ''];
      throw new BellhopError('BH_ERR_NOT_ADMITTED', { where, what: decision.message });
    }
    for (const said of saidBeside(decision)) io.stderr(renderWarning(said, given.log));
    io.stdout(format === 'pod' ? podText(request, decision) : patchText(decision));
    return 0;
  },
};

export default command;

/** What is no part of the pod: warnings, and what the webhook would do in the cluster. */
export function saidBeside(decision: Decision): readonly string[] {
  if (decision.kind !== 'patched') return [];
  const { warnings, secret } = decision;
  return secret === undefined ? warnings : [...warnings, secretNote(secret)];
}

function secretNote({ namespace, name, keys }: SecretFacts): string {
  return (
    `the webhook would make Secret ${name} in namespace ${namespace}, with ${keys.join(', ')}; ` +
    'its name ends otherwise there, by a key that only the webhook has'
  );
}

type Json = Readonly<Record<string, unknown>>;

/** The review of the input, made around a pod where the input is one. */
function bodyOf(io: Io, given: Given): Json {
  const file = given.text('file');
  if (file === undefined) {
    throw new BellhopError('BH_ERR_USAGE', { where: ['--file'], what: 'is needed' });
  }
  const { documents, problems } = readManifests(io, [file]);
  judge(problems);
  const [first, second] = documents;
  const value = first?.value;
  if (second !== undefined || !isRecord(value)) {
    const what = 'is not one Pod, or one AdmissionReview';
    throw new BellhopError('BH_ERR_WORKLOAD', { where: [file], what });
  }
  if (value['kind'] === 'AdmissionReview') return value;
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const namespace = metadata['namespace'] ?? given.text('namespace') ?? 'default';
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '00000000-0000-0000-0000-000000000000',
      namespace,
      operation: 'CREATE',
      // Nothing may be written: it is no creation.
      dryRun: true,
      userInfo: { username: given.text('user') ?? '' },
      object: value,
    },
  };
}

/** The pod of a review that can be read; what is wrong with it is the problem. */
function requestOf(body: Json, signal: AbortSignal): PodRequest {
  const read = readReview(Buffer.from(JSON.stringify(body)), undefined);
  if (read.kind === 'pod') return { ...read.review, signal };
  throw new BellhopError('BH_ERR_POD_INVALID', { where: ['the pod'], what: read.refusal.message });
}

function podText({ pod }: PodRequest, decision: Decision): string {
  const patch = decision.kind === 'patched' ? decision.patch : [];
  return `${JSON.stringify(applyPatch(pod, patch), undefined, 2)}\n`;
}

/** An operation a line. */
function patchText(decision: Decision): string {
  const patch = decision.kind === 'patched' ? decision.patch : [];
  if (patch.length === 0) return '[]\n';
  return `[\n${patch.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`;
}
