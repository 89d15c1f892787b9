// Long lives, odd clocks and other people's hands, on a simulated clock.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { bundleOf, readState, secretOf } from '../../src/webhook/certificates-state.ts';
import { makeAuthority, readCertificates } from '../../src/webhook/certificates-x509.ts';
import { forbidding } from './_faults.ts';
import type { Replica, World } from './_world.ts';
import { DAY_MS, REGISTRATION, SECRET, WISH, trustedCount, world } from './_world.ts';

setDefaultTimeout(60_000);
const HOUR_MS = 3_600_000;
const CANARY = /PRIVATE KEY|MI[A-Za-z0-9+/]{30}/;

function leafOf({ source }: Replica): string {
  const [leaf] = readCertificates(source?.current().certPem ?? '') ?? [];
  return leaf?.fingerprint ?? 'none';
}

function stateOf({ cluster }: World) {
  return readState(cluster.objects.get(SECRET) ?? {}).state;
}

function entryOf({ cluster }: World): { clientConfig: { caBundle?: string } } {
  const entries = cluster.objects.get(REGISTRATION)?.['webhooks'];
  return (entries as { clientConfig: { caBundle?: string } }[])[0] ?? { clientConfig: {} };
}

function withBundle(made: World, pem: string): void {
  const entry = entryOf(made);
  const caBundle = Buffer.from(pem).toString('base64');
  const clientConfig = { ...entry.clientConfig, caBundle };
  const old = made.cluster.objects.get(REGISTRATION) ?? {};
  made.cluster.put(REGISTRATION, { ...old, webhooks: [{ ...entry, clientConfig }] });
}

function foreignAuthority({ nowMs }: World): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return makeAuthority(random, { nowMs: nowMs(), lifeMs: 30 * DAY_MS }).certPem;
}

/** Two replicas that have settled. */
async function settled(): Promise<{ made: World; a: Replica; b: Replica }> {
  const made = world();
  const a = made.replica('a');
  const b = made.replica('b');
  await made.pass(20_000);
  return { made, a, b };
}

describe('a year', () => {
  test('three replicas renew leaves at 2/3 and roll the authority with overlap', async () => {
    const made = world();
    const more = { pollMs: 6 * HOUR_MS };
    const replicas = ['a', 'b', 'c'].map((name) => made.replica(name, more));
    const leaves = new Set<string>();
    const issuers = new Set<string | undefined>();
    const trusted: number[] = [];
    for (let day = 0; day < 366; day += 5) {
      await made.pass(5 * DAY_MS);
      leaves.add(replicas.map(leafOf).join());
      issuers.add(stateOf(made).issuer);
      trusted.push(trustedCount(made));
    }
    expect(made.broken).toEqual([]);
    expect(issuers.size).toBe(2);
    // 20 days each.
    expect(leaves.size).toBeGreaterThanOrEqual(18);
    expect(leaves.size).toBeLessThanOrEqual(22);
    // The old authority stays until its last leaf has ended: 30 days, seen every 5.
    expect([...new Set(trusted)]).toEqual([1, 2, 1].slice(0, 2));
    const overlap = trusted.filter((count) => count === 2).length;
    expect(overlap).toBeGreaterThanOrEqual(4);
    expect(overlap).toBeLessThanOrEqual(7);
    expect(made.told.join('\n')).not.toMatch(CANARY);
  });
});

describe('clocks', () => {
  test.each([
    ['31 days ahead', 31 * DAY_MS],
    ['two years ahead', 730 * DAY_MS],
    ['a year back', -365 * DAY_MS],
  ])('after a jump of %s all is good again within a poll and the settling', async (_, ms) => {
    const { made, a, b } = await settled();
    const [before] = [leafOf(a)];
    made.jump(ms);
    await made.pass(15_000);
    made.broken.length = 0;
    await made.pass(600_000);
    expect(made.broken).toEqual([]);
    expect(leafOf(a)).toBe(leafOf(b));
    expect(leafOf(a)).not.toBe(before);
  });
});

