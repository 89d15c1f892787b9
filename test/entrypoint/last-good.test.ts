// What the encrypted copy of the last complete success holds, and for whom it speaks. Servers and
// files are real; a server that is down says 503.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateIdentity } from 'age-encryption';
import { openBudget } from '../../src/core/budget.ts';
import type { Io } from '../../src/core/io/types.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound, Plan, Policy } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { planWith, realIo } from '../support/real-store.ts';
import { shown } from './_gathering.ts';

const CANARY = 'canary-of-the-copy';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-copies-'));
const AGE = await generateIdentity();

/** What the server answers now: nothing where it is down; more than one failure, then fine. */
const state = { isDown: false, failures: 0 };
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request) => {
    state.failures -= 1;
    if (state.isDown || state.failures >= 0) return new Response('', { status: 503 });
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/v1/database/')) {
      const lease = { lease_id: 'database/creds/app/1', lease_duration: 3600 };
      return Response.json({ ...lease, data: { password: CANARY } });
    }
    if (pathname.startsWith('/v1/kv/')) return Response.json({ data: { k: CANARY } });
    if (pathname.endsWith('/json')) return Response.json({ k: CANARY });
    return pathname.endsWith('/gone')
      ? new Response('', { status: 404 })
      : new Response(`${CANARY} ${pathname}`);
  },
});
afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  state.isDown = false;
  state.failures = 0;
});

const STORES = {
  web: { kind: 'http', url: `http://127.0.0.1:${server.port}/` },
  vault: { kind: 'vault', mounts: { kv: 'kv1', database: 'other' } },
  copies: { kind: 'file', folder },
  age: { kind: 'env' },
};
const ENV = { VAULT_ADDR: `http://127.0.0.1:${server.port}`, VAULT_TOKEN: 't', AGE };
const COPY_STORE = { store: 'copies', path: 'copy' };
const LAST_GOOD = {
  to: COPY_STORE,
  key: { age: { store: 'age', path: 'AGE' } },
  maxAgeSeconds: 3600,
};
const OUTAGE_MS = 700;

interface Changed {
  readonly env?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly policy?: Partial<Policy>;
  readonly stores?: Plan['stores'];
  /** Milliseconds that the clock is ahead. */
  readonly aheadMs?: number;
  readonly startMs?: number;
}

/** One start: what each reference came to, and the warnings; the copy is written as by `run`. */
async function started(bounds: readonly Bound[], changed: Changed = {}) {
  const { env = {}, namespace = 'default', aheadMs = 0, startMs = 10_000 } = changed;
  const real = realIo({ ...ENV, ...env });
  const io: Io = { ...real, clock: { ...real.clock, now: () => Date.now() + aheadMs } };
  const policy = { ...DEFAULT_POLICY, lastGood: LAST_GOOD, ...changed.policy };
  const made = planWith(bounds, changed.stores ?? STORES, policy);
  const plan = { ...made, origin: { ...made.origin, namespace } };
  const budget = openBudget(io.clock, startMs);
  const { answers, warnings, remember } = await gather(plan, { io, objects: [], budget });
  const said = bounds.map((one) => shown(selectValue(answers, one)));
  const isWhole = said.every((one) => !one.startsWith('BH_ERR'));
  const warning = isWhole ? await remember() : undefined;
  budget.end();
  const all = [...warnings, ...(warning === undefined ? [] : [warning])];
  expect(JSON.stringify(all)).not.toContain(CANARY);
  return { said, warnings: all };
}

/** The same, once well and then with everything down. */
async function thenDown(bounds: readonly Bound[], changed: Changed = {}) {
  state.isDown = false;
  const { stores = STORES } = changed;
  const { said, warnings } = await started(bounds, { stores });
  expect([said.filter((one) => one.startsWith('BH_ERR')), warnings]).toEqual([[], []]);
  state.isDown = true;
  return started(bounds, { startMs: OUTAGE_MS, ...changed });
}

const KV: Bound = { reference: { store: 'vault', path: 'kv/a', key: 'k' }, called: 'kv' };
const WEB: Bound = { reference: { store: 'web', path: 'x' }, called: 'web' };
const GONE: Bound = { reference: { store: 'web', path: 'gone' }, called: 'gone' };

