// The few calls of the Kubernetes API that the webhook makes beside admission, directly: the
// official client (@kubernetes/client-node 2.0.1) does not see the cluster's authority in Bun.
import { hidingOf } from '../core/credentials.ts';
import { BellhopError } from '../core/errors.ts';
import type { Code } from '../core/errors.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { NetError } from '../core/io/net-types.ts';
import type { Io } from '../core/io/types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { Kube } from '../stores/_kube.ts';
import { openKube } from '../stores/_kube.ts';
import type { Options } from '../stores/_options.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { jsonRecord, said, textIn } from '../stores/_rest.ts';
import type { StoreContext } from '../stores/_store.ts';

/** An object as the API server has it. */
export type KubeObject = JsonRecord;

/** What became of a read. */
export type Found =
  | { readonly kind: 'found'; readonly object: KubeObject }
  | { readonly kind: 'absent' };

/** What became of a write; `conflict`: somebody else was first, so read it again. */
export type Written =
  | { readonly kind: 'written'; readonly object: KubeObject }
  | { readonly kind: 'conflict' };

/**
 * The API server. What it refuses or cannot do is a BellhopError: BH_ERR_STORE_DENIED (a right is
 * lacking), BH_ERR_CREDENTIALS, BH_ERR_STORE (it cannot be asked now), BH_ERR_STORE_ANSWER (it will
 * not take this). No call takes longer than `callMsMax`.
 */
export interface KubernetesApi {
  /** The namespace that we run in. */
  readonly namespace: string;
  get(path: string): Promise<Found>;
  /** `path` is that of the collection. */
  create(path: string, object: KubeObject): Promise<Written>;
  /** Only where the object is still as `metadata.resourceVersion` says; gone is a conflict. */
  update(path: string, object: KubeObject): Promise<Written>;
  /**
   * The time that the API server has, in milliseconds since the epoch: it is the one that judges
   * our certificates. Our own clock as long as no answer has told another one.
   */
  readonly nowMs: () => number;
}

/** What a client is made of. */
export interface ApiParts {
  readonly io: Io;
  /** Options of the kind `kubernetes` (url, ca, kubeconfig …); none in a pod. */
  readonly options?: Options;
  /** POD_NAMESPACE and the like; undefined where it is not set or empty. */
  readonly variable: (name: string) => string | undefined;
  /** How long one call may take with all of its attempts. */
  readonly callMsMax?: number;
}

const CALL_MS_MAX = 15_000;
const ATTEMPT_MS_MAX = 5_000;
const CREDENTIALS_MS_MAX = 60_000;
const WAIT_MS_FIRST = 100;
const WAIT_MS_MAX = 4_000;
/** Secrets have at most 1 MiB, in Base64. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Less than that is no other time: Date has whole seconds, and answers take a while. */
const SKEW_MS_MIN = 10_000;

/** Opens it; asks nothing before the first call. Rejects where no API server is known. */
export async function openKubernetesApi(parts: ApiParts): Promise<KubernetesApi> {
  const { io } = parts;
  // With a context of its own: what failed in another one is remembered there for a whole start.
  const reopen = async (): Promise<Kube> => openKube(contextOf(parts), parts.options ?? {});
  const openedMs = io.clock.monotonicMs();
  const state: Client = { parts, kube: await reopen(), openedMs, reopen, skewMs: 0 };
  const { namespace } = state.kube;
  return {
    namespace: parts.variable('POD_NAMESPACE') ?? (namespace === '' ? 'default' : namespace),
    get: async (path) => {
      const answer = await send(state, { method: 'GET', path });
      return answer === 'absent' || answer === 'conflict'
        ? { kind: 'absent' }
        : { kind: 'found', object: answer };
    },
    create: async (path, object) => written(await send(state, { method: 'POST', path, object })),
    update: async (path, object) => written(await send(state, { method: 'PUT', path, object })),
    nowMs: () => io.clock.now() + state.skewMs,
  };
}

interface Client {
  readonly parts: ApiParts;
  kube: Kube;
  openedMs: number;
  readonly reopen: () => Promise<Kube>;
  skewMs: number;
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly object?: KubeObject;
}

type Outcome = KubeObject | 'absent' | 'conflict';

function written(outcome: Outcome): Written {
  return outcome === 'absent' || outcome === 'conflict'
    ? { kind: 'conflict' }
    : { kind: 'written', object: outcome };
}

/** The rules that find an API server for the store `kubernetes` find it here; nothing is stored. */
function contextOf({ io, variable }: ApiParts): StoreContext {
  const notHere = async (): Promise<never> => {
    const what = 'credentials from stores cannot be used for the webhook itself';
    throw new BellhopError('BH_ERR_SETTINGS', { where: ['Kubernetes API'], what });
  };
  return {
    name: 'Kubernetes API',
    io,
    objects: [],
    namespace: '',
    caller: { send: notHere, work: notHere, underway: Promise.resolve(), warm: () => undefined },
    variable,
    secret: notHere,
    once: async (_key, make) => make(),
  };
}

