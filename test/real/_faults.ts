// Faults, in two places. Both end with `close`, with `await using`, and with this process.
//
// 1. Of the network, before any server; TLS passes through. A process of its own.
//      await using proxy = await faultProxy('127.0.0.1:18290'); // or a URL
//      await proxy.set({ latencyMs: 40, jitterMs: 10 });    // {hang: true} {reset: true}
//      await proxy.set({ cutAfter: 500, connections: 1 });  // {refuse: true} {bytesPerSecond: 10}
//      await proxy.clear(); (await proxy.counts()).peak
//    `faultProxy(upstream, certificates().good)` speaks TLS itself, and plain to the server.
//
// 2. Of HTTP and TLS, with or without a server behind. In this process.
//      await using server = await faultServer({ upstream: { url: vault.get('VAULT_ADDR') } });
//      server.next(FAULTS.serverError, { times: 2, match: /secret\/data/ }); // 500, 500, then fine
//      server.always({ kind: 'hang-after-headers' });
//      server.next({ kind: 'truncate', declared: 'whole' });
//      server.next({ kind: 'edit', edit: halfOf('SecretValues') });         // a batch answers half
//      server.quota({ perSecond: 50, throttled: tooMany({ retryAfter: '1' }) });
//      server.requests.length, server.peak, server.clear()
//    Wrong certificates: `faultServer({ tls: certificates().expired })`, `.otherAuthority`,
//    `.otherName`; right is `.good`, and a client trusts `certificates().caFile` (or `.ca`, PEM).
import type { Fault } from './_fault-server.ts';
import type { HttpAnswer } from './_http-bytes.ts';
import { answerOf } from './_http-bytes.ts';

export type { Certificate, Certificates } from './_certificates.ts';
export { certificates } from './_certificates.ts';
export type { FaultProxy, NetworkCounts, NetworkFaults } from './_fault-proxy.ts';
export { faultProxy } from './_fault-proxy.ts';
export type {
  Fault,
  FaultServer,
  FaultServerSettings,
  Match,
  Quota,
  SeenRequest,
} from './_fault-server.ts';
export { faultServer, tokenBucket } from './_fault-server.ts';
export type { HttpAnswer, HttpRequest, Upstream } from './_http-bytes.ts';
export { answerOf } from './_http-bytes.ts';

/** 429 with or without a Retry-After, which is in seconds or a date, as sent. */
export function tooMany({ retryAfter, body = {} }: TooMany = {}): HttpAnswer {
  const answer = answerOf(429, body);
  if (retryAfter === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': retryAfter } };
}

interface TooMany {
  readonly retryAfter?: string;
  /** The vendor's words: JSON, or text. */
  readonly body?: unknown;
}

/** Drops the second half of a list in an answer of JSON: 3 of 5 stay. */
export function halfOf(member: string): (right: HttpAnswer) => HttpAnswer {
  return (right) => {
    const document = JSON.parse(right.body.toString()) as Record<string, unknown>;
    const list = document[member];
    if (!Array.isArray(list)) throw new Error(`the answer has no list ${member}`);
    const kept = { ...document, [member]: list.slice(0, Math.ceil(list.length / 2)) };
    return { ...right, body: Buffer.from(JSON.stringify(kept)) };
  };
}

/** Faults without settings, by name: each must end in an error or in the right values. */
export const FAULTS = {
  hangBeforeHeaders: { kind: 'hang-before-headers' },
  hangAfterHeaders: { kind: 'hang-after-headers' },
  reset: { kind: 'reset' },
  cutSeen: { kind: 'truncate', declared: 'whole' },
  cutUnseen: { kind: 'truncate', declared: 'sent' },
  wrongType: { kind: 'content-type', type: 'text/html; charset=utf-8' },
  loginPage: { kind: 'answer', answer: answerOf(200, '<html>log in</html>', 'text/html') },
  byteASecond: { kind: 'trickle' },
  throttled: { kind: 'answer', answer: tooMany() },
  throttledForASecond: { kind: 'answer', answer: tooMany({ retryAfter: '1' }) },
  serverError: { kind: 'answer', answer: answerOf(500, {}) },
  unavailable: { kind: 'answer', answer: answerOf(503, {}) },
} as const satisfies Readonly<Record<string, Fault>>;
