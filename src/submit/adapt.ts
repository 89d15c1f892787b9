import { BellhopError } from '../core/errors.ts';
import { barePlan } from '../plan/bare.ts';
import type { Image, Placement, Policy } from '../plan/types.ts';
import type { JsonObject } from '../targets/_caps.ts';
import { breachesOf, nodesAt } from '../targets/_caps.ts';
import type { Adapting } from '../targets/_adapting.ts';
import type { Target } from '../targets/_target.ts';
import { textAt, textsAt, variablesAt, withAt } from './adapt-fields.ts';
import type { Written } from './adapt-problems.ts';
import { writtenProblems } from './adapt-problems.ts';
import { capProblems, sendProblems } from './judge.ts';
import type { Submission, SubmitInput } from './prepare.ts';
import { prepare } from './prepare.ts';
import type { SpillPlace } from './ways.ts';
import { isStartTold } from './ways.ts';

// A request that somebody else made, and that a platform would not take: what is over its caps goes
// into a plan, and bellhop brings it back. Pure.

/** What adapting takes beside the request. */
export interface AdaptInput extends Written {
  readonly spill?: SpillPlace;
  /** What the image's configuration says, for requests that leave ENTRYPOINT to it. */
  readonly image: Image;
  /** The image's ENTRYPOINT is `bellhop run --`. */
  readonly isStartedByImage: boolean;
  /** The executable in the image. */
  readonly bellhop: string;
  readonly policy: Policy;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
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
  const problems = writtenProblems(input);
  const starts = startsOf(input);
  if (starts instanceof BellhopError) return [...problems, starts];
  if (problems.length > 0) return problems;
  let made: Adapted | readonly BellhopError[] = [];
  for (const start of starts) {
    made = adaptedBy(input, start);
    if ('request' in made) break;
  }
  return made;
}

function adaptedBy(input: AdaptInput, start: Start): Adapted | readonly BellhopError[] {
  const { target, adapting } = input;
  const wanted = submitInput(input, start);
  const submission = prepare(wanted);
  const against = sendProblems(wanted, submission);
  if (against.length > 0) return against;
  const rendered = submission.split.requests.find(({ operation }) => {
    return operation === adapting.operation;
  });
  const made = rendered?.input ?? {};
  const left = capProblems(target, breachesOf(target.caps, adapting.operation, made));
  return left.length > 0 ? left : { request: made, submission };
}

/** The target, whose request has what is kept as the author wrote it: so it counts for caps. */
function keeping({ target, adapting, request }: AdaptInput): Target {
  const kept = (made: JsonObject): JsonObject => {
    return adapting.kept.reduce((all: JsonObject, field) => {
      return withAt(all, field, nodesAt(request, field)[0]);
    }, made);
  };
  return {
    ...target,
    render: (job) => {
      return target.render(job).map((one) => {
        return one.operation === adapting.operation ? { ...one, input: kept(one.input) } : one;
      });
    },
  };
}

/** How bellhop is started, and what it starts; `words` are left to the request itself. */
interface Start {
  readonly image: Image;
  readonly isByImage: boolean;
  /** The arguments that the request itself has; none where the plan has them. */
  readonly words?: readonly string[];
}

/** The ways to start the program, the best first. */
function startsOf(input: AdaptInput): readonly Start[] | BellhopError {
  const { target, adapting, request, isStartedByImage } = input;
  const entrypoint = textsAt(request, adapting.entrypoint);
  const words = textsAt(request, adapting.arguments);
  if (entrypoint.length > 0) return [{ image: { entrypoint, cmd: words }, isByImage: false }];
  if (!isStartedByImage && target.start !== 'image') return startBehind(input, words);
  const inRequest = { image: {}, isByImage: true, words };
  if (words.length === 0 || isReplaced(adapting, words)) return [inRequest];
  return [inRequest, { image: { entrypoint: words }, isByImage: true }];
}

function isReplaced({ replaced }: Adapting, words: readonly string[]): boolean {
  return replaced !== undefined && words.some((word) => word.includes(replaced));
}

/** What the image itself would start with these words. */
function startBehind(input: AdaptInput, words: readonly string[]): Start[] | BellhopError {
  const { target, adapting, image } = input;
  const { entrypoint = [], cmd = [] } = image;
  const canBeNone = target.start === 'words' && isStartTold({ image });
  if (entrypoint.length === 0 && !canBeNone) return unknownStart(input);
  if (entrypoint.length === 0 && isReplaced(adapting, words)) {
    // As if the image began so: words behind `--` are the program's.
    return [{ image: {}, isByImage: true, words: [input.bellhop, 'run', '--', ...words] }];
  }
  const rest = words.length > 0 ? words : (adapting.argumentsDefault ?? cmd);
  return [{ image: { entrypoint, cmd: rest }, isByImage: false }];
}

function unknownStart({ target, adapting }: AdaptInput): BellhopError {
  const isWords = target.start === 'words';
  const what = isWords
    ? "the request cannot replace the image's ENTRYPOINT, which is not known"
    : "the request leaves the program to the image's ENTRYPOINT, which is not known";
  const given = isWords
    ? "say that it has none with `--image-entrypoint '[]'` or `image: { entrypoint: [] }` in bellhop.yaml"
    : 'give it with `--image-entrypoint` or `image:` in bellhop.yaml';
  const help = `${given}; or build the image with ENTRYPOINT ["bellhop","run","--"] and set \`submit: { startedBy: image }\``;
  return new BellhopError('BH_ERR_NO_COMMAND', { where: [adapting.operation], what, help });
}

function submitInput(input: AdaptInput, start: Start): SubmitInput {
  const { target, adapting, request, spill } = input;
  const parameters = variablesAt(request, adapting.hyperparameters);
  const taken = [
    target.variablesAt.at,
    adapting.entrypoint,
    adapting.arguments,
    adapting.hyperparameters,
    // What a submission has there is not wanted: these come back as they were.
    ...adapting.kept,
  ].filter((at) => at !== undefined);
  const bare = taken.reduce((all, at) => withAt(all, at, undefined), request);
  const { words = [] } = start;
  const hasWords = adapting.arguments !== undefined && words.length > 0;
  const rest = hasWords ? withAt(bare, adapting.arguments, words) : bare;
  const name = textAt(request, adapting.name) ?? '';
  const placements = variablesAt(request, target.variablesAt.at).map(
    ([variable, text]): Placement => {
      const source = {
        kind: 'text',
        text,
        of: `${adapting.operation} ${target.variablesAt.at}`,
      } as const;
      const rule = `${adapting.operation} ${target.variablesAt.at}.${variable}`;
      return { kind: 'variable', layer: 'env', name: variable, source, rule };
    },
  );
  const origin = { name, namespace: 'default', container: 'main' };
  const plan = barePlan({ origin, stores: {}, policy: input.policy, placements });
  return {
    target: keeping(input),
    plan: { ...plan, image: start.image },
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
