import { BellhopError, BellhopErrors, judge, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { carriedBy } from '../entrypoint/carried.ts';
import type { Declared, DeclareOptions, Read } from '../entrypoint/declare.ts';
import { declare } from '../entrypoint/declare.ts';
import { indexAsks } from '../plan/completion-index.ts';
import type { Left } from '../plan/left.ts';
import { asksOf, needsOf } from '../plan/needs.ts';
import { sidecarsOf } from '../plan/sidecars.ts';
import { printable } from '../core/report.ts';
import type { Settings } from '../plan/settings.ts';
import { containerHints } from '../submit/container.ts';
import { askProblems, secretProblems } from '../submit/judge.ts';
import type { SubmitInput } from '../submit/prepare.ts';
import { runOf } from '../submit/running.ts';
import { isStartTold } from '../submit/ways.ts';
import { ALL_TARGETS } from '../targets/_all.gen.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { isObject } from '../targets/_caps.ts';
import type { Feature, Target } from '../targets/_target.ts';
import { parametersOf } from './submit-parameters.ts';
import { spillPlace } from './submit-spill.ts';

/** What a submission is made from, and what is said of it meanwhile. */
export interface SubmitWork {
  readonly input: SubmitInput;
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

/** The target of this name; throws with the names that there are. */
export async function targetOf(name: string | undefined): Promise<Target> {
  const load =
    name !== undefined && Object.hasOwn(ALL_TARGETS, name) ? ALL_TARGETS[name] : undefined;
  if (load !== undefined) return (await load()).default;
  const names = Object.keys(ALL_TARGETS).join(', ');
  const what = name === undefined ? 'no target is given' : `there is no target ${name}`;
  const help = `give one of ${names}`;
  throw new BellhopError('BH_ERR_USAGE', { where: ['bellhop submit'], what, help });
}

/** Reads pod and settings for a target; throws everything that is wrong, together. */
export async function readSubmit(
  io: Io,
  target: Target,
  { options, name }: { readonly options: DeclareOptions; readonly name: string | undefined },
): Promise<SubmitWork> {
  const examine = ({ pod, container, settings, runs }: Read): readonly BellhopError[] => [
    ...askProblems(
      target,
      [
        ...asksOf(pod, container, sidecarsOf(pod, settings, container.name)),
        ...indexAsks(runs, withoutOf(settings)),
      ],
      withoutOf(settings),
    ),
    ...targetsProblems(target, settings),
  ];
  const declared = await declareFor(io, target, { ...options, examine });
  const { plan, objects, warnings, read } = declared;
  if (read === undefined) throw new BellhopError('BH_ERR_BUG', { where: [], what: 'nothing read' });
  const { settings, container } = read;
  const carried = carriedBy(plan, objects);
  const problems: BellhopError[] = secretProblems(carried.secrets);
  const spill = await spillPlace(declared, settings, problems);
  const parameters = parametersOf(io, declared, {
    wanted: settings.submit?.hyperparameters,
    problems,
  });
  judge(problems);
  const given = (operation: string): JsonObject => givenIn(settings, target, operation);
  const { bellhop = 'bellhop', startedBy, nativeKeys = false } = settings.submit ?? {};
  const without = withoutOf(settings);
  const needs = needsOf(container);
  const { runs, left } = read;
  const run = runOf({ target, runs, left, given, without, gpus: needs.gpus });
  const input: SubmitInput = {
    target,
    plan,
    objects: carried.objects,
    ...(parameters === undefined ? {} : { parameters }),
    needs: { ...needs, ...run.needs },
    image: settings.submit?.image ?? container.image,
    ...(name === undefined ? {} : { name }),
    bellhop,
    isStartedByImage: startedBy === 'image',
    ...(nativeKeys ? { nativeKeys } : {}),
    ...(spill === undefined ? {} : { spill }),
    given,
    deflate: (bytes) => io.packing.deflate(bytes),
  };
  const hints = [...leftText(target, run.left, without), ...run.hints, ...hintsOf(input)];
  return { input, settings, warnings: [...warnings, ...hints] };
}

function withoutOf({ submit }: Settings): readonly string[] {
  return submit?.without ?? [];
}

/** What is in the manifest and in nothing that is sent. */
function leftText(target: Target, left: readonly Left[], without: readonly string[]): string[] {
  const named = left.filter(({ word }) => !without.includes(word));
  if (named.length === 0) return [];
  const words = [...new Set(named.map(({ word }) => word))].join(', ');
  const places = named.map(({ where }) => printable(where)).join(', ');
  return [
    `${places}: ${target.name} is told nothing of it: give what stands for it in \`submit.targets\`, or say that the job can do without: \`submit: { without: [${printable(words)}] }\``,
  ];
}

/** What cannot be known from here. */
function hintsOf(input: SubmitInput): string[] {
  const isUnsure = input.target.start === 'words' && !input.isStartedByImage;
  const isUntold = isUnsure && !isStartTold(input.plan);
  return [...(isUntold ? [ENTRYPOINT_HINT] : []), ...containerHints(input)];
}

const ENTRYPOINT_HINT =
  "the request cannot replace the image's ENTRYPOINT: it must have none, or be `bellhop run --` (then `submit: { startedBy: image }`)";

/** A volume of a cluster is told with the nearest way on this target. */
async function declareFor(io: Io, target: Target, options: DeclareOptions): Promise<Declared> {
  try {
    return await declare(io, options);
  } catch (error) {
    if (!(error instanceof BellhopError) && !(error instanceof BellhopErrors)) throw error;
    throw new BellhopErrors(problemsOf(error).map((one) => nearer(target, one)));
  }
}

const VOLUMES: readonly (readonly [RegExp, Feature])[] = [
  [
    /\.(persistentVolumeClaim|ephemeral|nfs|csi|iscsi|cephfs)$|volumeClaimTemplates/,
    'persistentVolume',
  ],
  [/\.hostPath$/, 'hostPath'],
];

function nearer(target: Target, problem: BellhopError): BellhopError {
  const { code, where, what, cause } = problem;
  if (code !== 'BH_ERR_POD_UNSUPPORTED') return problem;
  const feature = VOLUMES.find(([pattern]) => where.some((step) => pattern.test(step)))?.[1];
  const isDevice = what.startsWith('a block device');
  const said = feature ?? (isDevice ? 'devices' : undefined);
  if (said === undefined) return problem;
  const help = target.features[said].how;
  return new BellhopError(code, { where: [target.name, ...where], what, help, cause });
}

/** Operations that the target does not have would be left out without a word. */
function targetsProblems(target: Target, settings: Settings): BellhopError[] {
  const given = settings.submit?.targets ?? {};
  const refuse = (where: string, what: string): BellhopError => {
    return new BellhopError('BH_ERR_SETTINGS', { where: ['bellhop.yaml', where], what });
  };
  const { operations } = target;
  const own = Object.hasOwn(given, target.name) ? (given[target.name] ?? {}) : {};
  return [
    ...Object.keys(given)
      .filter((name) => !Object.hasOwn(ALL_TARGETS, name))
      .map((name) => refuse(`submit.targets.${name}`, 'there is no such target')),
    ...Object.keys(own)
      .filter((operation) => !operations.includes(operation))
      .map((operation) => {
        const what = `is no operation of this target (${operations.join(', ')})`;
        return refuse(`submit.targets.${target.name}.${operation}`, what);
      }),
  ];
}

function givenIn(settings: Settings, target: Target, operation: string): JsonObject {
  const all = settings.submit?.targets ?? {};
  const own = Object.hasOwn(all, target.name) ? all[target.name] : undefined;
  const given = own !== undefined && Object.hasOwn(own, operation) ? own[operation] : {};
  // What was read from YAML is JSON.
  return isObject(given as JsonObject) ? (given as JsonObject) : {};
}
