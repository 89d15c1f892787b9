import type { Asked, CallerContext, Outcome } from './attempt.ts';
import { answered, inTime, inTurn } from './attempt.ts';
import { openBudget, pause } from './budget.ts';
import type { Caller, Verdict, Work } from './call.ts';
import { hidingTexts, withoutCredentials } from './credentials.ts';
import { BellhopError } from './errors.ts';
import type { Net } from './io/net-types.ts';
import { waitMs } from './retry.ts';
import type { SpanHandle } from './trace.ts';

/** Sends calls, each in as many attempts as the budget and the policy have. */
export function openCaller(given: CallerContext): Caller {
  const { promise: underway, resolve } = Promise.withResolvers<void>();
  const http: Net['http'] = async (request, signal) => {
    const answer = given.net.http(request, signal);
    resolve();
    return answer;
  };
  const telling = { ...given, net: { ...given.net, http } };
  return {
    underway,
    send: (call) => {
      const context = call.kind === undefined ? telling : given;
      return untilDecided(context, call, (asked) => answered(asked, call));
    },
    work: (work) => {
      const hiding = hidingTexts(work.credentials ?? []);
      return untilDecided(given, work, (asked) => {
        const attempting = async () => {
          return inTime(asked.context, async (attempt) => work.attempt(asked, attempt.signal));
        };
        return inTurn(asked, async () => withoutCredentials(hiding, attempting));
      });
    },
    warm: (request) => given.net.warm(request),
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

type Attempting<T> = (asked: Asked) => Promise<Outcome<T>>;

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
    const isLast = progress.failures >= attemptsMax || isHopeless(verdict, progress);
    if (isLast || !(await waited(context, verdict, { progress, span }))) {
      throw outage(context, facts, progress.reasons);
    }
  }
}

function isHopeless(verdict: Outcome<unknown>, { reasons }: Progress): boolean {
  if (verdict.kind === 'last') return true;
  if (verdict.kind !== 'lost' || verdict.timesMax === undefined) return false;
  return reasons.filter((why) => why === verdict.why).length >= verdict.timesMax;
}

interface AttemptContext {
  readonly progress: Progress;
  readonly span: SpanHandle;
}

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

/** One attempt, and what it tells of the server. Throws only what making the request throws. */
async function oneAttempt<T>(
  { context, span }: Calling,
  { reasons, renew, fresh }: Progress,
  attempting: Attempting<T>,
): Promise<Outcome<T>> {
  const outcome = await attempting({ context, number: reasons.length + 1, renew, fresh, span });
  if (outcome.kind === 'throttled') context.hedging.throttled();
  if (outcome.kind === 'done' || outcome.kind === 'refused') context.slots.fine();
  else if (outcome.kind !== 'throttled') context.slots.trouble();
  return outcome;
}

function refusal(
  context: CallerContext,
  call: Facts,
  { code, what, help }: Extract<Verdict<never>, { kind: 'refused' }>,
): BellhopError {
  const better = help === undefined ? {} : { help };
  return new BellhopError(code, { where: [calledIn(context), call.name], what, ...better });
}

function outage(context: CallerContext, call: Facts, reasons: readonly string[]): BellhopError {
  const ended = context.budget.remainingMs() === 0 ? 'the time is over' : 'given up';
  const what = `${ended} after ${attemptsText(reasons)}`;
  return new BellhopError('BH_ERR_STORE', { where: [calledIn(context), call.name], what });
}

function calledIn({ store, called = `store ${store}` }: CallerContext): string {
  return called;
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