describe('the copy speaks for the place that it was taken from', () => {
  const other = `http://localhost:${server.port}`;
  test.each<[string, Changed, boolean]>([
    ['the same one', {}, true],
    ['another token: who we are makes no difference', { env: { VAULT_TOKEN: 'u' } }, true],
    ['another address', { env: { VAULT_ADDR: other } }, false],
    ['another namespace of the store', { env: { VAULT_NAMESPACE: 'team-a' } }, false],
    ['another namespace of the workload', { namespace: 'staging' }, false],
  ])('%s', async (_, changed, isUsed) => {
    const { said, warnings } = await thenDown([KV], changed);
    expect(said[0]).toStartWith(isUsed ? CANARY : 'BH_ERR_STORE kv, vault:kv/a#k');
    const lacks =
      'lacks 1 of 1 values: they are lent, were not there, or are of another plan or place';
    expect(warnings[0]).toEndWith(isUsed ? ' old' : lacks);
  });

  test.each(Object.keys(ALL_STORES))('%s says which of its variables name it', async (kind) => {
    const { places, variables } = (await ALL_STORES[kind]?.())?.default ?? {};
    const isKnown = (name: string): boolean => {
      // It is read as the older name of GOOGLE_CLOUD_PROJECT.
      if (name === 'GCLOUD_PROJECT') return true;
      const isOfService = /^AWS_ENDPOINT_URL_[A-Z_0-9]+$/.test(name);
      return Object.hasOwn(variables ?? {}, name) || isOfService;
    };
    expect((places ?? ['none']).filter((name) => !isKnown(name))).toEqual([]);
  });
  test.each([
    ['aws-secrets-manager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER'],
    ['aws-ssm', 'AWS_PROFILE'],
    ['s3', 'AWS_REGION'],
    ['gcp-secret-manager', 'GOOGLE_CLOUD_PROJECT'],
    ['kubernetes', 'KUBECONFIG'],
    ['consul', 'CONSUL_HTTP_ADDR'],
    ['etcd', 'ETCDCTL_ENDPOINTS'],
    ['redis', 'REDIS_URL'],
  ])('%s: %s', async (kind, name) => {
    expect((await ALL_STORES[kind]?.())?.default.places).toContain(name);
  });
});

describe('what did not exist', () => {
  test.each<[string, Partial<Bound>, string]>([
    ['is still absent where that is allowed', { optional: true }, 'absent'],
    ['still has its default', { default: 'd' }, 'd'],
  ])('%s', async (_, way, wanted) => {
    const { said, warnings } = await thenDown([WEB, { ...GONE, ...way }]);
    expect(said).toEqual([`${CANARY} /x`, wanted]);
    expect(warnings).toEqual([expect.stringMatching(/was used; it is \d+ s old$/)]);
  });

  test('and must exist now is asked of its store again: the copy does not know', async () => {
    await started([WEB, { ...GONE, optional: true }]);
    state.isDown = true;
    const { said, warnings } = await started([WEB, GONE], { startMs: OUTAGE_MS });
    expect(said).toEqual([
      `${CANARY} /x`,
      expect.stringMatching(/^BH_ERR_STORE gone, .*; asked again: /),
    ]);
    expect(warnings).toEqual([expect.stringContaining('it lacks 1 of 2 values')]);
  });
});

const JSON_K: Bound = { reference: { store: 'web', path: 'json', key: 'k' }, called: 'k' };
const NO_KEY: Bound = { reference: { store: 'web', path: 'json', key: 'no' }, called: 'no' };

describe('a key that was not there is as a path that was not', () => {
  test.each<[string, Partial<Bound>, string]>([
    ['still absent where that is allowed', { optional: true }, 'absent'],
    ['still its default', { default: 'd' }, 'd'],
  ])('%s', async (_, way, wanted) => {
    const { said } = await thenDown([JSON_K, { ...NO_KEY, ...way }]);
    expect(said).toEqual([CANARY, wanted]);
  });
  test('and must exist now: its store is asked again, and that is an outage', async () => {
    await started([JSON_K]);
    state.isDown = true;
    const { said } = await started([NO_KEY], { startMs: OUTAGE_MS });
    expect(said).toEqual([expect.stringMatching(/^BH_ERR_STORE no, .*; asked again: /)]);
  });
});

