// Flyte's port that forgets values of Embedded before their time: its secret service calls each
// replica after it has written (flyteorg/flyte, executor/pkg/webhook/cache_invalidation_server.go).
import { scopesOf, storedName } from '../injectors/_embedded-names.ts';
import { isRecord } from '../wire/read.ts';
import type { AskCaller, Caller } from './callers.ts';
import type { Handle, HttpAnswer } from './connection.ts';
import type { Log, LogFacts } from './log.ts';
import type { Count, Metrics } from './metrics.ts';
import { parsedJson } from './parsed-json.ts';

export const INVALIDATION_PATH = '/invalidate-secret';
/** Names and no more. */
export const INVALIDATION_BYTES_MAX = 16_384;

export interface InvalidationParts {
  /** Forgets what is kept under these names. */
  readonly forget: (names: readonly string[]) => void;
  readonly askCaller: AskCaller;
  readonly log: Pick<Log, 'say'>;
  readonly count: Count;
}

/** Labels: the result. */
export function invalidationFigure(metrics: Metrics): Count {
  return metrics.counter(
    {
      name: 'cache_invalidations_total',
      help: 'Calls to forget values: done, malformed, denied, or failed because nobody could say.',
      labels: ['result'],
    },
    [['done'], ['malformed'], ['denied'], ['failed']],
  );
}

const TEXT = 'text/plain; charset=utf-8';
const said = (status: number, text: string, ...lines: string[]): HttpAnswer => {
  const body = text === '' ? '' : `${text}\n`;
  return { status, contentType: TEXT, text: body, ...(lines.length === 0 ? {} : { lines }) };
};

/** What is to be forgotten, as the caller names it. */
interface Wanted {
  readonly org: string;
  readonly domain: string;
  readonly project: string;
  readonly name: string;
}

/**
 * Answers as Flyte does: 404, 405, 400 and an empty 200, which also says nothing of whether there
 * was a value. Beside them 401, 403, 413, and 503 where it cannot be told who calls.
 */
export function handleInvalidations(parts: InvalidationParts): Handle {
  return async ({ method, target, headers, body }) => {
    const [path = ''] = target.split('?', 1);
    if (path !== INVALIDATION_PATH) return said(404, '404 page not found');
    if (method !== 'POST') return said(405, 'method not allowed', 'Allow: POST');
    // A body may be read until the first wait only.
    const read = wantedOf(body);
    const caller = await parts.askCaller(headers.get('authorization'));
    if (caller.kind !== 'allowed') return refused(parts, caller);
    if ('status' in read) {
      parts.count(['malformed']);
      return read;
    }
    const { org, domain, project, name } = read;
    // As Flyte: a new value of the project may have hidden behind one of the organization.
    const scopes = scopesOf({ organization: org, domain, project });
    parts.forget(scopes.map((scope) => storedName(scope, name)));
    parts.count(['done']);
    const by: LogFacts = caller.name === '' ? {} : { user: caller.name };
    const facts = { organization: org, domain, project, secret: name, ...by };
    parts.log.say('info', 'value forgotten', facts);
    return said(200, '');
  };
}

function refused(
  { count, log }: InvalidationParts,
  caller: Exclude<Caller, { kind: 'allowed' }>,
): HttpAnswer {
  switch (caller.kind) {
    case 'unknown':
      count(['denied']);
      return said(401, 'a bearer token is needed', 'WWW-Authenticate: Bearer');
    case 'denied':
      count(['denied']);
      log.say('warn', 'who wants a value forgotten may not', { user: caller.name });
      return said(403, 'webhook.cacheInvalidation.users does not have you');
    case 'unsure':
      count(['failed']);
      log.say('error', 'nobody can say who wants a value forgotten', { reason: caller.why });
      return said(503, caller.why);
  }
}

/** As Go reads it into its type: what is absent or null is empty, what is unknown is left. */
function wantedOf(body: Uint8Array | 'too large'): Wanted | HttpAnswer {
  if (body === 'too large') return said(413, `at most ${INVALIDATION_BYTES_MAX} bytes`);
  const parsed = parsedJson(body);
  if (!isRecord(parsed)) return said(400, 'invalid request body: it is no JSON object');
  const wanted = { org: '', domain: '', project: '', name: '' };
  for (const member of ['org', 'domain', 'project', 'name'] as const) {
    const value = Object.hasOwn(parsed, member) ? (parsed[member] ?? '') : '';
    if (typeof value !== 'string') return said(400, `invalid request body: ${member} is no text`);
    wanted[member] = value;
  }
  return wanted.name === '' ? said(400, 'name is required') : wanted;
}
