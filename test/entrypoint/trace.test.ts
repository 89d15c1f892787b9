import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import type { Span, SpanKind } from '../../src/core/trace.ts';
import { openTrace } from '../../src/core/trace.ts';
import { criticalPath } from '../../src/entrypoint/trace-critical.ts';
import { ticks } from '../../src/entrypoint/trace-page-rows.ts';
import { tracePage } from '../../src/entrypoint/trace-page.ts';
import { traceReport } from '../../src/entrypoint/trace-report.ts';
import type { TraceReport, TraceSpan } from '../../src/entrypoint/trace-types.ts';
import { PLAN, exampleReport } from './_trace-run.ts';

/**
 * `kind name store from-to outcome`; what belongs to the line above stands two blanks deeper, what
 * belongs to line n behind `n>`.
 */
function spansOf(lines: readonly string[]): Span[] {
  let top = 0;
  return lines.map((line, id) => {
    const [, of, text = ''] = /^(?:(\d+)> | *)?(.*)$/.exec(line) ?? [];
    const isBelow = line.startsWith('  ') || of !== undefined;
    if (!isBelow) top = id;
    return spanOf(text, { id, parent: isBelow ? Number(of ?? top) : undefined });
  });
}

function spanOf(
  text: string,
  place: { readonly id: number; readonly parent: number | undefined },
): Span {
  const [kind, name = '', store = '', times = '', outcome = 'ok'] = text.trim().split(' ');
  const [startMs = 0, endMs = 0] = times.split('-').map(Number);
  return {
    ...place,
    kind: kind as SpanKind,
    name,
    store: store === '-' ? undefined : store,
    startMs,
    endMs,
    outcome: outcome.replaceAll('_', ' '),
  };
}

function reportOf(totalMs: number, lines: readonly string[], problems: BellhopError[] = []) {
  const facts = { version: '1', platform: 'p', beganMs: 0, plan: PLAN, problems, totalMs };
  return traceReport(spansOf(lines), facts);
}

function pathOf({ critical, spans }: TraceReport): string[] {
  const nameOf = (id: number | undefined): string => {
    const span = spans.find((one) => one.id === id);
    return span === undefined ? '-' : `${span.kind}:${span.name}`;
  };
  return critical.map(({ span, fromMs, toMs }) => `${nameOf(span)} ${fromMs}-${toMs}`);
}

