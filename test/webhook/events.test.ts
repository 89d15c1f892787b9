import { describe, expect, test } from 'bun:test';
import { heapStats } from 'bun:jsc';
import type { EventResult, TellDenial } from '../../src/webhook/events.ts';
import { openEvents } from '../../src/webhook/events.ts';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import type { PodFacts } from '../../src/webhook/review.ts';
import { review } from '../../src/webhook/review.ts';
import { bodyWith } from './_reviews.ts';

const POD: PodFacts = { name: 'p', namespace: 'n', dryRun: false };
/** Of as many namespaces as there are pods. */
const among = (index: number): PodFacts => ({ ...POD, namespace: `n${index}` });

interface Told {
  readonly tell: TellDenial;
  readonly created: readonly (readonly [string, Record<string, unknown>])[];
  readonly results: readonly EventResult[];
  readonly clock: { ms: number };
  readonly settled: () => Promise<unknown>;
}

function telling(answer: () => Promise<unknown> = () => Promise.resolve()): Told {
  const created: [string, Record<string, unknown>][] = [];
  const results: EventResult[] = [];
  const clock = { ms: 0 };
  const work: Promise<unknown>[] = [];
  const tell = openEvents({
    api: {
      create(path, object) {
        created.push([path, object]);
        const one = answer();
        work.push(one.catch(() => undefined));
        return one;
      },
    },
    clock: { now: () => 1_800_000_000_000, monotonicMs: () => clock.ms },
    onEnd: (result) => results.push(result),
  });
  return { tell, created, results, clock, settled: () => Promise.all(work) };
}

const count = (results: readonly EventResult[], one: EventResult): number =>
  results.filter((each) => each === one).length;

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

describe('a denial becomes an Event', () => {
  test('about the pod, with the reason', async () => {
    const { tell, created, results, settled } = telling();
    tell(POD, 'no manager has it');
    await settled();
    expect(results).toEqual(['created']);
    expect(created).toEqual([
      [
        '/api/v1/namespaces/n/events',
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { generateName: 'bellhop-', namespace: 'n' },
          involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'n' },
          type: 'Warning',
          reason: 'SecretsDenied',
          message: 'no manager has it',
          source: { component: 'bellhop-webhook' },
          firstTimestamp: '2027-01-15T08:00:00Z',
          lastTimestamp: '2027-01-15T08:00:00Z',
          count: 1,
        },
      ],
    ]);
  });
  test('about who makes the pod, where somebody does', async () => {
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u' };
    const body = bodyWith((one) => {
      const { object } = one['request'] as { object: { metadata: Record<string, unknown> } };
      object.metadata['ownerReferences'] = [
        { ...owner, name: 'x' },
        { ...owner, controller: true },
      ];
    });
    const denied: Mutate = () => Promise.resolve({ kind: 'denied', message: 'm', delivered: [] });
    const { signal } = new AbortController();
    const { pod } = await review(
      { body: Buffer.from(body), contentType: undefined, deadline: deadlineBy(signal) },
      denied,
    );
    const { tell, created } = telling();
    tell(pod as PodFacts, 'm');
    expect(created[0]?.[1]['involvedObject']).toEqual({ ...owner, namespace: 'proj-dev' });
  });
  test('not on a dry run, nor without a namespace', () => {
    const { tell, created, results } = telling();
    tell({ ...POD, dryRun: true }, 'm');
    tell({ ...POD, namespace: '' }, 'm');
    expect({ created, results }).toEqual({ created: [], results: [] });
  });
  test('a path cannot be left by a namespace', () => {
    const { tell, created } = telling();
    tell({ ...POD, namespace: '../../x' }, 'm');
    expect(created[0]?.[0]).toBe('/api/v1/namespaces/..%2F..%2Fx/events');
  });
  test('a long reason is cut to what Kubernetes takes, between characters', () => {
    const { tell, created } = telling();
    tell(POD, 'é'.repeat(5000));
    const message = String(created[0]?.[1]['message']);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(message).toMatch(/^é+…$/);
  });
});

