// Who may have values forgotten, and what is answered: as Flyte's own port, and beyond it.
import { afterEach, describe, expect, test } from 'bun:test';
import type { AskCaller } from '../../src/webhook/callers.ts';
import { EVERYBODY, byToken, byTokenReview } from '../../src/webhook/callers.ts';
import { handleInvalidations } from '../../src/webhook/invalidation.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { PATCHED, deciding } from './_reviews.ts';
import { CLOCK, endAll, serve, swappable } from './_server.ts';

const certificates = makeCertificates();
const TOKEN = 'canary-5f2e-a-long-token';
const PATH = '/invalidate-secret';
const GOOD = '{"org":"o","domain":"d","project":"p","name":"n"}';
afterEach(endAll);

/** A port of a real server, what was forgotten, and what was counted. */
async function opened(askCaller: AskCaller) {
  const forgotten: string[] = [];
  const counts: string[] = [];
  const said: string[] = [];
  const handle = handleInvalidations({
    forget: (names) => forgotten.push(...names),
    askCaller,
    count: ([result = ''] = []) => counts.push(result),
    log: { say: (level, what, facts) => said.push(JSON.stringify([level, what, facts])) },
  });
  const invalidation = { address: { host: '127.0.0.1', port: 0 }, isTls: false, handle };
  const { invalidationPort } = await serve({
    certificates: swappable(certificates.good),
    mutate: deciding(PATCHED),
    more: { invalidation },
  });
  const send = async (init: RequestInit, path = PATH): Promise<Response> => {
    return fetch(`http://127.0.0.1:${invalidationPort}${path}`, init);
  };
  const ask = async (init: RequestInit, path = PATH): Promise<string> => {
    const answer = await send(init, path);
    return `${answer.status} ${await answer.text()}`;
  };
  return { ask, send, forgotten, counts, said };
}

describe('the answers of Flyte', () => {
  const posted = (body?: string): RequestInit => ({ method: 'POST', ...(body && { body }) });
  const rows: readonly (readonly [string, readonly [RequestInit, string?], string])[] = [
    ['another path', [posted(GOOD), '/x'], '404 404 page not found\n'],
    ['another path below it', [posted(GOOD), `${PATH}/`], '404 404 page not found\n'],
    ['GET', [{}], '405 method not allowed\n'],
    ['PUT', [{ method: 'PUT', body: GOOD }], '405 method not allowed\n'],
    ['no name', [posted('{"org":"o"}')], '400 name is required\n'],
    ['a name that is null', [posted('{"name":null}')], '400 name is required\n'],
    ['no JSON', [posted('{not')], '400 invalid request body: '],
    ['no body', [posted()], '400 invalid request body: '],
    ['a number', [posted('{"name":1}')], '400 invalid request body: '],
    ['a good one', [posted(GOOD)], '200 '],
    ['a query', [posted(GOOD), `${PATH}?x=1`], '200 '],
    ['unknown members', [posted('{"name":"n","x":[]}')], '200 '],
  ];
  test.each([...rows])('%s', async (_, asked, wanted) => {
    const { ask, forgotten } = await opened(EVERYBODY);
    const got = await ask(...asked);
    expect(got).toStartWith(wanted);
    expect(forgotten.length > 0).toBe(got === '200 ');
  });

  test('the value is forgotten in all three scopes', async () => {
    const { ask, forgotten, counts, said } = await opened(EVERYBODY);
    await ask({ method: 'POST', body: GOOD });
    expect(forgotten).toEqual([
      'u__org__o__domain__d__project__p__key__n',
      'u__org__o__domain__d__project____key__n',
      'u__org__o__domain____project____key__n',
    ]);
    expect(counts).toEqual(['done']);
    expect(said).toHaveLength(1);
  });

  test('a body without end is not read', async () => {
    const { ask, counts } = await opened(EVERYBODY);
    const name = 'x'.repeat(20_000);
    expect(await ask({ method: 'POST', body: JSON.stringify({ name }) })).toStartWith('413 ');
    expect(counts).toEqual(['malformed']);
  });
});

const digest = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex');
const postedBy = (authorization?: string): RequestInit => ({
  method: 'POST',
  body: GOOD,
  ...(authorization === undefined ? {} : { headers: { authorization } }),
});

