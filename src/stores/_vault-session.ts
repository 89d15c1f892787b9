// The token that all requests of a start share, and what a refusal of it means.
import { refused } from '../core/call.ts';
import type { Verdict } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { VaultAnswer, VaultAsk, VaultServer } from './_vault-server.ts';
import { ask, wordsOf } from './_vault-server.ts';

/** A token, and until when the server said that it lives (milliseconds since the epoch). */
export interface Login {
  readonly token: string;
  readonly endsMs: number;
}

/** One identity at one server. */
export interface Session {
  login(): Promise<Login>;
  /** Another token than one that the server does not know; undefined where there is none. */
  other(than: Login): Promise<Login | undefined>;
}

/** Gets the first token at once. Whoever asks for another one waits for the same making of it. */
export function openSession(make: () => Promise<Login>): Session {
  const replaced = new Map<string, Promise<Login | undefined>>();
  let current = make();
  return {
    login: async () => current,
    other: async (than) => {
      const known = replaced.get(than.token);
      if (known !== undefined) return known;
      const next = make().then((made) => (made.token === than.token ? undefined : made));
      replaced.set(than.token, next);
      current = next.then((made) => made ?? than);
      current.catch(() => undefined);
      return next;
    },
  };
}

/** A request that needs a token; `judge` sees no 403. */
export interface Authorized<T> extends Omit<VaultAsk<T>, 'token'> {
  /** What a policy must say for it, for the help line. */
  readonly right: string;
}

/** Sends it with the session's token, and once more with a new one where that has ended. */
export async function askAs<T>(
  server: VaultServer,
  session: Session,
  asked: Authorized<T>,
): Promise<T> {
  let sent = await session.login();
  let isNew = false;
  return ask(server, {
    ...asked,
    token: async ({ renew }) => {
      if (renew) {
        const other = await session.other(sent);
        if (other === undefined) throw unknownToken(server.context.name, asked.name);
        sent = other;
        isNew = true;
      }
      return sent.token;
    },
    judge: (whole) => {
      const answer = { ...whole, errors: whole.errors.filter((one) => !one.includes(sent.token)) };
      if (answer.status !== 403) return asked.judge(answer);
      const hasEnded = server.context.io.clock.now() >= sent.endsMs;
      if (!isNew && (isOfToken(answer) || hasEnded)) {
        return { kind: 'again', why: 'HTTP 403 (the token has ended)', renew: true };
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

const WHO_HELP = 'give bellhop a token of this server that still lives, or a way to log in';

function unknownToken(store: string, call: string): BellhopError {
  const what = 'the server does not know the token: it has ended, was revoked, or is of elsewhere';
  return new BellhopError('BH_ERR_CREDENTIALS', {
    where: [`store ${store}`, call],
    what,
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
