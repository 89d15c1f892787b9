import { BellhopError } from '../core/errors.ts';
import { formatReference } from '../plan/reference.ts';
import type { Bound, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import type { Given } from './answers.ts';
import { answerKey, levelsOf } from './answers.ts';
import { lackOf } from './select.ts';

/** A path with its fallbacks, and what is wanted of it; its answer is one for all who want it. */
export interface Question {
  readonly levels: readonly Reference[];
  readonly bounds: readonly Bound[];
}

/** What is asked, by `answerKey`. */
export type Questions = ReadonlyMap<string, Question>;

/** Each path with its fallbacks once. */
export function questionsOf(bounds: readonly Bound[]): Questions {
  const grouped = new Map<string, { levels: readonly Reference[]; bounds: Bound[] }>();
  for (const bound of bounds) {
    const key = answerKey(bound);
    const before = grouped.get(key);
    if (before === undefined) grouped.set(key, { levels: levelsOf(bound), bounds: [bound] });
    else before.bounds.push(bound);
  }
  return grouped;
}

/** The same without the fallbacks at these levels. */
export function without({ levels, bounds }: Question, lacks: readonly number[]): Question {
  const stays = (_: unknown, level: number): boolean => !lacks.includes(level);
  const left = bounds.map((bound): Bound => {
    const [, ...fallbacks] = levelsOf(bound).filter(stays);
    return { ...bound, fallbacks };
  });
  return { levels: levels.filter(stays), bounds: left };
}

/**
 * What a fallback has given; absent where it lacks the path, or a key that is wanted of it: only
 * the reference's own store says what exists. A key with a default for outages may be lacking.
 */
export function orLacking({ bounds }: Question, given: Given): Given {
  if (given.level === 0) return given;
  const needed = bounds.filter((one) => one.default === undefined || one.defaultOn !== 'outage');
  const asked = needed.length === 0 ? bounds : needed;
  const what = asked.map((bound) => lackOf(given, bound)).find((one) => one !== undefined);
  if (what === undefined) return given;
  return { ...given, answer: { kind: 'absent', what }, lacks: [given.level] };
}

/**
 * What comes of a reference whose store is down and whose fallback was asked. Where the fallback
 * lacks it the store that is down may have it: an outage, for `optional` and for defaults.
 */
export function followed(first: Given | undefined, then: Given, from: Reference): Given {
  if (first === undefined || isThere(then.answer)) return then;
  return both(first, then, `then ${formatReference(from)}: ${saidBy(then.answer, 'message')}`);
}

/** Asked again: what failed as well the second time tells of both. */
export function askedAgain(first: Given | undefined, then: Given): Given {
  if (first === undefined || then.answer.kind !== 'failed') return then;
  return both(first, then, `asked again: ${saidBy(then.answer, 'what')}`);
}

/** The report has both; what decides is the last one that failed. */
function both(first: Given, then: Given, said: string): Given {
  const lacks = [...new Set([...(first.lacks ?? []), ...(then.lacks ?? [])])];
  return {
    ...then,
    ...(first.isEarly === true ? { isEarly: true } : {}),
    ...(lacks.length === 0 ? {} : { lacks }),
    answer: joined(first.answer, then.answer, said),
  };
}

function joined(first: Answer, then: Answer, said: string): Answer {
  const what = `${saidBy(first, 'what')}; ${said}`;
  const failure = [then, first].find((one) => one.kind === 'failed');
  if (failure === undefined) return { kind: 'absent', what };
  const where = first.kind === 'failed' ? first.problem.where : [];
  const { code, help } = failure.problem;
  return { kind: 'failed', problem: new BellhopError(code, { where, what, help }) };
}

function isThere({ kind }: Answer): boolean {
  return kind === 'value' || kind === 'map';
}

/** What a failure or an absence says; '' for anything else. */
function saidBy(answer: Answer, how: 'message' | 'what'): string {
  if (answer.kind === 'failed') return answer.problem[how];
  return answer.kind === 'absent' ? answer.what : '';
}
