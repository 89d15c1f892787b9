// What is given up early because something is behind it, and that did not help, is asked again:
// nothing that stands beside or behind a reference takes its time away.
import { describe, expect, test } from 'bun:test';
import { NetError } from '../../src/core/io/net-types.ts';
import { answerKey } from '../../src/entrypoint/answers.ts';
import type { Bound } from '../../src/plan/types.ts';
import type { Reaction } from '../support/simulated.ts';
import type { Gathering } from './_gathering.ts';
import { fine, gathered, status } from './_gathering.ts';

const STORES = {
  copies: { kind: 'file', folder: '/copies' },
  age: { kind: 'env' },
  a: { kind: 'http', url: 'https://a.test' },
  b: { kind: 'http', url: 'https://b.test' },
  c: { kind: 'http', url: 'https://c.test' },
};
const LAST_GOOD = {
  to: { store: 'copies', path: 'copy' },
  key: { age: { store: 'age', path: 'AGE' } },
  maxAgeSeconds: 3600,
};
/** There is no copy yet. */
const WITH_COPY = { policy: { lastGood: LAST_GOOD } };
const refused: Reaction = { afterMs: 1, error: new NetError('refused', '') };

function ref(store: string, path: string, ...fallbacks: readonly string[]): Bound {
  const others = fallbacks.map((one) => ({ store: one, path }));
  return { reference: { store, path }, called: path, ...(others[0] ? { fallbacks: others } : {}) };
}

/** Store a is down until then; b and c have everything but `only-a`. */
function downUntil(ms: number, while_: Reaction = status(503)): Gathering['react'] {
  return ({ url }, nowMs) => {
    if (url.startsWith('https://a.')) return nowMs < ms ? while_ : fine('from a');
    return url.endsWith('/only-a') ? status(404) : fine(`from ${url.slice(8, 9)}`);
  };
}

async function told(bounds: readonly Bound[], more: Partial<Gathering> = {}) {
  return gathered({ bounds, stores: STORES, startMs: 10_000, react: downUntil(4000), ...more });
}

describe('a reference has all the time', () => {
  test.each<[string, readonly Bound[], Partial<Gathering>]>([
    ['alone', [ref('a', 'y')], {}],
    ['beside one with a fallback', [ref('a', 'x', 'b'), ref('a', 'y')], {}],
    ['beside one with two', [ref('a', 'x', 'b', 'c'), ref('a', 'y')], {}],
    ['with last good and no copy yet', [ref('a', 'y')], WITH_COPY],
    ['with both', [ref('a', 'x', 'b'), ref('a', 'y')], WITH_COPY],
    ['where its store hangs first', [ref('a', 'x', 'b'), ref('a', 'y')], { react: hanging(6000) }],
    ['and hangs, with last good', [ref('a', 'y')], { ...WITH_COPY, react: hanging(6000) }],
  ])('%s', async (_, bounds, more) => {
    const { said } = await told(bounds, more);
    expect(said['y']).toBe('from a');
    expect(said['x'] ?? 'from b').toStartWith('from ');
  });

  test('where its fallback lacks it, too', async () => {
    expect((await told([ref('a', 'only-a', 'b')])).said).toEqual({ 'only-a': 'from a' });
    expect((await told([ref('a', 'only-a', 'b')], WITH_COPY)).said['only-a']).toBe('from a');
    const between = await told([ref('a', 'only-a', 'down', 'b')], {
      stores: { ...STORES, down: { kind: 'http', url: 'https://a.test/other' } },
    });
    expect(between.said['only-a']).toBe('from a');
  });

  test('where another store hangs meanwhile', async () => {
    const react: Gathering['react'] = (request, nowMs) => {
      return request.url.startsWith('https://c.') ? 'hang' : downUntil(4000)(request, nowMs);
    };
    const { said } = await told([ref('a', 'only-a', 'b'), ref('c', 'z')], { react });
    expect(said['only-a']).toBe('from a');
    expect(said['z']).toStartWith('BH_ERR_STORE');
  });
});

function hanging(ms: number): Gathering['react'] {
  return downUntil(ms, 'hang');
}

test('it is asked again while the fallback of its neighbour is', async () => {
  const react: Gathering['react'] = (request, nowMs) => {
    return request.url.startsWith('https://b.') ? 'hang' : downUntil(1000)(request, nowMs);
  };
  const { urls, said } = await told([ref('a', 'x', 'b'), ref('a', 'y')], { react });
  expect(said['y']).toBe('from a');
  // The fallback hangs until the end, and what was asked again was had long before.
  const firstOfB = urls.findIndex((url) => url.startsWith('https://b.'));
  expect(urls.slice(firstOfB)).toContain('https://a.test/y');
  expect(urls.slice(firstOfB)).not.toContain('https://a.test/x');
});

