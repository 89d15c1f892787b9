// OAuth 2 token endpoints (RFC 6749, RFC 8693) and those that answer in their way.
import type { Attempt, Caller, Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import type { Clock } from '../core/io/types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { JsonRecord } from './_rest.ts';
import { jsonRecord, said, textIn } from './_rest.ts';

/** A token, or a document about one, is never longer. */
export const TOKEN_BYTES_MAX = 256 * 1024;

/** How one token is asked for. */
export interface TokenRequest {
  readonly name: string;
  request(attempt: Attempt): HttpRequest | Promise<HttpRequest>;
  /** The member of the answer that is the token; `access_token` where absent. */
  readonly member?: string;
  readonly withinMs?: number;
  /** What to do where it is refused. */
  readonly help?: string;
}

/**
 * Gets a token. Refused as BH_ERR_CREDENTIALS where the server says that we are not who we claim;
 * BH_ERR_STORE where it could not say.
 */
export async function requestToken(
  { caller, clock }: { readonly caller: Caller; readonly clock: Clock },
  wanted: TokenRequest,
): Promise<string> {
  const { name, withinMs, member = 'access_token', help } = wanted;
  return caller.send({
    name,
    kind: 'credentials',
    request: (attempt) => wanted.request(attempt),
    judge: (answer) => tokenOf(answer, { member, help, nowMs: clock.now() }),
    ...(withinMs === undefined ? {} : { withinMs }),
  });
}

/** A form to be posted to a token endpoint. */
export function formRequest(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
    proxy: 'environment',
    protocol: 'h1',
    bodyBytesMax: TOKEN_BYTES_MAX,
  };
}

/** Errors of token endpoints that pass. */
const PASSING = new Set(['temporarily_unavailable', 'server_error', 'internal_failure']);

interface Reading {
  readonly member: string;
  readonly help: string | undefined;
  readonly nowMs: number;
}

function tokenOf(answer: HttpAnswer, { member, help, nowMs }: Reading): Verdict<string> {
  const passing = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  if (passing !== undefined) return passing;
  const body = jsonRecord(answer.body);
  if (answer.status === 200) {
    const token = body === undefined ? undefined : textIn(body, member);
    // A header cannot hold anything else, and a message of the runtime would show it.
    if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return { kind: 'done', value: token };
    return body === undefined ? notJson(answer) : { kind: 'again', why: 'an answer with no token' };
  }
  const error = body === undefined ? undefined : textIn(body, 'error');
  if (error !== undefined && PASSING.has(error)) return { kind: 'again', why: error };
  const what = `HTTP ${answer.status}: ${said(reasonIn(body))}`;
  return refused('BH_ERR_CREDENTIALS', what, help);
}

/** `error` and `error_description`, or the `error.message` of Google's and Azure's APIs. */
function reasonIn(body: JsonRecord | undefined): string | undefined {
  if (body === undefined) return undefined;
  const description = textIn(body, 'error_description') ?? textIn(body, 'message');
  const { error } = body;
  if (typeof error === 'string') {
    return description === undefined ? error : `${error}: ${description}`;
  }
  const inner = error as JsonRecord | undefined;
  return (typeof inner === 'object' && textIn(inner ?? {}, 'message')) || description;
}
