// One start during an outage: three references of a store are gathered by what `run` uses, through
// something that is broken in a known way, and everything that is promised of any outage is held.
import { openBudget } from '../../src/core/budget.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { openTrace } from '../../src/core/trace.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import { formatReference } from '../../src/plan/reference.ts';
import type { Bound, Reference } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Surroundings } from '../support/real-store.ts';
import { planWith, realIo } from '../support/real-store.ts';
import type { HttpAnswer, Upstream } from './_faults.ts';

/** No message, warning or trace of any outage may hold it. */
export const CANARY = 'canary-9d41';
/** The time of a start in these tests, unless a row says otherwise. */
export const BUDGET_MS = 1500;
/** What a busy machine may add to it; this is no test of speed. */
export const TOLERANCE_MS = 500;

export type Around = Surroundings & { readonly stores: NonNullable<Surroundings['stores']> };

/** A kind of store with a real server behind it that has three values. */
export interface Stand {
  readonly kind: string;
  /** Where the real server is. */
  readonly upstream: Upstream;
  /** References to the store `mine`. */
  readonly references: readonly Reference[];
  /** What they are, in their order. */
  readonly values: readonly string[];
  /** Requests that all of them take when nothing is wrong. */
  readonly requests: number;
  /** The store at another address; `caFile` is what it is to trust. */
  around(url: string, caFile?: string): Around;
  /** The words of this API for too many requests. */
  readonly throttled: HttpAnswer;
}

/** What stands between a start and the server. */
export interface Front extends AsyncDisposable {
  readonly url: string;
  readonly caFile?: string;
  /** Requests, or where only the network is seen connections, so far. */
  requests(): number | Promise<number>;
}

/** What a start came to. */
export interface Outcome {
  /** `all values`, or the codes of what went wrong. */
  readonly outcome: string;
  /** The problems as a user reads them; one for each reference that has no value. */
  readonly problems: readonly BellhopError[];
  readonly values: readonly string[];
  readonly warnings: readonly string[];
  readonly tookMs: number;
  /** All that may be shown or written down. */
  readonly shown: string;
}

/** References as a pod's variables have them. */
export function boundsOf(
  references: readonly Reference[],
  fallbacks?: (reference: Reference) => readonly Reference[],
): readonly Bound[] {
  return references.map((reference, n) => ({
    reference,
    called: `secret s${n}, key password`,
    ...(fallbacks === undefined ? {} : { fallbacks: fallbacks(reference) }),
  }));
}

/** Gathers, reads the result as the delivery does, and keeps a copy where the policy has one. */
export async function start(bounds: readonly Bound[], around: Around): Promise<Outcome> {
  const io = realIo(around.env);
  const beganMs = performance.now();
  const trace = openTrace(io.clock);
  const budget = openBudget(io.clock, around.startMsMax ?? BUDGET_MS);
  const plan = planWith(bounds, around.stores, { ...DEFAULT_POLICY, ...around.policy });
  const gathered = await gather(plan, { io, objects: [], budget, trace });
  const { answers, warnings } = gathered;
  const problems: BellhopError[] = [];
  const values: string[] = [];
  for (const bound of bounds) {
    const selected = selectValue(answers, bound);
    if (selected instanceof BellhopError) problems.push(selected);
    else values.push(selected === 'absent' ? 'absent' : Buffer.from(selected.reveal()).toString());
  }
  const said = problems.map(({ code, message, help }) => `${code} ${message} ${help}`);
  const codes = [...new Set(problems.map(({ code }) => code))].join(', ');
  const forgotten = problems.length === 0 ? await gathered.remember() : undefined;
  const tookMs = performance.now() - beganMs;
  budget.close();
  const noted = [...warnings, ...(forgotten === undefined ? [] : [forgotten])];
  return {
    outcome: problems.length === 0 ? 'all values' : codes,
    problems,
    values,
    warnings: noted,
    tookMs,
    shown: JSON.stringify([said, noted, trace.spans()]),
  };
}

/** What a start of a stand came to behind a front. */
export async function startBehind(front: Front, stand: Stand, ms?: number): Promise<Outcome> {
  const around = stand.around(front.url, front.caFile);
  const timed = ms === undefined ? around : { ...around, startMsMax: ms };
  return start(boundsOf(stand.references), timed);
}

/** References that no problem names. */
export function unnamed(outcome: Outcome, references: readonly Reference[]): string[] {
  const text = outcome.problems.map(({ message }) => message).join('\n');
  return references.map(formatReference).filter((one) => !text.includes(one));
}

/** The reasons of an outage's message, one for each attempt; undefined where they do not add up. */
export function reasonsOf({ message }: BellhopError): readonly string[] | undefined {
  const rounds = message.split('; asked again: ').map(reasonsOfRound);
  return rounds[0] === undefined ? undefined : rounds.flatMap((one) => one ?? []);
}

function reasonsOfRound(message: string): readonly string[] | undefined {
  const [, count, listed = ''] = /after (\d+) attempts?: (.*)$/s.exec(message) ?? [];
  const reasons = listed
    .replace(/, …$/, '')
    .split(', ')
    .flatMap((one) => {
      const [, why = one, times = '1'] = /^(.*) \((\d+) times\)$/.exec(one) ?? [];
      return Array.from({ length: Number(times) }, () => why);
    });
  const isCut = listed.endsWith(', …');
  const isWhole = isCut ? reasons.length < Number(count) : reasons.length === Number(count);
  return count !== undefined && isWhole ? reasons : undefined;
}
