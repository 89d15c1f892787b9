// What the answers of the Kubernetes API mean.
import { BellhopError } from '../core/errors.ts';
import type { Code } from '../core/errors.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { jsonRecord, said, textIn } from '../stores/_rest.ts';

/** An object as the API server has it. */
export type KubeObject = JsonRecord;

/** One request. */
export interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Behind the path, as `?limit=1`. */
  readonly query?: string;
  readonly accept?: string;
  readonly object?: KubeObject;
}

/** `absent`: it is not there; `conflict`: it is another one by now. */
export type Outcome = KubeObject | 'absent' | 'conflict';

/** What one attempt came to: decided, or a reason to try again. */
export type Tried =
  | { readonly outcome: Outcome }
  | { readonly problem: BellhopError; readonly afterMs?: number; readonly renew?: boolean };

export const REACH_HELP = 'look at the way to the API server: network policies, DNS, its health';

/** What an answer means; throws where asking again would not help. */
export function judge(asked: Asked, answer: HttpAnswer, nowMs: number): Tried {
  const { status } = answer;
  const record = jsonRecord(answer.body);
  if (isGood(status) && record !== undefined) return { outcome: record };
  const isAbsent = status === 404 && textIn(record ?? {}, 'reason') === 'NotFound';
  if (isAbsent) return { outcome: absence(asked, record) };
  if (status === 409) return { outcome: 'conflict' };
  const facts = { what: whatOf(asked, status, record) };
  if (status === 401) {
    return { problem: problem(asked, 'BH_ERR_CREDENTIALS', facts), renew: true };
  }
  if (status === 403) {
    throw problem(asked, 'BH_ERR_STORE_DENIED', { ...facts, help: RIGHTS_HELP });
  }
  if (isFinal(status)) throw problem(asked, 'BH_ERR_STORE_ANSWER', { ...facts, help: TAKE_HELP });
  const afterMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  const again = { problem: problem(asked, 'BH_ERR_STORE', { ...facts, help: REACH_HELP }) };
  return afterMs === undefined ? again : { ...again, afterMs };
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/** It has decided, and would decide so again. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

const RIGHTS_HELP =
  "give the webhook's service account this right: docs/install.md, docs/webhook-certificates.md";
const TAKE_HELP = 'look at what the API server says of it, and at its version';

/** A collection that is not there has no namespace around it: that is no conflict. */
function absence(asked: Asked, record: JsonRecord | undefined): Outcome {
  if (asked.method !== 'POST') return 'absent';
  throw problem(asked, 'BH_ERR_STORE_ANSWER', {
    what: whatOf(asked, 404, record),
    help: TAKE_HELP,
  });
}

/** What it says of a Secret may quote the Secret, but for rights. */
function whatOf({ path }: Asked, status: number, record: JsonRecord | undefined): string {
  const reason =
    record === undefined ? `HTTP ${status}` : (textIn(record, 'reason') ?? `${status}`);
  const isQuoted = path.includes('/secrets') && status !== 403;
  return record === undefined || isQuoted
    ? reason
    : `${reason}: ${said(textIn(record, 'message'))}`;
}

/** What went wrong at a request. */
export function problem(
  { method, path }: Asked,
  code: Code,
  facts: { readonly what: string; readonly help?: string },
): BellhopError {
  return new BellhopError(code, { where: ['Kubernetes API', `${method} ${path}`], ...facts });
}
