import type { Json } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { barePlan } from '../plan/bare.ts';
import type { Image, Placement, Policy } from '../plan/types.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { breachesOf, bytesOf, isObject, nodesAt } from '../targets/_caps.ts';
import type { Adapting, Target, Variable } from '../targets/_target.ts';
import { capProblems, sendProblems } from './judge.ts';
import type { Submission, SubmitInput } from './prepare.ts';
import { prepare } from './prepare.ts';
import type { SpillPlace } from './ways.ts';
import { textAt, textsAt, withAt } from './adapt-fields.ts';

// A request that somebody else made, and that a platform would not take: what is over its caps goes
// into a plan, and bellhop brings it back. Pure.

/** What adapting takes beside the request. */
export interface AdaptInput {
  readonly target: Target;
  readonly adapting: Adapting;
  readonly request: JsonObject;
  readonly spill?: SpillPlace;
  /** What the image's configuration says, for requests that leave ENTRYPOINT to it. */
  readonly image: Image;
  /** The image's ENTRYPOINT is `bellhop run --`. */
  readonly isStartedByImage: boolean;
  /** The executable in the image. */
  readonly bellhop: string;
  readonly policy: Policy;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
  /** What is wrong with the name of a variable; undefined for a good one. */
  readonly nameProblem: (name: string) => string | undefined;
}

/** The adapted request, and what is spilled beside it. */
export interface Adapted {
  readonly request: JsonObject;
  readonly submission: Submission;
}

/** True where the platform takes the request as it is. */
export function isLegal(target: Target, { operation }: Adapting, request: JsonObject): boolean {
  return breachesOf(target.caps, operation, request).length === 0;
}

/** Adapts a request that is not legal; everything that keeps it from becoming so is a problem. */
export function adapt(input: AdaptInput): Adapted | readonly BellhopError[] {
  const { target, adapting, request } = input;
  const variables = variablesOf(target, request);
  const problems = [...writtenProblems(input, variables), ...ownProblems(input, variables)];
  const start = startOf(input);
  if (start instanceof BellhopError) problems.push(start);
  if (problems.length > 0 || start instanceof BellhopError) return problems;
  const wanted = submitInput(input, variables, start);
  const submission = prepare(wanted);
  const against = sendProblems(wanted, submission);
  if (against.length > 0) return against;
  const rendered = submission.split.requests.find(({ operation }) => {
    return operation === adapting.operation;
  });
  const made = adapting.kept.reduce((all: JsonObject, field) => {
    return withAt(all, field, nodesAt(request, field)[0]);
  }, rendered?.input ?? {});
  const left = capProblems(target, breachesOf(target.caps, adapting.operation, made));
  return left.length > 0 ? left : { request: made, submission };
}

function variablesOf({ variablesAt }: Target, request: JsonObject): readonly Variable[] {
  return mapAt(request, variablesAt.at);
}

/** A map of texts; what is no text is told by `writtenProblems`. */
function mapAt(request: JsonObject, at: string): readonly Variable[] {
  const [map] = nodesAt(request, at);
  if (map === undefined || !isObject(map)) return [];
  return Object.entries(map).flatMap(([name, value]): Variable[] => {
    return typeof value === 'string' ? [[name, value]] : [];
  });
}

/** What is not of the type that the platform's model says cannot be taken over. */
function writtenProblems(
  { target, adapting, request }: AdaptInput,
  variables: readonly Variable[],
): BellhopError[] {
  const wrong = (at: string, what: string): BellhopError => {
    return new BellhopError('BH_ERR_ADAPT', { where: [adapting.operation, at], what });
  };
  const maps = [target.variablesAt.at, adapting.hyperparameters];
  const lists = [adapting.entrypoint, adapting.arguments];
  return [
    ...maps.flatMap((at) => {
      const [node] = at === undefined ? [] : nodesAt(request, at);
      const isFit = node === undefined || (isObject(node) && Object.values(node).every(isText));
      return at === undefined || isFit ? [] : [wrong(at, 'must be a map of texts')];
    }),
    ...lists.flatMap((at) => {
      const [node] = at === undefined ? [] : nodesAt(request, at);
      const isFit = node === undefined || (Array.isArray(node) && (node as Json[]).every(isText));
      return at === undefined || isFit ? [] : [wrong(at, 'must be a list of texts')];
    }),
    ...[adapting.image, adapting.name].flatMap((at) => {
      const isThere = textAt(request, at) !== undefined;
      return isThere ? [] : [wrong(at, 'is needed: bellhop has to be in an image of your own')];
    }),
    ...variables
      .filter(([name]) => name.startsWith('BELLHOP_PLAN'))
      .map(([name]) => wrong(name, 'is in the request already: adapt the one without it')),
  ];
}

