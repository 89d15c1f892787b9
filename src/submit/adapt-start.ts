import { BellhopError } from '../core/errors.ts';
import type { Image } from '../plan/types.ts';
import { WORDS_MARK } from '../plan/overrides.ts';
import type { Adapting } from '../targets/_adapting.ts';
import { textsAt, variablesAt } from './adapt-fields.ts';
import type { Adaptable } from './adapt-target.ts';
import { isStartTold } from './ways.ts';

// How the container of a request that somebody else made comes to start bellhop.

/** What decides it. */
export interface StartInput extends Adaptable {
  /** What the image's configuration says, for requests that leave ENTRYPOINT to it. */
  readonly image: Image;
  /**
   * image: the image's ENTRYPOINT is `bellhop run --`. request: requests start bellhop, and so
   * does a definition that a later one is over. Absent where nobody said so.
   */
  readonly startedBy?: 'image' | 'request';
  /** The executable in the image. */
  readonly bellhop: string;
}

/** How bellhop is started, and what it starts; `words` are left to the request itself. */
export interface Start {
  readonly image: Image;
  readonly isByImage: boolean;
  /** The arguments that the request itself has; none where the plan has them. */
  readonly words?: readonly string[];
  /** What a later request has as its arguments is the program's instead of the plan's. */
  readonly hasArguments?: true;
}

/** The ways to start the program, the best first. */
export function startsOf(input: StartInput): readonly Start[] | BellhopError {
  const { adapting, request } = input;
  const entrypoint = textsAt(request, adapting.entrypoint);
  const words = textsAt(request, adapting.arguments);
  const isNamed = entrypoint.length > 0;
  const astray = isNamed ? undefined : strayStart(input);
  if (astray !== undefined) return astray;
  if (adapting.over !== undefined) return startsOver(input, words);
  if (isNamed) return [startBy(input, { entrypoint, cmd: words })];
  if (input.startedBy !== 'image' && takesWords(adapting)) return startBehind(input, words);
  const inRequest = { image: {}, isByImage: true, words };
  if (words.length === 0 || isReplaced(adapting, words)) return [inRequest];
  return [inRequest, inPlan(input, words)];
}

/** Words that have no room in the request of an image that starts bellhop. */
function inPlan(input: StartInput, words: readonly string[]): Start {
  const { adapting } = input;
  const image = { entrypoint: [], cmd: words };
  if (adapting.isDefinition !== true) return { image, isByImage: true };
  // A field for the ENTRYPOINT leaves the image's CMD out; elsewhere a word must.
  if (adapting.entrypoint !== undefined) return startBy(input, image);
  return { image, isByImage: true, words: [WORDS_MARK], hasArguments: true };
}

/** By the request's own field. */
function startBy({ adapting }: StartInput, image: Image): Start {
  const hasArguments = adapting.isDefinition === true && adapting.entrypoint !== undefined;
  return { image, isByImage: false, ...(hasArguments ? { hasArguments } : {}) };
}

const takesWords = ({ entrypoint, arguments: words }: Adapting): boolean =>
  entrypoint !== undefined || words !== undefined;

function isReplaced({ replaced }: Adapting, words: readonly string[]): boolean {
  return replaced !== undefined && words.some((word) => word.includes(replaced));
}

/** Of a request over a definition: that one starts bellhop, unless the words are all of it. */
function startsOver(input: StartInput, words: readonly string[]): readonly Start[] | BellhopError {
  const { adapting, request, startedBy } = input;
  const isAll = adapting.over === 'command' && words.length > 0;
  if (isAll && startedBy !== 'image') return startAll(input, words);
  const isSaid = startedBy !== undefined;
  const takesNothing = words.length === 0 && variablesAt(request, adapting.variables).length === 0;
  if (!isSaid && !takesNothing) return unknownDefinition(input);
  const inRequest = { image: {}, isByImage: true, words };
  if (words.length === 0 || isReplaced(adapting, words)) return [inRequest];
  return [inRequest, markedBy(words, [])];
}

