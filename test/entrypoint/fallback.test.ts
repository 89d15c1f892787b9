// What is asked next when a store is down, on a clock that jumps: never what it refused or lacks.
import { describe, expect, test } from 'bun:test';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import { openBudget } from '../../src/core/budget.ts';
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { Sealed } from '../../src/core/sealed.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { fakeIo } from '../support/fake-io.ts';
import { planWith } from '../support/real-store.ts';
import type { Reaction } from '../support/simulated.ts';
import { simulation } from '../support/simulated.ts';

const STORES = {
  a: { kind: 'http', url: 'https://a.test' },
  b: { kind: 'http', url: 'https://b.test' },
  c: { kind: 'http', url: 'https://c.test' },
};
const fine = (text: string | Uint8Array): Reaction => ({
  afterMs: 20,
  answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text) },
});
const status = (code: number): Reaction => ({ afterMs: 20, answer: { status: code } });
const refused: Reaction = { afterMs: 1, error: new NetError('refused', '') };

interface Told {
  readonly said: string;
  readonly tookMs: number;
  readonly warnings: readonly string[];
  readonly hosts: readonly string[];
}

async function told(reactions: Readonly<Record<string, Reaction>>, more: Partial<Bound> = {}) {
  await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  const world = simulation();
  const hosts: string[] = [];
  const net = world.net((request: HttpRequest) => {
    const [host = ''] = new URL(request.url).host.split('.');
    hosts.push(host);
    return reactions[host] ?? 'hang';
  });
  const io: Io = { ...fakeIo({}), net, clock: world.clock, crypto: CRYPTOGRAPHY };
  const bound: Bound = {
    reference: { store: 'a', path: 'x' },
    called: 'secret s',
    fallbacks: [
      { store: 'b', path: 'x' },
      { store: 'c', path: 'x' },
    ],
    ...more,
  };
  const plan = planWith([bound], STORES, DEFAULT_POLICY);
  const budget = openBudget(world.clock, 3000);
  const { answers, warnings } = await world.run(gather(plan, { io, objects: [], budget }));
  const value = selectValue(answers, bound);
  const said =
    value instanceof Sealed
      ? new TextDecoder().decode(value.reveal())
      : value instanceof BellhopError
        ? `${value.code} ${value.message}`
        : value;
  const result: Told = { said, tookMs: world.clock.monotonicMs(), warnings, hosts };
  return result;
}

describe('the next store is asked', () => {
  test.each([
    ['refuses connections', refused],
    ['hangs', 'hang'],
    ['says 503', status(503)],
    ['throttles', status(429)],
  ] as const)('when the first %s', async (_, reaction) => {
    const { said, tookMs, warnings } = await told({ a: reaction, b: fine('from b') });
    expect(said).toBe('from b');
    expect(tookMs).toBeLessThan(3000);
    expect(warnings).toEqual(['a:x could not be had; b:x was used instead']);
  });
  test('and the one after it, each with time of its own', async () => {
    const { said, tookMs } = await told({ a: 'hang', b: 'hang', c: fine('from c') });
    expect(said).toBe('from c');
    expect(tookMs).toBeWithin(1900, 2600);
  });
});

describe('the next store is not asked', () => {
  test('when the first has answered', async () => {
    const { said, hosts, warnings } = await told({ a: fine('from a'), b: fine('from b') });
    expect([said, hosts, warnings]).toEqual(['from a', ['a'], []]);
  });
  test.each([
    ['does not have it', 404, 'BH_ERR_MISSING'],
    ['refuses it', 403, 'BH_ERR_STORE_DENIED'],
  ])('when the first %s', async (_, code, wanted) => {
    const { said, hosts } = await told({ a: status(code), b: fine('from b') });
    expect(said).toStartWith(wanted);
    expect(hosts).toEqual(['a']);
  });
});

test('when all are down the report has every one of them, with its attempts', async () => {
  const { said, tookMs } = await told({ a: refused, b: status(503), c: 'hang' });
  expect(tookMs).toBeLessThanOrEqual(3000);
  expect(said).toStartWith('BH_ERR_STORE secret s, a:x, store a, ');
  expect(said).toContain('4 attempts: refused (4 times)');
  expect(said).toContain('then b:x: store b, ');
  expect(said).toContain('HTTP 503');
  expect(said).toContain('then c:x: store c, ');
  expect(said).toContain('no answer for');
});

