// A second store where the first is down, and a second request where the first takes long.
import { describe, expect, test } from 'bun:test';
import type { FaultServer } from './_faults.ts';
import { FAULTS, answerOf, faultServer } from './_faults.ts';
import type { Around, Outcome, Stand } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS, boundsOf, start, unnamed } from './_outage.ts';
import { s3Stand, vaultStand } from './_outage-stands.ts';

const [{ stand: vault }, { stand: bucket }] = await Promise.all([vaultStand(), s3Stand()]);
const isMissing = vault === undefined || bucket === undefined;
const DENIED = answerOf(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] });
const NOT_ALLOWED = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';

describe.skipIf(isMissing)('two stores', () => {
  const [first, second] = [vault as Stand, bucket as Stand];

  interface Both {
    readonly one: FaultServer;
    readonly other: FaultServer;
  }

  /** A start with a fallback for each reference, in another kind of store. */
  async function startWith(tell: (both: Both) => void): Promise<Outcome & Both> {
    await using one = await faultServer({ upstream: first.upstream });
    await using other = await faultServer({ upstream: second.upstream });
    tell({ one, other });
    const [mine, theirs] = [first.around(one.url), second.around(other.url)];
    const around: Around = {
      env: { ...mine.env, ...theirs.env },
      stores: { ...mine.stores, second: theirs.stores['mine'] ?? { kind: '' } },
    };
    const bounds = boundsOf(first.references, ({ path }) => {
      const n = first.references.findIndex((reference) => reference.path === path);
      const { path: there = '' } = second.references[n] ?? {};
      return [{ store: 'second', path: there }];
    });
    const outcome = await start(bounds, around);
    expect(outcome.tookMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
    expect(outcome.shown).not.toContain(CANARY);
    return { ...outcome, one, other };
  }

  test.each([
    ['hangs', FAULTS.hangBeforeHeaders],
    ['resets', FAULTS.reset],
    ['says 500', FAULTS.serverError],
    ['throttles', FAULTS.throttled],
    ['sends half', FAULTS.cutSeen],
    ['sends 1 byte a second', FAULTS.byteASecond],
  ] as const)('the first %s: all values come from the second, and it is said', async (_, fault) => {
    const outcome = await startWith(({ one }) => one.always(fault));
    expect([outcome.outcome, outcome.values]).toEqual(['all values', second.values]);
    expect(outcome.warnings).toHaveLength(first.references.length);
    for (const warning of outcome.warnings) {
      expect(warning).toMatch(/^mine:\S+ could not be had; second:\S+ was used instead$/);
    }
  });

  test('the first answers: the second is not asked', async () => {
    const outcome = await startWith(() => undefined);
    expect([outcome.outcome, outcome.warnings]).toEqual(['all values', []]);
    expect(outcome.other.requests).toHaveLength(0);
  });

  test('one path of the first is down: only that is asked of the second', async () => {
    const outcome = await startWith(({ one }) => one.always(FAULTS.serverError, /s1$/));
    expect(outcome.outcome).toBe('all values');
    expect(outcome.other.requests).toHaveLength(1);
  });

  test.each([
    ['denies', DENIED, 'BH_ERR_STORE_DENIED'],
    ['has nothing', answerOf(404, { errors: [] }), 'BH_ERR_MISSING'],
  ])('the first %s: that stays so, and the second is not asked', async (_, answer, code) => {
    const outcome = await startWith(({ one }) => one.always({ kind: 'answer', answer }));
    expect([outcome.outcome, outcome.values]).toEqual([code, []]);
    expect(outcome.other.requests).toHaveLength(0);
  });

  const denying = { kind: 'answer', answer: answerOf(403, NOT_ALLOWED, 'text/xml') } as const;
  const hanging = FAULTS.hangBeforeHeaders;
  test.each([
    { is: 'down too', fault: FAULTS.serverError, code: 'BH_ERR_STORE', why: 'HTTP 500' },
    { is: 'hanging', fault: hanging, code: 'BH_ERR_STORE', why: 'no answer' },
    { is: 'denying', fault: denying, code: 'BH_ERR_STORE_DENIED', why: 'not allowed' },
  ])('the second is $is: the report has both', async ({ fault, code, why }) => {
    const outcome = await startWith(({ one, other }) => {
      one.always(FAULTS.serverError);
      other.always(fault);
    });
    expect([outcome.outcome, outcome.values]).toEqual([code, []]);
    expect(unnamed(outcome, first.references)).toEqual([]);
    const both = new RegExp(`HTTP 500.*; then second:.*${why}`);
    for (const { message } of outcome.problems) expect(message).toMatch(both);
  });
});

describe.skipIf(vault === undefined)('a second request beside one that takes long', () => {
  const stand = vault as Stand;
  test('with hedgeAfterMs one hanging request costs that much, and no attempt', async () => {
    await using server = await faultServer({ upstream: stand.upstream });
    server.next(FAULTS.hangBeforeHeaders);
    const policy = { hedgeAfterMs: 200 };
    const outcome = await start(boundsOf(stand.references), {
      ...stand.around(server.url),
      policy,
    });
    expect([outcome.outcome, server.requests.length]).toEqual(['all values', 4]);
    // Without it: a second, see outages.test.ts.
    expect(outcome.tookMs).toBeLessThan(900);
  });
});
