import type { Budget } from './budget.ts';
import { openBudget, pause } from './budget.ts';
import type { Call, Caller, Verdict, Work } from './call.ts';
import { BellhopError } from './errors.ts';
import type { Hedging } from './hedge.ts';
import type { HttpAnswer, HttpRequest, Net, NetReason } from './io/net-types.ts';
import { NetError } from './io/net-types.ts';
import type { Clock } from './io/types.ts';
import { attemptMs, waitMs } from './retry.ts';
import type { Slots } from './slots.ts';
import type { SpanHandle, Trace } from './trace.ts';

/** What a caller works with. */
export interface CallerContext {
  /** The store's name, for reports. */
  readonly store: string;
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

/** Reasons of the network that the next attempt meets again. */
const FINAL: ReadonlySet<NetReason> = new Set(['certificate', 'too large', 'name not found']);

/** Sends calls, each in as many attempts as the budget and the policy have. */
export function openCaller(context: CallerContext): Caller {
  return {
    send: (call) => untilDecided(context, call, (asked) => answered(asked, call)),
    work: (work) => {
      return untilDecided(context, work, async ({ number, renew, attempt }) => {
        return work.attempt({ number, renew }, attempt.signal);
      });
    },
    warm: (request) => context.net.warm(request),
  };
}

/** What went wrong so far. */
interface Progress {
  readonly reasons: string[];
  failures: number;
  throttlings: number;
  renew: boolean;
  /** The connection failed: the next attempt takes another. */
  fresh: boolean;
}

/** What all calls have, whatever the protocol. */
type Facts = Omit<Work<never>, 'attempt'>;

/** One attempt as the protocol sees it. */
interface Asked {
  readonly context: CallerContext;
  readonly number: number;
  readonly renew: boolean;
  readonly fresh: boolean;
  readonly attempt: Budget;
  readonly span: SpanHandle;
}

type Attempting<T> = (asked: Asked) => Promise<Verdict<T>>;

async function untilDecided<T>(
  whole: CallerContext,
  facts: Facts,
  attempting: Attempting<T>,
): Promise<T> {
  const { budget, clock, trace, store } = whole;
  const own = facts.withinMs === undefined ? undefined : openBudget(clock, facts.withinMs, budget);
  const span = trace.begin({ kind: facts.kind ?? 'call', name: facts.name, store });
  const context = { ...whole, budget: own ?? budget };
  try {
    const value = await attempts({ context, facts, span }, attempting);
    span.end('ok');
    return value;
  } catch (error) {
    span.end(error instanceof BellhopError ? error.code : 'failed');
    throw error;
  } finally {
    own?.close();
  }
}

interface Calling {
  readonly context: CallerContext;
  readonly facts: Facts;
  readonly span: SpanHandle;
}

async function attempts<T>(calling: Calling, attempting: Attempting<T>): Promise<T> {
  const { context, facts, span } = calling;
  const progress: Progress = {
    reasons: [],
    failures: 0,
    throttlings: 0,
    renew: false,
    fresh: false,
  };
  const attemptsMax = Math.min(facts.attemptsMax ?? Infinity, context.attemptsMax);
  for (;;) {
    const verdict = await oneAttempt(calling, progress, attempting);
    if (verdict.kind === 'done') return verdict.value;
    if (verdict.kind === 'refused') throw refusal(context, facts, verdict);
    progress.reasons.push(verdict.why);
    progress.renew = verdict.kind === 'again' && verdict.renew === true;
    progress.fresh = verdict.kind === 'lost';
    if (verdict.kind === 'throttled') progress.throttlings += 1;
    else progress.failures += 1;
    const isLast = verdict.kind === 'last' || progress.failures >= attemptsMax;
    if (isLast || !(await waited(context, verdict, { progress, span }))) {
      throw outage(context, facts, progress.reasons);
    }
  }
}

interface AttemptContext {
  readonly progress: Progress;
  readonly span: SpanHandle;
}

type Outcome<T> =
  | Verdict<T>
  /** The connection failed, or there was no answer in time. */
  | { readonly kind: 'lost'; readonly why: string; readonly afterMs?: number }
  /** Another attempt would meet the same. */
  | { readonly kind: 'last'; readonly why: string };

/** The wait before the next attempt; false where the budget does not have it. */
async function waited(
  context: CallerContext,
  verdict: { readonly kind: string; readonly afterMs?: number },
  { progress, span }: AttemptContext,
): Promise<boolean> {
  const throttled = verdict.kind === 'throttled';
  const remainingMs = context.budget.remainingMs();
  const ms = waitMs({
    throttled,
    failures: throttled ? progress.throttlings : progress.failures,
    remainingMs,
    random: context.random(),
    ...(verdict.afterMs === undefined ? {} : { afterMs: verdict.afterMs }),
  });
  if (ms >= remainingMs) return false;
  const wait = context.trace.begin({
    kind: 'wait',
    name: throttled ? 'throttled' : 'backoff',
    store: context.store,
    parent: span,
  });
  const done = await pause(context.clock, context.budget, ms);
  wait.end('ok');
  return done;
}

/** One attempt in its share of the time. Throws only what making the request throws. */
async function oneAttempt<T>(
  { context, span }: Calling,
  { reasons, renew, fresh }: Progress,
  attempting: Attempting<T>,
): Promise<Outcome<T>> {
  const { budget, clock } = context;
  const attempt = openBudget(clock, attemptMs(budget.remainingMs()), budget);
  const startedMs = clock.monotonicMs();
  const number = reasons.length + 1;
  try {
    const asked: Asked = { context, number, renew, fresh, attempt, span };
    const verdict = await attempting(asked);
    if (verdict.kind === 'throttled') context.hedging.throttled();
    return verdict;
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return lost(error, Math.round(clock.monotonicMs() - startedMs));
  } finally {
    attempt.close();
  }
}

/** One attempt by HTTP: the request is made, and its answer judged. */
async function answered<T>(asked: Asked, call: Call<T>): Promise<Verdict<T>> {
  const { context, number, renew, fresh, attempt, span } = asked;
  // Before a slot is taken: credentials may need requests of their own.
  const made = await call.request({ number, renew });
  const request = fresh ? { ...made, fresh: true as const } : made;
  const { trace, store, slots } = context;
  const queued = trace.begin({ kind: 'wait', name: 'queued', store, parent: span });
  const release = await slots.take(attempt.signal);
  queued.end(release === undefined ? 'too late' : 'ok');
  if (release === undefined) throw new NetError('timeout', '');
  const startedMs = context.clock.monotonicMs();
  try {
    const answer = await hedged(context, { call, request, attempt, span });
    context.hedging.answered(context.clock.monotonicMs() - startedMs);
    return call.judge(answer);
  } finally {
    release();
  }
}

function lost(error: NetError, tookMs: number): Outcome<never> {
  const isLate = error.reason === 'aborted' || error.reason === 'timeout';
  const why = isLate ? `no answer for ${tookMs} ms` : error.message;
  return { kind: FINAL.has(error.reason) ? 'last' : 'lost', why };
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

function refusal(
  { store }: CallerContext,
  call: Facts,
  { code, what, help }: Extract<Verdict<never>, { kind: 'refused' }>,
): BellhopError {
  const better = help === undefined ? {} : { help };
  return new BellhopError(code, { where: [`store ${store}`, call.name], what, ...better });
}

function outage(
  { store, budget }: CallerContext,
  call: Facts,
  reasons: readonly string[],
): BellhopError {
  const ended = budget.remainingMs() === 0 ? 'the time is over' : 'given up';
  const what = `${ended} after ${attemptsText(reasons)}`;
  return new BellhopError('BH_ERR_STORE', { where: [`store ${store}`, call.name], what });
}

const REASONS_SHOWN_MAX = 8;

/** `3 attempts: HTTP 503 (2 times), refused`. */
export function attemptsText(reasons: readonly string[]): string {
  const groups: { why: string; times: number }[] = [];
  for (const why of reasons) {
    const last = groups.at(-1);
    if (last?.why === why) last.times += 1;
    else groups.push({ why, times: 1 });
  }
  const shown = groups
    .slice(0, REASONS_SHOWN_MAX)
    .map(({ why, times }) => (times === 1 ? why : `${why} (${times} times)`));
  const more = groups.length > REASONS_SHOWN_MAX ? ', …' : '';
  const count = reasons.length === 1 ? '1 attempt' : `${reasons.length} attempts`;
  return `${count}: ${shown.join(', ')}${more}`;
}