describe('the Secret', () => {
  test('deleted: what is served goes on, a new authority is rolled in with overlap', async () => {
    const { made, a, b } = await settled();
    const old = { leaf: leafOf(a), issuer: stateOf(made).issuer };
    made.cluster.remove(SECRET);
    await made.pass(30_000);
    expect([leafOf(a), leafOf(b)]).toEqual([old.leaf, old.leaf]);
    expect(trustedCount(made)).toBe(2);
    await made.pass(60_000);
    expect(leafOf(a)).toBe(leafOf(b));
    expect(leafOf(a)).not.toBe(old.leaf);
    expect(stateOf(made).issuer).not.toBe(old.issuer);
    expect(made.broken).toEqual([]);
  });

  test('deleted together with the holder: the others serve on until the new one is known', async () => {
    const { made, a, b } = await settled();
    const old = leafOf(b);
    for (const one of [a, b]) if (one.manager.status().isHolder) made.kill(one);
    made.cluster.remove(SECRET);
    const c = made.replica('c');
    await made.pass(10 * 60_000);
    const alive = [a, b, c].filter((one) => one.isAlive);
    expect(new Set(alive.map(leafOf)).size).toBe(1);
    expect(alive.map(leafOf)).not.toContain(old);
    expect(made.broken).toEqual([]);
  });

  test('deleted while nobody runs: a new replica waits until its authority is known', async () => {
    const { made, a, b } = await settled();
    for (const one of [a, b]) made.kill(one);
    made.cluster.remove(SECRET);
    const c = made.replica('c');
    await made.pass(5000);
    expect(c.source).toBeUndefined();
    await made.pass(10_000);
    expect(c.source).toBeDefined();
    expect(made.broken).toEqual([]);
  });

  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  const RUBBISH: readonly (readonly [string, (data: Record<string, string>) => object])[] = [
    [
      'all keys are rubbish',
      (data) => Object.fromEntries(Object.keys(data).map((k) => [k, 'e30='])),
    ],
    ['no data', () => ({})],
    ['no Base64', (data) => ({ ...data, 'ca.crt': '%%%', 'tls.crt': 'a' })],
    ['the key of another', (data) => ({ ...data, 'tls.key': data['ca.key'] })],
    ['the keys of authorities exchanged', (data) => ({ ...data, 'ca.key': data['tls.key'] })],
    [
      'the state is rubbish',
      (data) => ({ ...data, 'state.json': b64('{"version":1,"issuer":7}') }),
    ],
    [
      'the state is of a later version',
      (data) => ({ ...data, 'state.json': b64('{"version":9}') }),
    ],
    ['an authority without its certificate', (data) => ({ ...data, 'ca.crt': b64('') })],
  ];
  test.each([...RUBBISH])('%s: never replaces the good pair, and is mended', async (_, spoil) => {
    const { made, a, b } = await settled();
    const old = made.cluster.objects.get(SECRET) ?? {};
    const data = old['data'] as Record<string, string>;
    made.cluster.put(SECRET, { ...old, data: spoil(data) });
    await made.pass(120_000);
    expect(made.broken).toEqual([]);
    expect(leafOf(a)).toBe(leafOf(b));
    const { faults, state } = readState(made.cluster.objects.get(SECRET) ?? {});
    expect(faults).toEqual([]);
    expect(state.issuer).toBeDefined();
    expect(made.told.join('\n')).not.toMatch(CANARY);
    expect(made.told.join('\n')).toContain('Secret hook-tls: ');
  });

  test('what is written is what is read', async () => {
    const { made } = await settled();
    const state = stateOf(made);
    const again = readState(secretOf(state, { name: 'x', namespace: 'y' }));
    expect(again).toEqual({ state, faults: [] });
  });
});

