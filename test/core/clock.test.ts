// The real clock's timers.
import { expect, test } from 'bun:test';
import process from 'node:process';
import { openSystem } from '../../src/core/io/system.ts';

const { clock } = openSystem().io;

test('work is done once after its time, in the order of the times, and not before', async () => {
  const done: string[] = [];
  const start = clock.monotonicMs();
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(20, () => {
    done.push('later');
    resolve();
  });
  clock.after(1, () => done.push('sooner'));
  const cancel = clock.after(1, () => done.push('cancelled'));
  cancel();
  cancel();
  await promise;
  expect(done).toEqual(['sooner', 'later']);
  expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(19);
});

test('a time beyond what a timer can have is waited for, not over at once', async () => {
  const done: string[] = [];
  const cancel = clock.after(5_000_000_000, () => done.push('at once'));
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(20, resolve);
  await promise;
  cancel();
  expect(done).toEqual([]);
  const long = 'const stop = clock.after(5_000_000_000, () => 0); clock.after(1, stop);';
  expect(await outputOf(`${long} process.on('warning', ({ name }) => console.log(name));`)).toBe(
    '',
  );
});

async function outputOf(script: string): Promise<string> {
  const opened = "const { clock } = (await import('./src/core/io/system.ts')).openSystem().io;";
  const run = Bun.spawn([process.execPath, '-e', opened + script], { stderr: 'ignore' });
  return await new Response(run.stdout).text();
}

test('a process stays for what waits, and ends when that is cancelled', async () => {
  expect(await outputOf("clock.after(1, () => console.log('done'));")).toBe('done\n');
  const awaited =
    "await new Promise((resolve) => clock.after(1, resolve)); console.log('awaited');";
  expect(await outputOf(awaited)).toBe('awaited\n');
  const cancelled = "clock.after(600_000, () => undefined)(); console.log('ended');";
  expect(await outputOf(cancelled)).toBe('ended\n');
});
