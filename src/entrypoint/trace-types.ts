import type { Span, SpanNotes } from '../core/trace.ts';
import type { Origin } from '../plan/types.ts';

// What a start spent its time on, as data: the JSON of `--trace FILE.json`, and all that the page
// shows. Names and times only; never a value, a header or a query.

/** A span that has ended, or was left behind when the start was over. */
export interface TraceSpan {
  readonly id: number;
  readonly parent?: number;
  readonly kind: Span['kind'];
  readonly name: string;
  readonly store?: string;
  /** Milliseconds since the start of the process. */
  readonly startMs: number;
  readonly endMs: number;
  /** `ok`, `HTTP 503`, a code, or `unfinished`. */
  readonly outcome: string;
  readonly notes?: SpanNotes;
}

/** A stretch of the critical path: from here to there the start waited for this. */
export interface Stretch {
  /** The span's id; absent where bellhop itself was at work. */
  readonly span?: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What would make the start faster, as one sentence with its figures. */
export interface Advice {
  readonly store?: string;
  readonly what: string;
  /** The milliseconds that it is about. */
  readonly aboutMs: number;
}

/** What one store was asked, in sum. */
export interface StoreTotals {
  readonly store: string;
  readonly kind: string;
  readonly calls: number;
  /** Requests on the wire: attempts and hedges. */
  readonly requests: number;
  readonly retries: number;
  readonly hedges: number;
  readonly throttled: number;
  /** When its first span began, and its last one ended. */
  readonly startMs: number;
  readonly endMs: number;
  readonly protocols: readonly ('h1' | 'h2')[];
}

export interface TraceReport {
  readonly format: 'bellhop/trace/v1';
  /** The version of bellhop. */
  readonly bellhop: string;
  readonly platform: string;
  /** When the process was started, ISO 8601. */
  readonly began: string;
  readonly workload?: Origin;
  readonly totalMs: number;
  /** 0 where the program was started. */
  readonly exit: number;
  readonly problems: readonly { readonly code: string; readonly text: string }[];
  readonly stores: readonly StoreTotals[];
  /** In the order of their beginnings; `id` is the place in this list before any was left out. */
  readonly spans: readonly TraceSpan[];
  readonly critical: readonly Stretch[];
  readonly advice: readonly Advice[];
}
