// What a server repeats of a request: no message tells what proves who we are.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { openBudget } from '../../src/core/budget.ts';
import type { Call, Caller, Verdict, Work } from '../../src/core/call.ts';
import { badAnswer, refused } from '../../src/core/call.ts';
import { openCaller } from '../../src/core/caller.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { openHedging } from '../../src/core/hedge.ts';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { openSlots } from '../../src/core/slots.ts';
import { openTrace } from '../../src/core/trace.ts';
import { simulation } from '../support/simulated.ts';

const REQUEST: HttpRequest = {
  method: 'POST',
  url: 'https://store.test/',
  headers: {},
  proxy: 'environment',
  protocol: 'h1',
  bodyBytesMax: 1024,
};

/** Where a request can have a credential; those behind `login` in calls of kind credentials. */
const PLACES: Readonly<Record<string, (secret: string) => Partial<HttpRequest>>> = {
  'a header of its own': (secret) => ({ headers: { 'x-consul-token': secret } }),
  Bearer: (secret) => ({ headers: { authorization: `Bearer ${secret}` } }),
  Basic: (secret) => ({ headers: { Authorization: `Basic ${base64(`user:${secret}`)}` } }),
  'login, a form': (secret) => ({ body: `grant_type=a&client_secret=${encode(secret)}` }),
  'login, JSON': (secret) => ({ body: JSON.stringify({ auth: [{ secret_id: secret }] }) }),
  'login, JSON in Base64': (secret) => ({
    body: JSON.stringify({ iam_request_headers: base64(JSON.stringify({ A: [secret] })) }),
  }),
  'login, the query': (secret) => ({ url: `https://store.test/?code=${encode(secret)}` }),
};

/** How an answer repeats it. */
const ECHOES: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'in JSON': (secret) => JSON.stringify({ message: secret }),
  'in JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ message: secret })),
  'in a URL': encode,
  'in a form': (secret) => encode(secret).replaceAll('%20', '+'),
  'in small letters in a URL': (secret) => encode(secret).replace(/%../g, (x) => x.toLowerCase()),
  'in HTML': (secret) => Bun.escapeHTML(secret).replaceAll('&#x27;', '&#39;'),
  'in Base64': base64,
  'in Base64 for URLs': (secret) => Buffer.from(secret).toString('base64url'),
};

/** How a store tells what the server said. */
const TELLINGS: Readonly<Record<string, (said: string, status: number) => Verdict<string>>> = {
  refused: (said) => refused('BH_ERR_SETTINGS', `it says ${said}, and no more`),
  'refused with help': (said) => refused('BH_ERR_SETTINGS', 'no', `look at ${said}`),
  again: (said) => ({ kind: 'again', why: said }),
  throttled: (said) => ({ kind: 'throttled', why: said }),
  thrown: (said) => {
    throw badAnswer(['store mine'], said);
  },
};