function isText(node: Json): boolean {
  return typeof node === 'string';
}

/** One `NAME=value` with its NUL: MAX_ARG_STRLEN, measured on Linux 6.18. */
const ENTRY_BYTES_MAX = 131_072;

/** What no container can be given, however it is delivered. */
function ownProblems({ nameProblem }: AdaptInput, variables: readonly Variable[]): BellhopError[] {
  return variables.flatMap(([name, value]) => {
    const bytes = bytesOf(name) + bytesOf(value) + 2;
    const isTooLong = bytes > ENTRY_BYTES_MAX;
    const tooLong = isTooLong ? `has ${bytes} bytes, Linux takes ${ENTRY_BYTES_MAX}` : undefined;
    const withNul = value.includes('\0') ? 'has a NUL, which no variable can hold' : undefined;
    const problem = nameProblem(name) ?? withNul ?? tooLong;
    if (problem === undefined) return [];
    return [new BellhopError('BH_ERR_VALUE', { where: ['variable', name], what: problem })];
  });
}

/** How bellhop is started, and what it starts; `words` are left to the request itself. */
interface Start {
  readonly image: Image;
  readonly isByImage: boolean;
  readonly keepsWords: boolean;
}

function startOf(input: AdaptInput): Start | BellhopError {
  const { target, adapting, request, image, isStartedByImage } = input;
  const entrypoint = textsAt(request, adapting.entrypoint);
  const words = textsAt(request, adapting.arguments);
  if (entrypoint.length > 0) {
    return { image: { entrypoint, cmd: words }, isByImage: false, keepsWords: false };
  }
  if (isStartedByImage || target.start === 'image') {
    const fits = isLegal(target, adapting, onlyAt(request, adapting.arguments));
    if (fits) return { image: {}, isByImage: true, keepsWords: true };
    return { image: { entrypoint: words }, isByImage: true, keepsWords: false };
  }
  const { entrypoint: own = [], cmd = [] } = image;
  const rest = words.length > 0 ? words : (adapting.argumentsDefault ?? cmd);
  if (own.length > 0) {
    return { image: { entrypoint: own, cmd: rest }, isByImage: false, keepsWords: false };
  }
  const what = "the request leaves the program to the image's ENTRYPOINT, which is not known";
  const help =
    'give it with `--image-entrypoint` or `image:` in bellhop.yaml; or build the image with ENTRYPOINT ["bellhop","run","--"] and set `submit: { startedBy: image }`';
  return new BellhopError('BH_ERR_NO_COMMAND', { where: [adapting.operation], what, help });
}

/** A request of this field alone. */
function onlyAt(request: JsonObject, at: string | undefined): JsonObject {
  const [node] = at === undefined ? [] : nodesAt(request, at);
  return at === undefined || node === undefined ? {} : withAt({}, at, node);
}

function submitInput(input: AdaptInput, variables: readonly Variable[], start: Start): SubmitInput {
  const { target, adapting, request, spill } = input;
  const parameters =
    adapting.hyperparameters === undefined ? [] : mapAt(request, adapting.hyperparameters);
  const taken = [
    target.variablesAt.at,
    adapting.entrypoint,
    adapting.hyperparameters,
    // What a submission has there is not wanted: these come back as they were.
    ...adapting.kept,
    ...(start.keepsWords ? [] : [adapting.arguments]),
  ].filter((at) => at !== undefined);
  const rest = taken.reduce((all, at) => withAt(all, at, undefined), request);
  const name = textAt(request, adapting.name) ?? '';
  const placements = variables.map(([variable, text]): Placement => {
    const source = {
      kind: 'text',
      text,
      of: `${adapting.operation} ${target.variablesAt.at}`,
    } as const;
    const rule = `${adapting.operation} ${target.variablesAt.at}.${variable}`;
    return { kind: 'variable', layer: 'env', name: variable, source, rule };
  });
  const origin = { name, namespace: 'default', container: 'main' };
  const bare = barePlan({ origin, stores: {}, policy: input.policy, placements });
  return {
    target,
    plan: { ...bare, image: start.image },
    objects: [],
    ...(parameters.length === 0 ? {} : { parameters: { parameters, isInPod: false } }),
    needs: {},
    image: textAt(request, adapting.image) ?? '',
    name,
    bellhop: input.bellhop,
    isStartedByImage: start.isByImage,
    ...(spill === undefined ? {} : { spill }),
    given: (operation) => (operation === adapting.operation ? rest : {}),
    deflate: input.deflate,
  };
}
