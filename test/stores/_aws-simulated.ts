// A made-up AWS around a real store of a plan: for what no emulator can be made to do.
import { expect } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import type { HttpAnswer, HttpRequest } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import type { Plan } from '../../src/plan/types.ts';
import type { Answer, Wanted } from '../../src/stores/_store.ts';
import { fakeIo } from '../support/fake-io.ts';
import { simulation } from '../support/simulated.ts';

/** Stands in secrets and messages of servers; may stand in no message of ours. */
export const CANARY = 'canary-of-this-test';

/** What is around the store. */
export interface World {
  readonly react: (request: HttpRequest, nth: number) => Partial<HttpAnswer>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly kind?: string;
  readonly options?: object;
}

const KEY = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: CANARY };

/** Fetches in a made-up world of 10 seconds; gives the answers and what was sent. */
export async function fetched(world: World, ...wanted: Wanted[]) {
  const { react, env = KEY, files = {}, kind = 'aws-secrets-manager', options = {} } = world;
  const made = simulation();
  const { clock } = made;
  const sent: HttpRequest[] = [];
  const variables = {
    HOME: '/h',
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  };
  const io: Io = {
    ...fakeIo({ env: Object.entries(variables).map(([name, value]) => `${name}=${value}`), files }),
    clock,
    crypto: CRYPTOGRAPHY,
    random: (count) => Uint8Array.from({ length: count }, () => Math.floor(made.random() * 256)),
    net: made.net((request) => {
      sent.push(request);
      return { afterMs: 5, answer: react(request, sent.length) };
    }),
  };
  const plan = {
    stores: { mine: { kind, ...options } },
    policy: {},
    origin: { namespace: 'n' },
  } as unknown as Plan;
  const context = { io, objects: [], trace: NO_TRACE, made: new Map() };
  const budget = openBudget(clock, 10_000);
  const opening = { name: 'mine', budget, attemptsMax: Infinity, waiting: [] };
  const store = await openStore(plan, context, opening);
  const asked = wanted.length === 0 ? [{ path: 'p' }] : wanted;
  const answers = await made.run(store.fetch(asked));
  return { answers, sent, tookMs: clock.monotonicMs() };
}

/** An answer with a body. */
export const json = (status: number, body: unknown, headers = {}): Partial<HttpAnswer> => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
/** An error of a JSON service. */
export const failure = (code: string, status = 400, headers = {}): Partial<HttpAnswer> =>
  json(status, { __type: `com.amazonaws#${code}`, message: CANARY }, headers);
export const VALUE = json(200, { SecretString: 'v' });

/** The code of a failure, or what kind of answer it is. */
export function codeOf(answer: Answer | undefined): string {
  if (answer?.kind === 'failed') {
    expect(`${answer.problem.message} ${answer.problem.help}`).not.toContain(CANARY);
    return answer.problem.code;
  }
  return answer?.kind ?? 'none';
}
