import type { Code } from '../core/errors.ts';
import { BellhopError } from '../core/errors.ts';
import type { Span } from '../core/trace.ts';
import type { WantedBound } from '../plan/bounds.ts';
import { formatReference } from '../plan/reference.ts';
import type { Bound, Plan, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';
import { answerKey, levelsOf, pathKey } from './answers.ts';
import { referencesOf } from './references.ts';
import { oneOf, selectAll } from './select.ts';

/** Who we are to a store, or why that could not be learned. */
export interface Identity {
  readonly identity?: string;
  readonly problem?: BellhopError;
  /** What was asked to learn it. */
  readonly spans: readonly Span[];
}

/** One store as `check` found it. */
export interface StoreRow {
  readonly store: string;
  readonly kind: string;
  /** True where it answered anything; false where no answer came; absent where it was not asked. */
  readonly reachable?: boolean;
  /** Who we are to it, where it can say. */
  readonly identity?: string;
  /** How long its first answer took, credentials not counted; absent where no request was made. */
  readonly firstAnswerMs?: number;
  /** From the first request to the last answer, credentials included. */
  readonly tookMs?: number;
  readonly requests: number;
  readonly protocols: readonly ('h1' | 'h2')[];
  /** Why its identity could not be learned, or why it did not answer. */
  readonly problem?: { readonly code: Code; readonly text: string };
}

/** What became of one reference; never its value. */
export type ReferenceState = 'present' | 'absent' | 'denied' | 'unreachable' | 'unusable';

/** One reference as `check` found it. */
export interface ReferenceRow {
  readonly reference: string;
  readonly store: string;
  readonly why: 'value' | 'fallback' | 'credential' | 'last good';
  /** What wants it, e.g. `secret db, key password`. */
  readonly called: string;
  readonly state: ReferenceState;
  /** Bytes of the value, or of all keys together. */
  readonly bytes?: number;
  /** How many keys it has, where all of them are wanted. */
  readonly keys?: number;
  /** Which version the store gave. */
  readonly version?: string;
  /** How long it is lent for. */
  readonly leaseMs?: number;
  /** How long it took, where it was the only thing asked of its store. */
  readonly tookMs?: number;
  readonly optional?: true;
  readonly hasDefault?: true;
  /** Why it is not present. */
  readonly problem?: { readonly code: Code; readonly text: string };
}

export interface StoreFacts {
  readonly store: string;
  readonly kind: string;
  readonly identity: Identity;
  readonly spans: readonly Span[];
  readonly answers: readonly Answer[];
}

/** What is known of one store after all was asked. */
export function storeRow({ store, kind, identity, spans, answers }: StoreFacts): StoreRow {
  // Where nothing is wanted of it, only who we are was asked.
  const own = (answers.length > 0 ? spans : identity.spans).filter((one) => one.store === store);
  const failed = answers.flatMap((one) => (one.kind === 'failed' ? [one.problem] : []));
  // Where no request is made, e.g. of files: what it has said itself.
  const isSaid =
    failed.length < answers.length || failed.some(({ code }) => code === 'BH_ERR_STORE_DENIED');
  const isReached = isAnswered(own, failed) ?? (isSaid ? true : undefined);
  const problem = (isReached === true ? undefined : failed[0]) ?? identity.problem;
  const { requests, protocols, tookMs } = timesOf(own);
  const firstAnswerMs = firstAnswer(own);
  return {
    store,
    kind,
    ...(isReached === undefined ? {} : { reachable: isReached }),
    ...(identity.identity === undefined ? {} : { identity: identity.identity }),
    ...(firstAnswerMs === undefined ? {} : { firstAnswerMs }),
    ...(tookMs === undefined ? {} : { tookMs }),
    requests,
    protocols,
    ...(problem === undefined ? {} : { problem: told(problem) }),
  };
}

/**
 * Whether any request was answered, whatever was said; undefined where none was made. What was
 * asked for credentials may have been asked elsewhere: it counts only where nothing else was asked.
 */
function isAnswered(spans: readonly Span[], failed: readonly BellhopError[]): boolean | undefined {
  const calls = spans.filter((one) => one.kind === 'call');
  const logins = spans.filter((one) => one.kind === 'credentials');
  const isHttp = (outcome: string): boolean => outcome.startsWith('HTTP ');
  // What is no HTTP has no attempts: a call itself was answered, unless the store was down.
  const others = calls.filter((one) => hasHappened(one, failed));
  return (
    anyOf(attemptsOf(calls, spans), isHttp) ??
    anyOf(attemptsOf(logins, spans), isHttp) ??
    anyOf(others, (outcome) => outcome !== 'BH_ERR_STORE')
  );
}

/** What was said to a call names it; what has kept it from being made, e.g. no key, does not. */
function hasHappened({ outcome, name }: Span, failed: readonly BellhopError[]): boolean {
  return outcome === 'ok' || failed.some(({ where }) => where.includes(name));
}

function attemptsOf(calls: readonly Span[], spans: readonly Span[]): Span[] {
  const ids = new Set(calls.map(({ id }) => id));
  return spans.filter(({ parent, kind }) => {
    return (kind === 'attempt' || kind === 'hedge') && parent !== undefined && ids.has(parent);
  });
}

/** True where one of them ended like this; undefined where there is none. */
function anyOf(spans: readonly Span[], is: (outcome: string) => boolean): boolean | undefined {
  if (spans.length === 0) return undefined;
  return spans.some(({ outcome }) => outcome !== undefined && is(outcome));
}

function timesOf(spans: readonly Span[]) {
  const protocols = spans.flatMap(({ notes }) => notes?.protocol ?? []);
  const sent = spans.filter(({ kind }) => kind === 'attempt' || kind === 'hedge');
  const ended = spans.flatMap(({ endMs }) => (endMs === undefined ? [] : [endMs]));
  const tookMs = Math.max(...ended) - Math.min(...spans.map(({ startMs }) => startMs));
  return {
    requests: sent.length,
    protocols: [...new Set(protocols)].toSorted(),
    ...(ended.length === 0 ? {} : { tookMs: round(tookMs) }),
  };
}

/** Of a call by HTTP the attempt that was answered, else the whole call. */
function firstAnswer(spans: readonly Span[]): number | undefined {
  const calls = new Set(spans.filter(({ kind }) => kind === 'call').map(({ id }) => id));
  const answered = spans
    .filter(({ id, parent, kind, outcome }) => {
      const isTry = kind === 'attempt' && parent !== undefined && calls.has(parent);
      const isWhole = calls.has(id) && !spans.some((one) => one.parent === id);
      return (isTry && outcome?.startsWith('HTTP ') === true) || (isWhole && outcome === 'ok');
    })
    .toSorted((a, b) => (a.endMs ?? 0) - (b.endMs ?? 0));
  const [first] = answered;
  return first?.endMs === undefined ? undefined : round(first.endMs - first.startMs);
}

/** What a store said of one path. */
export interface Said {
  readonly store: string;
  readonly answer: Answer;
}

export interface RowsFacts {
  readonly plan: Plan;
  readonly wanted: readonly WantedBound[];
  /** By `pathKey`. */
  readonly answers: ReadonlyMap<string, Said>;
  readonly spans: readonly Span[];
}

/** A row for each reference, and for each of its fallbacks. */
export function referenceRows(facts: RowsFacts): ReferenceRow[] {
  const values = facts.wanted.flatMap(({ bound, all }) => {
    return levelsOf(bound).map((reference, level) => {
      return rowOf(facts, { reference, bound, all, why: level === 0 ? 'value' : 'fallback' });
    });
  });
  const others = referencesOf(facts.plan)
    .filter(({ why }) => why === 'credential' || why === 'last good')
    .map(({ reference, called, why }) => {
      return rowOf(facts, { reference, bound: { reference, called }, all: false, why });
    });
  const rows = [...values, ...others];
  return [...new Map(rows.map((one) => [JSON.stringify(keyOf(one)), one])).values()];
}

function keyOf({ reference, called, why }: ReferenceRow) {
  return [reference, called, why];
}

interface RowFacts {
  readonly reference: Reference;
  readonly bound: Bound;
  readonly all: boolean;
  readonly why: ReferenceRow['why'];
}

function rowOf(facts: RowsFacts, row: RowFacts): ReferenceRow {
  const { reference, bound, all, why } = row;
  const answer = facts.answers.get(pathKey(reference))?.answer ?? NOT_ASKED;
  const { member, called } = bound;
  const plain: Bound = { reference, called, ...(member === undefined ? {} : { member }) };
  const { problem, ...found } = stateOf(plain, answer, all);
  return {
    reference: formatReference(reference),
    store: reference.store,
    why,
    called,
    ...found,
    ...(answer.kind === 'value' || answer.kind === 'map' ? answer.facts : {}),
    ...timeOf(facts, reference.store),
    ...(bound.optional === true ? { optional: true } : {}),
    ...(bound.default === undefined ? {} : { hasDefault: true }),
    ...(problem === undefined ? {} : { problem: told(problem) }),
  };
}

const NOT_ASKED: Answer = { kind: 'absent', what: 'it was not asked' };

/** The time of a store's calls is that of a reference where nothing else was asked of the store. */
function timeOf({ answers, spans }: RowsFacts, store: string): { readonly tookMs?: number } {
  const asked = [...answers.values()].filter((one) => one.store === store);
  const { tookMs } = timesOf(callsOf(spans, store));
  return asked.length !== 1 || tookMs === undefined ? {} : { tookMs };
}

function callsOf(spans: readonly Span[], store: string): Span[] {
  return spans.filter((one) => one.store === store && one.kind === 'call');
}

interface Found {
  readonly state: ReferenceState;
  readonly bytes?: number;
  readonly keys?: number;
  readonly problem?: BellhopError;
}

function stateOf(bound: Bound, answer: Answer, all: boolean): Found {
  const given = { answer, level: 0 };
  if (!all) {
    const found = oneOf(given, bound);
    if (found instanceof BellhopError) return { state: stateFor(found), problem: found };
    return found === 'absent' ? { state: 'absent' } : { state: 'present', bytes: found.bytes };
  }
  const found = selectAll(new Map([[answerKey(bound), given]]), bound);
  if (found instanceof BellhopError) return { state: stateFor(found), problem: found };
  if (found === 'absent') return { state: 'absent' };
  const bytes = [...found.values()].reduce((sum, one) => sum + one.bytes, 0);
  return { state: 'present', bytes, keys: found.size };
}

/** What is neither absence, refusal nor outage is there and cannot be used as it is wanted. */
const STATES: Readonly<Partial<Record<Code, ReferenceState>>> = {
  BH_ERR_MISSING: 'absent',
  BH_ERR_STORE_DENIED: 'denied',
  BH_ERR_CREDENTIALS: 'denied',
  BH_ERR_STORE: 'unreachable',
  BH_ERR_STORE_ANSWER: 'unreachable',
};

function stateFor({ code }: BellhopError): ReferenceState {
  return STATES[code] ?? 'unusable';
}

function told({ code, message }: BellhopError) {
  return { code, text: message };
}

/** Tenths of a millisecond are enough. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
