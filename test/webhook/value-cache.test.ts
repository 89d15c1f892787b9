import { describe, expect, test } from 'bun:test';
import type { Clock } from '../../src/core/io/types.ts';
import type { FoundValue } from '../../src/injectors/_injector.ts';
import type { CacheLimits } from '../../src/webhook/value-cache.ts';
import { openValueCache } from '../../src/webhook/value-cache.ts';

const NEVER = new AbortController().signal;
const LIMITS: CacheLimits = { ttlMs: 1000, bytesMax: 100, readMsMax: 500 };

/** A clock that stands until it is moved; timers run when it passes them. */
function standingClock() {
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: (ms, work) => {
      timers.set(work, nowMs + ms);
      return () => timers.delete(work);
    },
  };
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const [work, atMs] of timers) if (atMs <= nowMs && timers.delete(work)) work();
  };
  return { clock, pass };
}

function cacheOf(read: (id: string, signal: AbortSignal) => Promise<FoundValue | undefined>) {
  const { clock, pass } = standingClock();
  const calls: string[] = [];
  const counted = async (id: string, signal: AbortSignal): Promise<FoundValue | undefined> => {
    calls.push(id);
    return read(id, signal);
  };
  return { ...openValueCache(counted, clock, LIMITS), pass, calls };
}

describe('a value', () => {
  test('is read once for all who ask at the same time, and kept', async () => {
    const { find, calls, watch, bytes } = cacheOf(async () => ({ text: 'v' }));
    const results: string[] = [];
    watch((result) => results.push(result));
    const asked = await Promise.all(Array.from({ length: 200 }, async () => find('a', NEVER)));
    expect(new Set(asked.map((one) => one?.text))).toEqual(new Set(['v']));
    expect(await find('a', NEVER)).toEqual({ text: 'v' });
    expect(calls).toEqual(['a']);
    expect(bytes()).toBe(2);
    const count = (wanted: string): number => results.filter((one) => one === wanted).length;
    expect(['miss', 'shared', 'hit'].map(count)).toEqual([1, 199, 1]);
  });

  test('that is text stays text, and bytes stay bytes', async () => {
    const { find } = cacheOf(async (id) => (id === 'b' ? { bytes: Uint8Array.of(0xff) } : {}));
    await Promise.all([find('b', NEVER), find('c', NEVER)]);
    expect([...((await find('b', NEVER))?.bytes ?? [])]).toEqual([0xff]);
    expect((await find('c', NEVER))?.text).toBeUndefined();
    expect((await find('c', NEVER))?.bytes?.byteLength).toBe(0);
  });

  test('is read again when its time is over, or when it is forgotten', async () => {
    const { find, forget, pass, calls } = cacheOf(async () => ({ text: 'v' }));
    await find('a', NEVER);
    pass(999);
    await find('a', NEVER);
    expect(calls).toHaveLength(1);
    pass(1);
    await find('a', NEVER);
    forget(['a', 'none']);
    await find('a', NEVER);
    expect(calls).toHaveLength(3);
  });

  test('that is forgotten while it is read is not kept, and is read anew for who asks then', async () => {
    const reads: ((found: FoundValue) => void)[] = [];
    const { find, forget } = cacheOf(async () => new Promise((resolve) => reads.push(resolve)));
    const first = find('a', NEVER);
    forget(['a']);
    const second = find('a', NEVER);
    reads[1]?.({ text: 'new' });
    reads[0]?.({ text: 'old' });
    expect([await first, await second]).toEqual([{ text: 'old' }, { text: 'new' }]);
    expect(await find('a', NEVER)).toEqual({ text: 'new' });
  });

  test('is not kept where it is absent, or could not be read', async () => {
    let n = 0;
    const { find, calls, watch } = cacheOf(async () => {
      n += 1;
      if (n === 1) return undefined;
      if (n === 2) throw new Error('down');
      return { text: 'v' };
    });
    const results: string[] = [];
    watch((result) => results.push(result));
    expect(await find('a', NEVER)).toBeUndefined();
    expect(results).toEqual(['absent']);
    expect(find('a', NEVER)).rejects.toThrow('down');
    await Promise.resolve();
    expect(await find('a', NEVER)).toEqual({ text: 'v' });
    expect(calls).toHaveLength(3);
  });

  test('of any size is given; what is kept has a limit, and the oldest goes first', async () => {
    const { find, calls, bytes } = cacheOf(async (id) => ({ text: 'x'.repeat(Number(id)) }));
    for (const id of ['50', '40', '30', '300']) await find(id, NEVER);
    expect(bytes()).toBe(74);
    await Promise.all(['40', '30'].map(async (id) => find(id, NEVER)));
    expect(calls).toEqual(['50', '40', '30', '300']);
    await find('50', NEVER);
    expect(calls).toHaveLength(5);
  });
});

describe('waiting', () => {
  test('ends for one whose time is over, and goes on for the others', async () => {
    const reads: ((found: FoundValue) => void)[] = [];
    const { find } = cacheOf(async () => new Promise((resolve) => reads.push(resolve)));
    const impatient = new AbortController();
    const late = find('a', impatient.signal);
    const patient = find('a', NEVER);
    impatient.abort();
    expect(late).rejects.toThrow('too late');
    reads[0]?.({ text: 'v' });
    expect(await patient).toEqual({ text: 'v' });
  });

  test('has an end for all, whatever hangs', async () => {
    const { find, pass } = cacheOf(async (_, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const asked = find('a', NEVER);
    pass(500);
    expect(asked).rejects.toThrow('aborted');
  });
});
