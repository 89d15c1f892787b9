// Many real starts at once against a real server that is short of breath: the share that succeeds
// is the figure.
import { afterAll, describe, expect, test } from 'bun:test';
import { built } from '../support/built.ts';
import type { FaultServer } from './_faults.ts';
import { FAULTS, answerOf, faultServer } from './_faults.ts';
import { handOn } from './_http-bytes.ts';
import type { Stand } from './_outage.ts';
import { CANARY } from './_outage.ts';
import { lastGoodScene } from './_outage-last-good.ts';
import type { Herd } from './_outage-process.ts';
import { runHerd } from './_outage-process.ts';
import type { HerdLine } from './_outage-record.ts';
import { record } from './_outage-record.ts';
import { parameterStand, secretsManagerStand, vaultStand } from './_outage-stands.ts';

const NAMES = 10;
/** What a request takes in the table that these figures stand beside. */
const LATENCY_MS = 20;
const HERD_MS_MAX = 120_000;
built();
const [ssm, batch, vault] = await Promise.all([
  parameterStand(NAMES),
  secretsManagerStand(NAMES),
  vaultStand(NAMES),
]);
const scene = await lastGoodScene();
const measured: HerdLine[] = [];
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  if (measured.length > 0) record('herds', measured);
});

interface Line {
  readonly fault: string;
  readonly store: string;
  readonly requests: number;
  readonly throttled?: number;
}

/** All of them must have started, and nothing may have been told of the values. */
function allStarted({ ended, ...figures }: Herd, line: Line): void {
  measured.push({ ...line, starts: ended.length, ...figures });
  for (const { stderr } of ended) expect(stderr).not.toContain(CANARY);
  const problems = ended.flatMap(({ exit, stderr }) => (exit === 0 ? [] : [stderr]));
  expect([figures.succeeded, problems]).toEqual([ended.length, []]);
}

async function limited(stand: Stand, perSecond: number): Promise<FaultServer> {
  const server = await faultServer({
    answer: async (request) => {
      const answer = await handOn(request, stand.upstream);
      await Bun.sleep(LATENCY_MS);
      return answer;
    },
  });
  server.quota({ perSecond, throttled: stand.throttled });
  return server;
}

describe('20 starts at once with 10 values each, a quota in front of the store', () => {
  const STARTS = 20;
  const startMsMax = 30_000;
  const throttledBy = ({ requests }: FaultServer): number =>
    requests.filter(({ struck }) => struck === 'quota').length;

  for (const { kind, stand } of [ssm, batch, vault]) {
    for (const perSecond of [40, 100]) {
      test.skipIf(stand === undefined)(
        `${kind}, ${perSecond} requests/s: all start`,
        async () => {
          if (stand === undefined) return;
          await using server = await limited(stand, perSecond);
          const around = { ...stand.around(server.url), startMsMax };
          const wish = { references: stand.references, around };
          const herd = await runHerd(wish, STARTS, stand.values);
          const requests = server.requests.length;
          const fault = `${perSecond} requests/s`;
          allStarted(herd, { fault, store: kind, requests, throttled: throttledBy(server) });
          expect(requests - throttledBy(server)).toBe(STARTS * stand.requests);
        },
        HERD_MS_MAX,
      );
    }
  }
});

const STARTS = 50;

describe.skipIf(vault.stand === undefined)('50 starts at once', () => {
  const stand = vault.stand as Stand;

  test(
    'in a brownout, where 30 % of the requests fail or take 2 s: all start',
    async () => {
      await using server = await faultServer({ upstream: stand.upstream });
      // Every tenth request fails, every tenth is reset, every tenth takes 2 s.
      let count = 0;
      const tenth = (place: number) => (): boolean => count % 10 === place;
      const counted = (): boolean => {
        count += 1;
        return false;
      };
      server.always(FAULTS.reset, counted);
      server.always(FAULTS.unavailable, tenth(3));
      server.always(FAULTS.reset, tenth(6));
      server.always({ kind: 'delay', ms: 2000 }, tenth(9));
      const around = { ...stand.around(server.url), startMsMax: 30_000 };
      const wish = { references: stand.references, around };
      const herd = await runHerd(wish, STARTS, stand.values);
      const requests = server.requests.length;
      allStarted(herd, { fault: 'brownout of 30 %', store: stand.kind, requests });
    },
    HERD_MS_MAX,
  );

  test.each([
    ['hangs', { kind: 'hang-before-headers' }],
    ['says 503', FAULTS.unavailable],
  ] as const)(
    'where the first store %s and a second is declared: all start',
    async (what, fault) => {
      await using server = await faultServer({ upstream: stand.upstream });
      server.always(fault);
      const { stores, env = {} } = stand.around(server.url);
      const second = stand.around(stand.upstream.url).stores['mine'] ?? { kind: '' };
      const around = { env, stores: { ...stores, second }, startMsMax: 6000 };
      const policy = { fallback: { mine: ['second'] } };
      const wish = { references: stand.references, around, policy };
      const herd = await runHerd(wish, STARTS, stand.values);
      const requests = server.requests.length;
      const told = `the first store ${what}, a second is declared`;
      allStarted(herd, { fault: told, store: stand.kind, requests });
      for (const { stderr } of herd.ended) expect(stderr).toContain('was used instead');
    },
    HERD_MS_MAX,
  );

  test.skipIf(scene === undefined)(
    'where everything is down and there is a last good copy: all start, and say so',
    async () => {
      if (scene === undefined) return;
      const { around, stand: own, store, copies, lastGood } = scene;
      const policy = { lastGood };
      const wish = { references: own.references, around: { ...around, startMsMax: 6000 }, policy };
      const healthy = await runHerd(wish, 1, own.values);
      expect([healthy.succeeded, healthy.ended[0]?.stderr]).toEqual([1, '']);
      store.always({ kind: 'answer', answer: answerOf(503, {}) });
      store.always({ kind: 'hang-before-headers' });
      const before = copies.requests.length + store.requests.length;
      const herd = await runHerd(wish, STARTS, own.values);
      const requests = copies.requests.length + store.requests.length - before;
      allStarted(herd, { fault: 'everything is down, with last good', store: own.kind, requests });
      for (const { stderr } of herd.ended) {
        expect(stderr).toMatch(/warning: the last good copy \S+ was used; it is .* old/);
      }
    },
    HERD_MS_MAX,
  );
});
