// docs/parity.md: its list is that of `bellhop diff` and of the judge, and `--check` sees a change.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parityPage, staleLines } from '../scripts/gen-parity.ts';
import { DIFFERENCE_RULES } from '../src/parity/rules.ts';
import type { OfflineResult } from './kubelet/record.ts';
import { NOT_COMPARABLE } from './kubelet/rules.ts';
import { ROOT } from './support/source.ts';

const written = readFileSync(path.join(ROOT, 'docs/parity.md'), 'utf8');
const names = DIFFERENCE_RULES.map(({ name }) => name);

test('the page has every row of the list, and no other', () => {
  const rows = [...written.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name = '']) => name);
  expect(rows.toSorted()).toEqual(names.toSorted());
});

test('what the judge of recorded pods forgives is in the list, or of its own making', () => {
  const named = NOT_COMPARABLE.map((one) => one.named).filter((name) => name !== '');
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
});

test('no way of delivery, no random pod and no route has a difference that is left', () => {
  const tables = [
    ...written.matchAll(/^\|.* with a difference[^|\n]*\|\n\|[-|]+\n((?:\|.*\n)+)/gm),
  ];
  const rows = tables.map(([, body = '']) => body.trimEnd().split('\n'));
  // Ways of delivery, the random pods, stores of the two routes.
  expect(rows.map((all) => all.length)).toEqual([4, 1, 2]);
  expect(rows.flat().filter((row) => !row.endsWith(' | 0 |'))).toEqual([]);
});

describe('the page made anew', () => {
  const nothing = { offline: undefined, live: undefined, routes: undefined };
  const offline = (failed: string[], links = 1): OfflineResult => {
    const counts = { pods: 2, started: 2, refused: 0, refusedHere: {} };
    const explained = { 'memory-link': links };
    return { kubelet: 'v1', modes: [{ mode: 'no-mount', ...counts, failed, explained }] };
  };

  test('keeps what was not measured', () => {
    expect(parityPage(nothing, written)).toBe(written);
  });
  test('says what was measured, and a change of it is stale', () => {
    const page = parityPage({ ...nothing, offline: offline([]) }, '');
    expect(page).toContain('| in the container, without it | 2 | 2 | 0 | 0 |');
    expect(page).toContain('Not measured yet.');
    expect(staleLines(page, page)).toEqual([]);
    const worse = parityPage({ ...nothing, offline: offline(['x']) }, page);
    expect(staleLines(page, worse)).toEqual(['| in the container, without it | 2 | 2 | 0 | 1 |']);
    expect(
      staleLines(page, parityPage({ ...nothing, offline: offline([], 2) }, page)),
    ).toHaveLength(1);
  });
  test('takes other numbers of a live cluster for the same', () => {
    const live = (pods: number, failed: number) => ({
      kubelet: 'v1.33.13',
      seed: 1,
      pods,
      containers: pods,
      by: { ran: pods },
      failed: Array.from({ length: failed }, () => {
        return { id: 'x', description: '', mode: 'mount', differences: ['argv'] };
      }),
    });
    const page = parityPage({ ...nothing, live: live(200, 0) }, '');
    expect(staleLines(page, parityPage({ ...nothing, live: live(300, 0) }, page))).toEqual([]);
    expect(staleLines(page, parityPage({ ...nothing, live: live(300, 1) }, page))).not.toEqual([]);
  });
});
