import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import {
  folder,
  isRoot,
  missing,
  recipeText,
  removeTools,
  run,
  TIMEOUT_MS,
  tools,
} from './_bench.ts';

interface AtWork {
  /** The process that stands for the launcher: the one that gets the signal. */
  readonly launcher: number;
  readonly child: number;
  readonly ended: Promise<{ code: number; stderr: string }>;
}

/** Starts `bellhop run` and returns once its child says, through a fifo, that it is at work. */
async function atWork(options: readonly string[], conditions: readonly string[]): Promise<AtWork> {
  const dir = folder('work');
  const fifo = path.join(dir, 'ready');
  if (spawnSync('mkfifo', ['-m', '666', fifo]).status !== 0) throw new Error('no mkfifo');
  const recipe = path.join(dir, 'recipe');
  const argv = ['bellhop', 'run', `--ready=${fifo}`, ...options, '--', '/bin/true'];
  writeFileSync(recipe, recipeText({ program: tools().launcher, argv, conditions }));
  const process_ = Bun.spawn([tools().starter, recipe], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const ended = Promise.all([process_.exited, new Response(process_.stderr).text()]).then(
    ([code, stderr]) => ({ code, stderr }),
  );
  await readFile(fifo);
  const nested = conditions.includes('pidns');
  const launcher = nested ? onlyChildOf(process_.pid) : process_.pid;
  return { launcher, child: onlyChildOf(launcher), ended };
}

function onlyChildOf(pid: number): number {
  const parentOf = (id: string) => {
    try {
      return Number(readFileSync(`/proc/${id}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
    } catch {
      return 0;
    }
  };
  const found = readdirSync('/proc').filter((id) => /^\d+$/.test(id) && parentOf(id) === pid);
  expect(found).toHaveLength(1);
  return Number(found[0]);
}

const isAlive = (pid: number) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
};

const PLACES: readonly (readonly [string, readonly string[]])[] = [
  ['an ordinary process', []],
  ['PID 1 of a namespace', ['pidns']],
];

describe.skipIf(missing !== undefined)('a signal while the child works', () => {
  for (const [place, conditions] of PLACES) {
    const why = conditions.includes('pidns') && !isRoot ? ' (skipped: needs root)' : '';
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
      ['SIGQUIT', 131],
    ] as const) {
      test.skipIf(why !== '')(
        `${signal} to ${place} ends both with ${code}, silently${why}`,
        async () => {
          const work = await atWork([], conditions);
          process.kill(work.launcher, signal);
          expect(await work.ended).toEqual({ code, stderr: '' });
          expect(isAlive(work.child)).toBe(false);
        },
        TIMEOUT_MS,
      );
    }
  }

  test(
    'a child that does not react is killed after the grace',
    async () => {
      const work = await atWork(['--deaf'], []);
      process.kill(work.launcher, 'SIGTERM');
      expect(await work.ended).toEqual({ code: 143, stderr: '' });
      expect(isAlive(work.child)).toBe(false);
    },
    TIMEOUT_MS,
  );

  test(
    'the whole process group, as a terminal does it: the launcher alone decides',
    async () => {
      const work = await atWork([], ['group']);
      process.kill(-work.launcher, 'SIGINT');
      expect(await work.ended).toEqual({ code: 130, stderr: '' });
    },
    TIMEOUT_MS,
  );

  test(
    'one that was ignored on arrival is ignored by both',
    async () => {
      const work = await atWork([], ['group', 'ignore 2']);
      process.kill(-work.launcher, 'SIGINT');
      process.kill(work.launcher, 'SIGTERM');
      expect(await work.ended).toEqual({ code: 143, stderr: '' });
    },
    TIMEOUT_MS,
  );

  test(
    'SIGTERM to the child alone ends both with 143',
    async () => {
      const work = await atWork([], []);
      process.kill(work.child, 'SIGTERM');
      expect(await work.ended).toEqual({ code: 143, stderr: '' });
    },
    TIMEOUT_MS,
  );

  test(
    'SIGKILL to the launcher takes the child with it',
    async () => {
      const work = await atWork([], []);
      process.kill(work.launcher, 'SIGKILL');
      await work.ended;
      while (isAlive(work.child)) await new Promise((resolve) => setImmediate(resolve));
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined)('a signal at any moment of the start', () => {
  test(
    'ends it: before, during and after the hand-over, none is lost',
    async () => {
      for (let i = 0; i < 60; i++) {
        const argv = [tools().launcher, 'run', '--', '/bin/sleep', '1000'];
        const started = Bun.spawn(argv, { stdio: ['ignore', 'ignore', 'pipe'] });
        const until = Bun.nanoseconds() + i * 150_000;
        while (Bun.nanoseconds() < until);
        started.kill('SIGTERM');
        const code = await started.exited;
        expect([started.signalCode ?? code, await new Response(started.stderr).text()]).toEqual([
          started.signalCode === null ? 143 : 'SIGTERM',
          '',
        ]);
      }
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined)('the end of the child', () => {
  for (const conditions of [[], ['ignore 17'], ['block 17']]) {
    const where = conditions.length === 0 ? '' : ` (${conditions.join()})`;
    test(
      `its exit code is ours${where}`,
      () => {
        const ended = run(['--exit=65'], ['/bin/echo', 'started'], conditions);
        expect([ended.code, ended.stdout, ended.stderr]).toEqual([65, '', '']);
      },
      TIMEOUT_MS,
    );

    test(
      `with 0 it says so, and nothing is started${where}`,
      () => {
        const ended = run(['--exit=0'], ['/bin/echo', 'started'], conditions);
        expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, '', '']);
      },
      TIMEOUT_MS,
    );

    test(
      `without an answer is our failure, even with 0${where}`,
      () => {
        const ended = run(['--silent'], ['/bin/echo', 'started'], conditions);
        expect([ended.code, ended.stdout]).toEqual([70, '']);
        expect(ended.stderr).toMatch(/^bellhop: bellhop-runtime ended without .*\n.*\n.*\n$/);
      },
      TIMEOUT_MS,
    );
  }

  for (const signal of [6, 9, 11]) {
    test(
      `by signal ${signal} is our failure`,
      () => {
        const ended = run([`--crash=${signal}`], ['/bin/echo', 'started']);
        expect([ended.code, ended.stdout]).toEqual([70, '']);
        expect(ended.stderr.split('\n').slice(0, 2)).toEqual([
          `bellhop: bellhop-runtime was ended by signal ${signal}`,
          '  code: BH_ERR_LAUNCHER (exit 70)',
        ]);
      },
      TIMEOUT_MS,
    );
  }
});

afterAll(removeTools);
