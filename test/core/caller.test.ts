import { describe, expect, test } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import type { Call, Verdict } from '../../src/core/call.ts';
import { verdictOfStatus } from '../../src/core/call.ts';
import { attemptsText, openCaller } from '../../src/core/caller.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { openHedging } from '../../src/core/hedge.ts';
import type { HttpAnswer, HttpRequest, NetReason } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import { retryAfterMs } from '../../src/core/retry.ts';
import { openSlots } from '../../src/core/slots.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import type { Reaction, Simulation } from '../support/simulated.ts';
import { simulation } from '../support/simulated.ts';

const REQUEST: HttpRequest = {
  method: 'GET',
  url: 'https://store.test/',
  headers: {},
  proxy: 'environment',
  protocol: 'h1',
  bodyBytesMax: 1024,
};

function judge(answer: HttpAnswer): Verdict<string> {
  if (answer.status === 403) {
    return { kind: 'refused', code: 'BH_ERR_STORE_DENIED', what: 'HTTP 403' };
  }
  const after = retryAfterMs(answer.headers['retry-after'], 0);
  return verdictOfStatus(answer, after) ?? { kind: 'done', value: `HTTP ${answer.status}` };
}

interface Setting {
  readonly reactions: readonly Reaction[];
  readonly startMsMax?: number;
  readonly attemptsMax?: number;
  readonly hedgeAfterMs?: number;
  readonly call?: Partial<Call<string>>;
}

interface Told {
  readonly said: string;
  readonly code: string;
  readonly tookMs: number;
  readonly requests: readonly HttpRequest[];
  readonly atMs: readonly number[];
}

/** One call against a server that reacts in this order, then goes on with the last reaction. */
async function told(setting: Setting, world: Simulation = simulation()): Promise<Told> {
  const requests: HttpRequest[] = [];
  const atMs: number[] = [];
  const net = world.net((request, nowMs) => {
    requests.push(request);
    atMs.push(nowMs);
    return setting.reactions[requests.length - 1] ?? setting.reactions.at(-1) ?? 'hang';
  });
  const caller = openCaller({
    store: 'mine',
    net,
    clock: world.clock,
    random: world.random,
    budget: openBudget(world.clock, setting.startMsMax ?? 5000),
    trace: NO_TRACE,
    attemptsMax: setting.attemptsMax ?? Infinity,
    hedging: openHedging(setting.hedgeAfterMs),
    slots: openSlots(16),
  });
  const call: Call<string> = { name: 'Get', request: () => REQUEST, judge, ...setting.call };
  const rest = { requests, atMs };
  try {
    const said = await world.run(caller.send(call));
    return { said, code: '', tookMs: world.clock.monotonicMs(), ...rest };
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    return { said: error.message, code: error.code, tookMs: world.clock.monotonicMs(), ...rest };
  }
}

const fine: Reaction = { afterMs: 20, answer: { status: 200 } };
const status = (code: number, headers = {}): Reaction => ({
  afterMs: 20,
  answer: { status: code, headers },
});
const broken = (reason: NetReason): Reaction => ({ afterMs: 5, error: new NetError(reason, '') });