describe('what is down to the end', () => {
  const react = downUntil(Infinity, refused);
  test.each<[string, readonly Bound[], Partial<Gathering>, RegExp]>([
    [
      'says what both rounds met',
      [ref('a', 'x', 'b'), ref('a', 'y')],
      {},
      /^BH_ERR_STORE y, .* 4 attempts: refused \(4 times\); asked again: .* \d\d attempts: refused/,
    ],
    [
      'says so of last good, too',
      [ref('a', 'y')],
      WITH_COPY,
      /4 attempts: refused \(4 times\); asked again: /,
    ],
    [
      'and is lacking in its fallback is an outage, with all that was said',
      [ref('a', 'only-a', 'b')],
      {},
      /^BH_ERR_STORE only-a, a:.*4 attempts: .*; then b:only-a: .*404.*; asked again: /,
    ],
    [
      'is not tried more often than the policy says',
      [ref('a', 'y')],
      { ...WITH_COPY, policy: { lastGood: LAST_GOOD, attemptsMax: 2 } },
      /given up after 2 attempts: refused \(2 times\)$/,
    ],
  ])('%s', async (...row) => {
    const [, bounds, more, wanted] = row;
    const { said, tookMs } = await told(bounds, { react, ...more });
    expect(Object.values(said).at(-1)).toMatch(wanted);
    expect(tookMs).toBeLessThanOrEqual(10_000);
  });

  test('ends in time, whatever hangs', async () => {
    const react = (): Reaction => 'hang';
    const bounds = [ref('a', 'x', 'b', 'c'), ref('a', 'y'), ref('b', 'z', 'a')];
    for (const more of [{}, WITH_COPY]) {
      const { tookMs, said } = await told(bounds, { react, ...more });
      expect(tookMs).toBeWithin(9000, 10_001);
      expect(Object.values(said).every((one) => one.startsWith('BH_ERR_STORE '))).toBe(true);
    }
  });

  test('a refusal at the second time is one', async () => {
    const react: Gathering['react'] = (_, nowMs) => (nowMs < 1000 ? refused : status(403));
    const { said, tookMs } = await told([ref('a', 'y')], { react, ...WITH_COPY });
    expect(said['y']).toMatch(/^BH_ERR_STORE_DENIED y, a:y, .*refused \(4 times\); asked again: /);
    expect(tookMs).toBeLessThan(4000);
  });
  test('absence at the second time is absence', async () => {
    const react: Gathering['react'] = (_, nowMs) => (nowMs < 1000 ? refused : status(404));
    const bound = { ...ref('a', 'y'), optional: true as const };
    expect((await told([bound], { react, ...WITH_COPY })).said['y']).toBe('absent');
  });
});

describe('down, and lacking in the fallback, is an outage', () => {
  const react = downUntil(Infinity, refused);
  test.each<[string, Partial<Bound>, string]>([
    ['optional does not cover it', { optional: true }, 'BH_ERR_STORE '],
    ['a default does not cover it', { default: 'd' }, 'BH_ERR_STORE '],
    ['a default for outages does', { default: 'd', defaultOn: 'outage' }, 'd'],
  ])('%s', async (_, more, wanted) => {
    const { said } = await told([{ ...ref('a', 'only-a', 'b'), ...more }], { react });
    expect(said['only-a']).toStartWith(wanted);
  });
});

test('two references never have one answer, whatever stands in their paths', async () => {
  const pairs: [Bound, Bound][] = [
    [
      { reference: { store: 'a', path: 'x b:y' }, called: 'one' },
      {
        reference: { store: 'a', path: 'x' },
        fallbacks: [{ store: 'b', path: 'y' }],
        called: 'two',
      },
    ],
    [
      { reference: { store: 'a', path: 'x","b:y' }, called: 'one' },
      {
        reference: { store: 'a', path: 'x' },
        fallbacks: [{ store: 'b', path: 'y' }],
        called: 'two',
      },
    ],
    [
      {
        reference: { store: 'a', path: 'x' },
        fallbacks: [{ store: 'b', path: 'y", "c:z' }],
        called: 'one',
      },
      { ...ref('a', 'x', 'b', 'c'), called: 'two' },
    ],
  ];
  for (const [one, two] of pairs) expect(answerKey(one)).not.toBe(answerKey(two));
  const react: Gathering['react'] = ({ url }) => fine(url);
  const { said } = await told(pairs[0] ?? [], { react });
  expect(said).toEqual({ one: 'https://a.test/x%20b%3Ay', two: 'https://a.test/x' });
});
