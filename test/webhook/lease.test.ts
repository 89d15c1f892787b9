// Who holds the Lease, on a simulated clock.
import { describe, expect, test } from 'bun:test';
import { leasePlace } from '../../src/webhook/kubernetes-objects.ts';
import { openLease } from '../../src/webhook/lease.ts';
import type { Lease } from '../../src/webhook/lease.ts';
import { recordIn } from '../../src/stores/_rest.ts';
import { memoryCluster } from './_memory-api.ts';

const { path } = leasePlace('flyte', 'hook');

function two() {
  const cluster = memoryCluster();
  let nowMs = Date.UTC(2026, 0);
  let monotonicMs = 0;
  const clock = { now: () => nowMs, monotonicMs: () => monotonicMs, after: () => () => undefined };
  const api = cluster.client(() => nowMs);
  const open = (identity: string, around = api): Lease =>
    openLease({ api: around, clock, name: 'hook', identity, durationMs: 15_000 });
  return {
    cluster,
    api,
    open,
    spec: () => recordIn(cluster.objects.get(path) ?? {}, 'spec'),
    wait: (ms: number) => {
      nowMs += ms;
      monotonicMs += ms;
    },
    setClock: (ms: number) => {
      nowMs = ms;
    },
  };
}

describe('a Lease', () => {
  test('is taken by the first, and renewed after a third of its time', async () => {
    const { open, spec, wait, cluster } = two();
    const [a, b] = [open('a'), open('b')];
    await a.attend();
    await b.attend();
    expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
    expect(spec()).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    let writes = 0;
    cluster.onWrite = () => {
      writes += 1;
    };
    for (let i = 0; i < 60; i += 1) {
      wait(1000);
      await a.attend();
      await b.attend();
      expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
    }
    expect(writes).toBe(12);
  });

  test('of one who is gone is taken once its time is over, as seen by who takes it', async () => {
    const { open, spec, wait } = two();
    const [a, b] = [open('a'), open('b')];
    await a.attend();
    wait(14_000);
    await b.attend();
    wait(14_000);
    await b.attend();
    expect([a.isHeld(), b.isHeld()]).toEqual([false, false]);
    wait(1000);
    await b.attend();
    expect(b.isHeld()).toBe(true);
    expect(spec()['leaseTransitions']).toBe(1);
    await a.attend();
    expect(a.isHeld()).toBe(false);
  });

  test('does not depend on clocks that are set otherwise', async () => {
    const { open, wait, setClock } = two();
    const [a, b] = [open('a'), open('b')];
    await a.attend();
    await b.attend();
    setClock(Date.UTC(2036, 0));
    wait(1000);
    await b.attend();
    await a.attend();
    expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
    setClock(Date.UTC(2006, 0));
    wait(6000);
    await a.attend();
    await b.attend();
    expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
  });

  test('is given back, and taken at once', async () => {
    const { open, spec } = two();
    const [a, b] = [open('a'), open('b')];
    await a.attend();
    await b.attend();
    await a.release();
    expect(a.isHeld()).toBe(false);
    expect(spec()['holderIdentity']).toBe('');
    await b.attend();
    expect(b.isHeld()).toBe(true);
    await a.release();
    expect(spec()['holderIdentity']).toBe('b');
  });

  test('that two want at the same moment is had by one', async () => {
    const { open, wait } = two();
    for (let i = 0; i < 10; i += 1) {
      const all = ['a', 'b', 'c'].map((name) => open(`${name}${i}`));
      await Promise.all(all.map(async (one) => one.attend()));
      wait(20_000);
      await Promise.all(all.map(async (one) => one.attend()));
      await Promise.all(all.map(async (one) => one.attend()));
      expect(all.filter((one) => one.isHeld()).length).toBeLessThanOrEqual(1);
    }
  });

  test('is held only as long as it was renewed, whatever the API says since', async () => {
    const { open, api, wait } = two();
    let isDown = false;
    const around = {
      ...api,
      get: async (at: string) => {
        if (isDown) throw new Error('down');
        return api.get(at);
      },
    };
    const a = open('a', around);
    await a.attend();
    isDown = true;
    wait(6000);
    expect(await a.attend().catch(() => 'rejected')).toBe('rejected');
    expect(a.isHeld()).toBe(true);
    wait(9000);
    expect(a.isHeld()).toBe(false);
  });
});