const json = (members: object): Reaction => fine(JSON.stringify(members));
const BY_KEY: Partial<Bound> = {
  reference: { store: 'a', path: 'x', key: 'k' },
  fallbacks: ['b', 'c'].map((store) => ({ store, path: 'x', key: 'k' })),
};
const BY_MEMBER: Partial<Bound> = { member: 'k' };

describe('a fallback that lacks it is passed over', () => {
  test.each<[string, Reaction, Reaction, Partial<Bound>, string]>([
    ['the path', status(404), json({ k: 'from c' }), BY_KEY, 'from c'],
    ['the key', json({ j: 'b' }), json({ k: 'from c' }), BY_KEY, 'from c'],
    ["the Secret's member", json({ j: 'b' }), json({ k: 'from c' }), BY_MEMBER, 'from c'],
    ['the text', fine(Uint8Array.of(0xff)), fine('from c'), { textOnly: true }, 'from c'],
  ])('%s', async (...row) => {
    const [, b, c, more, wanted] = row;
    const { said, warnings, hosts } = await told({ a: refused, b, c }, more);
    expect([said, [...new Set(hosts)]]).toEqual([wanted, ['a', 'b', 'c']]);
    expect(warnings).toEqual([expect.stringMatching(/^a:x.* could not be had; c:x.* instead$/)]);
  });

  const lacking: Reaction = json({ j: 'b' });
  test.each<[string, Reaction, Reaction, Partial<Bound>, RegExp]>([
    ['both lack the key', lacking, lacking, BY_KEY, /^BH_ERR_STORE .*then b:x#k: it has no key k/],
    ['though optional', lacking, lacking, { ...BY_KEY, optional: true }, /^BH_ERR_STORE /],
    ['with a default', lacking, lacking, { ...BY_KEY, default: 'd' }, /^BH_ERR_STORE /],
    ['one lacks it, one is down', lacking, refused, BY_KEY, /then c:x#k: store c, .*asked again/],
    ['and the next refuses', lacking, status(403), BY_KEY, /^BH_ERR_STORE_DENIED /],
  ])('an outage: %s', async (...row) => {
    const [, b, c, more, wanted] = row;
    expect((await told({ a: refused, b, c }, more)).said).toMatch(wanted);
  });

  test('its own store lacks a key: that is no outage, and no fallback is asked', async () => {
    const { said, hosts } = await told({ a: lacking, b: json({ k: 'b' }) }, BY_KEY);
    expect([said.slice(0, 15), hosts]).toEqual(['BH_ERR_MISSING ', ['a']]);
  });
});

test('a fallback that refuses has decided', async () => {
  const { said } = await told({ a: refused, b: status(403), c: fine('from c') });
  expect(said).toStartWith('BH_ERR_STORE_DENIED secret s, a:x');
});

describe('a default', () => {
  test('does not cover an outage', async () => {
    const { said } = await told({ a: refused }, { fallbacks: [], default: 'd' });
    expect(said).toStartWith('BH_ERR_STORE ');
  });
  test('covers it where that is said', async () => {
    const more = { fallbacks: [], default: 'd', defaultOn: 'outage' as const };
    expect((await told({ a: refused }, more)).said).toBe('d');
  });
  test('is told of in one line then, with the reference and why', async () => {
    const more = { fallbacks: [], default: 'secret-default', defaultOn: 'outage' as const };
    const { warnings } = await told({ a: refused }, more);
    const wanted = /^secret s, a:x could not be had; its default was used: store a, .*refused/;
    expect(warnings).toEqual([expect.stringMatching(wanted)]);
    expect(warnings.join('')).not.toMatch(/secret-default|\n/);
    expect((await told({ a: status(404) }, more)).warnings).toEqual([]);
  });
  test('never covers a refusal', async () => {
    const more = { fallbacks: [], default: 'd', defaultOn: 'outage' as const };
    expect((await told({ a: status(403) }, more)).said).toStartWith('BH_ERR_STORE_DENIED');
  });
});
