import type { BellhopError } from '../core/errors.ts';
import { CODES, exitOf } from '../core/errors.ts';
import type { Span } from '../core/trace.ts';
import type { Plan } from '../plan/types.ts';
import { adviceFor } from './trace-advice.ts';
import { criticalPath } from './trace-critical.ts';
import type { StoreTotals, TraceReport, TraceSpan } from './trace-types.ts';

/** What the spans do not say themselves. */
export interface TraceFacts {
  readonly version: string;
  readonly platform: string;
  /** When the process was started, milliseconds since the epoch. */
  readonly beganMs: number;
  readonly totalMs: number;
  readonly plan: Plan | undefined;
  readonly problems: readonly BellhopError[];
}

/** A wait for one's turn that took no time is not told. */
const QUEUED_MS_MIN = 0.5;

/** The report of a start that is over. */
export function traceReport(spans: readonly Span[], facts: TraceFacts): TraceReport {
  const { plan, problems, beganMs } = facts;
  const totalMs = round(facts.totalMs);
  const told = spans.map((span) => ended(span, totalMs)).filter((one) => !isNothing(one));
  const critical = criticalPath(told, totalMs);
  const kinds = plan?.stores ?? {};
  const stores = storeTotals(told, (name) => (Object.hasOwn(kinds, name) ? kinds[name]?.kind : ''));
  return {
    format: 'bellhop/trace/v1',
    bellhop: facts.version,
    platform: facts.platform,
    began: new Date(beganMs).toISOString(),
    ...(plan === undefined ? {} : { workload: plan.origin }),
    totalMs,
    exit: problems.length === 0 ? 0 : exitOf(problems),
    problems: problems.map(({ code, message }) => ({ code, text: withoutQueries(message) })),
    stores,
    spans: told,
    critical,
    advice: adviceFor({ spans: told, critical, stores, totalMs }),
  };
}

/** The help line of a problem's code, for the page. */
export function helpOf(code: string): string {
  const row = Object.entries(CODES).find(([name]) => name === code);
  return row?.[1].help ?? '';
}

function ended(
  { parent, store, endMs, outcome, notes, ...span }: Span,
  totalMs: number,
): TraceSpan {
  return {
    ...span,
    name: span.name.replace(/\?.*$/s, '?…'),
    ...(parent === undefined ? {} : { parent }),
    ...(store === undefined ? {} : { store }),
    startMs: Math.min(round(span.startMs), totalMs),
    endMs: Math.min(round(endMs ?? totalMs), totalMs),
    outcome: outcome ?? 'unfinished',
    ...(notes === undefined ? {} : { notes }),
  };
}

/** A path of a reference may have a query, which has no place in a trace. */
function withoutQueries(text: string): string {
  return text.replace(/\?[^\s,]+/g, (query) => (query.endsWith(':') ? '?…:' : '?…'));
}

function isNothing({ kind, name, startMs, endMs }: TraceSpan): boolean {
  return kind === 'wait' && name === 'queued' && endMs - startMs < QUEUED_MS_MIN;
}

function storeTotals(
  spans: readonly TraceSpan[],
  kindOf: (store: string) => string | undefined,
): StoreTotals[] {
  const names = [...new Set(spans.flatMap(({ store }) => (store === undefined ? [] : [store])))];
  return names.map((store) => {
    const own = spans.filter((one) => one.store === store);
    const count = (fits: (span: TraceSpan) => boolean): number => own.filter(fits).length;
    const protocols = own.flatMap(({ notes }) => notes?.protocol ?? []);
    return {
      store,
      kind: kindOf(store) ?? '',
      calls: count(({ kind }) => kind === 'call' || kind === 'credentials'),
      requests: count(({ kind }) => kind === 'attempt' || kind === 'hedge'),
      retries: count(({ kind, name }) => kind === 'wait' && name !== 'queued'),
      hedges: count(({ kind }) => kind === 'hedge'),
      throttled: count(({ kind, name }) => kind === 'wait' && name === 'throttled'),
      startMs: Math.min(...own.map((one) => one.startMs)),
      endMs: Math.max(...own.map((one) => one.endMs)),
      protocols: [...new Set(protocols)].toSorted(),
    };
  });
}

/** Microseconds are enough. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
