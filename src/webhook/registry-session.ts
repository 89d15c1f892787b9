// What a registry has of one image, by the OCI distribution specification 1.1 and Docker's token
// authentication (distribution v3, docs/content/spec/auth/token.md).
import { openBudget } from '../core/budget.ts';
import { openCaller } from '../core/caller.ts';
import { openHedging } from '../core/hedge.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { openSlots } from '../core/slots.ts';
import { NO_TRACE } from '../core/trace.ts';
import { Refusal } from '../injectors/_injector.ts';
import { readChallenges } from '../wire/auth-challenge.ts';
import { hex } from '../wire/digests.ts';
import type { Login } from '../wire/docker-config.ts';
import { MANIFEST_TYPES } from '../wire/oci.ts';
import { mayRead, originOf } from './registry-places.ts';
import type { RegistryAsked, Session } from './registry-send.ts';
import { REDIRECTS, basic, send } from './registry-send.ts';
import { tokenFor } from './registry-token.ts';

/** Rejects with Refusal for what it has decided, else with BellhopError. */
export interface RegistrySession {
  /** What the tag stands for at this moment. */
  digestOf(tag: string): Promise<string>;
  /** A manifest, or a blob, whose bytes are what the digest says. */
  manifest(digest: string): Promise<Uint8Array>;
  blob(digest: string): Promise<Uint8Array>;
  /** What is sent to prove who we are, where something is. */
  readonly authorization: () => string | undefined;
  readonly close: () => void;
}

const ATTEMPTS_MAX = 3;
const IN_FLIGHT_MAX = 4;
const REDIRECTS_MAX = 3;

/** Asks nothing yet. */
export function openRegistrySession(asked: RegistryAsked): RegistrySession {
  const { io, image, signal } = asked;
  let logins: Promise<readonly Login[]> | undefined;
  const budget = openBudget(io.clock, asked.msMax);
  const stop = (): void => budget.end();
  signal.addEventListener('abort', stop, { once: true });
  const caller = openCaller({
    store: image.host,
    called: `registry ${image.host}`,
    net: io.net,
    clock: io.clock,
    random: () => new DataView(io.random(4).buffer).getUint32(0) / 2 ** 32,
    budget,
    trace: NO_TRACE,
    attemptsMax: ATTEMPTS_MAX,
    hedging: openHedging(undefined),
    slots: openSlots(IN_FLIGHT_MAX),
  });
  const session: Session = {
    asked,
    origin: originOf(image, asked.host),
    caller,
    logins: async () => (logins ??= asked.logins()),
    tried: 0,
    authorization: asked.authorization,
    challenges: [],
  };
  const below = `${session.origin}/v2/${image.repository}`;
  const manifestAt = (reference: string): string => `${below}/manifests/${reference}`;
  return {
    digestOf: async (tag) => {
      const { headers } = await told(session, { method: 'HEAD', url: manifestAt(tag) });
      const said = headers['docker-content-digest'];
      if (said !== undefined && /^sha256:[0-9a-f]{64}$/.test(said)) return said;
      const { body } = await told(session, { method: 'GET', url: manifestAt(tag) });
      return digestBy(session, 'sha256', body);
    },
    manifest: async (digest) => {
      const { body } = await told(session, { method: 'GET', url: manifestAt(digest) });
      return checked(session, digest, body);
    },
    blob: async (digest) => {
      const { body } = await told(session, { method: 'GET', url: `${below}/blobs/${digest}` });
      return checked(session, digest, body);
    },
    authorization: () => session.authorization,
    close: () => {
      signal.removeEventListener('abort', stop);
      budget.close();
    },
  };
}

function digestBy({ asked }: Session, kind: string, bytes: Uint8Array): string {
  const { crypto: by } = asked.io;
  return `${kind}:${hex(kind === 'sha512' ? by.sha512(bytes) : by.sha256(bytes))}`;
}

function checked(session: Session, digest: string, bytes: Uint8Array): Uint8Array {
  const [kind = ''] = digest.split(':', 1);
  if (digestBy(session, kind, bytes) === digest) return bytes;
  throw new Refusal(`what it has as ${digest.slice(0, 19)}… is something else`);
}

interface Wish {
  readonly method: 'GET' | 'HEAD';
  readonly url: string;
}

/** The answer that has what was asked for, with a login where one is wanted. */
async function told(session: Session, wish: Wish): Promise<HttpAnswer> {
  for (;;) {
    const sent = session.authorization;
    const answer = await followed(session, wish, sent);
    if (answer.status === 404) throw new Refusal('there is no such image, tag or platform');
    if (answer.status !== 401 && answer.status !== 403) return answer;
    // Somebody else may have logged in meanwhile.
    if (sent !== session.authorization) continue;
    const challenges = readChallenges(answer.headers['www-authenticate'] ?? '');
    if (challenges.length > 0) session.challenges = challenges;
    if (!(await loggedIn(session))) throw await notAllowed(session, answer.status);
  }
}

/** Takes the next way to log in that gives something to send; false where there is none. */
async function loggedIn(session: Session): Promise<boolean> {
  if (session.challenges.length === 0) return false;
  const logins = await session.logins();
  while (session.tried <= logins.length) {
    const login = logins[session.tried++];
    const authorization = await headerFor(session, login);
    if (authorization === undefined) continue;
    session.authorization = authorization;
    return true;
  }
  return false;
}

async function headerFor(session: Session, login: Login | undefined): Promise<string | undefined> {
  const bearer = session.challenges.find(({ scheme }) => scheme === 'bearer');
  if (bearer !== undefined) return tokenFor(session, bearer, login);
  const isBasic = session.challenges.some(({ scheme }) => scheme === 'basic');
  return isBasic && login !== undefined ? basic(login) : undefined;
}

async function notAllowed(session: Session, status: number): Promise<Refusal> {
  const { authorization, challenges, logins } = session;
  if (status === 401 && challenges.length === 0) {
    return new Refusal('HTTP 401, and it does not say how to log in');
  }
  // Where none was wanted, nobody has read them.
  const sent = authorization === undefined ? 0 : 1;
  const length = challenges.length > 0 ? (await logins()).length : sent;
  const with_ =
    length === 0 ? 'without a login' : `with ${length === 1 ? 'the login' : 'any login'}`;
  return new Refusal(`HTTP ${status}: it is not there, or may not be read ${with_} that is known`);
}

/** What is elsewhere is read there, but nobody else is shown who we are. */
async function followed(
  session: Session,
  wish: Wish,
  authorization: string | undefined,
): Promise<HttpAnswer> {
  let { url } = wish;
  for (let step = 0; step <= REDIRECTS_MAX; step++) {
    const isOwn = new URL(url).origin === session.origin;
    const proof = isOwn && authorization !== undefined ? { authorization } : {};
    const headers = { accept: MANIFEST_TYPES.join(', '), ...proof };
    const answer = await send(session, { method: wish.method, url, headers });
    if (!REDIRECTS.has(answer.status)) return answer;
    const next = URL.parse(answer.headers['location'] ?? '', url);
    if (next === null || !mayRead(next, session.origin)) {
      const where = next === null ? 'nowhere' : next.host;
      throw new Refusal(`it leads to ${where}, where bellhop does not follow`);
    }
    url = next.href;
  }
  throw new Refusal(`it leads elsewhere more than ${REDIRECTS_MAX} times`);
}
