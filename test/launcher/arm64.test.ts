/**
 * The arm64 launcher under qemu-user. Its system calls go to the kernel of this machine, so what
 * it executes may be a program of this machine: the stand-in and the probe of the other tests. Not
 * covered here: real arm64 hardware and kernels, pidfds (qemu refuses the flag), memory shared with
 * the child until execve (qemu forks), the inherited signal state (qemu has handlers of its own).
 */
import { copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { buildLauncher, compilerFor } from '../../scripts/build-launcher.ts';
import type { Ended, Picture } from './_bench.ts';
import {
  differences,
  folder,
  isRoot,
  missing,
  picture,
  removeTools,
  start,
  TIMEOUT_MS,
  tools,
} from './_bench.ts';

const qemu = Bun.which('qemu-aarch64-static');
const lacking =
  missing ??
  (process.arch === 'arm64' ? 'this machine is arm64 itself' : undefined) ??
  (qemu === null ? 'no qemu-aarch64-static here' : undefined) ??
  (compilerFor('arm64') === undefined ? 'no compiler for arm64 here' : undefined);

let launcher = '';

function emulated(words: readonly (string | Uint8Array)[], env?: readonly string[]): Ended {
  if (launcher === '') {
    const dir = folder('arm64');
    launcher = path.join(dir, 'bellhop');
    buildLauncher({ machine: 'arm64', out: launcher });
    symlinkSync(tools().standIn, path.join(dir, 'bellhop-runtime'));
  }
  const argv = ['qemu', launcher, ...words];
  return start({ program: qemu ?? '', argv, ...(env === undefined ? {} : { env }) });
}

describe.skipIf(lacking !== undefined)(`arm64 under qemu${lacking ? ` (${lacking})` : ''}`, () => {
  test(
    'any other command is the runtime itself, without variables that steer it',
    () => {
      const ended = emulated(['explain', '--facts', '--exit=3'], ['A=1', 'BUN_BE_BUN=1']);
      expect([ended.code, ended.stderr]).toEqual([3, '']);
      expect(JSON.parse(ended.stdout)).toMatchObject({ kind: 'alone', env: ['A'] });
    },
    TIMEOUT_MS,
  );

  test(
    'a missing runtime is said in three lines',
    () => {
      emulated([]);
      const lonely = path.join(folder('lonely'), 'bellhop');
      copyFileSync(launcher, lonely);
      for (const command of ['run', 'version']) {
        const ended = start({ program: qemu ?? '', argv: ['qemu', lonely, command] });
        expect(ended.stderr).toStartWith('bellhop: cannot start bellhop-runtime');
        expect([ended.code, ended.stderr.split('\n').length]).toEqual([70, 4]);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'a program gets argv, environment, ids, descriptors and limits as they were',
    () => {
      const { probe, dir } = tools();
      const out = path.join(dir, 'picture.json');
      const argv = ['a', Uint8Array.of(0xff, 0x80), ''];
      const env = ['PATH=/bin', 'A=1'];
      const direct = picture('direct', { argv, env });
      const ended = emulated(['run', '--', probe, out, ...argv], env);
      expect([ended.code, ended.stderr]).toEqual([0, '']);
      const seen = JSON.parse(readFileSync(out, 'utf8')) as Picture;
      // qemu builds the environment anew and has handlers of its own.
      const qemuOnly = /^(env|blocked|signal \d+|pending):/;
      expect(differences(direct, seen).filter((line) => !qemuOnly.test(line))).toEqual([]);
      const entries = (picture_: Picture) => [picture_['env'] ?? []].flat().sort();
      expect(entries(seen)).toEqual(entries(direct));
    },
    TIMEOUT_MS,
  );

  for (const [words, code, stderr] of [
    [['run', '--exit=65', '--'], 65, ''],
    [['run', '--crash=11', '--'], 70, 'bellhop: bellhop-runtime was ended by signal 11'],
    [['run', '--silent', '--'], 70, 'bellhop: bellhop-runtime ended without'],
    [['run', '--', '/nowhere'], 127, 'report: not found, execve: ENOENT (2)'],
    [['run', '--', '/etc'], 126, 'report: not allowed, execve: EACCES (13)'],
    [['run', '--cwd=/nowhere', '--', '/bin/true'], 126, 'report: other, chdir: ENOENT (2)'],
    [['run', '--no-new-privs', '--umask=18', '--cwd=/', '--', '/bin/true'], 0, ''],
    [['run', '--path=/nowhere::/bin', '--', 'true'], 0, ''],
  ] as const) {
    test(
      `${words.join(' ')} ends with ${code}`,
      () => {
        const ended = emulated(words);
        expect(ended.stderr).toStartWith(stderr);
        expect(ended.code).toBe(code);
      },
      TIMEOUT_MS,
    );
  }

  test.skipIf(!isRoot)(
    `chroot, capabilities, groups, ids, a limit, a mount${isRoot ? '' : ' (skipped: needs root)'}`,
    () => {
      const target = folder('mount');
      const identity = ['--root=/', '--drop=21', '--groups=5', '--gid=7', '--uid=6'];
      const options = [...identity, '--limit=7,77,88', `--tmpfs=${target}`];
      const script = `id -u; id -g; id -G; ulimit -n; cd ${target}/folder; echo *`;
      const ended = emulated(['run', ...options, '--', '/bin/sh', '-c', script]);
      const [first = '', ...rest] = ended.stdout.split('\n');
      expect(JSON.parse(first)).toEqual({ wrote: 'yes', missing: 'ENOENT', seenByUs: false });
      expect(rest).toEqual(['6', '7', '7 5', '77', 'file', '']);
      expect([ended.code, ended.stderr]).toEqual([0, '']);
    },
    TIMEOUT_MS,
  );

  test(
    'requests that no honest child sends are refused',
    () => {
      const ended = emulated(['run', '--nonsense', '--', '/bin/echo', 'started']);
      expect(ended.stdout.split('\n').slice(1)).toEqual(['started', '']);
    },
    TIMEOUT_MS,
  );
});

afterAll(() => {
  launcher = '';
  removeTools();
});