/** Asks until the answer decides something or the time is over. */
async function send(client: Client, asked: Asked): Promise<Outcome> {
  const { io, callMsMax = CALL_MS_MAX } = client.parts;
  const endMs = io.clock.monotonicMs() + callMsMax;
  // As client-go does it: a token that was replaced on disk is soon used no more.
  if (io.clock.monotonicMs() - client.openedMs > CREDENTIALS_MS_MAX) await renew(client);
  let isRenewed = false;
  for (let number = 1; ; number += 1) {
    const leftMs = endMs - io.clock.monotonicMs();
    const tried = await attempt(client, { asked, number, leftMs });
    if ('outcome' in tried) return tried.outcome;
    if (tried.renew === true) {
      await renew(client);
      if (isRenewed) throw tried.problem;
      isRenewed = true;
      continue;
    }
    const waitMs = waitOf(io, number, tried.afterMs);
    if (io.clock.monotonicMs() + waitMs >= endMs) throw tried.problem;
    await pause(io, waitMs);
  }
}

/** Reads token, certificate and authority again; what cannot be read leaves the old ones. */
async function renew(client: Client): Promise<void> {
  client.kube = await client.reopen().catch(() => client.kube);
  client.openedMs = client.parts.io.clock.monotonicMs();
}

/** With full jitter, so that replicas do not come back at once; never before the server says. */
function waitOf(io: Io, number: number, afterMs = 0): number {
  const [byte = 0] = io.random(1);
  const most = Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** number);
  return afterMs + (most * (byte + 1)) / 256;
}

async function pause(io: Io, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    io.clock.after(ms, resolve);
  });
}

interface Trying {
  readonly asked: Asked;
  readonly number: number;
  readonly leftMs: number;
}

/** What one attempt came to: decided, or a reason to try again. */
type Tried =
  | { readonly outcome: Outcome }
  | { readonly problem: BellhopError; readonly afterMs?: number; readonly renew?: boolean };

async function attempt(client: Client, trying: Trying): Promise<Tried> {
  const { io } = client.parts;
  const { asked, leftMs, number } = trying;
  const limit = new AbortController();
  const limitMs = Math.max(1, Math.min(ATTEMPT_MS_MAX, leftMs));
  const cancel = io.clock.after(limitMs, () => limit.abort());
  try {
    const header = await client.kube.authorization()({ number, renew: false });
    const request = requestOf(client.kube, trying, header);
    const answer = await io.net.http(request, limit.signal);
    noteTime(client, answer);
    // Its words may repeat our token.
    return judge(asked, hidingOf(request, false).answer(answer), io.clock.now());
  } catch (error) {
    if (isUnreadToken(error)) return { problem: error, renew: true };
    if (!(error instanceof NetError)) throw error;
    const isLate = error.reason === 'aborted';
    const what = isLate ? `no answer within ${Math.round(limitMs)} ms` : error.message;
    const failed = { problem: problem(asked, 'BH_ERR_STORE', { what, help: REACH_HELP }) };
    // The cluster may have a new authority since we have read its file.
    return error.reason === 'certificate' ? { ...failed, renew: true } : failed;
  } finally {
    cancel();
  }
}

const REACH_HELP = 'look at the way to the API server: network policies, DNS, its health';

function isUnreadToken(error: unknown): error is BellhopError {
  return error instanceof BellhopError && error.code === 'BH_ERR_CREDENTIALS';
}

function requestOf(
  kube: Kube,
  { asked, number }: Trying,
  header: Readonly<Record<string, string>>,
): HttpRequest {
  const { method, path, object } = asked;
  return {
    method,
    ...kube.request(path),
    headers: { accept: 'application/json', 'content-type': 'application/json', ...header },
    ...(object === undefined ? {} : { body: JSON.stringify(object) }),
    bodyBytesMax: BODY_BYTES_MAX,
    ...(number === 1 ? {} : { fresh: true }),
  };
}

function noteTime(client: Client, { headers }: HttpAnswer): void {
  const theirsMs = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(theirsMs)) return;
  const skewMs = theirsMs - client.parts.io.clock.now();
  client.skewMs = Math.abs(skewMs) < SKEW_MS_MIN ? 0 : skewMs;
}

function judge(asked: Asked, answer: HttpAnswer, nowMs: number): Tried {
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

const RIGHTS_HELP = "give the webhook's service account this right: docs/webhook-certificates.md";
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

function problem(
  { method, path }: Asked,
  code: Code,
  facts: { readonly what: string; readonly help?: string },
): BellhopError {
  return new BellhopError(code, { where: ['Kubernetes API', `${method} ${path}`], ...facts });
}
