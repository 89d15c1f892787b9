import type { Budget } from './budget.ts';
import { openBudget, pause } from './budget.ts';
import type { Attempt, Call, Verdict } from './call.ts';
import { refused } from './call.ts';
import { hidingOf, withoutCredentials } from './credentials.ts';
import type { Hedging } from './hedge.ts';
import type { HttpAnswer, HttpRequest, Net, NetReason } from './io/net-types.ts';
import { NetError } from './io/net-types.ts';
import type { Clock } from './io/types.ts';
import { attemptMs } from './retry.ts';
import type { Slots } from './slots.ts';
import type { SpanHandle, Trace } from './trace.ts';

/** What a caller works with. */
export interface CallerContext {
  /** The store's name, for reports. */
  readonly store: string;
  /** What problems call it, where it is no store: `store NAME` where absent. */
  readonly called?: string;
  readonly net: Net;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly budget: Budget;
  readonly trace: Trace;
  /** Attempts that fail for another reason than throttling. */
  readonly attemptsMax: number;
  readonly hedging: Hedging;
  /** How many requests may be on their way at a time. */
  readonly slots: Slots;
}

/** One attempt of a call, as the protocol sees it. */
export interface Asked extends Attempt {
  readonly context: CallerContext;
  /** Take a new connection. */
  readonly fresh: boolean;
  readonly span: SpanHandle;
}

/** What one attempt came to. */
export type Outcome<T> =
  | Verdict<T>
  /** The connection failed, or there was no answer in time. */
  | {
      readonly kind: 'lost';
      readonly why: string;
      readonly afterMs?: number;
      /** Met so often, it is believed to stay. */
      readonly timesMax?: number;
    }
  /** Another attempt would meet the same. */
  | { readonly kind: 'last'; readonly why: string };

/** Reasons of the network that the next attempt meets again. */
const FINAL: ReadonlySet<NetReason> = new Set(['certificate', 'name not found']);
/** A server that is about to start may have something else in its place for a moment. */
const HANDSHAKES_MAX = 5;

/** Work in its share of the time; failures of the network are an outcome. */
export async function inTime<T>(
  { budget, clock }: CallerContext,
  work: (attempt: Budget) => Promise<Verdict<T>>,
): Promise<Outcome<T>> {
  const attempt = openBudget(clock, attemptMs(budget.remainingMs()), budget);
  const startedMs = clock.monotonicMs();
  try {
    return await work(attempt);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return decidedBy(error) ?? lostBy(error, clock.monotonicMs() - startedMs);
  } finally {
    attempt.close();
  }
}

/** Failures that another store may not cover; undefined for the others. */
function decidedBy({ reason, detail, ownFault }: NetError): Verdict<never> | undefined {
  if (ownFault === 'settings') return refused('BH_ERR_SETTINGS', detail);
  if (ownFault === 'credentials') return refused('BH_ERR_CREDENTIALS', detail, PROXY_HELP);
  if (reason === 'header') return unsendable(detail);
  if (reason !== 'too large') return undefined;
  return refused('BH_ERR_VALUE', `the answer is more than bellhop takes: ${detail}`, SIZE_HELP);
}

const PROXY_HELP = "write user and password into the proxy's URL: http://USER:PASSWORD@HOST:PORT";
const SIZE_HELP = 'have the store give less at once, or check that the address is right';

function lostBy({ reason, message }: NetError, tookMs: number): Outcome<never> {
  const isLate = reason === 'aborted' || reason === 'timeout';
  const why = isLate ? `no answer for ${Math.round(tookMs)} ms` : message;
  if (reason === 'handshake') return { kind: 'lost', why, timesMax: HANDSHAKES_MAX };
  return { kind: FINAL.has(reason) ? 'last' : 'lost', why };
}

/** A setting or a credential is wrong: another store may not cover that. Never the value. */
function unsendable(header: string): Verdict<never> {
  const what = `the header ${header} has a value, or a name, that no request can carry`;
  const help = 'look for a line break, or another odd character, in what it is made of';
  return refused('BH_ERR_SETTINGS', what, help);
}

/** Waits until it is one's turn, of as many as may be on their way at a time. */
export async function inTurn<T>(
  { context, span }: Asked,
  attempting: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const { trace, store, slots, budget } = context;
  const queued = trace.begin({ kind: 'wait', name: 'queued', store, parent: span });
  const release = await slots.take(budget.signal);
  queued.end(release === undefined ? 'too late' : 'ok');
  if (release === undefined) return { kind: 'last', why: 'no turn before the time was over' };
  try {
    return await attempting();
  } finally {
    release();
  }
}

/** One attempt by HTTP: the request is made, has its turn, and its answer is judged. */
export async function answered<T>(asked: Asked, call: Call<T>): Promise<Outcome<T>> {
  const { context, fresh, span } = asked;
  // Before its turn: credentials may need requests of their own.
  const made = await call.request(asked);
  const request = fresh ? { ...made, fresh: true as const } : made;
  const hiding = hidingOf(request, call.kind === 'credentials');
  const { clock, hedging } = context;
  const judged = async (attempt: Budget): Promise<Verdict<T>> => {
    const startedMs = clock.monotonicMs();
    const answer = await hedged(context, { call, request, attempt, span });
    hedging.answered(clock.monotonicMs() - startedMs);
    return call.judge(hiding.answer(answer));
  };
  return inTurn(asked, async () => {
    return withoutCredentials(hiding, async () => inTime(context, judged));
  });
}

interface Sending<T> {
  readonly call: Call<T>;
  readonly request: HttpRequest;
  readonly attempt: Budget;
  readonly span: SpanHandle;
}

/** The first answer of a request and, where it takes long, of a second one beside it. */
async function hedged<T>(context: CallerContext, sending: Sending<T>): Promise<HttpAnswer> {
  const { hedging, clock } = context;
  hedging.sent();
  const first = sendOnce(context, sending, 'attempt');
  const afterMs = sending.call.once === true ? undefined : hedging.afterMs();
  if (afterMs === undefined) return first;
  const ended = first.then(
    () => true,
    () => true,
  );
  const patience = sending.attempt.part(Infinity);
  const late = pause(clock, patience, afterMs).then((whole) => !whole);
  const inTime = await Promise.race([ended, late]);
  patience.end();
  if (inTime || sending.attempt.signal.aborted || !hedging.take()) return first;
  const second = sendOnce(context, sending, 'hedge');
  const answer = await Promise.any([first, second]).catch(async () => first);
  // The other one is not waited for.
  sending.attempt.end();
  return answer;
}

async function sendOnce<T>(
  { net, trace, store }: CallerContext,
  { call, request, attempt, span }: Sending<T>,
  kind: 'attempt' | 'hedge',
): Promise<HttpAnswer> {
  const own = trace.begin({ kind, name: call.name, store, parent: span });
  try {
    const answer = await net.http(request, attempt.signal);
    own.end(`HTTP ${answer.status}`, { protocol: answer.protocol });
    return answer;
  } catch (error) {
    own.end(error instanceof NetError ? error.reason : 'failed');
    throw error;
  }
}