describe('a token that both know', () => {
  test.each([
    ['the token', `Bearer ${TOKEN}`, 200],
    ['the scheme in small letters', `bearer ${TOKEN}`, 200],
    ['none', undefined, 401],
    ['another', 'Bearer x', 401],
    ['its beginning', `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ['another scheme', `Basic ${TOKEN}`, 401],
    ['nothing behind the scheme', 'Bearer', 401],
  ])('%s', async (_, authorization, status) => {
    const { send, forgotten, said } = await opened(byToken({ read: () => TOKEN, sha256: digest }));
    const answer = await send(postedBy(authorization));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(forgotten.length).toBe(status === 200 ? 3 : 0);
    expect((await answer.text()) + said.join()).not.toContain(TOKEN);
  });

  test('one that cannot be read lets nobody in', async () => {
    const { ask, counts } = await opened(byToken({ read: () => undefined, sha256: digest }));
    expect(await ask(postedBy(`Bearer ${TOKEN}`))).toStartWith('503 ');
    expect(counts).toEqual(['failed']);
  });

  test('who may not is not told what is wrong with the rest', async () => {
    const { ask } = await opened(byToken({ read: () => TOKEN, sha256: digest }));
    expect(await ask({ method: 'POST', body: '{not' })).toStartWith('401 ');
  });
});

type Create = KubernetesApi['create'];
/** What an API server answers about a token; test/cluster/callers.test.ts asks a real one. */
const status =
  (of: object): Create =>
  async (_, object) => {
    return Promise.resolve({ kind: 'written', object: { ...object, status: of } });
  };
const FLYTE = 'system:serviceaccount:flyte:flyte';
const review = (create: Create): AskCaller =>
  byTokenReview({ api: { create }, clock: CLOCK, users: ['system:serviceaccount:flyte:*'] });

describe('a token of the cluster', () => {
  const SELF = { username: FLYTE };
  const OTHER = { username: 'system:serviceaccount:x:flyte' };
  const rows: readonly (readonly [string, Create, readonly [number, string]])[] = [
    ['of who may', status({ authenticated: true, user: SELF }), [200, 'done']],
    ['of somebody else', status({ authenticated: true, user: OTHER }), [403, 'denied']],
    ['that proves nothing', status({ authenticated: false, user: SELF }), [401, 'denied']],
    ['of nobody', status({ authenticated: true }), [401, 'denied']],
    ['that the API server says nothing about', status([]), [401, 'denied']],
    ['where the API server fails', async () => Promise.reject(new Error(TOKEN)), [503, 'failed']],
    ['that it does not take', async () => Promise.resolve({ kind: 'conflict' }), [503, 'failed']],
  ];
  test.each([...rows])('%s', async (_, create, [wanted, counted]) => {
    const { send, counts, said, forgotten } = await opened(review(create));
    const answer = await send(postedBy(`Bearer ${TOKEN}`));
    expect(answer.status).toBe(wanted);
    expect(counts).toEqual([counted]);
    expect(forgotten.length).toBe(wanted === 200 ? 3 : 0);
    expect((await answer.text()) + said.join()).not.toContain(TOKEN);
  });

  test('nobody is asked about without a token', async () => {
    const never: Create = async () => Promise.reject(new Error('asked'));
    const { ask } = await opened(review(never));
    expect(await ask(postedBy())).toStartWith('401 ');
  });

  test('an API server that hangs is asked eight times at most, and no longer than 4 s', async () => {
    const held: (() => void)[] = [];
    let asked = 0;
    const create: Create = async () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    const ask = byTokenReview({
      api: { create },
      users: [FLYTE],
      clock: {
        after: (ms, work) => {
          expect(ms).toBe(4000);
          held.push(work);
          return () => undefined;
        },
      },
    });
    const all = Array.from({ length: 9 }, async () => ask(`Bearer ${TOKEN}`));
    expect(await all[8]).toEqual({ kind: 'unsure', why: 'too many callers at a time' });
    for (const work of held) work();
    expect(await all[0]).toEqual({ kind: 'unsure', why: 'the API server is too slow' });
    expect(asked).toBe(8);
  });
});
