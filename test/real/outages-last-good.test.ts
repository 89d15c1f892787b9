// Everything is down: the encrypted copy of the last complete success serves, loudly and for its
// time; what a store has refused or does not have is never answered from it.
import { afterAll, beforeEach, describe, expect, setSystemTime, test } from 'bun:test';
import { closedPort } from '../support/ports.ts';
import type { Fault } from './_faults.ts';
import { FAULTS, answerOf } from './_faults.ts';
import type { Outcome } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS, unnamed } from './_outage.ts';
import type { Changed, Scene } from './_outage-last-good.ts';
import { lastGoodScene } from './_outage-last-good.ts';
import type { Measured } from './_outage-record.ts';
import { reasonsIn, record } from './_outage-record.ts';

const scene = await lastGoodScene();
const measured: Measured[] = [];
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  record('last-good', measured);
});

const HOLE = { kind: 'hang-before-headers' } as const;
const PUT = /^PUT /;
const GET = /^GET /;
const DAY_MS = 86_400_000;

describe.skipIf(scene === undefined)('last good', () => {
  const { start, store, copies, stand } = scene as Scene;
  const puts = (): number => copies.requests.filter(({ method }) => method === 'PUT').length;

  /** A complete success, so that there is a copy; then the store is down. */
  async function thenDown(fault: Fault = FAULTS.unavailable): Promise<void> {
    store.clear();
    copies.clear();
    const outcome = await start();
    expect([outcome.outcome, outcome.warnings]).toEqual(['all values', []]);
    store.clear();
    store.always(fault);
    copies.clear();
  }

  /** The same, eight days ago. The storage would not take a signature of then: it is stood in. */
  async function downForEightDays(edit = (text: string): string => text): Promise<void> {
    store.clear();
    copies.clear();
    copies.always({ kind: 'answer', answer: answerOf(200, '') }, PUT);
    setSystemTime(new Date(Date.now() - 8 * DAY_MS));
    const outcome = await start().finally(() => setSystemTime());
    expect([outcome.outcome, outcome.warnings]).toEqual(['all values', []]);
    const [written] = copies.requests;
    copies.clear();
    const kept = { status: 200, headers: { etag: '"e"' }, body: written?.body ?? Buffer.alloc(0) };
    copies.always({ kind: 'answer', answer: changed(edit)(kept) }, GET);
    store.clear();
    store.always(FAULTS.unavailable);
  }

  function seen(fault: string, outcome: Outcome): void {
    const { tookMs } = outcome;
    const facts = { fault, store: stand.kind, outcome: outcome.outcome, tookMs };
    const requests = store.requests.length;
    const reasons = reasonsIn(outcome.problems);
    measured.push({ place: measured.length, ...facts, requests, reasons, budgetMs: BUDGET_MS });
    expect(outcome.shown).not.toContain(CANARY);
    expect(tookMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
    if (outcome.outcome === 'all values') expect(outcome.values).toEqual(stand.values);
    else expect([outcome.values, unnamed(outcome, stand.references)]).toEqual([[], []]);
  }

  beforeEach(() => {
    store.clear();
    copies.clear();
  });

  test('is written once by a complete success, and no value stands in it', async () => {
    expect((await start()).warnings).toEqual([]);
    const written = copies.requests.filter(({ method }) => method === 'PUT');
    expect(written).toHaveLength(1);
    const text = written[0]?.body.toString('latin1') ?? '';
    expect(text).toStartWith('{"format":"bellhop/last-good/v1"');
    expect(text).not.toContain(CANARY);
    const encoded = Buffer.from(CANARY).toString('base64').slice(0, -4);
    expect(text).not.toContain(encoded);
  });

  test.each([
    ['says 503', FAULTS.unavailable],
    ['hangs', HOLE],
    ['resets connections', FAULTS.reset],
    ['sends 1 byte a second', FAULTS.byteASecond],
    ['throttles', FAULTS.throttled],
    ['shows a login page', FAULTS.loginPage],
  ] as const)('serves where everything %s, and says so', async (what, fault) => {
    await thenDown(fault);
    const outcome = await start();
    seen(`everything ${what}, with last good`, outcome);
    expect(outcome.outcome).toBe('all values');
    expect(outcome.warnings).toEqual([
      expect.stringMatching(/^the last good copy copies:\S+ was used; it is \d+ s old$/),
    ]);
    // What came from the copy is not written as a new one.
    expect(puts()).toBe(0);
  });

  test('is not used where the store answers', async () => {
    await thenDown();
    store.clear();
    const outcome = await start();
    expect([outcome.outcome, outcome.warnings]).toEqual(['all values', []]);
    expect(copies.requests.filter(({ method }) => method === 'GET')).toEqual([]);
  });

  const denied = { errors: ['1 error occurred:\n\t* permission denied\n\n'] };
  test.each([
    ['403', answerOf(403, denied), 'BH_ERR_STORE_DENIED'],
    ['404', answerOf(404, { errors: [] }), 'BH_ERR_MISSING'],
    ['an unknown token', answerOf(403, { errors: ['permission denied'] }), 'BH_ERR_CREDENTIALS'],
    ['401 by a page', answerOf(401, '<html>', 'text/html'), 'BH_ERR_CREDENTIALS'],
    ['403 by a page', answerOf(403, '<html>', 'text/html'), 'BH_ERR_STORE_DENIED'],
    ['404 by a page', answerOf(404, '<html>', 'text/html'), 'BH_ERR_SETTINGS'],
  ])('is never used after %s', async (what, answer, code) => {
    await thenDown({ kind: 'answer', answer });
    const outcome = await start();
    seen(`${what}, with last good`, outcome);
    expect([outcome.outcome, copies.requests.length]).toEqual([code, 0]);
  });

  test('stands in only for what is down: one refusal fails the start', async () => {
    await thenDown();
    store.clear();
    store.always({ kind: 'answer', answer: answerOf(403, denied) }, /s0$/);
    store.always(FAULTS.unavailable, /s[12]$/);
    const outcome = await start();
    expect([outcome.outcome, outcome.values]).toEqual([
      'BH_ERR_STORE_DENIED',
      stand.values.slice(1),
    ]);
  });

  test('is refused beyond its age', async () => {
    await downForEightDays();
    const outcome = await start();
    seen('everything down, and last good is too old', outcome);
    expect(outcome.outcome).toBe('BH_ERR_STORE');
    expect(outcome.warnings).toEqual([
      expect.stringMatching(/is 8 d 0 h old, more than its policy allows$/),
    ]);
  });

  test('cannot be made younger', async () => {
    const now = `"writtenMs":${Date.now()}`;
    await downForEightDays((text) => text.replace(/"writtenMs":\d+/, now));
    const outcome = await start();
    seen('everything down, and last good was changed', outcome);
    expect([outcome.outcome, outcome.warnings]).toEqual([
      'BH_ERR_STORE',
      [expect.stringContaining('does not open under its key: it was changed')],
    ]);
  });

  test.each([
    ['is cut', changed((text) => text.slice(0, -20)), 'does not open under its key'],
    ['is cut in its first line', changed((text) => text.slice(0, 50)), 'is no copy of ours'],
    ['is another file', changed(() => 'something else\n'), 'is no copy of ours'],
    ['is empty', changed(() => ''), 'is no copy of ours'],
  ])('is of no use where it %s', async (_, edit, why) => {
    await thenDown();
    copies.always({ kind: 'edit', edit }, GET);
    const outcome = await start();
    expect([outcome.outcome, outcome.values]).toEqual(['BH_ERR_STORE', []]);
    expect(outcome.warnings).toEqual([expect.stringContaining(why)]);
    expect(outcome.shown).not.toContain(CANARY);
  });

  const OTHER_KEY: Changed = { lastGood: { key: { age: { store: 'env', path: 'OTHER_AGE' } } } };
  test('does not open under another key', async () => {
    await thenDown();
    const outcome = await start(OTHER_KEY);
    seen('everything down, and the key is another', outcome);
    expect([outcome.outcome, outcome.warnings]).toEqual([
      'BH_ERR_STORE',
      [expect.stringContaining('the age identity is not the one that the copy was encrypted for')],
    ]);
  });

  test('is not taken for a store whose settings have changed', async () => {
    await thenDown();
    const outcome = await start({
      around: ({ stores, ...rest }) => {
        const mine = { kind: 'vault', ...stores['mine'], namespace: 'elsewhere' };
        return { ...rest, stores: { ...stores, mine } };
      },
    });
    seen("everything down, and last good is of another store's settings", outcome);
    expect([outcome.outcome, outcome.values]).toEqual(['BH_ERR_STORE', []]);
  });

  test.each([
    ['hangs too', HOLE],
    ['says 503', FAULTS.unavailable],
  ] as const)('that %s ends in time', async (what, fault) => {
    await thenDown(HOLE);
    copies.always(fault);
    const outcome = await start();
    seen(`everything hangs, and the store of last good ${what}`, outcome);
    expect(outcome.outcome).toBe('BH_ERR_STORE');
    expect(outcome.warnings).toEqual([expect.stringContaining('could not be read')]);
  });

  test('that cannot be written is a warning, never a failed start', async () => {
    copies.always(HOLE, PUT);
    const hung = await start();
    expect([hung.outcome, hung.warnings]).toEqual([
      'all values',
      [expect.stringContaining('was not written')],
    ]);
    const url = `http://127.0.0.1:${await closedPort()}`;
    const refused = await start({
      around: ({ stores, ...rest }) => {
        return { ...rest, stores: { ...stores, copies: { kind: 's3', endpoint: url } } };
      },
    });
    expect([refused.outcome, refused.warnings]).toEqual([
      'all values',
      // On a slow machine its time is over before the last attempt is.
      [expect.stringMatching(/was not written(: .*refused| in time)/)],
    ]);
  });
});

/** An answer with another text in it, byte for byte. */
function changed(change: (text: string) => string) {
  return <T extends { body: Buffer }>(right: T): T => {
    return { ...right, body: Buffer.from(change(right.body.toString('latin1')), 'latin1') };
  };
}
