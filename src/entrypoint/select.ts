import { BellhopError, invariant, isOutage } from '../core/errors.ts';
import { keysText } from '../core/keys-text.ts';
import { Sealed } from '../core/sealed.ts';
import { formatReference } from '../plan/reference.ts';
import type { Bound } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import { isUtf8 } from '../wire/go-text.ts';
import { jsonMembers } from '../wire/json-source.ts';
import type { Answers, Given } from './answers.ts';
import { answerKey, levelsOf } from './answers.ts';

/** One value: there, absent and allowed to be, or a problem. */
export type Selected = Sealed | 'absent' | BellhopError;

/** All keys with their values: there, absent and allowed to be, or a problem. */
export type SelectedAll = ReadonlyMap<string, Sealed> | 'absent' | BellhopError;

type Found =
  | { readonly kind: 'found'; readonly answer: There }
  | { readonly kind: 'absent'; readonly what: string }
  | { readonly kind: 'failed'; readonly problem: BellhopError };

type There = Extract<Answer, { kind: 'value' | 'map' }>;

const encoder = new TextEncoder();

/** The one value that a bound reference names, by its key and the Secret's member. */
export function selectValue(answers: Answers, bound: Bound): Selected {
  return oneOf(givenFor(answers, bound), bound);
}

/** The same where what was given is at hand. */
export function oneOf(given: Given, bound: Bound): Selected {
  const found = selectSteps(given, bound);
  if (found.kind === 'found') {
    if (found.answer.kind === 'value') return checkedText(bound, found.answer.value);
    return problemOf(
      bound,
      `it is many values, one key must be named; ${keysText(found.answer.entries.keys())}`,
    );
  }
  const { default: byDefault } = bound;
  if (byDefault !== undefined && coversBy(bound, found))
    return new Sealed(encoder.encode(byDefault));
  if (found.kind === 'failed') return unavailable(bound, found.problem);
  return bound.optional === true ? 'absent' : missing(bound, found.what);
}

/** What an answer lacks of what is wanted; undefined where it lacks nothing, or has failed. */
export function lackOf(given: Given, bound: Bound): string | undefined {
  const found = selectSteps(given, bound);
  if (found.kind === 'absent') return found.what;
  if (bound.textOnly !== true || found.kind === 'failed' || found.answer.kind === 'map') {
    return undefined;
  }
  return isText(found.answer.value) ? undefined : NO_TEXT;
}

const NO_TEXT = 'it is not text (binaryData)';

/** A default covers absence; an outage only where that is said. */
function coversBy(bound: Bound, found: Exclude<Found, { kind: 'found' }>): boolean {
  if (found.kind === 'absent') return true;
  return bound.defaultOn === 'outage' && isOutage(found.problem);
}

/** binaryData of a ConfigMap does not exist for variables. */
function checkedText(bound: Bound, value: Sealed): Selected {
  if (bound.textOnly !== true || isText(value)) return value;
  return bound.optional === true ? 'absent' : missing(bound, NO_TEXT);
}

/** Every key of the object that a bound reference stands for. */
export function selectAll(answers: Answers, bound: Bound): SelectedAll {
  const found = selectSteps(givenFor(answers, bound), bound);
  if (found.kind === 'failed') return unavailable(bound, found.problem);
  if (found.kind === 'absent')
    return bound.optional === true ? 'absent' : missing(bound, found.what);
  const entries = entriesOf(found.answer);
  if (entries === undefined)
    return problemOf(bound, 'its value is not a JSON object, so it has no keys');
  if (bound.textOnly !== true) return entries;
  return new Map([...entries].filter(([, value]) => isText(value)));
}

/** ConfigMap values that are not UTF-8 count as binaryData, wherever they came from. */
function isText(value: Sealed): boolean {
  return !value.binary && isUtf8(value.reveal());
}

function givenFor(answers: Answers, bound: Bound): Given {
  const given = answers.get(answerKey(bound));
  invariant(given !== undefined, 'every reference of the plan was asked for');
  return given;
}

function selectSteps({ answer, level }: Given, bound: Bound): Found {
  if (answer.kind === 'absent' || answer.kind === 'failed') return answer;
  let found: Found = { kind: 'found', answer };
  for (const key of [levelsOf(bound)[level]?.key, bound.member]) {
    if (key !== undefined && found.kind === 'found') found = oneKey(found.answer, key);
  }
  return found;
}

function oneKey(answer: There, key: string): Found {
  const entries = entriesOf(answer);
  if (entries === undefined) {
    // What has no keys at all is broken or something else: that is not absence of one.
    const what = `it has no key ${key}: its value is not a JSON object`;
    return { kind: 'failed', problem: new BellhopError('BH_ERR_VALUE', { where: [], what }) };
  }
  const value = entries.get(key);
  if (value !== undefined) return { kind: 'found', answer: { kind: 'value', value } };
  return { kind: 'absent', what: `it has no key ${key}; ${keysText(entries.keys())}` };
}

function entriesOf(answer: There): ReadonlyMap<string, Sealed> | undefined {
  if (answer.kind === 'map') return answer.entries;
  const before = MEMBERS.get(answer.value);
  if (before !== undefined) return before;
  const members = jsonMembers(answer.value.reveal());
  if (members === undefined) return undefined;
  const entries = new Map([...members].map(([key, bytes]) => [key, new Sealed(bytes)]));
  MEMBERS.set(answer.value, entries);
  return entries;
}

/** A value is taken apart once, however many of its keys are asked for; gone with the value. */
const MEMBERS = new WeakMap<Sealed, ReadonlyMap<string, Sealed>>();

/** Why the store could not say; the report names what was wanted, then what was tried. */
function unavailable({ called, reference }: Bound, problem: BellhopError): BellhopError {
  return problem.within(formatReference(reference)).within(called);
}

function missing(bound: Bound, what: string): BellhopError {
  const where = [bound.called, formatReference(bound.reference)];
  return new BellhopError('BH_ERR_MISSING', { where, what });
}

function problemOf(bound: Bound, what: string): BellhopError {
  const where = [bound.called, formatReference(bound.reference)];
  return new BellhopError('BH_ERR_VALUE', { where, what });
}
