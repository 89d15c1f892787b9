import type { Clock } from './io/types.ts';

/** What a start spends time on. */
export type SpanKind =
  | 'start'
  | 'plan'
  | 'credentials'
  | 'call'
  | 'attempt'
  | 'hedge'
  | 'wait'
  | 'deliver'
  | 'exec';

/** One stretch of time; never a value, and of a URL only its host. */
export interface Span {
  readonly id: number;
  readonly parent: number | undefined;
  readonly kind: SpanKind;
  readonly name: string;
  readonly store: string | undefined;
  /** Milliseconds since the trace began. */
  readonly startMs: number;
  /** Undefined while it runs. */
  readonly endMs: number | undefined;
  /** How it ended: `ok`, or the reason. */
  readonly outcome: string | undefined;
  readonly notes?: SpanNotes;
}

/** What is known only at a span's end. */
export interface SpanNotes {
  /** What the server was asked by. */
  readonly protocol?: 'h1' | 'h2';
}

export interface Trace {
  /** Begins a span; the function ends it. */
  begin(facts: SpanFacts): SpanHandle;
  /** All spans so far, in the order of their beginnings. */
  spans(): readonly Span[];
}

export interface SpanFacts {
  readonly kind: SpanKind;
  readonly name: string;
  readonly store?: string;
  readonly parent?: SpanHandle;
}

export interface SpanHandle {
  readonly id: number;
  /** Only the first end counts. */
  end(outcome: string, notes?: SpanNotes): void;
}

/** A trace that remembers; `beganMs` is when the process was started, on the monotonic clock. */
export function openTrace(clock: Clock, beganMs = 0): Trace {
  const spans: Span[] = [];
  const now = (): number => clock.monotonicMs() - beganMs;
  return {
    begin: ({ kind, name, store, parent }) => {
      const id = spans.length;
      spans.push({
        id,
        parent: parent?.id,
        kind,
        name,
        store,
        startMs: now(),
        endMs: undefined,
        outcome: undefined,
      });
      return {
        id,
        end: (outcome, notes) => {
          const span = spans[id];
          if (span === undefined || span.endMs !== undefined) return;
          const known = notes === undefined ? {} : { notes };
          spans[id] = { ...span, endMs: now(), outcome, ...known };
        },
      };
    },
    spans: () => spans,
  };
}

/** Where nobody looks. */
export const NO_TRACE: Trace = {
  begin: () => ({ id: 0, end: () => undefined }),
  spans: () => [],
};
