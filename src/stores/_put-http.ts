import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { PutHow, StoreContext } from './_store.ts';

/** One object on its way to a server that takes PUT. */
export interface HttpPut extends PutHow {
  readonly context: StoreContext;
  readonly path: string;
  readonly url: string;
  readonly content: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsFacts;
}

const ERROR_BYTES_MAX = 256 * 1024;

/** PUT of the whole; the server is told by a header for how long it is needed. */
export async function putByHttp(put: HttpPut): Promise<void> {
  const { context, path, url, content, headers, tls, expireDays } = put;
  const { 'accept-encoding': _, ...sent } = headers;
  await context.caller.send<true>({
    name: `PUT ${path}`,
    request: () => ({
      method: 'PUT',
      url,
      headers: {
        ...sent,
        'content-type': 'application/octet-stream',
        ...(expireDays === undefined ? {} : { 'x-bellhop-expire-days': String(expireDays) }),
      },
      body: content,
      ...(tls === undefined ? {} : { tls }),
      proxy: 'environment',
      protocol: 'h1',
      bodyBytesMax: ERROR_BYTES_MAX,
    }),
    judge: (answer) => judge(answer, context.io.clock.now()),
  });
}

function judge(answer: HttpAnswer, nowMs: number): Verdict<true> {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'done', value: true };
  const usual = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  if (usual !== undefined) return usual;
  if (status === 401) {
    return refused('BH_ERR_CREDENTIALS', 'HTTP 401: it does not take our credentials');
  }
  if (status === 403) return refused('BH_ERR_STORE_DENIED', 'HTTP 403');
  return refused('BH_ERR_SETTINGS', `HTTP ${status}: it does not take what is written`);
}
