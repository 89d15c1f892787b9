import type { Json } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { bytesOf, isObject, nodesAt, pairsOf } from '../targets/_caps.ts';
import type { Variable } from '../targets/_target.ts';
import { isPair, textAt, textsAt, variablesAt } from './adapt-fields.ts';
import type { Adaptable } from './adapt-target.ts';

// What of a request that somebody else made cannot be taken over.

/** A request as its author wrote it. */
export interface Written extends Adaptable {
  /** What is wrong with the name of a variable; undefined for a good one. */
  readonly nameProblem: (name: string) => string | undefined;
}

/** Everything of a request that keeps it from being taken over, whatever its caps. */
export function writtenProblems(written: Written): BellhopError[] {
  const variables = variablesAt(written.request, written.adapting.variables);
  return [
    ...typeProblems(written),
    ...placeProblems(written),
    ...namesakeProblems(written, variables),
    ...ownProblems(written, variables),
  ];
}

function wrong({ adapting }: Written, at: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_ADAPT', { where: [adapting.operation, at], what });
}

const isText = (node: Json): boolean => typeof node === 'string';
const isTexts = (node: Json): boolean => Array.isArray(node) && (node as Json[]).every(isText);
const isPairs = (node: Json): boolean => Array.isArray(node) && (node as Json[]).every(isPair);
const isMap = (node: Json): boolean => isObject(node) && Object.values(node).every(isText);

/** What is not of the type that the platform's model says. */
function typeProblems(written: Written): BellhopError[] {
  const { adapting, request } = written;
  const { variables: own, isList = false } = adapting;
  const variables = isList
    ? ([own, isPairs, 'a list of {name, value}, both of them texts'] as const)
    : ([own, isMap, 'a map of texts'] as const);
  const fields = [
    variables,
    [adapting.hyperparameters, isMap, 'a map of texts'] as const,
    [adapting.entrypoint, isTexts, 'a list of texts'] as const,
    [adapting.arguments, isTexts, 'a list of texts'] as const,
  ];
  return fields.flatMap(([at, isFit, what]) => {
    const [node] = at === undefined ? [] : nodesAt(request, at);
    const isGood = at === undefined || node === undefined || isFit(node);
    return isGood ? [] : [wrong(written, at, `must be ${what}`)];
  });
}

/** Where a request has no container of its own, or several. */
function placeProblems(written: Written): BellhopError[] {
  const { adapting, request } = written;
  const others = (adapting.others ?? []).filter((at) => nodesAt(request, at).length > 0);
  if (others.length > 0) {
    return others.map((at) => wrong(written, at, 'is not adapted: docs/adapt.md has what is'));
  }
  const several = containersProblem(written);
  if (several !== undefined) return [several];
  const { image } = adapting;
  if (image === undefined || textAt(request, image) !== undefined) return [];
  return [wrong(written, image, 'is needed: bellhop has to be in an image of your own')];
}

/** Where variables are of containers in a list, it must have one; what is over it, one or none. */
function containersProblem(written: Written): BellhopError | undefined {
  const { adapting, request } = written;
  const [list = '', isIn] = adapting.variables.split('[]');
  if (isIn === undefined) return undefined;
  const [containers] = nodesAt(request, list);
  if (containers === undefined && adapting.over !== undefined) return undefined;
  const count = Array.isArray(containers) ? containers.length : 0;
  if (count === 1) return undefined;
  return wrong(written, list, `has ${count} containers: a request of one is adapted`);
}

/** What the platform is to bring for bellhop, where the author has a thing of that name already. */
export function channelProblems(written: Written, address: string | undefined): BellhopError[] {
  const { channel } = written.adapting;
  if (channel === undefined || address === undefined) return [];
  const [own] = nodesAt(written.request, channel.at);
  const elements = Array.isArray(own) ? (own as readonly Json[]) : [];
  return channel.by.flatMap((member) => {
    const [ours] = nodesAt(channel.of(address), member);
    const isTaken = elements.some((one) => nodesAt(one, member)[0] === ours);
    const what = `is ${JSON.stringify(ours)}, which bellhop brings its plan by: call yours otherwise`;
    return isTaken ? [wrong(written, `${channel.at}.${member}`, what)] : [];
  });
}

/** Names that stand twice, of which nobody knows which one counts, and those of ours. */
function namesakeProblems(written: Written, variables: readonly Variable[]): BellhopError[] {
  const { secrets } = written.adapting;
  const [node = []] = secrets === undefined ? [] : nodesAt(written.request, secrets);
  const others = new Set(pairsOf(node).map(([name]) => name));
  const seen = new Set<string>();
  return variables.flatMap(([name]) => {
    const isSeen = seen.has(name);
    seen.add(name);
    if (/^BELLHOP_(PLAN|OVERRIDES)/.test(name)) {
      return [wrong(written, name, 'is in the request already: adapt the one without it')];
    }
    if (isSeen) return [wrong(written, name, 'stands twice: which one counts is not known')];
    if (!others.has(name)) return [];
    return [wrong(written, name, `stands in ${secrets} too: which one counts is not known`)];
  });
}

/** One string with its NUL: MAX_ARG_STRLEN, measured on Linux 6.18. */
const STRING_BYTES_MAX = 131_072;

/** What no container can be given, however it is delivered. */
function ownProblems(written: Written, variables: readonly Variable[]): BellhopError[] {
  const { adapting, request, nameProblem } = written;
  const bad = (where: readonly string[], what: string | undefined): BellhopError[] => {
    return what === undefined ? [] : [new BellhopError('BH_ERR_VALUE', { where, what })];
  };
  const { entrypoint, arguments: rest, hyperparameters } = adapting;
  return [
    ...variables.flatMap(([name, value]) => {
      const problem = nameProblem(name) ?? stringProblem(value, bytesOf(name) + 1);
      return bad(['variable', name], problem);
    }),
    ...[entrypoint, rest].flatMap((at) => {
      return textsAt(request, at).flatMap((word, index) => {
        return bad([adapting.operation, `${at}[${index}]`], stringProblem(word, 0));
      });
    }),
    ...variablesAt(request, hyperparameters).flatMap(([name, value]) => {
      return bad(['hyperparameter', name.toWellFormed()], unicodeProblem(name + value));
    }),
  ];
}

/** What Linux cannot start a program with, beside `more` bytes in the same string. */
function stringProblem(text: string, more: number): string | undefined {
  if (text.includes('\0')) return 'has a NUL, which neither a variable nor a word can hold';
  const bytes = more + bytesOf(text) + 1;
  if (bytes > STRING_BYTES_MAX) return `has ${bytes} bytes, Linux takes ${STRING_BYTES_MAX}`;
  return unicodeProblem(text);
}

/** UTF-8 has no half of a surrogate pair: it would arrive as another character. */
function unicodeProblem(text: string): string | undefined {
  return text.isWellFormed() ? undefined : 'has half a surrogate pair, which UTF-8 cannot hold';
}
