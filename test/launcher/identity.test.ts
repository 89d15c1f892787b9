import { copyFileSync, chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import type { Ended, Picture } from './_bench.ts';
import { folder, isRoot, missing, removeTools, start, TIMEOUT_MS, tools } from './_bench.ts';

/** What the probe sees after the stand-in was given these options. */
function seen(way: 'launcher' | 'alone', options: readonly string[]): Picture {
  const { launcher, standIn, probe } = tools();
  const out = path.join(folder('identity'), 'picture.json');
  const argv = ['bellhop', 'run', ...options, '--', probe, out];
  const ended = start({ program: way === 'launcher' ? launcher : standIn, argv });
  if (ended.code !== 0) throw new Error(`${ended.code} ${ended.signal} ${ended.stderr}`);
  return JSON.parse(readFileSync(out, 'utf8')) as Picture;
}

const why = isRoot ? '' : ' (skipped: needs root)';

describe.skipIf(missing !== undefined || !isRoot)(`as root${why}`, () => {
  for (const way of ['launcher', 'alone'] as const) {
    describe(way, () => {
      test(
        'user, group and groups are those asked for, without capabilities',
        () => {
          const picture = seen(way, ['--uid=1234', '--gid=2345', '--groups=3,4567']);
          expect(picture['uids']).toBe('1234 1234 1234');
          expect(picture['gids']).toBe('2345 2345 2345');
          expect(picture['groups']).toBe('3 4567 ');
          expect(picture['CapPrm:']).toBe('\t0000000000000000');
        },
        TIMEOUT_MS,
      );

      test(
        'no groups at all',
        () => expect(seen(way, ['--groups='])['groups']).toBe(''),
        TIMEOUT_MS,
      );

      test(
        'dropped capabilities are gone from every set, unknown ones are no error',
        () => {
          const before = seen(way, []);
          const after = seen(way, ['--drop=0,21,38,63']);
          const bits = (1n << 0n) | (1n << 21n) | (1n << 38n);
          const set = (picture: Picture, name: string) =>
            BigInt(`0x${String(picture[name]).trim()}`);
          for (const name of ['CapBnd:', 'CapPrm:', 'CapEff:']) {
            expect(set(after, name)).toBe(set(before, name) & ~bits);
          }
        },
        TIMEOUT_MS,
      );

      test(
        'no_new_privs, umask, a limit and a working directory',
        () => {
          const picture = seen(way, ['--no-new-privs', '--umask=63', '--limit=7,77,88', '--cwd=/']);
          expect(picture['no_new_privs']).toBe('1');
          expect(picture['umask']).toBe('63');
          expect(picture['rlimit 7']).toBe('77 88');
          expect(picture['cwd']).toBe('/');
        },
        TIMEOUT_MS,
      );

      test(
        'a directory that only root may enter is entered before the ids change',
        () => {
          const dir = folder('private');
          chmodSync(dir, 0o700);
          const { launcher, standIn } = tools();
          const options = [`--cwd=${dir}`, '--uid=1234', '--gid=1234', '--groups='];
          const argv = ['bellhop', 'run', ...options, '--', '/bin/true'];
          const ended = start({ program: way === 'launcher' ? launcher : standIn, argv });
          expect([ended.code, ended.stderr]).toEqual([0, '']);
        },
        TIMEOUT_MS,
      );
    });
  }

  test(
    'a change of root: the program is found there, and starts in its /',
    () => {
      const root = folder('root');
      copyFileSync(tools().probe, path.join(root, 'program'));
      const argv = ['bellhop', 'run', `--root=${root}`, '--path=/', '--', 'program', '/out'];
      const ended: Ended = start({ program: tools().launcher, argv });
      expect([ended.code, ended.stderr]).toEqual([0, '']);
      const picture = JSON.parse(readFileSync(path.join(root, 'out'), 'utf8')) as Picture;
      expect(picture['cwd']).toBe('/');
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined || !isRoot)(`what is not allowed${why}`, () => {
  for (const [option, step] of [
    ['--uid=0', 'setresuid: EPERM (1)'],
    ['--gid=0', 'setresgid: EPERM (1)'],
    ['--groups=5', 'setgroups: EPERM (1)'],
    ['--root=/', 'chroot: EPERM (1)'],
    ['--drop=0', 'drop capability: EPERM (1)'],
    ['--cwd=/nowhere', 'chdir: ENOENT (2)'],
    ['--limit=7,5000000,5000000', 'setrlimit: EPERM (1)'],
  ] as const) {
    test(
      `${option} by an ordinary user is an error that names the step, and nothing starts`,
      () => {
        const argv = ['bellhop', 'run', option, '--', '/bin/echo', 'started'];
        const conditions = ['uid 65534'];
        const ended = start({ program: tools().launcher, argv, conditions });
        expect(ended.stdout).toBe('');
        expect(ended.stderr).toBe(`report: other, ${step}\n`);
        expect(ended.code).toBe(126);
      },
      TIMEOUT_MS,
    );
  }
});

afterAll(removeTools);