/** The words in the plan, and their mark in the request. */
function markedBy(words: readonly string[], head: readonly string[]): Start {
  return { image: { cmd: words }, isByImage: true, words: [...head, WORDS_MARK] };
}

/** The words are all that is started: bellhop stands before them, whatever the definition has. */
function startAll(input: StartInput, words: readonly string[]): readonly Start[] | BellhopError {
  const behind = startBehind(input, words);
  const hasOther = (input.image.entrypoint ?? []).length > 0;
  if (behind instanceof BellhopError || hasOther) return behind;
  const head = [input.bellhop, 'run', '--'];
  const inRequest = { image: {}, isByImage: true, words: [...head, ...words] };
  return isReplaced(input.adapting, words) ? [inRequest] : [inRequest, markedBy(words, head)];
}

/** What the image itself would start with these words. */
function startBehind(input: StartInput, words: readonly string[]): Start[] | BellhopError {
  const { adapting, image } = input;
  const { entrypoint = [], cmd = [] } = image;
  const rest = words.length > 0 ? words : (adapting.argumentsDefault ?? cmd);
  const canBeNone = isStartTold({ image }) && rest.length > 0;
  if (entrypoint.length === 0 && !canBeNone) return unknownStart(input);
  if (entrypoint.length === 0 && isReplaced(adapting, words)) {
    // As if the image began so: words behind `--` are the program's.
    return [{ image: {}, isByImage: true, words: [input.bellhop, 'run', '--', ...words] }];
  }
  return [startBy(input, { entrypoint, cmd: rest })];
}

/** Where bellhop would not be what the image starts, and the request cannot say so. */
function strayStart(input: StartInput): BellhopError | undefined {
  const { adapting, image, startedBy } = input;
  const { entrypoint = [] } = image;
  const where = [adapting.operation];
  if (startedBy === 'image' && entrypoint.length > 0 && !isBellhop(entrypoint)) {
    const what = `the image's ENTRYPOINT is said to be ${JSON.stringify(entrypoint)}, and to start bellhop`;
    const help = `take one of both out of bellhop.yaml, or ${BY_IMAGE}`;
    return new BellhopError('BH_ERR_NO_COMMAND', { where, what, help });
  }
  if (startedBy === 'image' || takesWords(adapting)) return undefined;
  const what = "only the image's ENTRYPOINT can start bellhop, and nothing says that it does";
  return new BellhopError('BH_ERR_NO_COMMAND', { where, what, help: BY_IMAGE });
}

function isBellhop([program = '', command]: readonly string[]): boolean {
  return /(^|\/)bellhop$/.test(program) && command === 'run';
}

const BY_IMAGE =
  'build the image with ENTRYPOINT ["bellhop","run","--"] and set `submit: { startedBy: image }`';

function unknownStart({ adapting }: StartInput): BellhopError {
  const isWords = adapting.entrypoint === undefined;
  const what = isWords
    ? "the request cannot replace the image's ENTRYPOINT, which is not known"
    : "the request leaves the program to the image's ENTRYPOINT, which is not known";
  const given = isWords
    ? "say that it has none with `--image-entrypoint '[]'` or `image: { entrypoint: [] }` in bellhop.yaml"
    : 'give it with `--image-entrypoint` or `image:` in bellhop.yaml';
  const help = `${given}; or ${BY_IMAGE}`;
  return new BellhopError('BH_ERR_NO_COMMAND', { where: [adapting.operation], what, help });
}

/** Without bellhop the program would start with what has room, and nobody would say so. */
function unknownDefinition({ adapting }: StartInput): BellhopError {
  const what = 'the definition says what is started, and whether that is bellhop is not known';
  const help = `${BY_IMAGE}; or adapt the definition and set \`submit: { startedBy: request }\``;
  return new BellhopError('BH_ERR_NO_COMMAND', { where: [adapting.operation], what, help });
}
