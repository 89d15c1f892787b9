// The few calls of the Kubernetes API that the webhook makes beside admission, directly: the
// official client (@kubernetes/client-node 2.0.1) does not see the cluster's authority in Bun.
import { hidingOf } from '../core/credentials.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { NetError } from '../core/io/net-types.ts';
import type { Io } from '../core/io/types.ts';
import type { Kube } from '../stores/_kube.ts';
import { openKube } from '../stores/_kube.ts';
import type { Options } from '../stores/_options.ts';
import { recordIn } from '../stores/_rest.ts';
import type { StoreContext } from '../stores/_store.ts';
import type { Asked, KubeObject, Outcome, Tried } from './kubernetes-answers.ts';
import { REACH_HELP, judge, problem } from './kubernetes-answers.ts';
import type { ListWish } from './kubernetes-lists.ts';
import { listAll } from './kubernetes-lists.ts';

export type { KubeObject } from './kubernetes-answers.ts';
export type { ListWish };

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
  /** Only as `metadata` says, its uid and version; a conflict where it is another one by now. */
  remove(path: string, object: KubeObject): Promise<'removed' | 'conflict'>;
  /**
   * Shows all objects of a collection, as they are at one moment, page by page. Rejects where it
   * cannot show all of them, within 5 minutes; what was shown is then a part.
   */
  list(path: string, wish: ListWish, see: (object: KubeObject) => void): Promise<void>;
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
  /** How many pages a list may have. */
  readonly listPagesMax?: number | undefined;
}

const CALL_MS_MAX = 15_000;
const ATTEMPT_MS_MAX = 5_000;
const CREDENTIALS_MS_MAX = 60_000;
const WAIT_MS_FIRST = 100;
const WAIT_MS_MAX = 4_000;
/** Secrets have at most 1 MiB, in Base64. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const PAGE_BYTES_MAX = 32 * 1024 * 1024;
const JSON_TYPE = 'application/json';
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
    remove: async (path, object) => {
      const answer = await send(state, { method: 'DELETE', path, object: deletionOf(object) });
      return answer === 'conflict' ? 'conflict' : 'removed';
    },
    list: async (path, wish, see) => {
      const ask = async (page: Asked): Promise<Outcome> => send(state, page);
      await listAll({ ask, clock: io.clock, pagesMax: parts.listPagesMax }, { path, wish, see });
    },
    nowMs: () => io.clock.now() + state.skewMs,
  };
}

function deletionOf(object: KubeObject): KubeObject {
  const { uid, resourceVersion } = recordIn(object, 'metadata');
  return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
}

interface Client {
  readonly parts: ApiParts;
  kube: Kube;
  openedMs: number;
  readonly reopen: () => Promise<Kube>;
  skewMs: number;
}

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

function isUnreadToken(error: unknown): error is BellhopError {
  return error instanceof BellhopError && error.code === 'BH_ERR_CREDENTIALS';
}

function requestOf(
  kube: Kube,
  { asked, number }: Trying,
  header: Readonly<Record<string, string>>,
): HttpRequest {
  const { method, path, query = '', accept = JSON_TYPE, object } = asked;
  return {
    method,
    ...kube.request(`${path}${query}`),
    headers: { accept, 'content-type': JSON_TYPE, ...header },
    ...(object === undefined ? {} : { body: JSON.stringify(object) }),
    bodyBytesMax: query === '' ? BODY_BYTES_MAX : PAGE_BYTES_MAX,
    ...(number === 1 ? {} : { fresh: true }),
  };
}

function noteTime(client: Client, { headers }: HttpAnswer): void {
  const theirsMs = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(theirsMs)) return;
  const skewMs = theirsMs - client.parts.io.clock.now();
  client.skewMs = Math.abs(skewMs) < SKEW_MS_MIN ? 0 : skewMs;
}