/** Another server, which is never down; it has `json` with a key of its own, and nothing else. */
const spare = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request) => {
    const isThere = request.url.endsWith('/json');
    return isThere ? Response.json({ spare: CANARY }) : new Response('', { status: 404 });
  },
});
afterAll(async () => spare.stop(true));
const WITH_SPARE = { stores: { ...STORES, spare: { kind: 'http', url: spare.url.href } } };

describe('what a fallback lacks is looked up in the copy', () => {
  test.each<[string, Bound]>([
    ['a path', { ...WEB, fallbacks: [{ store: 'spare', path: 'x' }] }],
    ['a key', { ...JSON_K, fallbacks: [{ store: 'spare', path: 'json', key: 'k' }] }],
  ])('%s', async (_, bound) => {
    const { said, warnings } = await thenDown([bound], WITH_SPARE);
    expect(said[0]).toStartWith(CANARY);
    expect(warnings).toEqual([expect.stringMatching(/was used; it is \d+ s old$/)]);
  });
});

describe('a start in which something stood in for a store leaves the copy as it is', () => {
  const fallbacks = [{ store: 'spare', path: 'json' }];
  const spared = { reference: WEB.reference, called: 'web', fallbacks };
  const preset: Bound = { ...WEB, called: 'p', default: 'd', defaultOn: 'outage' };
  const other: Bound = { ...preset, reference: { store: 'web', path: 'never-written' } };
  test.each<[string, readonly Bound[], Changed]>([
    ['a fallback', [{ ...spared }], WITH_SPARE],
    ['a default', [other], {}],
    ['a default, beside what its store has said', [other, { ...GONE, optional: true }], {}],
  ])('%s', async (_, bounds, changed) => {
    await started([KV, WEB]);
    const before = readFileSync(path.join(folder, 'copy'));
    state.isDown = true;
    const { said } = await started(bounds, { startMs: OUTAGE_MS, ...changed });
    expect(said[0]).not.toStartWith('BH_ERR');
    expect(readFileSync(path.join(folder, 'copy')).equals(before)).toBe(true);
  });
});

test('what is lent is not in the copy: such a start fails in an outage, and says why', async () => {
  const path = 'database/creds/app';
  const lent: Bound = { reference: { store: 'vault', path, key: 'password' }, called: 'lent' };
  for (const policy of [{}, { jobSecondsMax: 10 }]) {
    const { said, warnings } = await thenDown([lent, KV], { policy });
    expect(said).toEqual([expect.stringMatching(/^BH_ERR_STORE lent, vault:database/), CANARY]);
    expect(warnings).toEqual([expect.stringContaining('it lacks 1 of 2 values: they are lent,')]);
  }
});

describe('a copy from the future', () => {
  const MINUTE_MS = 60_000;
  test.each([
    [4 * MINUTE_MS, CANARY, /was used; it is 0 s old$/],
    [10 * MINUTE_MS, 'BH_ERR_STORE ', /^the copy copies:copy is dated 9 min in the future$/],
  ])('of %p ms: %s', async (ms, wanted, note) => {
    const { said, warnings } = await thenDown([WEB], { aheadMs: -ms });
    expect(said[0]).toStartWith(wanted);
    expect(warnings).toEqual([expect.stringMatching(note)]);
  });
});

test('what only the second round had is as good as new: the copy is written of it', async () => {
  rmSync(path.join(folder, 'copy'), { force: true });
  state.failures = 5;
  const first = await started([WEB]);
  expect(first.said).toEqual([`${CANARY} /x`]);
  expect(first.warnings).toEqual([expect.stringContaining('there is no copy')]);
  state.isDown = true;
  const second = await started([WEB], { startMs: OUTAGE_MS });
  expect(second.said).toEqual([`${CANARY} /x`]);
});
