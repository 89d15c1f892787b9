// Outages: every store behind every fault, with a real server at the end. Whatever happens, a start
// ends inside of its time, complete or with nothing, and says what each attempt met.
import { afterAll, describe, expect, test } from 'bun:test';
import type { BellhopError } from '../../src/core/errors.ts';
import { FAULTS } from './_faults.ts';
import type { Outcome, Stand } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS, reasonsOf, startBehind, unnamed } from './_outage.ts';
import { behind } from './_outage-fronts.ts';
import type { Measured } from './_outage-record.ts';
import { reasonsIn, record } from './_outage-record.ts';
import type { Row } from './_outage-rows.ts';
import { LASTING, PASSING } from './_outage-rows.ts';
import { httpStand, s3Stand, secretsManagerStand, vaultStand } from './_outage-stands.ts';

const STANDS = await Promise.all([vaultStand(), httpStand(), secretsManagerStand(), s3Stand()]);
const AT_ONCE_MS = 700;
const ROW_MS_MAX = 30_000;
const measured: Measured[] = [];
afterAll(() => {
  const hasAll = STANDS.every(({ stand }) => stand !== undefined);
  if (hasAll) record('stores', measured);
});

interface Tried {
  readonly stand: Stand;
  readonly row: Row;
}

/** Holds what is promised of any outage, and writes the line down. */
async function holds({ stand, row }: Tried): Promise<void> {
  await using front = await row.front(stand);
  const before = await front.requests();
  const budgetMs = row.budgetMs ?? BUDGET_MS;
  const outcome = await startBehind(front, stand, budgetMs);
  const requests = (await front.requests()) - before;
  measured.push({
    place: [...LASTING, ...PASSING].indexOf(row),
    fault: row.fault,
    store: stand.kind,
    outcome: outcome.outcome,
    reasons: reasonsIn(outcome.problems),
    tookMs: outcome.tookMs,
    budgetMs,
    requests,
  });
  expect(outcome.shown).not.toContain(CANARY);
  expect(outcome.outcome).toBe(ofKind(row.outcome, stand.kind));
  expect(outcome.tookMs).toBeLessThan(budgetMs + TOLERANCE_MS);
  if (row.atOnce) expect(outcome.tookMs).toBeLessThan(AT_ONCE_MS);
  if (row.requests !== undefined) expect(requests).toBe(row.requests);
  if (row.more !== undefined) expect(requests).toBe(stand.requests + ofKind(row.more, stand.kind));
  if (outcome.outcome === 'all values') expect(outcome.values).toEqual(stand.values);
  else isReported(outcome, { stand, row });
}

/** What holds for a kind of store, or for all. */
function ofKind<T extends string | number>(of: T | Readonly<Record<string, T>>, kind: string): T {
  if (typeof of !== 'object') return of;
  const found = of[kind] ?? of['*'];
  if (found === undefined) throw new Error(`the row says nothing of ${kind}`);
  return found;
}

/** All or nothing; each reference is named, and each attempt's reason. */
function isReported(outcome: Outcome, { stand, row }: Tried): void {
  const { problems, values } = outcome;
  expect(values).toEqual([]);
  expect(unnamed(outcome, stand.references)).toEqual([]);
  for (const problem of problems) {
    expect(problem.message).toMatch(row.reason ?? /$^/);
    if (problem.code === 'BH_ERR_STORE') expect(others(problem, row)).toEqual([]);
  }
}

/** Attempts that met something else; the last one may have had no time left for that. */
function others(problem: BellhopError, { reason }: Row): readonly string[] | undefined {
  const reasons = reasonsOf(problem);
  // Cut off by the end of the time, or held back behind the one attempt that is let through.
  const isCutOff = /^no (answer for \d\d? ms|turn before .*)$/.test(reasons?.at(-1) ?? '');
  const counted = isCutOff ? reasons?.slice(0, -1) : reasons;
  return counted?.filter((one) => reason?.test(one) !== true);
}

for (const { kind, stand } of STANDS) {
  describe.skipIf(stand === undefined)(kind, () => {
    const rows = (list: readonly Row[]): Tried[] =>
      stand === undefined
        ? []
        : list.filter(({ not }) => !not?.includes(kind)).map((row) => ({ stand, row }));
    describe('what lasts ends inside of the time', () => {
      test.concurrent.each(rows(LASTING))('$row.fault', holds, ROW_MS_MAX);
    });
    describe('what passes is survived', () => {
      test.concurrent.each(rows(PASSING))('$row.fault', holds, ROW_MS_MAX);
    });

    // One request for all of them has no parts.
    if (stand === undefined || stand.requests === 1) return;
    test('what was answered is kept where the rest hangs', async () => {
      await using front = await behind(stand, (server) => {
        server.always(FAULTS.hangBeforeHeaders, /s1$/);
      });
      const outcome = await startBehind(front, stand);
      expect(outcome.values).toEqual([stand.values[0] ?? '', stand.values[2] ?? '']);
      expect(unnamed(outcome, stand.references.slice(1, 2))).toEqual([]);
      expect(outcome.problems.flatMap((one) => reasonsOf(one)?.length ?? [])).toEqual([2]);
    });
  });
}
