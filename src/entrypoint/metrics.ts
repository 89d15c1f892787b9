import type { BellhopError } from '../core/errors.ts';
import type { Io, RelayDocument } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import type { Span, Trace } from '../core/trace.ts';
import { NO_TRACE, openTrace } from '../core/trace.ts';
import type { Plan } from '../plan/types.ts';
import type { Answers } from './answers.ts';

// What `metrics:` means for a start: a relay beside the program, and a packet about the start.

/** What a start did, when it is over. */
export interface StartOutcome {
  readonly spans: readonly Span[];
  readonly fallbacks: number;
  readonly problems: readonly BellhopError[];
}

export interface Metering {
  /** The relay to start beside the program; throws what forbids the start. */
  relay(): Promise<RelayDocument | undefined>;
  /** Tells the gateway of the start, without waiting for anything. Never rejects. */
  tell(outcome: StartOutcome): Promise<void>;
}

/** Begins what takes time, such as looking up the gateway's name, beside the stores' work. */
export type OpenMetrics = (io: Io, about: MeteredStart) => Promise<Metering>;

export interface MeteredStart {
  readonly plan: Plan;
  readonly version: string;
  readonly log: LogFormat;
}

/** Where no metrics are asked for. */
export const NO_METRICS: Metering = {
  relay: async () => undefined,
  tell: async () => undefined,
};

/** A start that tells of itself is watched, though nobody asked for a trace. */
export function watchedBy(trace: Trace, io: Io, { metrics }: Plan): Trace {
  return trace === NO_TRACE && metrics?.self === true ? openTrace(io.clock) : trace;
}

/** How many of the answers came from elsewhere than where they were asked for. */
export function fallbacksOf(answers: Answers): number {
  return [...answers.values()].filter(({ level, isCopied }) => level > 0 || isCopied === true)
    .length;
}
