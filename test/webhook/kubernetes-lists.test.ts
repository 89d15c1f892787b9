// Lists of an API server that is ill: nobody may take a part for the whole, least of all to delete.
import { afterAll, afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openSystem } from '../../src/core/io/system.ts';
import type { ApiParts } from '../../src/webhook/kubernetes-api.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { collect } from '../../src/webhook/value-collector.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { thrownBy } from '../support/routed-store.ts';

const { io } = openSystem();
const { authority, good } = makeCertificates();
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-list-'));
const files = { ca: path.join(folder, 'ca.crt'), token: path.join(folder, 'token') };
writeFileSync(files.ca, authority.cert);
writeFileSync(files.token, 'canary-token');
afterAll(() => rmSync(folder, { recursive: true }));
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map(async (end) => end()));
});

type Answer = (url: URL) => Response;

async function against(answer: Answer, more: Partial<ApiParts> = {}) {
  const asked: string[] = [];
  const ill = Bun.serve({
    port: 0,
    tls: { cert: good.cert, key: good.key },
    fetch: (request) => {
      asked.push(request.method);
      return answer(new URL(request.url));
    },
  });
  ends.push(async () => ill.stop(true));
  const auth = { tokenFile: files.token };
  const options = { url: `https://localhost:${ill.port}`, ca: files.ca, auth };
  const api = await openKubernetesApi({ io, options, variable: () => undefined, ...more });
  return { api, asked };
}

const BUSY = '/api/v1/namespaces/team/pods';
const page = (items: unknown, next = ''): Response => {
  return Response.json({ kind: 'List', metadata: { continue: next }, items });
};
const status = (code: number, reason: string) => () => {
  return Response.json({ kind: 'Status', code, reason }, { status: code });
};
const named = (name: string) => ({ metadata: { name, namespace: 'team' } });
/** A first page, and then something else. */
const then = (second: Answer): Answer => {
  return (url) => (url.searchParams.has('continue') ? second(url) : page([named('a')], 'more'));
};

const PARTS: readonly (readonly [string, Answer, string])[] = [
  ['is not there', status(404, 'NotFound'), 'is absent'],
  ['is a conflict', status(409, 'Conflict'), 'is conflict'],
  ['is of a moment that is gone', status(410, 'Expired'), 'Expired'],
  ['is something else', () => Response.json({ kind: 'Secret' }), 'has no items'],
];

test.each(PARTS)('a page that %s: the list has failed', async (_, second, words) => {
  const { api } = await against(then(second));
  const seen: unknown[] = [];
  const problem = await thrownBy(api.list(BUSY, {}, (one) => seen.push(one)));
  expect([problem.code, seen.length]).toEqual(['BH_ERR_STORE_ANSWER', 1]);
  expect(problem.message).toContain(words);
});

test.each(PARTS)('where a page of pods %s, no Secret is deleted', async (_, second) => {
  const old = { name: `bellhop-${'0'.repeat(32)}`, namespace: 'team', uid: 'u' };
  const secrets = page([{ metadata: { ...old, creationTimestamp: '2020-01-01T00:00:00Z' } }]);
  const { api, asked } = await against((url) => {
    return url.pathname.endsWith('/secrets') ? secrets : then(second)(url);
  });
  expect((await thrownBy(collect({ api, graceMs: 1000 }, 'team'))).code).toBe(
    'BH_ERR_STORE_ANSWER',
  );
  expect(asked).toEqual(['GET', 'GET', 'GET']);
});

test('a list that does not end is left after so many pages', async () => {
  const { api, asked } = await against(() => page([], 'more'), { listPagesMax: 3 });
  expect((await thrownBy(api.list(BUSY, {}, () => undefined))).what).toBe('the list does not end');
  expect(asked).toHaveLength(3);
});

test('a list that is too slow is left after 5 minutes', async () => {
  let aheadMs = 0;
  const clock = { ...io.clock, monotonicMs: () => io.clock.monotonicMs() + aheadMs };
  const slow = (): Response => {
    aheadMs += 150_000;
    return page([], 'more');
  };
  const { api, asked } = await against(slow, { io: { ...io, clock }, listPagesMax: 5 });
  expect((await thrownBy(api.list(BUSY, {}, () => undefined))).what).toBe('the list does not end');
  expect(asked).toHaveLength(2);
});

test('all pages are shown, the empty ones too', async () => {
  const { api } = await against(
    then(({ searchParams }) => {
      return searchParams.get('continue') === 'more' ? page(null, 'last') : page([named('b')]);
    }),
  );
  const seen: unknown[] = [];
  await api.list(BUSY, {}, (one) => seen.push(one));
  expect(seen).toEqual([named('a'), named('b')]);
});
