// Calls of etcd's JSON gateway: tokens, endpoints, and what answers mean. Facts: etcd 3.4.23
// (seen); the numbers of errors are those of gRPC.
import type { Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import type { HttpAnswer, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { Bearer, Doubted, JsonRecord } from './_rest.ts';
import { doubted, jsonRecord, said, sendDoubting, textIn } from './_rest.ts';
import type { StoreContext } from './_store.ts';
import { transport } from './_tls-files.ts';

/** All below a prefix is one answer, in base 64. */
const BODY_BYTES_MAX = 128 * 1024 * 1024;

/** The members of a cluster; any of them can answer. */
export interface Cluster {
  readonly context: StoreContext;
  readonly endpoints: readonly string[];
  readonly tls: TlsFacts | undefined;
  /** The endpoint that answered last. */
  at: number;
}

/** How every request to a cluster goes. */
export function clusterTransport(tls: TlsFacts | undefined) {
  return transport(tls, BODY_BYTES_MAX);
}

/** An answer of JSON that is no passing trouble. */
export interface Said {
  readonly json: JsonRecord;
  /** gRPC's number of the error; 0 where there is none. */
  readonly code: number;
  readonly message: string;
}

/** One call below `/v3/`. */
export interface EtcdCall<T> {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
  readonly kind?: 'credentials';
  /** What it does, for messages; `read` where absent. */
  readonly verb?: 'written';
  judge(answer: Said): Verdict<T> | Doubted;
}

const DENIED = 7;
const TOKEN_ENDED = /invalid auth token|revision of auth store is old/;
const NO_TOKEN = /user name is empty/;

/** Sends it with the token that all share, and once more with a new one where that has ended. */
export async function callAs<T>(cluster: Cluster, bearer: Bearer, asked: EtcdCall<T>): Promise<T> {
  let sent: string | undefined;
  let isNew = false;
  const token = async (renew: boolean): Promise<string> => {
    sent = await bearer.token(cluster.context, renew ? sent : undefined);
    isNew = renew;
    return sent;
  };
  const judge = (answer: Said): Verdict<T> | Doubted => {
    if (TOKEN_ENDED.test(answer.message)) {
      const whose = isNew ? 'a token that is new' : 'our token: it has ended';
      const ended = refused('BH_ERR_CREDENTIALS', `the server does not take ${whose}`);
      return isNew ? ended : doubted(ended, { times: 1, renew: true });
    }
    if (NO_TOKEN.test(answer.message)) {
      const help = 'set `user` and `password`, or ETCDCTL_USER';
      return refused('BH_ERR_CREDENTIALS', 'the server wants a user, and none is given', help);
    }
    if (answer.code !== DENIED) return asked.judge(answer);
    return refused(
      'BH_ERR_STORE_DENIED',
      `it may not be ${asked.verb ?? 'read'}: permission denied`,
    );
  };
  return call(cluster, { ...asked, judge }, token);
}

type Token = (renew: boolean) => Promise<string>;

/**
 * Sends it; each attempt after the first goes to the next endpoint. Another endpoint is no further
 * attempt of the same one: each is asked before the call fails, whatever `attemptsMax` says.
 */
export async function call<T>(cluster: Cluster, asked: EtcdCall<T>, token?: Token): Promise<T> {
  const start = cluster.at;
  const problems: BellhopError[] = [];
  let sent = 0;
  const next = (): number => (start + sent++) % cluster.endpoints.length;
  for (;;) {
    try {
      return await sendTo(cluster, asked, { next, token });
    } catch (error) {
      if (!(error instanceof BellhopError) || !isOutage(error)) throw error;
      problems.push(error);
      if (sent >= cluster.endpoints.length) throw together(problems, error);
    }
  }
}

function together(problems: readonly BellhopError[], last: BellhopError): BellhopError {
  if (problems.length === 1) return last;
  const what = problems.map((one) => one.what).join('; at the next endpoint ');
  return new BellhopError(last.code, { where: last.where, what, help: last.help });
}

/** Which endpoint an attempt goes to, and with what. */
interface Way {
  next(): number;
  readonly token: Token | undefined;
}

async function sendTo<T>(cluster: Cluster, asked: EtcdCall<T>, way: Way): Promise<T> {
  const { context, endpoints, tls } = cluster;
  let at = cluster.at;
  return sendDoubting<T>(context.caller, {
    name: asked.name,
    ...(asked.kind === undefined ? {} : { kind: asked.kind }),
    request: async ({ renew }) => {
      at = way.next();
      const authorization = await way.token?.(renew);
      return {
        method: 'POST',
        url: `${endpoints[at] ?? ''}/v3/${asked.path}`,
        headers: {
          'content-type': 'application/json',
          ...(authorization === undefined || authorization === '' ? {} : { authorization }),
        },
        body: JSON.stringify(asked.body),
        ...clusterTransport(tls),
      };
    },
    judge: (answer) => {
      const verdict = verdictOf(answer, context.io.clock.now(), asked);
      if (verdict.kind === 'done') cluster.at = at;
      return verdict;
    },
  });
}

/** Too much, timed out, aborted, a fault, not available: the next attempt may go better. */
const PASSING = new Set([4, 10, 13, 14, 15]);
const TOO_MUCH = 8;

function verdictOf<T>(answer: HttpAnswer, nowMs: number, asked: EtcdCall<T>): Verdict<T> | Doubted {
  const afterMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  const after = afterMs === undefined ? {} : { afterMs };
  const json = jsonRecord(answer.body);
  if (json === undefined) {
    const usual = verdictOfStatus(answer, afterMs);
    if (usual !== undefined) return usual;
    if (answer.status !== 404) return notJson(answer);
    const help = 'start etcd (3.4 or later) with its gRPC gateway, or correct the address';
    return refused('BH_ERR_SETTINGS', 'HTTP 404: there is no JSON gateway', help);
  }
  const { code: number } = json;
  const code = typeof number === 'number' ? number : 0;
  const message = said(textIn(json, 'message') ?? textIn(json, 'error'));
  if (code === TOO_MUCH) return { kind: 'throttled', why: message, ...after };
  if (PASSING.has(code)) return { kind: 'again', why: message, ...after };
  if (code === 0 && answer.status !== 200) {
    return verdictOfStatus(answer, afterMs) ?? notJson(answer);
  }
  return asked.judge({ json, code, message });
}
