import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { readSettingsFile } from '../entrypoint/inputs.ts';
import { storeProblems } from '../entrypoint/store-problems.ts';
import { barePlan } from '../plan/bare.ts';
import type { Settings } from '../plan/settings.ts';
import { policyOf, storesOf } from '../plan/settings-use.ts';
import type { Adapted, AdaptInput } from '../submit/adapt.ts';
import { adapt, adaptingOf, isLegal } from '../submit/adapt.ts';
import { textAt } from '../submit/adapt-fields.ts';
import type { Adaptable } from '../submit/adapt-target.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { isObject } from '../targets/_caps.ts';
import type { Target } from '../targets/_target.ts';
import { variableNameProblem } from '../wire/names.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions } from './declare-flags.ts';
import { targetOf } from './submit-input.ts';
import { spillPlace } from './submit-spill.ts';

const REQUEST_BYTES_MAX = 256 * 1024 * 1024;
const { config, 'image-entrypoint': entrypoint, 'image-cmd': cmd } = DECLARE_FLAGS;

const command: Command = {
  name: 'adapt',
  summary: "Make a request that is over its platform's caps a legal one, with what it says kept",
  usage: 'TARGET [-c bellhop.yaml] [FLAGS] < request.json',
  about: [
    'Reads a request as an SDK makes it: a job, a definition, or a run of one; it says itself which.',
    'One that the platform takes comes out byte for byte. Of one that is over the caps, what has no',
    'room goes into a plan, by the rules of `bellhop submit`: beside the request (`submit.spill` of',
    'bellhop.yaml, uploaded before anything is printed) or in it; bellhop is what the container',
    'starts, and gives the program its variables, words and hyperparameters as the author wrote',
    'them. Nothing is guessed to be a secret. docs/adapt.md has the way to use it from Python without',
    'changing a script.',
  ].join('\n'),
  flags: {
    ...(config === undefined ? {} : { config }),
    ...(entrypoint === undefined ? {} : { 'image-entrypoint': entrypoint }),
    ...(cmd === undefined ? {} : { 'image-cmd': cmd }),
    'dry-run': { help: 'print the adapted request; upload nothing' },
  },
  wordsMax: 1,
  takesCommand: false,
  example: [
    '$ bellhop adapt sagemaker-training -c bellhop.yaml < request.json > legal.json',
    '$ aws sagemaker create-training-job --cli-input-json file://legal.json',
  ].join('\n'),
  async run(io, given) {
    const target = await adaptableTarget(given.words[0]);
    const bytes = io.stdin(REQUEST_BYTES_MAX);
    const adaptable = requestIn(bytes, target);
    if (isLegal(target, adaptable.adapting, adaptable.request)) {
      io.stdout(bytes);
      return 0;
    }
    const { input, settings } = await readAdapt(io, given, adaptable);
    const made = adapt(input);
    if (!('request' in made)) {
      judge(made);
      return 0;
    }
    await upload(io, made, { settings, isDry: given.has('dry-run') });
    io.stdout(`${JSON.stringify(made.request)}\n`);
    return 0;
  },
};

export default command;

async function adaptableTarget(name: string | undefined): Promise<Target> {
  const target = await targetOf(name);
  if (target.adapt !== undefined) return target;
  const what = 'requests of this target are not adapted';
  const help = 'docs/adapt.md has those that are; `bellhop submit` takes a pod for any target';
  throw new BellhopError('BH_ERR_USAGE', { where: [target.name], what, help });
}

function requestIn(bytes: Uint8Array, target: Target): Adaptable {
  const request = objectOf(bytes);
  const all = target.adapt ?? [];
  const where = ['standard input'];
  if (request === undefined) {
    const wanted = all.map(({ operation }) => operation).join(' or ');
    const what = `is no JSON object: a request of ${wanted} is wanted`;
    throw new BellhopError('BH_ERR_ADAPT', { where, what });
  }
  const adapting = adaptingOf(target, request);
  if (adapting !== undefined) return { target, adapting, request };
  const wanted = all.map(({ operation, name }) => `${operation} (${name})`).join(', ');
  const what = `names nothing that ${target.name} makes: adapted are ${wanted}`;
  throw new BellhopError('BH_ERR_ADAPT', { where, what });
}

function objectOf(bytes: Uint8Array): JsonObject | undefined {
  let parsed: JsonObject | undefined;
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonObject;
    parsed = isObject(value) ? value : undefined;
  } catch {
    parsed = undefined;
  }
  return parsed;
}

async function readAdapt(
  io: Io,
  given: Given,
  { target, adapting, request }: Adaptable,
): Promise<{ readonly input: AdaptInput; readonly settings: Settings }> {
  const options = declareOptions(given);
  const { settings, problems: read, source } = await readSettingsFile(io, options.settings);
  const problems = [...read, ...storeProblems(settings, source)];
  judge(problems);
  const { bellhop = 'bellhop', startedBy } = settings.submit ?? {};
  const name = textAt(request, adapting.name) ?? 'job';
  const origin = { name, namespace: 'default', container: 'main' };
  const policy = policyOf(settings, undefined);
  const plan = barePlan({ origin, stores: storesOf(settings), policy, placements: [] });
  const spill = await spillPlace({ plan, objects: [], warnings: [] }, settings, problems);
  judge(problems);
  const image = { ...settings.image, ...options.image };
  const input: AdaptInput = {
    target,
    adapting,
    request,
    ...(spill === undefined ? {} : { spill }),
    image: {
      ...(image.entrypoint === undefined ? {} : { entrypoint: image.entrypoint }),
      ...(image.cmd === undefined ? {} : { cmd: image.cmd }),
    },
    ...(startedBy === undefined ? {} : { startedBy }),
    bellhop,
    policy,
    deflate: (packed) => io.packing.deflate(packed),
    nameProblem: variableNameProblem,
  };
  return { input, settings };
}

async function upload(
  io: Io,
  { submission }: Adapted,
  { settings, isDry }: { readonly settings: Settings; readonly isDry: boolean },
): Promise<void> {
  if (isDry || submission.spilled === undefined) return;
  const { uploadSpilled } = await import('./submit-send.ts');
  await uploadSpilled(io, submission.spilled, settings);
}