describe('what may change is tried again', () => {
  test.each([
    ['500', status(500)],
    ['503', status(503)],
    ['408', status(408)],
    ['429', status(429)],
    ['a reset connection', broken('reset')],
    ['a refused connection', broken('refused')],
    ['a body that was cut off', broken('cut off')],
    ['a name that was not resolved', broken('name not resolved')],
  ])('%s, then fine', async (_, reaction) => {
    const { said, requests } = await told({ reactions: [reaction, fine] });
    expect([said, requests.length]).toEqual(['HTTP 200', 2]);
  });
  test('a server that hangs is left after half of the time, and asked anew', async () => {
    const { said, tookMs } = await told({ reactions: ['hang', fine] });
    expect(said).toBe('HTTP 200');
    expect(tookMs).toBeWithin(2500, 3000);
  });
  test('after a failure of the network the next attempt takes a new connection', async () => {
    const lost = await told({ reactions: [broken('reset'), fine] });
    expect(lost.requests.map((one) => one.fresh)).toEqual([undefined, true]);
    const answered = await told({ reactions: [status(503), fine] });
    expect(answered.requests.map((one) => one.fresh)).toEqual([undefined, undefined]);
  });
  test('credentials that have ended are made anew', async () => {
    const renewed: boolean[] = [];
    const { said } = await told({
      reactions: [status(401), fine],
      call: {
        request: ({ renew }) => {
          renewed.push(renew);
          return REQUEST;
        },
        judge: (answer) => {
          return answer.status === 401
            ? { kind: 'again', why: 'expired', renew: true }
            : { kind: 'done', value: 'ok' };
        },
      },
    });
    expect([said, renewed]).toEqual(['ok', [false, true]]);
  });
});

describe('what will not change is not', () => {
  test.each(['certificate', 'name not found'] as const)('%s', async (reason) => {
    const { said, code, requests } = await told({ reactions: [broken(reason)] });
    expect([code, requests.length]).toEqual(['BH_ERR_STORE', 1]);
    expect(said).toBe(`store mine, Get: given up after 1 attempt: ${reason}`);
  });
  test.each([
    ['settings', 'BH_ERR_SETTINGS', 'the key is encrypted'],
    ['credentials', 'BH_ERR_CREDENTIALS', 'the proxy wants credentials (407)'],
  ] as const)('our own fault, %s: no outage, and told without more', async (fault, code, what) => {
    const error = new NetError('certificate', what, fault);
    const sent = await told({ reactions: [{ afterMs: 0, error }] });
    expect([sent.code, sent.requests.length]).toEqual([code, 1]);
    expect(sent.said).toBe(`store mine, Get: ${what}`);
  });
  test('an answer over the limit is BH_ERR_VALUE, with the limit', async () => {
    const error = new NetError('too large', 'over 67108864 bytes');
    const { said, code, requests } = await told({ reactions: [{ afterMs: 0, error }] });
    expect([code, requests.length]).toEqual(['BH_ERR_VALUE', 1]);
    expect(said).toContain('over 67108864 bytes');
  });
  test('TLS that does not come about is tried five times, whatever came between', async () => {
    const reactions = [broken('handshake'), broken('refused'), broken('handshake')];
    const { code, requests } = await told({ reactions, startMsMax: 60_000 });
    expect([code, requests.length]).toEqual(['BH_ERR_STORE', 6]);
    const later = await told({ reactions: [broken('handshake'), fine] });
    expect(later.said).toBe('HTTP 200');
  });
  test('a header that cannot be sent is a setting, told by its name', async () => {
    const error = new NetError('header', 'x-a');
    const { said, code, requests } = await told({ reactions: [{ afterMs: 0, error }] });
    expect([code, requests.length]).toEqual(['BH_ERR_SETTINGS', 1]);
    expect(said).toStartWith('store mine, Get: the header x-a has a value');
  });
  test('a refusal ends at once', async () => {
    const { said, code, tookMs } = await told({ reactions: [status(403)] });
    expect([said, code, tookMs]).toEqual(['store mine, Get: HTTP 403', 'BH_ERR_STORE_DENIED', 20]);
  });
  test('attemptsMax is not counted by throttling', async () => {
    const reactions = [status(429), status(500), status(429), status(500), fine];
    const { said, requests } = await told({ reactions, attemptsMax: 2 });
    expect(requests.length).toBe(4);
    expect(said).toContain('given up after 4 attempts: HTTP 429, HTTP 500, HTTP 429, HTTP 500');
  });
});

