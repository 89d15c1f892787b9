import { BellhopError } from '../core/errors.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { BUNDLE_BYTES_MAX, CHANNEL_BYTES_MAX } from '../plan/bundle.ts';
import type { Ask } from '../plan/needs.ts';
import type { Plan } from '../plan/types.ts';
import type { Breach, Cap } from '../targets/_caps.ts';
import { nodesAt } from '../targets/_caps.ts';
import type { Target } from '../targets/_target.ts';
import { containerProblems } from './container.ts';
import type { Submission, SubmitInput } from './prepare.ts';
import { wordOf } from './running.ts';
import { hasCommand } from './ways.ts';

/** Everything that keeps a submission from being sent. */
export function submissionProblems(input: SubmitInput, submission: Submission): BellhopError[] {
  return [...sendProblems(input, submission), ...lackingFields(input, submission)];
}

/** The same without what the platform itself would miss. */
export function sendProblems(input: SubmitInput, submission: Submission): BellhopError[] {
  return [
    ...commandProblems(input),
    ...parameterProblems(input),
    ...containerProblems(input),
    ...homeProblems(input, submission),
    ...isolationProblems(input, submission),
    ...(submission.isHomeless ? [] : capProblems(input.target, submission.split.breaches)),
  ];
}

/** What a pod asks for that the target does not have, each with the nearest way. */
export function askProblems(
  target: Target,
  asks: readonly Ask[],
  without: readonly string[],
): BellhopError[] {
  return asks.flatMap(({ of, where, what, word, nearest }) => {
    const said = target.features[of];
    if (said.by !== 'nobody' || without.includes(word)) return [];
    const help = `${nearest ?? said.how}; or say that the job can do without: \`submit: { without: [${word}] }\``;
    return [new BellhopError('BH_ERR_TARGET', { where: [target.name, where], what, help })];
  });
}

/** A Secret that stands in the input would stand in a request, or in an object beside it. */
export function secretProblems(names: readonly string[]): BellhopError[] {
  return names.map((name) => {
    const what = 'stands in the input: its values would leave this machine';
    return new BellhopError('BH_ERR_SUBMIT_SECRET', { where: [`secret ${name}`], what });
  });
}

function commandProblems({ target, plan, isStartedByImage }: SubmitInput): BellhopError[] {
  const isOfImage = isStartedByImage || target.start === 'image';
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const hasArguments = (argv?.args ?? []).length > 0;
  if (!hasCommand({ plan }) && (!isOfImage || hasArguments)) {
    const what = "the pod has no command, and the image's ENTRYPOINT is not known";
    const help = 'give it with `--image-entrypoint` and `--image-cmd`, or `image:` in bellhop.yaml';
    return [new BellhopError('BH_ERR_NO_COMMAND', { where: ['command'], what, help })];
  }
  const { entrypoint = [] } = plan.image;
  if (target.start !== 'words' || isStartedByImage || entrypoint.length === 0) return [];
  const what = "the request cannot replace the image's ENTRYPOINT, which bellhop would come behind";
  const help =
    'build the image with ENTRYPOINT ["bellhop","run","--"] and set `submit: { startedBy: image }`, or without one';
  return [new BellhopError('BH_ERR_TARGET', { where: [target.name, 'ENTRYPOINT'], what, help })];
}

/** A platform without a file for them leaves them nowhere to go. */
function parameterProblems({ target, parameters }: SubmitInput): BellhopError[] {
  const isLost = parameters !== undefined && parameters.file === undefined && !parameters.isInPod;
  if (!isLost || target.hyperparameters !== undefined) return [];
  const what = 'this target has no file for hyperparameters';
  const help = 'say where the program reads them: `submit: { hyperparameters: { path: /… } }`';
  return [
    new BellhopError('BH_ERR_TARGET', { where: [target.name, 'hyperparameters'], what, help }),
  ];
}

