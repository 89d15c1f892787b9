// How long certificates of our own live, as the settings say, and what figures tell of them.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { addCertificateFigures } from '../../src/webhook/certificates-figures.ts';
import { readState } from '../../src/webhook/certificates-state.ts';
import { DEFAULT_LIVES } from '../../src/webhook/certificates-steps.ts';
import { readCertificates } from '../../src/webhook/certificates-x509.ts';
import { METRICS_PREFIX, openMetrics } from '../../src/webhook/metrics.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { OWN_CERTIFICATES_DEFAULTS, livesOf } from '../../src/webhook/settings-certificates.ts';
import { forbidding } from './_faults.ts';
import type { Replica, World } from './_world.ts';
import { DAY_MS, SECRET, world } from './_world.ts';

setDefaultTimeout(60_000);
const SETTLED_MS = 100_000;

/** The lives of a section. */
function lives(ownCertificates: object) {
  const { settings, problems } = readWebhookSettings({ ownCertificates });
  expect(problems).toEqual([]);
  return { ...DEFAULT_LIVES, ...livesOf(settings.ownCertificates) };
}

function endOf({ source }: Replica): number {
  return source?.current().notAfterMs ?? 0;
}

function issuerEnd({ cluster }: World): number {
  const { state } = readState(cluster.objects.get(SECRET) ?? {});
  const found = state.authorities.find(({ fingerprint }) => fingerprint === state.issuer);
  return found?.notAfterMs ?? 0;
}

describe('the settings', () => {
  test('are those that it has without any', () => {
    expect(DEFAULT_LIVES).toMatchObject(livesOf(OWN_CERTIFICATES_DEFAULTS));
  });

  test.each([
    [{ leafDays: 0 }, 'leafDays'],
    [{ leafDays: 1.5 }, 'leafDays'],
    [{ leafDays: '30' }, 'leafDays'],
    [{ authorityDays: 3651 }, 'authorityDays'],
    [{ authorityDays: 89 }, 'authorityDays'],
    [{ leafDays: 122 }, 'authorityDays'],
    [{ renewAtShare: 0.95 }, 'renewAtShare'],
    [{ renewAtShare: 0 }, 'renewAtShare'],
    [{ leafHours: 1 }, 'leafHours'],
  ])('%j is refused, and told where', (ownCertificates, where) => {
    const { problems } = readWebhookSettings({ ownCertificates });
    expect(problems.map(({ path }) => path)).toEqual([['ownCertificates', where]]);
  });
});

describe('the lives', () => {
  test('of a day and a week: renewed at their half, and nobody is without', async () => {
    const made = world();
    const more = { lives: lives({ leafDays: 1, authorityDays: 7, renewAtShare: 0.5 }) };
    const all = ['a', 'b'].map((name) => made.replica(name, { ...more, pollMs: DAY_MS / 48 }));
    const ends = new Set<number>();
    const issuers = new Set<number>();
    for (let hour = 0; hour < 8 * 24; hour += 6) {
      await made.pass(DAY_MS / 4);
      for (const one of all) {
        ends.add(endOf(one));
        expect(endOf(one) - made.nowMs()).toBeGreaterThan(0.45 * DAY_MS);
      }
      issuers.add(issuerEnd(made));
    }
    expect(made.broken).toEqual([]);
    expect(ends.size).toBeGreaterThanOrEqual(15);
    expect(issuers.size).toBe(3);
  });

  test('that are shortened hold at once, also for the authority, with overlap', async () => {
    const made = world();
    const before = made.replica('before');
    await made.pass(SETTLED_MS);
    expect(endOf(before) - made.nowMs()).toBeGreaterThan(29 * DAY_MS);
    made.kill(before);
    const short = lives({ leafDays: 2, authorityDays: 10 });
    const after = made.replica('after', { lives: short });
    await made.pass(2 * SETTLED_MS);
    expect(endOf(after) - made.nowMs()).toBeLessThanOrEqual(2 * DAY_MS);
    expect(issuerEnd(made) - made.nowMs()).toBeLessThanOrEqual(10 * DAY_MS);
    expect(made.broken).toEqual([]);
    const [served] = readCertificates(after.source?.current().certPem ?? '') ?? [];
    await made.pass(SETTLED_MS);
    expect(endOf(after)).toBe(served?.notAfterMs ?? 0);
  });
});

/** The figures of a replica, by their names. */
function figuresOf({ manager }: Replica): Readonly<Record<string, number>> {
  const metrics = openMetrics();
  addCertificateFigures(metrics, () => manager.status());
  const lines = metrics.render().matchAll(/^(\w+) (\d+)$/gm);
  return Object.fromEntries(
    [...lines].map(([, name = '', value]) => [name.slice(METRICS_PREFIX.length), Number(value)]),
  );
}

describe('figures', () => {
  test('tell when the authority ends, who renews, and that all is well', async () => {
    const made = world();
    const all = ['a', 'b'].map((name) => made.replica(name));
    await made.pass(SETTLED_MS);
    const told = all.map(figuresOf);
    expect(new Set(told.map((one) => one['certificate_renewer']))).toEqual(new Set([0, 1]));
    for (const one of told) {
      expect(one).toMatchObject({
        certificate_authority_not_after_seconds: Math.floor(issuerEnd(made) / 1000),
        certificate_trusted: 1,
        certificate_faults: 0,
      });
    }
  });

  test('tell what is wrong, and when it was last', async () => {
    const made = world();
    let isForbidden = false;
    const replica = made.replica(
      'a',
      {},
      forbidding(() => isForbidden),
    );
    await made.pass(SETTLED_MS);
    const before = figuresOf(replica)['certificate_last_fault_seconds'] ?? 0;
    isForbidden = true;
    await made.pass(SETTLED_MS);
    const during = figuresOf(replica);
    expect(during['certificate_faults']).toBeGreaterThan(0);
    expect(during['certificate_last_fault_seconds']).toBeGreaterThan(before);
    isForbidden = false;
    await made.pass(SETTLED_MS);
    const after = figuresOf(replica);
    expect(after['certificate_faults']).toBe(0);
    const atS = after['certificate_last_fault_seconds'] ?? 0;
    expect(Math.abs(atS - (made.nowMs() - SETTLED_MS) / 1000)).toBeLessThan(10);
  });

  test('of files have only the faults', () => {
    const metrics = openMetrics();
    addCertificateFigures(metrics, () => ({ faults: ['x'] }));
    const lines = metrics
      .render()
      .split('\n')
      .filter((line) => /^\w/.test(line));
    expect(lines).toEqual([`${METRICS_PREFIX}certificate_faults 1`]);
  });
});
