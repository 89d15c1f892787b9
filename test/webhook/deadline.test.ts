import { describe, expect, test } from 'bun:test';
import { openDeadline } from '../../src/webhook/deadline.ts';

/** A timer that fires when the test says so. */
function opened() {
  let fire = (): void => undefined;
  let isEnded = false;
  const after = (_ms: number, work: () => void): (() => void) => {
    fire = work;
    return () => void (isEnded = true);
  };
  const deadline = openDeadline({ after }, 5);
  return { deadline, pass: () => fire(), isEnded: () => isEnded };
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('until it is late', () => {
  test('work comes to what it comes to', async () => {
    const { deadline } = opened();
    expect(await deadline.orLate(() => Promise.resolve(7))).toBe(7);
  });
  test('a fault of the work is a fault', async () => {
    const { deadline } = opened();
    const failing = deadline.orLate(() => Promise.reject(new Error('a fault')));
    const ended = await failing.catch((error: unknown) => error);
    expect(ended).toEqual(new Error('a fault'));
  });
  test('its end ends the timer', () => {
    const { deadline, isEnded } = opened();
    deadline.end();
    expect(isEnded()).toBe(true);
  });
});

describe('when it is late', () => {
  test('the work is told, and nobody waits for it', async () => {
    const { deadline, pass } = opened();
    let told = false;
    const waiting = deadline.orLate(() => {
      deadline.signal.addEventListener('abort', () => void (told = true));
      return never();
    });
    expect(told).toBe(false);
    pass();
    expect([await waiting, told]).toEqual(['late', true]);
  });
  test('it is late even for work that ends when it is told', async () => {
    const { deadline, pass } = opened();
    const waiting = deadline.orLate(async () => {
      await new Promise<void>((resolve) => {
        deadline.signal.addEventListener('abort', () => resolve());
      });
      return 'done';
    });
    pass();
    expect(await waiting).toBe('late');
  });
  test('who asks for the signal then sees it aborted', () => {
    const { deadline, pass } = opened();
    pass();
    expect(deadline.signal.aborted).toBe(true);
  });
  test('no work is begun', async () => {
    const { deadline, pass } = opened();
    pass();
    let isBegun = false;
    const late = deadline.orLate(async () => void (isBegun = true));
    expect([await late, isBegun]).toEqual(['late', false]);
  });
});
