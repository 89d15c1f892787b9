// Who calls, by the token of the header Authorization.
import type { Clock } from '../core/io/types.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { fitsPattern } from '../wire/pattern.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { untilAborted } from './until-aborted.ts';

/** Somebody who may, or why not; never with the token. */
export type Caller =
  /** The name is empty where nobody asks who it is. */
  | { readonly kind: 'allowed'; readonly name: string }
  /** No token, or one that proves nothing. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'denied'; readonly name: string }
  /** Nobody can say at this moment. */
  | { readonly kind: 'unsure'; readonly why: string };

/** Tells who a request is from. Never rejects. */
export type AskCaller = (authorization: string | undefined) => Promise<Caller>;

/** RFC 6750, 2.1; the scheme in any case, as RFC 9110 has it. */
const BEARER = /^bearer +([\w.~+/-]+=*) *$/i;

function tokenOf(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1];
}

/** Everybody may. */
export const EVERYBODY: AskCaller = async () => Promise.resolve({ kind: 'allowed', name: '' });

/** Fewer characters could be guessed. */
export const TOKEN_CHARACTERS_MIN = 16;

export interface SharedToken {
  /** The token as it is now: whoever keeps it may change it. Undefined where it cannot be read. */
  readonly read: () => string | undefined;
  readonly sha256: (text: string) => string;
}

/** Whoever has the token may. */
export function byToken({ read, sha256 }: SharedToken): AskCaller {
  return async (authorization) => {
    const wanted = read();
    if (wanted === undefined) return Promise.resolve({ kind: 'unsure', why: 'there is no token' });
    const token = tokenOf(authorization);
    // How long it takes to compare digests tells nothing about the token.
    const isIt = token !== undefined && sha256(token) === sha256(wanted);
    return Promise.resolve(isIt ? { kind: 'allowed', name: '' } : { kind: 'unknown' });
  };
}

export interface TokenReviews {
  readonly api: Pick<KubernetesApi, 'create'>;
  readonly clock: Pick<Clock, 'after'>;
  /** Names of users, as `allow` has them; `*` is any characters. */
  readonly users: readonly string[];
}

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
/** Flyte's secret service waits for 5 s. */
const ASK_MS_MAX = 4000;
/** Anybody can make us ask. */
const ASKING_MAX = 8;

/** Whom the API server knows by the token, and one of the patterns fits. */
export function byTokenReview({ api, clock, users }: TokenReviews): AskCaller {
  let asking = 0;
  const review = async (token: string): Promise<Caller> => {
    asking += 1;
    try {
      const kind = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' };
      const answer = await api.create(TOKEN_REVIEWS, { ...kind, spec: { token } });
      if (answer.kind !== 'written') return { kind: 'unsure', why: 'the API server did not say' };
      const status = recordIn(answer.object, 'status');
      const name = textIn(recordIn(status, 'user'), 'username') ?? '';
      if (status['authenticated'] !== true || name === '') return { kind: 'unknown' };
      return { kind: users.some((one) => fitsPattern(one, name)) ? 'allowed' : 'denied', name };
    } catch {
      // What it says may be of the token; the right that it takes is told in the docs.
      return { kind: 'unsure', why: 'the API server cannot be asked who the token is of' };
    } finally {
      asking -= 1;
    }
  };
  return async (authorization) => {
    const token = tokenOf(authorization);
    if (token === undefined) return { kind: 'unknown' };
    if (asking >= ASKING_MAX) return { kind: 'unsure', why: 'too many callers at a time' };
    const limit = new AbortController();
    const cancel = clock.after(ASK_MS_MAX, () => limit.abort());
    const found = await untilAborted(review(token), limit.signal);
    cancel();
    return found === 'late' ? { kind: 'unsure', why: 'the API server is too slow' } : found;
  };
}
