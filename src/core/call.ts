import type { Code } from './errors.ts';
import { BellhopError, CODES } from './errors.ts';
import type { HttpAnswer, HttpRequest } from './io/net-types.ts';

// What a store says of one request: how to make it, and what its answer means. How often it is
// tried, how long, and beside which others is the caller's business (core/caller.ts).

/** What one attempt is told. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** True where the server said that credentials have ended: get new ones. */
  readonly renew: boolean;
}

/** What an answer means. */
export type Verdict<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** The next attempt may go better: 5xx, rubbish, credentials that have ended (`renew`). */
  | {
      readonly kind: 'again';
      readonly why: string;
      readonly afterMs?: number;
      readonly renew?: boolean;
    }
  | { readonly kind: 'throttled'; readonly why: string; readonly afterMs?: number }
  /** The server has decided: not allowed, or a request that it will never take. */
  | {
      readonly kind: 'refused';
      readonly code: Code;
      readonly what: string;
      readonly help?: string;
    };

/** One request to a server, until it is decided. */
export interface Call<T> {
  /** For reports and traces: the API's own word, with a count, e.g. `BatchGetSecretValue (20)`. */
  readonly name: string;
  /** Made anew for each attempt: signatures have a time. */
  request(attempt: Attempt): HttpRequest | Promise<HttpRequest>;
  /** Credentials of the request are taken out of an answer of a status from 300 on. */
  judge(answer: HttpAnswer): Verdict<T>;
  /** A budget of its own inside of the whole, e.g. for metadata that may not be there. */
  readonly withinMs?: number;
  /** At most so many attempts, whatever the policy says. */
  readonly attemptsMax?: number;
  /** True where asking twice does harm: no hedging. */
  readonly once?: true;
  /** What it counts as in traces; `call` where absent. `credentials`: body and query are secret. */
  readonly kind?: 'credentials' | 'call';
}

/** What a protocol other than HTTP does in one attempt; rejects with NetError for the network. */
export interface Work<T> extends Omit<Call<T>, 'request' | 'judge'> {
  attempt(attempt: Attempt, signal: AbortSignal): Promise<Verdict<T>>;
  /** What it sends to prove who we are: no message repeats it. Of HTTP the request tells. */
  readonly credentials?: readonly string[];
}

/** Sends calls for one store. */
export interface Caller {
  /** The value, or BellhopError: BH_ERR_STORE with each attempt's reason, or what was refused. */
  send<T>(call: Call<T>): Promise<T>;
  /** The same for what is not HTTP; never hedged. */
  work<T>(work: Work<T>): Promise<T>;
  /** Resolves when the first request that is no credential's is handed to the network. */
  readonly underway: Promise<void>;
  /** Opens a connection for requests to come, in the background; never fails. */
  warm(request: Pick<HttpRequest, 'url' | 'tls' | 'proxy' | 'protocol'>): void;
}

/** The usual reading of a status: 429 throttles, 408 and 5xx may change, others are the store's. */
export function verdictOfStatus(
  answer: HttpAnswer,
  afterMs: number | undefined,
): Extract<Verdict<never>, { kind: 'again' | 'throttled' }> | undefined {
  const after = afterMs === undefined ? {} : { afterMs };
  const why = `HTTP ${answer.status}`;
  if (answer.status === 429) return { kind: 'throttled', why, ...after };
  const mayChange = answer.status >= 500 || answer.status === 408 || answer.status === 425;
  return mayChange ? { kind: 'again', why, ...after } : undefined;
}

/**
 * What a body that should be JSON and is not means: it was cut, or something else answers. A status
 * of the 400s decides all the same: a gateway says it in its own words, S3 without any.
 */
export function notJson({ status }: HttpAnswer): Verdict<never> {
  if (isOf400s(status))
    return refusedByStatus(status, `HTTP ${status} with a body that is not the store's`);
  return { kind: 'again', why: `HTTP ${status} with a body that is not JSON` };
}

/**
 * What a status decides that comes without an error of the store: never absence, and of the 400s
 * never an outage, as a right that was taken away must not be made good by a fallback or a copy.
 */
export function refusedByStatus(status: number, what: string): Verdict<never> {
  if (status === 401) return refused('BH_ERR_CREDENTIALS', what);
  if (status === 403) return refused('BH_ERR_STORE_DENIED', what);
  return isOf400s(status)
    ? refused('BH_ERR_SETTINGS', what, ADDRESS_HELP)
    : refused('BH_ERR_STORE_ANSWER', what);
}

const ADDRESS_HELP = CODES.BH_ERR_STORE_ANSWER.help;

function isOf400s(status: number): boolean {
  return status >= 400 && status < 500;
}

/** Says that the store will never take this request. */
export function refused(code: Code, what: string, help?: string): Verdict<never> {
  return { kind: 'refused', code, what, ...(help === undefined ? {} : { help }) };
}

/** A store's answer that makes no sense, though it came whole. */
export function badAnswer(where: readonly string[], what: string): BellhopError {
  return new BellhopError('BH_ERR_STORE_ANSWER', { where, what });
}
