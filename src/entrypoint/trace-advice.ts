import { ms, plural, times } from './trace-text.ts';
import type { Advice, StoreTotals, Stretch, TraceSpan } from './trace-types.ts';

/** What advice is drawn from. */
export interface Evidence {
  readonly spans: readonly TraceSpan[];
  readonly critical: readonly Stretch[];
  readonly stores: readonly StoreTotals[];
  readonly totalMs: number;
}

/** Less than this is not worth a change. */
const WORTH_MS = 5;
const WORTH_SHARE = 0.05;

/**
 * What would make the start faster, the most first. Each sentence says what was seen in this one
 * start; nothing is said that its spans do not show.
 */
export function adviceFor(evidence: Evidence): Advice[] {
  const worthMs = Math.max(WORTH_MS, evidence.totalMs * WORTH_SHARE);
  return RULES.flatMap((rule) => rule(evidence))
    .filter(({ aboutMs }) => aboutMs >= worthMs)
    .toSorted((a, b) => b.aboutMs - a.aboutMs);
}

type Rule = (evidence: Evidence) => readonly Advice[];

const RULES: readonly Rule[] = [
  throttling,
  failedAttempts,
  credentials,
  slowestStore,
  singleCalls,
  queues,
  firstAnswers,
  slowAnswers,
  ownWork,
];

/** Milliseconds of the critical path in spans that fit. */
function onPath({ spans, critical }: Evidence, fits: (span: TraceSpan) => boolean): number {
  const ids = new Set(spans.filter(fits).map(({ id }) => id));
  const own = critical.filter(({ span }) => span !== undefined && ids.has(span));
  return own.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function throttling(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store, throttled }) => {
    if (throttled === 0) return [];
    const aboutMs = onPath(evidence, (one) => {
      return one.store === store && one.kind === 'wait' && one.name === 'throttled';
    });
    const what = `throttled us ${times(throttled)}, and the start waited ${ms(aboutMs)} for it: fewer requests (one object with many keys) or a higher quota`;
    return [{ store, what, aboutMs }];
  });
}

function failedAttempts(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store }) => {
    const isFailed = (one: TraceSpan): boolean => {
      const isTry = one.kind === 'attempt' || one.kind === 'hedge';
      return one.store === store && isTry && !/^HTTP [1-4]|^ok$|^unfinished$/.test(one.outcome);
    };
    const lost = evidence.spans.filter((one) => isFailed(one) && one.outcome !== 'aborted');
    if (lost.length === 0) return [];
    const aboutMs = onPath(evidence, (one) => {
      const isWait = one.kind === 'wait' && one.name === 'backoff';
      return isFailed(one) || (one.store === store && isWait);
    });
    const reasons = [...new Set(lost.map(({ outcome }) => outcome))].join(', ');
    const what = `${plural(lost.length, 'attempt')} failed (${reasons}) and cost ${ms(aboutMs)} of the start`;
    return [{ store, what, aboutMs }];
  });
}

/** Attempts and waits below a credential's call count as its own. */
function credentials(evidence: Evidence): Advice[] {
  const asked = evidence.spans.filter(({ kind }) => kind === 'credentials');
  return [...new Set(asked.map(({ store }) => store))].flatMap((store) => {
    const own = asked.filter((one) => one.store === store);
    const ids = new Set(own.map(({ id }) => id));
    const aboutMs = onPath(evidence, ({ id, parent }) => {
      return ids.has(id) || (parent !== undefined && ids.has(parent));
    });
    const names = [...new Set(own.map(({ name }) => name))].join(', ');
    const what = `its credentials (${names}) were ${ms(aboutMs)} of ${ms(evidence.totalMs)}, before the first value could be asked for: an identity that needs fewer requests would save them`;
    return [{ ...(store === undefined ? {} : { store }), what, aboutMs }];
  });
}

/** With several stores at once the start is as slow as the slowest. */
function slowestStore({ stores }: Evidence): Advice[] {
  const [slowest, next] = stores.toSorted((a, b) => b.endMs - a.endMs);
  if (slowest === undefined || next === undefined) return [];
  const aboutMs = slowest.endMs - next.endMs;
  const what = `was the last to answer: all other stores were done ${ms(aboutMs)} earlier`;
  return [{ store: slowest.store, what, aboutMs }];
}

const SINGLE_CALLS_MIN = 5;

