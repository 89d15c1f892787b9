// The plan of a definition and that of a run over it are objects in a store: they are asked for at
// once, and a start that lacks one of them says what it lacks.
import { afterAll, expect, test } from 'bun:test';
import { built } from '../support/built.ts';
import { spawned } from '../support/spawned.ts';
import { bundleDigest, printBundle } from '../../src/plan/bundle.ts';
import { literal, planFor } from './_submission.ts';

const CANARY = 'canary-1f07';
const bundle = (name: string, text: string): Uint8Array => {
  const placements = [literal(name, text), literal('BOTH', name)];
  return printBundle({ plan: planFor({ placements }), objects: [] });
};
const OBJECTS = new Map([
  ['/plan', bundle('OWN', `${CANARY} own`)],
  ['/over', bundle('RUN', `${CANARY} run`)],
]);

/** Answers nobody before both objects were asked for. */
const waiting = new Map<string, PromiseWithResolvers<Response>>();
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const answer = Promise.withResolvers<Response>();
    waiting.set(pathname, answer);
    if (waiting.size === 2) {
      for (const [at, { resolve }] of waiting) {
        const bytes = OBJECTS.get(at);
        const body = bytes === undefined ? undefined : new Uint8Array(bytes);
        resolve(body === undefined ? new Response('', { status: 404 }) : new Response(body));
      }
      waiting.clear();
    }
    return answer.promise;
  },
});
afterAll(() => void server.stop(true));

const STORES = JSON.stringify({ web: { kind: 'http', url: server.url.href } });
const pointer = (variable: string, at: string): Record<string, string> => ({
  [variable]: `web:${at}`,
  [`${variable}_STORES`]: STORES,
  [`${variable}_DIGEST`]: bundleDigest(OBJECTS.get(`/${at}`) ?? new Uint8Array()),
});

async function start(more: Readonly<Record<string, string>> = {}) {
  const env = {
    ...pointer('BELLHOP_PLAN', 'plan'),
    ...pointer('BELLHOP_OVERRIDES', 'over'),
    PATH: process.env['PATH'] ?? '',
    ...more,
  };
  return spawned([built().bellhop, 'run', '--', 'env'], { cwd: '/', env });
}

test('both are asked for before either is answered, and the overrides count', async () => {
  const { code, out, err } = await start();
  expect([code, err]).toEqual([0, '']);
  const seen = out.split('\n').filter((line) => /^(OWN|RUN|BOTH)=/.test(line));
  expect(seen.toSorted()).toEqual(['BOTH=RUN', `OWN=${CANARY} own`, `RUN=${CANARY} run`]);
}, 60_000);

test.each([
  [{ BELLHOP_OVERRIDES: 'web:none' }, ['BELLHOP_OVERRIDES']],
  [{ BELLHOP_PLAN: 'web:none' }, ['BELLHOP_PLAN']],
  [
    { BELLHOP_PLAN: 'web:none', BELLHOP_OVERRIDES: 'web:nor-this' },
    ['BELLHOP_PLAN', 'BELLHOP_OVERRIDES'],
  ],
] as const)(
  '%p: nothing starts, and all that is lacking is told',
  async (more, lacking) => {
    const { code, out, err } = await start(more);
    expect([code, out]).toEqual([69, '']);
    for (const one of lacking) expect(err).toContain(`bellhop: ${one}, web:`);
    expect(err.match(/BH_ERR_MISSING/g)).toHaveLength(lacking.length);
    expect(err).not.toContain(CANARY);
  },
  60_000,
);