describe('Events are few', () => {
  test('the same is told again after five minutes', async () => {
    const { tell, results, clock, settled } = telling();
    tell(POD, 'm');
    await settled();
    tell(POD, 'm');
    clock.ms = 300_000;
    tell(POD, 'm');
    await settled();
    expect(results).toEqual(['created', 'dropped', 'created']);
  });
  test('25 at once, then one a second', async () => {
    const { tell, results, clock, settled } = telling();
    for (let index = 0; index < 100; index++) {
      tell(among(index), `m${index}`);
      await settled();
    }
    expect(count(results, 'created')).toBe(25);
    clock.ms = 3000;
    for (let index = 0; index < 100; index++) {
      tell(among(index), `n${index}`);
      await settled();
    }
    expect(count(results, 'created')).toBe(28);
  });
  test('of one namespace 10 at once, then one in four seconds; the others have the rest', async () => {
    const { tell, created, results, clock, settled } = telling();
    const flood = async (word: string): Promise<void> => {
      for (let index = 0; index < 200; index++) {
        tell(POD, `${word}${index}`);
        await settled();
      }
    };
    await flood('m');
    expect(count(results, 'created')).toBe(10);
    for (let minute = 1; minute <= 10; minute++) {
      clock.ms = minute * 60_000;
      await flood(`${minute}`);
      tell(among(minute), 'm');
      await settled();
      expect(created.at(-1)?.[0]).toBe(`/api/v1/namespaces/n${minute}/events`);
    }
    expect(created.filter(([path]) => path.endsWith('/n/events'))).toHaveLength(110);
  });
  test('a namespace that was forgotten for others gets no more than it would have had', async () => {
    const { tell, results, settled } = telling();
    for (let index = 0; index < 3000; index++) {
      tell(among(index % 1500), `m${index}`);
      await settled();
    }
    expect(count(results, 'created')).toBe(25);
  });
  test('8 at the same time, 4 of one namespace, and none is waited for', () => {
    const { tell, results, created } = telling(() => new Promise(() => undefined));
    for (let index = 0; index < 20; index++) tell(POD, `m${index}`);
    expect(created).toHaveLength(4);
    for (let index = 0; index < 20; index++) tell(among(index), `m${index}`);
    expect(created).toHaveLength(8);
    expect(count(results, 'dropped')).toBe(32);
  });
  test('one that fails is counted, and nobody hears of it', async () => {
    const { tell, results, settled } = telling(() => Promise.reject(new Error('no')));
    tell(POD, 'm');
    await settled();
    expect(results).toEqual(['failed']);
  });
  test('what there was no room for is told when there is room', async () => {
    const { tell, results, clock, settled } = telling();
    for (let index = 0; index < 26; index++) {
      tell(among(index), `m${index}`);
      await settled();
    }
    expect(results.at(-1)).toBe('dropped');
    clock.ms = 1000;
    tell(among(25), 'm25');
    await settled();
    expect(results.at(-1)).toBe('created');
  });
  test('what could not be told is told the next time', async () => {
    const answers = [Promise.reject(new Error('no')), Promise.resolve()];
    const { tell, results, settled } = telling(async () => answers.shift());
    tell(POD, 'm');
    await settled();
    tell(POD, 'm');
    await settled();
    expect(results).toEqual(['failed', 'created']);
  });
  test('the same takes no room from others', async () => {
    const { tell, results, settled } = telling();
    for (let index = 0; index < 100; index++) {
      tell(POD, 'm');
      await settled();
    }
    for (let index = 0; index < 24; index++) {
      tell(among(index), `m${index}`);
      await settled();
    }
    expect(count(results, 'created')).toBe(25);
  });
  test('long reasons are not kept: those that look the same are the same', async () => {
    const { tell, results, clock, settled } = telling();
    const before = heapBytes();
    for (let index = 0; index < 100; index++) {
      const pod = { ...among(index % 10), name: `p${index}` };
      tell(pod, Buffer.alloc(1024 * 1024, 'x').toString());
      await settled();
      clock.ms += 1000;
    }
    expect(count(results, 'created')).toBe(100);
    expect(heapBytes() - before).toBeLessThan(20 * 1024 * 1024);
    tell({ ...among(9), name: 'p99' }, `${'x'.repeat(2000)}other end`);
    expect(results.at(-1)).toBe('dropped');
  });
});