function homeProblems({ target, spill }: SubmitInput, submission: Submission): BellhopError[] {
  const { isHomeless, isIsolated, split } = submission;
  const where = [target.name, 'the plan'];
  const bytes = submission.spilled?.bytes.byteLength ?? 0;
  const isChannel = split.job.channel !== undefined;
  const most = isChannel ? CHANNEL_BYTES_MAX : BUNDLE_BYTES_MAX;
  const bytesMax = Math.min(spill?.bytesMax ?? most, most);
  if (bytes > bytesMax) {
    const what = `has ${bytes} bytes, ${bytesMax} can be spilled there`;
    return [new BellhopError('BH_ERR_SPILL', { where, what })];
  }
  if (!isHomeless) return [];
  const what = 'has no room in the request, and no other place is given';
  if (spill === undefined) return [new BellhopError('BH_ERR_SPILL', { where, what })];
  const how = isIsolated ? 'the container has no network' : 'nothing else can hold it';
  const help = `spill to a store that the platform itself downloads from (${target.channel?.scheme ?? 'it has none'})`;
  return [
    new BellhopError('BH_ERR_SPILL', {
      where,
      what: `has no room in the request, and ${how}`,
      help,
    }),
  ];
}

/** Kinds that need no network. */
const NEARBY: ReadonlySet<string> = new Set([EMBEDDED, 'env', 'file']);

function isolationProblems(
  { target }: SubmitInput,
  { isIsolated, bundle }: Submission,
): BellhopError[] {
  if (!isIsolated) return [];
  return askedOf(bundle.plan).map(({ called, kind }) => {
    const what = `comes from a store of kind ${kind}, and the container will have no network`;
    const help = 'give it as a ConfigMap or a literal if it is no secret, or do without isolation';
    return new BellhopError('BH_ERR_TARGET', { where: [target.name, called], what, help });
  });
}

/** What the plan asks of stores that are reached over the network. */
function askedOf(plan: Plan): readonly { readonly called: string; readonly kind: string }[] {
  const all = boundsOf(plan.placements).flatMap(({ bound }) => {
    const kind = plan.stores[bound.reference.store]?.kind ?? '';
    return NEARBY.has(kind) ? [] : [[bound.called, { called: bound.called, kind }] as const];
  });
  return [...new Map(all).values()];
}

function lackingFields({ target, given }: SubmitInput, { split }: Submission): BellhopError[] {
  return split.requests.flatMap(({ operation, input }) => {
    const wanted = Object.entries(target.wants[operation] ?? {});
    return wanted.flatMap(([field, says]) => {
      // What says where the request goes need not be part of it.
      const nodes = field.split(' | ').flatMap((one) => {
        return [...nodesAt(input, one), ...nodesAt(given(operation), one)];
      });
      const isThere = nodes.some((one) => one !== '');
      if (isThere) return [];
      const where = [`submit.targets.${target.name}.${operation}`, field];
      return [new BellhopError('BH_ERR_SUBMIT_FIELD', { where, what: `is needed: ${says}` })];
    });
  });
}

/** A field that no part can be taken out of. */
export function capProblems(target: Target, breaches: readonly Breach[]): BellhopError[] {
  return breaches.map(({ cap, what }) => {
    const where = [target.name, cap.operation, cap.at === '' ? 'the whole request' : cap.at];
    const isOurs = cap.kind === 'form' && cap.why !== undefined;
    const help = capHelp(target, cap);
    return new BellhopError('BH_ERR_CAP', {
      where,
      what: isOurs ? what : `${what} (${countedText(cap)})`,
      ...(help === undefined ? {} : { help }),
    });
  });
}

function capHelp(target: Target, cap: Cap): string | undefined {
  if (cap.kind === 'form' && cap.why !== undefined) return 'leave it out of `submit.targets`';
  const word = wordOf(target, cap.operation, cap.at);
  if (word === undefined) return undefined;
  return `say another number in the manifest, give ${cap.at} in \`submit.targets\`, or say that the job can do without: \`submit: { without: [${word}] }\``;
}

/** What a cap counts, e.g. `longest value`, in a few words. */
export function countedText(cap: Cap): string {
  if (cap.kind === 'form') return `form of each ${cap.of}`;
  switch (cap.counts) {
    case 'entries':
      return 'entries';
    case 'name':
      return 'longest name';
    case 'value':
      return 'longest value';
    case 'total':
      return 'names and values together';
    case 'entry':
      return 'longest NAME=value';
    case 'environment':
      return 'all NAME=value, with pointers';
    case 'text':
      return 'length';
    case 'number':
      return 'number';
    case 'seconds':
      return 'seconds';
    case 'json':
      return 'JSON';
  }
}