/** A call whose name has no count asks for one path. */
function singleCalls(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store }) => {
    const calls = evidence.spans.filter((one) => one.store === store && one.kind === 'call');
    const single = calls.filter(({ name }) => !/\((?:[2-9]|\d{2,})\)$/.test(name));
    if (single.length < SINGLE_CALLS_MIN) return [];
    const ids = new Set(single.map(({ id }) => id));
    const aboutMs = onPath(evidence, ({ id, parent }) => {
      return ids.has(id) || (parent !== undefined && ids.has(parent));
    });
    const what = `${single.length} requests asked for one path each: one object that holds these values as keys would be one request`;
    return [{ store, what, aboutMs }];
  });
}

function queues(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store, protocols }) => {
    const isQueued = (one: TraceSpan): boolean => {
      return one.store === store && one.kind === 'wait' && one.name === 'queued';
    };
    const queued = evidence.spans.filter(isQueued);
    if (queued.length === 0) return [];
    const aboutMs = onPath(evidence, isQueued);
    const longest = Math.max(...queued.map(({ startMs, endMs }) => endMs - startMs));
    const by = protocols.length === 1 && protocols[0] === 'h1' ? ' (HTTP/1.1)' : '';
    const what = `${plural(queued.length, 'request')} waited for their turn${by}, ${ms(longest)} at most: fewer requests would`;
    return [{ store, what: `${what} not have to`, aboutMs }];
  });
}

const ANSWERS_MIN = 5;

/** The answers of a store, in the order in which they were asked for. */
function answers({ spans }: Evidence, store: string): TraceSpan[] {
  return spans.filter((one) => {
    return one.store === store && one.kind === 'attempt' && /^HTTP [1-4]/.test(one.outcome);
  });
}

function median(spans: readonly TraceSpan[]): number {
  const sorted = spans.map(({ startMs, endMs }) => endMs - startMs).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The first requests of a store open its connections. */
function firstAnswers(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store }) => {
    const all = answers(evidence, store);
    const [first] = all;
    if (first === undefined || all.length < ANSWERS_MIN) return [];
    const later = all.filter(({ startMs }) => startMs >= first.endMs);
    if (later.length < ANSWERS_MIN - 1) return [];
    const firstMs = first.endMs - first.startMs;
    const laterMs = median(later);
    if (firstMs < laterMs * 2) return [];
    const aboutMs = Math.min(
      firstMs - laterMs,
      onPath(evidence, ({ id }) => id === first.id),
    );
    const what = `its first answer took ${ms(firstMs)}, the later ones ${ms(laterMs)}: the difference is the connection (name, TCP, TLS) or the server's own start`;
    return [{ store, what, aboutMs }];
  });
}

const SLOW_TIMES_MIN = 3;

/** One answer that took much longer than the others, with no second request beside it. */
function slowAnswers(evidence: Evidence): Advice[] {
  return evidence.stores.flatMap(({ store, hedges }) => {
    const all = answers(evidence, store);
    if (hedges > 0 || all.length < ANSWERS_MIN) return [];
    const middleMs = median(all);
    // The first one opens the connection: another rule's.
    const [slowest] = all.slice(1).toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
    const tookMs = slowest === undefined ? 0 : slowest.endMs - slowest.startMs;
    if (slowest === undefined || tookMs < middleMs * SLOW_TIMES_MIN) return [];
    const spentMs = onPath(evidence, ({ id }) => id === slowest.id);
    const afterMs = Math.max(10, Math.ceil((middleMs * SLOW_TIMES_MIN) / 10) * 10);
    const what = `one answer took ${ms(tookMs)}, the middle one ${ms(middleMs)}: with \`policy: { hedgeAfterMs: ${afterMs} }\` a second request goes out beside such a one`;
    return [{ store, what, aboutMs: Math.min(spentMs, tookMs - afterMs) }];
  });
}

/** Each kind of bellhop's own work, and what would spare it. */
const OWN: readonly (readonly [TraceSpan['kind'], string])[] = [
  ['plan', 'went into reading manifests: make the plan beforehand with `bellhop plan`'],
  ['deliver', 'went into writing files and mounts'],
];
const OWN_SHARE_MIN = 0.25;

function ownWork(evidence: Evidence): Advice[] {
  return OWN.flatMap(([kind, text]) => {
    const aboutMs = onPath(evidence, (one) => one.kind === kind);
    if (aboutMs < evidence.totalMs * OWN_SHARE_MIN) return [];
    return [{ what: `${ms(aboutMs)} of ${ms(evidence.totalMs)} ${text}`, aboutMs }];
  });
}
