// The token that all requests of a start share, and what a refusal of it means.
import { refused } from '../core/call.ts';
import type { Verdict } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { Options } from './_options.ts';
import { doubted } from './_rest.ts';
import { openShared } from './_shared.ts';
import type { VaultAnswer, VaultAsk, VaultServer } from './_vault-server.ts';
import { ask, wordsOf } from './_vault-server.ts';

/** What a way of logging in is given. */
export interface Entering {
  readonly server: VaultServer;
  /** The group `auth` of the store's options. */
  readonly auth: Options;
  /** What is shared between stores with the same login is kept under it. */
  readonly key: string;
}

/** What `POST auth/MOUNT/login` takes. */
export type LoginBody = Readonly<Record<string, string>>;

/** A token, and until when the server said that it lives (milliseconds since the epoch). */
export interface Login {
  readonly token: string;
  readonly endsMs: number;
}

/** One identity at one server, shared by all stores of a start that have it. */
export interface Session {
  login(by: Entering): Promise<Login>;
  /** Another token than one that the server does not know; undefined where there is none. */
  other(by: Entering, than: Login): Promise<Login | undefined>;
}

/** Whoever asks for a token waits for the same making of it. */
export function openSession(make: (by: Entering) => Promise<Login>): Session {
  const shared = openShared(make);
  const dead = new Set<string>();
  return {
    login: async (by) => shared.get(by),
    other: async (by, than) => {
      if (dead.has(than.token)) return undefined;
      const next = await shared.get(by, ({ token }) => token !== than.token);
      if (next.token !== than.token) return next;
      // Whoever learns it later need not log in for it.
      dead.add(than.token);
      return undefined;
    },
  };
}

/** As whom a store asks. */
export interface Identity {
  readonly session: Session;
  readonly entering: Entering;
}

/** A request that needs a token; `judge` sees no 403. */
export interface Authorized<T> extends Omit<VaultAsk<T>, 'token'> {
  /** What a policy must say for it, for the help line. */
  readonly right: string;
}

/** Sends it with the session's token, and once more with a new one where that has ended. */
export async function askAs<T>({ session, entering }: Identity, asked: Authorized<T>): Promise<T> {
  const { server } = entering;
  let sent = await session.login(entering);
  let isNew = false;
  return ask(server, {
    ...asked,
    token: async ({ renew }) => {
      if (renew) {
        const other = await session.other(entering, sent);
        if (other === undefined) throw unknownToken(server.context.name, asked.name);
        sent = other;
        isNew = true;
      }
      return sent.token;
    },
    judge: (answer) => {
      if (answer.status !== 403) return asked.judge(answer);
      const hasEnded = server.context.io.clock.now() >= sent.endsMs;
      if (!isNew && (isOfToken(answer) || hasEnded)) {
        const ended = refused('BH_ERR_CREDENTIALS', UNKNOWN, WHO_HELP);
        return doubted(ended, { times: 1, renew: true });
      }
      return denied(answer, asked.right);
    },
  });
}

/**
 * True where a 403 is about the token: it ended, was revoked, or never was. A policy's refusal is
 * `1 error occurred:` and a list; a token's is the bare sentence in OpenBao 2.7.2, and has
 * `invalid token` in newer Vaults.
 */
function isOfToken({ errors }: VaultAnswer): boolean {
  return errors.some((one) => one === 'permission denied' || one.includes('invalid token'));
}

const UNKNOWN = 'the server does not know the token: it has ended, was revoked, or is of elsewhere';
const WHO_HELP = 'give bellhop a token of this server that still lives, or a way to log in';

function unknownToken(store: string, call: string): BellhopError {
  return new BellhopError('BH_ERR_CREDENTIALS', {
    where: [`store ${store}`, call],
    what: UNKNOWN,
    help: WHO_HELP,
  });
}

function denied(answer: VaultAnswer, right: string): Verdict<never> {
  if (isOfToken(answer)) {
    return refused('BH_ERR_CREDENTIALS', 'the server does not know a token that is new', WHO_HELP);
  }
  const what = `it may not be read: HTTP 403, ${wordsOf(answer)}`;
  return refused('BH_ERR_STORE_DENIED', what, `a policy must allow it: ${right}`);
}