function encode(text: string): string {
  return encodeURIComponent(text);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

interface Told {
  /** Message, help and trace. */
  readonly all: string;
  readonly what: string;
}

async function toldBy(
  work: (caller: Caller) => Promise<unknown>,
  { body, status = 400 }: Pick<Echo, 'body' | 'status'>,
): Promise<Told> {
  const world = simulation();
  const trace = openTrace(world.clock);
  const caller = openCaller({
    store: 'mine',
    net: world.net(() => ({ afterMs: 1, answer: { status, body: Buffer.from(body) } })),
    clock: world.clock,
    random: world.random,
    budget: openBudget(world.clock, 1000),
    trace,
    attemptsMax: 2,
    hedging: openHedging(undefined),
    slots: openSlots(16),
  });
  const error: unknown = await world.run(work(caller).catch((reason: unknown) => reason));
  if (!(error instanceof BellhopError)) throw new Error('it did not fail');
  const all = JSON.stringify([error.message, error.help, trace.spans()]);
  return { all, what: error.what };
}

interface Echo {
  readonly body: string;
  readonly status?: number | undefined;
  readonly call?: Partial<Call<string>>;
}

/** What is told of a request with this part, answered by this. */
async function echoed(part: Partial<HttpRequest>, { body, status, call }: Echo): Promise<Told> {
  const whole: Call<string> = {
    name: 'Get',
    request: () => ({ ...REQUEST, ...part }),
    judge: (answer) => refused('BH_ERR_SETTINGS', Buffer.from(answer.body).toString()),
    ...call,
  };
  return toldBy(async (caller) => caller.send(whole), { body, status });
}

const secrets = fc
  .string({ unit: 'grapheme', minLength: 8, maxLength: 80 })
  .filter((text) => text.trim() === text && text.isWellFormed() && text.length >= 8);
/** What a header can have. */
const ascii = fc.stringMatching(/^[!-~]([ -~]{6,80})[!-~]$/);

describe('a credential that the answer repeats is not told', () => {
  const rows = Object.entries(PLACES).flatMap(([place, put]) =>
    Object.entries(ECHOES).map(([way, echo]) => ({ place, way, put, echo })),
  );
  test.each(rows)('$place, $way', async ({ place, put, echo }) => {
    const kind = place.startsWith('login') ? 'credentials' : 'call';
    const some = place.startsWith('login') ? secrets : ascii;
    await fc.assert(
      fc.asyncProperty(
        some,
        fc.constantFrom(...Object.values(TELLINGS)),
        fc.constantFrom(200, 401, 500),
        async (secret, telling, status) => {
          const body = `denied for ${echo(secret)} here`;
          const judge: Call<string>['judge'] = (answer) =>
            telling(Buffer.from(answer.body).toString(), status);
          const told = await echoed(put(secret), { body, status, call: { kind, judge } });
          const repeated = JSON.stringify(echo(secret)).slice(1, -1);
          expect(told.all).not.toContain(repeated);
          expect(told.all).toContain('[credential]');
        },
      ),
      { numRuns: 25 },
    );
  });

  test('cut off by the store, of a failure and of a success', async () => {
    const secret = `canary-${crypto.randomUUID()}-${crypto.randomUUID()}`;
    for (const status of [200, 403]) {
      const judge: Call<string>['judge'] = ({ body }) =>
        refused('BH_ERR_SETTINGS', `${Buffer.from(body).toString().slice(0, 30)} …, told`);
      const headers = { authorization: `Bearer ${secret}` };
      const told = await echoed(
        { headers },
        { body: `denied: ${secret}`, status, call: { judge } },
      );
      expect(told.what).toMatch(/^denied: \[credential\]/);
    }
  });

  test('of a protocol that is not HTTP', async () => {
    const work: Work<string> = {
      name: 'AUTH',
      credentials: ['canary-1234'],
      attempt: async () => refused('BH_ERR_CREDENTIALS', 'ERR canary-1234 is wrong'),
    };
    const told = await toldBy(async (caller) => caller.work(work), { body: '' });
    expect(told.what).toBe('ERR [credential] is wrong');
  });
});

interface Need {
  readonly part: Partial<HttpRequest>;
  readonly kind?: 'credentials';
  readonly says: string;
}

const NEEDS: Readonly<Record<string, Need>> = {
  'the harmless headers': {
    part: { headers: { 'content-type': 'application/json' } },
    says: 'application/json is not taken',
  },
  'what a login asks for': {
    part: { body: 'grant_type=client_credentials&scope=read-all' },
    kind: 'credentials',
    says: 'client_credentials may not have read-all',
  },
  'the body of any other call': {
    part: { body: '[{"KV":{"Key":"app/name"}}]' },
    says: 'no such key: app/name',
  },
  'a scheme without its token': {
    part: { headers: { authorization: 'Bearer abcdefgh' } },
    says: 'Bearer tokens only',
  },
  'a word that a short credential is part of': {
    part: { headers: { 'x-vault-token': 'root' } },
    says: 'rooted',
  },
};

describe('what messages need is told', () => {
  test.each(Object.entries(NEEDS))('%s', async (_, { part, kind, says }) => {
    const call = kind === undefined ? {} : { kind };
    const told = await echoed(part, { body: says, call });
    expect(told.what).toBe(says);
  });
});
