import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { openSlots } from '../../src/core/slots.ts';

const never = new AbortController().signal;

/** Takes as many as there are, and says how many that was. */
async function free(slots: ReturnType<typeof openSlots>): Promise<number> {
  const releases: (() => void)[] = [];
  const late = new AbortController();
  for (;;) {
    const taking = slots.take(late.signal);
    const release = await Promise.race([taking, Promise.resolve().then(() => 'none' as const)]);
    if (release === 'none' || release === undefined) break;
    releases.push(release);
  }
  late.abort();
  for (const release of releases) release();
  return releases.length;
}

test('there are as many as there should be, also after they were given back', async () => {
  const slots = openSlots(3);
  expect(await free(slots)).toBe(3);
  expect(await free(slots)).toBe(3);
});

test('trouble halves them, down to one; each answer doubles them again', async () => {
  const slots = openSlots(10);
  slots.trouble();
  expect(await free(slots)).toBe(5);
  for (let n = 0; n < 9; n++) slots.trouble();
  expect(await free(slots)).toBe(1);
  slots.fine();
  expect(await free(slots)).toBe(2);
  for (let n = 0; n < 9; n++) slots.fine();
  expect(await free(slots)).toBe(10);
});

test('those who wait come in their order, and who gives up is passed over', async () => {
  const slots = openSlots(1);
  const first = await slots.take(never);
  const order: string[] = [];
  const late = new AbortController();
  const waiting = ['a', 'b', 'c'].map(async (name) => {
    const release = await slots.take(name === 'b' ? late.signal : never);
    order.push(release === undefined ? `${name} gave up` : name);
    release?.();
  });
  late.abort();
  await Promise.resolve();
  first?.();
  await Promise.all(waiting);
  expect(order).toEqual(['b gave up', 'a', 'c']);
});

test('a slot that is given back twice counts once', async () => {
  const slots = openSlots(2);
  const one = await slots.take(never);
  one?.();
  one?.();
  expect(await free(slots)).toBe(2);
});

test('whatever happens, never more than the limit, and all come through in the end', async () => {
  const step = fc.constantFrom('trouble', 'fine', 'release');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(step), async (count, steps) => {
      const slots = openSlots(count);
      let inside = 0;
      let most = 0;
      const held: (() => void)[] = [];
      const all = Array.from({ length: 12 }, async () => {
        const release = await slots.take(never);
        inside += 1;
        most = Math.max(most, inside);
        held.push(() => {
          inside -= 1;
          release?.();
        });
      });
      for (const one of steps) {
        await Promise.resolve();
        if (one === 'release') held.shift()?.();
        else slots[one as 'trouble' | 'fine']();
      }
      for (let round = 0; round < 200; round++) {
        await Promise.resolve();
        held.shift()?.();
      }
      await Promise.all(all);
      expect(most).toBeLessThanOrEqual(count);
    }),
  );
});