describe('the critical path', () => {
  test.each([
    ['an empty start is bellhop’s own', 5, [], ['- 0-5']],
    [
      'of two stores at once the later one counts',
      10,
      ['call a s 1-4', 'call b t 1-8', 'deliver d - 8-10'],
      ['- 0-1', 'call:b 1-8', 'deliver:d 8-10'],
    ],
    [
      'attempts, waits and the call around them',
      20,
      [
        'call c s 0-20',
        '  attempt c s 2-5 HTTP_503',
        '  wait backoff s 5-9',
        '  attempt c s 9-20 HTTP_200',
      ],
      ['call:c 0-2', 'attempt:c 2-5', 'wait:backoff 5-9', 'attempt:c 9-20'],
    ],
    [
      'a hedge that won, and the attempt that it stood beside',
      30,
      ['call c s 0-30', '  attempt c s 0-30.5 aborted', '  hedge c s 20-30 HTTP_200'],
      ['attempt:c 0-20', 'hedge:c 20-30'],
    ],
    [
      'credentials that the first request waited for, and those before them',
      50,
      [
        'call c s 0-50',
        'credentials token s 0-10',
        'credentials role s 10-30',
        '  attempt r s 11-30 HTTP_200',
        'call other t 0-12',
        'call d s 0-40',
        '0> attempt c s 30-50 HTTP_200',
      ],
      ['credentials:token 0-10', 'credentials:role 10-11', 'attempt:r 11-30', 'attempt:c 30-50'],
    ],
    [
      'a fallback after the store that was down',
      40,
      ['call a s 1-20 BH_ERR_STORE', 'call b t 20-39'],
      ['- 0-1', 'call:a 1-20', 'call:b 20-39', '- 39-40'],
    ],
  ] as const)('%s', (...[, totalMs, lines, path]) => {
    expect(pathOf(reportOf(totalMs, lines))).toEqual([...path]);
  });

  test('of any spans it leads from 0 to the end without a gap, and no span explains itself', () => {
    const kinds = ['call', 'credentials', 'attempt', 'hedge', 'wait', 'deliver'] as const;
    const span = fc.record({
      kind: fc.constantFrom(...kinds),
      store: fc.constantFrom('s', 't'),
      startMs: fc.integer({ min: 0, max: 60 }),
      lengthMs: fc.integer({ min: 0, max: 60 }),
      parent: fc.option(fc.nat(30), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(span, { maxLength: 30 }),
        fc.integer({ min: 1, max: 100 }),
        (all, total) => {
          const spans = all.map(({ startMs, lengthMs, parent, ...one }, id): TraceSpan => {
            const own = parent !== undefined && parent < id ? { parent } : {};
            const from = Math.min(startMs, total);
            const endMs = Math.min(total, from + lengthMs);
            return { ...one, ...own, id, name: `${id}`, startMs: from, endMs, outcome: 'ok' };
          });
          const path = criticalPath(spans, total);
          expect(path[0]?.fromMs).toBe(0);
          expect(path.at(-1)?.toMs).toBe(total);
          for (const [index, { fromMs, toMs }] of path.entries()) {
            expect(toMs).toBeGreaterThan(fromMs);
            if (index > 0) expect(fromMs).toBe(path[index - 1]?.toMs ?? -1);
          }
        },
      ),
    );
  });
});

const FACTS = { version: '1', platform: 'p', beganMs: 0, plan: PLAN, problems: [] };

describe('advice says what the spans show, and nothing else', () => {
  const single = (store: string, took: readonly number[]): string[] => {
    return took.flatMap((ms, n) => [
      `call GET${n} ${store} 0-${ms}`,
      `  attempt GET${n} ${store} 0-${ms} HTTP_200`,
    ]);
  };
  test.each([
    ['a quick start needs none', 4, ['call a s 0-3'], []],
    ['what is even needs none', 100, ['call a s 0-99', 'call b t 0-98'], []],
    [
      'the slowest of several stores is named, with the time between',
      100,
      ['call a s 0-20', 'call b t 0-95'],
      ['t: was the last to answer: all other stores were done 75 ms earlier'],
    ],
    [
      'throttling',
      100,
      ['call a s 0-90', '  attempt a s 0-10 HTTP_429', '  wait throttled s 10-80'],
      ['s: throttled us once, and the start waited 70 ms for it'],
    ],
    [
      'failed attempts, with the waits after them',
      100,
      [
        'call a s 0-90',
        '  attempt a s 0-20 reset',
        '  wait backoff s 20-50',
        '  attempt a s 50-90 HTTP_200',
      ],
      ['s: 1 attempt failed (reset) and cost 50 ms of the start'],
    ],
    [
      'credentials',
      100,
      ['credentials login s 0-40', 'call a s 0-90', '  attempt a s 40-90 HTTP_200'],
      ['s: its credentials (login) were 40 ms of 100 ms'],
    ],
    [
      'many requests for one path each',
      100,
      single('s', [90, 91, 92, 93, 94]),
      ['s: 5 requests asked for one path each'],
    ],
    [
      'a queue',
      100,
      ['call a(20) s 0-99', '  wait queued s 0-60', '  attempt a s 60-99 HTTP_200'],
      ['s: 1 request waited for their turn, 60 ms at most'],
    ],
    [
      'one slow answer among quick ones',
      1000,
      single('s', [30, 31, 32, 33, 990]),
      ['s: one answer took 990 ms, the middle one 32 ms: with `policy: { hedgeAfterMs: 100 }`'],
    ],
    [
      'reading manifests',
      100,
      ['plan p - 0-60', 'call a s 60-99'],
      ['60 ms of 100 ms went into reading manifests'],
    ],
  ] as const)('%s', (...[, totalMs, lines, expected]) => {
    const said = reportOf(totalMs, lines).advice.map(({ store, what }) => {
      return store === undefined ? what : `${store}: ${what}`;
    });
    for (const one of expected) {
      expect(said.filter((sentence) => sentence.startsWith(one)).length, said.join('\n')).toBe(1);
    }
    if (expected.length === 0) expect(said).toEqual([]);
  });
});

test('a whole start: its stores, its path from the first moment on, and the same every time', async () => {
  const report = await exampleReport();
  expect(await exampleReport()).toEqual(report);
  const { stores } = report;
  expect(stores.map(({ store, calls, requests }) => [store, calls, requests])).toEqual([
    ['params', 1, 1],
    ['sm', 4, 5],
    ['vault', 9, 10],
  ]);
  expect(stores.map(({ retries, hedges }) => [retries, hedges])).toEqual([
    [0, 0],
    [1, 0],
    [0, 1],
  ]);
  expect(pathOf(report).map((one) => one.replace(/ .*/, ''))).toEqual([
    '-',
    'plan:read',
    'attempt:AssumeRoleWithWebIdentity',
    'attempt:BatchGetSecretValue',
    'wait:backoff',
    'attempt:BatchGetSecretValue',
    '-',
    'deliver:writes',
  ]);
});

test('a start that failed shows its problems with their codes', () => {
  const where = ['secret db', 'sm:prod/db', 'store sm'];
  const problem = new BellhopError('BH_ERR_STORE_DENIED', { where, what: 'HTTP 403' });
  const report = reportOf(9, ['call a sm 0-9 BH_ERR_STORE_DENIED'], [problem]);
  expect(report).toMatchObject({
    exit: 77,
    problems: [{ code: 'BH_ERR_STORE_DENIED', text: `${where.join(', ')}: HTTP 403` }],
  });
  const page = tracePage(report);
  expect(page).toContain('not started, exit 77, after 9.0 ms');
  expect(page).toContain('BH_ERR_STORE_DENIED');
  expect(page).not.toMatch(/<script|https?:/);
});

test('a span that never ended ends with the start', () => {
  let now = 5;
  const clock = { now: () => 0, monotonicMs: () => now, after: () => () => undefined };
  const trace = openTrace(clock);
  trace.begin({ kind: 'call', name: 'c', store: 's' });
  now = 8;
  const { spans } = traceReport(trace.spans(), { ...FACTS, totalMs: 9 });
  expect(spans).toMatchObject([{ startMs: 5, endMs: 9, outcome: 'unfinished' }]);
});

test.each([0, 0.004, 0.3, 1, 7, 140, 999, 12_345, 1e6])(
  'an axis of %p ms has round ticks',
  (total) => {
    const marks = ticks(total);
    expect(marks[0]).toBe(0);
    expect(marks.length).toBeLessThanOrEqual(9);
    expect(marks.at(-1) ?? 0).toBeLessThanOrEqual(total * (1 + 1e-9));
  },
);