describe('the budget', () => {
  test.each([
    ['hangs', 'hang'],
    ['always says 500', status(500)],
    ['always says 429', status(429)],
    ['is not there', broken('refused')],
  ] as const)('is kept when the server %s', async (_, reaction) => {
    const { code, tookMs, said } = await told({ reactions: [reaction], startMsMax: 3000 });
    expect(code).toBe('BH_ERR_STORE');
    expect(tookMs).toBeWithin(1500, 3001);
    expect(said).toMatch(/store mine, Get: (the time is over|given up) after \d+ attempts?: /);
  });
  test('a Retry-After that is longer than the time left is not waited for', async () => {
    const reactions = [status(429, { 'retry-after': '60' })];
    const { code, tookMs } = await told({ reactions, startMsMax: 3000 });
    expect([code, tookMs]).toEqual(['BH_ERR_STORE', 20]);
  });
  test('a shorter one is waited for', async () => {
    const { said, atMs } = await told({ reactions: [status(429, { 'retry-after': '1' }), fine] });
    expect(said).toBe('HTTP 200');
    expect(atMs[1]).toBeGreaterThanOrEqual(1020);
  });
  test('a call may have less than the whole', async () => {
    const { code, tookMs } = await told({ reactions: ['hang'], call: { withinMs: 700 } });
    expect([code, tookMs]).toEqual(['BH_ERR_STORE', 700]);
  });
});

describe('hedging', () => {
  test('is off where nobody asked for it', async () => {
    expect((await told({ reactions: ['hang', fine] })).atMs[1]).toBeGreaterThan(2000);
  });
  test('sends a second request beside a slow one, and takes the first answer', async () => {
    const { said, tookMs } = await told({ reactions: ['hang', fine], hedgeAfterMs: 200 });
    expect([said, tookMs]).toEqual(['HTTP 200', 220]);
  });
  test('is not for calls that do harm twice', async () => {
    const { requests } = await told({
      reactions: ['hang'],
      hedgeAfterMs: 200,
      call: { once: true, attemptsMax: 1 },
    });
    expect(requests.length).toBe(1);
  });
  test('comes after three medians at least, is at most 5 %, and never after throttling', () => {
    const hedging = openHedging(undefined);
    expect(hedging.afterMs()).toBeUndefined();
    for (let n = 0; n < 20; n++) {
      hedging.sent();
      hedging.answered(20);
    }
    expect(hedging.afterMs()).toBe(60);
    expect([hedging.take(), hedging.take()]).toEqual([true, false]);
    for (let n = 0; n < 20; n++) hedging.sent();
    expect(hedging.afterMs()).toBe(60);
    hedging.throttled();
    expect(hedging.afterMs()).toBeUndefined();
  });
});

test('work that is not HTTP has its turn too: at most so many at a time', async () => {
  const world = simulation();
  const caller = openCaller({
    store: 'mine',
    net: world.net(() => 'hang'),
    clock: world.clock,
    random: world.random,
    budget: openBudget(world.clock, 5000),
    trace: NO_TRACE,
    attemptsMax: Infinity,
    hedging: openHedging(undefined),
    slots: openSlots(2),
  });
  let [running, most] = [0, 0];
  const attempt = async (): Promise<Verdict<string>> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((done) => void world.clock.after(20, done));
    running -= 1;
    return { kind: 'done', value: 'ok' };
  };
  const all = Array.from({ length: 6 }, async (_, n) => caller.work({ name: `${n}`, attempt }));
  expect(await world.run(Promise.all(all))).toEqual(Array(6).fill('ok'));
  expect([most, world.clock.monotonicMs()]).toEqual([2, 60]);
});

test('the reasons of all attempts are told, equal ones together', () => {
  expect(attemptsText(['refused', 'refused', 'HTTP 503', 'refused'])).toBe(
    '4 attempts: refused (2 times), HTTP 503, refused',
  );
});

test.each([
  ['3', 3000],
  [' 0 ', 0],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
  ['soon', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('Retry-After %p is %p ms', (header, wanted) => {
  const got = retryAfterMs(header, 1000);
  expect(got).toBe(wanted);
});
