import type { Verdict } from '../core/call.ts';
import { notJson, refused, refusedByStatus, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { openGoogle } from '../stores/_google.ts';
import type { Options } from '../stores/_options.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { bearerHeader, jsonRecord, recordIn, said, textIn } from '../stores/_rest.ts';
import type { StoreContext } from '../stores/_store.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { Send } from '../targets/_target.ts';
import { calledUrl } from './called-url.ts';
import type { Answered, Sender } from './calls.ts';
import { ANSWER_BYTES_MAX, isOfRequest } from './calls.ts';

// Calls of Google's APIs by REST (AIP-131 to AIP-136), with the token of the stores' light code.

type GoogleSend = Extract<Send, { by: 'google rest' }>;

/** Opens the way to Google by a store's options: its identity. Makes no request. */
export function openGoogleCalls(options: Options, context: StoreContext): Sender {
  return async (request, codes) => {
    const { send } = request;
    if (send.by !== 'google rest') return { kind: 'answer', answer: {} };
    const google = await openGoogle(context, options);
    const bearer = bearerHeader(google.bearer, context);
    const { quotaProject } = google;
    const { url, body } = madeFrom(send, request.input, context);
    return context.caller.send<Answered>({
      name: request.operation,
      ...(request.once === true ? { attemptsMax: 1, once: true } : {}),
      request: async (attempt) => ({
        method: send.method,
        url,
        headers: {
          authorization: await bearer(attempt),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(quotaProject === undefined ? {} : { 'x-goog-user-project': quotaProject }),
        },
        ...(body === undefined ? {} : { body }),
        proxy: 'environment',
        protocol: 'h1',
        bodyBytesMax: ANSWER_BYTES_MAX,
      }),
      judge: (answer) => judged(answer, codes, context.io.clock.now()),
    });
  };
}

/** Where it goes, and the body: what of the input is not in the path. */
function madeFrom(
  send: GoogleSend,
  input: JsonObject,
  context: Pick<StoreContext, 'variable'>,
): { readonly url: string; readonly body?: string } {
  // gcloud's own variable, for the same.
  const named = context.variable(`CLOUDSDK_API_ENDPOINT_OVERRIDES_${send.service.variable}`);
  const { url, names } = calledUrl(send, input, named);
  if (send.method === 'GET') return { url };
  const members = Object.entries(input).filter(([name]) => !names.includes(name));
  return { url, body: JSON.stringify(Object.fromEntries(members)) };
}

function judged(answer: HttpAnswer, codes: readonly string[], nowMs: number): Verdict<Answered> {
  const passing = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  if (passing !== undefined) return passing;
  const body = jsonRecord(answer.body);
  if (body === undefined) return notJson(answer);
  // What was parsed as JSON is JSON.
  if (answer.status < 300) return done({ kind: 'answer', answer: body as JsonObject });
  const error: JsonRecord = recordIn(body, 'error');
  const code = textIn(error, 'status') ?? `HTTP ${answer.status}`;
  if (codes.includes(code)) return done({ kind: 'code', code });
  if (answer.status === 401) return { kind: 'again', why: 'HTTP 401', renew: true };
  const what = `${code}: ${said(textIn(error, 'message'))}`;
  if (isOfRequest(code)) return refused('BH_ERR_API', what);
  return refusedByStatus(answer.status, what);
}

function done(value: Answered): Verdict<Answered> {
  return { kind: 'done', value };
}