describe('the caBundle', () => {
  const TAMPERED: readonly (readonly [string, (made: World) => void])[] = [
    ['emptied', (made) => withBundle(made, '')],
    ['rubbish', (made) => withBundle(made, 'rubbish')],
    [
      "another's, put there by whoever may write it",
      (made) => withBundle(made, foreignAuthority(made)),
    ],
    ['the registration deleted', (made) => made.cluster.remove(REGISTRATION)],
  ];
  test.each([...TAMPERED])('%s: is restored with the next look', async (_, tamper) => {
    const { made } = await settled();
    const bundle = bundleOf(stateOf(made));
    tamper(made);
    await made.pass(4000);
    const { caBundle = '' } = entryOf(made).clientConfig;
    expect(Buffer.from(caBundle, 'base64').toString()).toBe(bundle);
    await made.pass(2000);
    made.broken.length = 0;
    await made.pass(60_000);
    expect(made.broken).toEqual([]);
  });

  test('kept from us (403): what is served is served on, no authority is rolled, and it is said', async () => {
    const made = world();
    const isForbidden = { now: false };
    const around = forbidding(
      (method, path) => isForbidden.now && method !== 'get' && path === REGISTRATION,
    );
    const a = made.replica('a', { pollMs: 6 * HOUR_MS }, around);
    await made.pass(20_000);
    const { issuer } = stateOf(made);
    isForbidden.now = true;
    await made.pass(300 * DAY_MS);
    // The next one waits: nobody trusts it.
    expect(stateOf(made).issuer).toBe(issuer);
    expect(stateOf(made).next).toBeDefined();
    expect(made.broken).toEqual([]);
    expect(a.manager.status().faults.join()).toContain('BH_ERR_STORE_DENIED');
    isForbidden.now = false;
    await made.pass(DAY_MS);
    expect(stateOf(made).issuer).not.toBe(issuer);
    expect(made.broken).toEqual([]);
  });
});

test('an old authority that is taken out of the Secret is trusted no more', async () => {
  const { made } = await settled();
  made.cluster.remove(SECRET);
  await made.pass(120_000);
  expect(trustedCount(made)).toBe(2);
  const object = made.cluster.objects.get(SECRET) ?? {};
  const { issuer, authorities } = stateOf(made);
  const pem = authorities.find((one) => one.fingerprint === issuer)?.pem ?? '';
  const data = { ...(object['data'] as object), 'ca.crt': Buffer.from(pem).toString('base64') };
  made.cluster.put(SECRET, { ...object, data });
  await made.pass(10_000);
  expect(trustedCount(made)).toBe(1);
  await made.pass(60_000);
  expect(made.broken).toEqual([]);
});

describe('rights that are taken away', () => {
  test.each([
    ['Secrets', SECRET],
    ['Leases', '/leases/hook'],
    ['all', '/'],
  ])('%s: each replica serves on with what it has, and says so once', async (_, what) => {
    const made = world();
    const isForbidden = { now: false };
    const around = forbidding((_method, path) => isForbidden.now && path.includes(what));
    const replicas = ['a', 'b'].map((name) => made.replica(name, {}, around));
    await made.pass(20_000);
    isForbidden.now = true;
    const from = made.told.length;
    await made.pass(300_000);
    expect(made.broken).toEqual([]);
    const told = made.told.slice(from).filter((line) => line.includes('Forbidden'));
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.length).toBeLessThanOrEqual(8);
    expect(replicas.every(({ manager }) => manager.status().faults.length > 0)).toBe(true);
    isForbidden.now = false;
    await made.pass(60_000);
    expect(replicas.flatMap(({ manager }) => manager.status().faults)).toEqual([]);
  });
});

test('a registration that others keep is waited for, and never written', async () => {
  const made = world();
  const a = made.replica('a', { registration: { ...WISH, keep: 'none' } });
  await made.pass(20_000);
  expect(a.source).toBeDefined();
  expect(made.cluster.objects.has(REGISTRATION)).toBe(false);
});

test('a service of another name has a leaf for it with the next look', async () => {
  const { made, a, b } = await settled();
  for (const one of [a, b]) made.kill(one);
  const c = made.replica('c', { dnsNames: ['new.flyte.svc', 'new'] });
  await made.pass(30_000);
  expect(c.source).toBeDefined();
  expect(made.broken).toEqual([]);
});
