import { BellhopError } from '../core/errors.ts';
import { barePlan } from '../plan/bare.ts';
import type { Placement, Policy } from '../plan/types.ts';
import type { Adapting } from '../targets/_adapting.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { Target } from '../targets/_target.ts';
import { textAt, variablesAt, withAt } from './adapt-fields.ts';
import type { Written } from './adapt-problems.ts';
import { channelProblems, writtenProblems } from './adapt-problems.ts';
import type { Start, StartInput } from './adapt-start.ts';
import { startsOf } from './adapt-start.ts';
import { adaptedTarget, takenFields } from './adapt-target.ts';
import { against, because } from './adapt-why.ts';
import { capProblems, sendProblems } from './judge.ts';
import type { Submission, SubmitInput } from './prepare.ts';
import { prepare } from './prepare.ts';
import type { SpillPlace } from './ways.ts';

// A request that somebody else made, and that a platform would not take: what is over its caps goes
// into a plan, and bellhop brings it back. Pure.

/** What adapting takes beside the request. */
export interface AdaptInput extends Written, StartInput {
  readonly spill?: SpillPlace;
  readonly policy: Policy;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

/** The adapted request, and what is spilled beside it. */
export interface Adapted {
  readonly request: JsonObject;
  readonly submission: Submission;
}

/** Which of a target's requests this is; undefined where it names none of what they make. */
export function adaptingOf(target: Target, request: JsonObject): Adapting | undefined {
  return target.adapt?.find(({ name }) => textAt(request, name) !== undefined);
}

/** True where the platform takes the request as it is. */
export function isLegal(target: Target, adapting: Adapting, request: JsonObject): boolean {
  return against({ target, adapting, request }).length === 0;
}

/** Adapts a request that is not legal; everything that keeps it from becoming so is a problem. */
export function adapt(input: AdaptInput): Adapted | readonly BellhopError[] {
  const problems = writtenProblems(input);
  const starts = startsOf(input);
  if (starts instanceof BellhopError) return [...problems, because(input, starts)];
  if (problems.length > 0) return problems;
  let made: Adapted | readonly BellhopError[] = [];
  for (const start of starts) {
    made = adaptedBy(input, start);
    if ('request' in made) break;
  }
  return made;
}

function adaptedBy(input: AdaptInput, start: Start): Adapted | readonly BellhopError[] {
  const { adapting } = input;
  const wanted = submitInput(input, start);
  // A request over a definition may say again what that one's plan has: then its own plan must.
  const isOver = adapting.over !== undefined;
  const submission = isOver ? prepare(wanted) : eachInOnePlace(wanted, prepare(wanted));
  const taken = channelProblems(input, submission.split.job.channel);
  const unsent = [...taken, ...sendProblems(wanted, submission)];
  if (unsent.length > 0) return unsent;
  const request = submission.split.requests[0]?.input ?? {};
  const left = capProblems(wanted.target, submission.split.breaches);
  return left.length > 0 ? left : { request, submission };
}

const ROUNDS_MAX = 8;

/**
 * Leaves variables that have room in the request to the platform alone, so that a later call can
 * override them. A smaller plan may have room in the request, and then more variables have.
 */
function eachInOnePlace(wanted: SubmitInput, first: Submission): Submission {
  let [kept, made] = [keptIn(first), first];
  for (let round = 0; round < ROUNDS_MAX && kept.size > 0; round += 1) {
    const offered = leaving(wanted, kept);
    const next = prepare({ ...offered, isPlainAll: true });
    const now = keptIn(next);
    const isWhole = now.size === kept.size;
    if (isWhole) made = next;
    else if (made !== first) break;
    // What is elsewhere takes as much room in the request, however small it is.
    if (isWhole && next.spilled !== undefined) break;
    const more = isWhole ? keptIn(prepare(offered)) : now;
    if (isWhole && more.size <= kept.size) break;
    kept = more;
  }
  return made;
}

/** Names of variables that stand in the request. */
function keptIn({ split: { placed, breaches } }: Submission): ReadonlySet<string> {
  const kept = placed.filter((one) => one.what === 'variable' && one.isInRequest);
  return new Set(breaches.length > 0 ? [] : kept.map(({ name }) => name));
}

/** The same with a plan that does not have these. */
function leaving(wanted: SubmitInput, names: ReadonlySet<string>): SubmitInput {
  const [plain, placements]: [(readonly [string, string])[], Placement[]] = [[], []];
  for (const one of wanted.plan.placements) {
    const isText = one.kind === 'variable' && one.source.kind === 'text';
    if (isText && names.has(one.name) && one.source.kind === 'text') {
      plain.push([one.name, one.source.text]);
    } else placements.push(one);
  }
  return { ...wanted, plan: { ...wanted.plan, placements }, plain };
}

function submitInput(input: AdaptInput, start: Start): SubmitInput {
  const { adapting, request, spill } = input;
  const { operation, variables: at } = adapting;
  const parameters = variablesAt(request, adapting.hyperparameters);
  const bare = takenFields(adapting).reduce((all, one) => withAt(all, one, undefined), request);
  const { words = [] } = start;
  const hasWords = adapting.arguments !== undefined && words.length > 0;
  const rest = hasWords ? withAt(bare, adapting.arguments, words) : bare;
  const name = textAt(request, adapting.name) ?? '';
  const placements = variablesAt(request, at).map(([variable, text]): Placement => {
    const source = { kind: 'text', text, of: `${operation} ${at}` } as const;
    const rule = `${operation} ${at}.${variable}`;
    return { kind: 'variable', layer: 'env', name: variable, source, rule };
  });
  const origin = { name, namespace: 'default', container: 'main' };
  const plan = barePlan({ origin, stores: {}, policy: input.policy, placements });
  return {
    target: adaptedTarget(input),
    plan: { ...plan, image: start.image },
    objects: [],
    ...(parameters.length === 0 ? {} : { parameters: { parameters, isInPod: false } }),
    needs: {},
    image: adapting.image === undefined ? '' : (textAt(request, adapting.image) ?? ''),
    name,
    bellhop: input.bellhop,
    isStartedByImage: start.isByImage,
    ...(start.hasArguments === true ? { hasArguments: true } : {}),
    ...(adapting.over === undefined ? {} : { isOver: true }),
    ...(spill === undefined ? {} : { spill }),
    given: () => rest,
    deflate: input.deflate,
  };
}
