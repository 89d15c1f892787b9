import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { folder, missing, removeTools, start, TIMEOUT_MS, tools } from './_bench.ts';

/** A folder with one of each thing that cannot be started. */
function broken(): string {
  const dir = folder('broken');
  const file = (name: string, content: string, mode: number) => {
    writeFileSync(path.join(dir, name), content);
    chmodSync(path.join(dir, name), mode);
  };
  file('plain', 'echo no\n', 0o644);
  file('headless', 'echo no\n', 0o755);
  file('orphan', '#!/nowhere/sh\necho no\n', 0o755);
  mkdirSync(path.join(dir, 'directory'));
  mkdirSync(path.join(dir, 'bin'));
  symlinkSync('loop', path.join(dir, 'loop'));
  symlinkSync('/bin/echo', path.join(dir, 'bin', 'say'));
  symlinkSync('/bin/echo', path.join(dir, 'bin', 'plain'));
  return dir;
}

/**
 * A shell says 126 for a script whose interpreter is missing because the file itself is there
 * (bash), or 127 (dash). runc hands on execve's ENOENT, and so do we: 127.
 */
const FAILURES: readonly (readonly [string, string, number, string])[] = [
  ['a path that is not there', '/nowhere/program', 127, 'not found, execve: ENOENT (2)'],
  ['a file as a directory', '/etc/passwd/x', 127, 'not found, execve: ENOTDIR (20)'],
  ['a name in no folder of PATH', 'no-such-program', 127, 'not found, execve: ENOENT (2)'],
  ['an empty name', '', 127, 'not found, execve: ENOENT (2)'],
  ['a file that may not be executed', './plain', 126, 'not allowed, execve: EACCES (13)'],
  ['a directory', './directory', 126, 'not allowed, execve: EACCES (13)'],
  ['a script whose interpreter is missing', './orphan', 127, 'not found, execve: ENOENT (2)'],
  ['neither program nor script', './headless', 126, 'other, execve: ENOEXEC (8)'],
  ['a link to itself', './loop', 126, 'other, execve: ELOOP (40)'],
];

describe.skipIf(missing !== undefined)('a program that cannot be started', () => {
  for (const way of ['launcher', 'alone'] as const) {
    for (const [name, program, code, report] of FAILURES) {
      test(
        `${way}: ${name} ends with ${code}`,
        () => {
          const { launcher, standIn } = tools();
          const argv = ['bellhop', 'run', '--', program];
          const ended = start({
            program: way === 'launcher' ? launcher : standIn,
            argv,
            conditions: [`cwd ${broken()}`],
          });
          expect(ended.stderr).toBe(`report: ${report}\n`);
          expect([ended.code, ended.signal, ended.stdout]).toEqual([code, null, '']);
        },
        TIMEOUT_MS,
      );
    }
  }
});

const LOOKUPS: readonly (readonly [string, string, string, number, string])[] = [
  ['the first folder that has it wins', '/nowhere:DIR/bin:/bin', 'say', 0, 'hi\n'],
  ['an empty element is the working directory', '/nowhere::/bin', 'cat', 0, ''],
  ['a folder after one that denies is still tried', 'DIR:DIR/bin', 'plain', 0, 'hi\n'],
  ['denied somewhere and found nowhere is denied', 'DIR:/nowhere', 'plain', 126, ''],
  ['a file among the folders is passed over', '/etc/passwd:DIR/bin', 'say', 0, 'hi\n'],
  [
    'an element longer than a path can be is passed over',
    `${'x'.repeat(5000)}:DIR/bin`,
    'say',
    0,
    'hi\n',
  ],
  ['a file without a head ends the search', 'DIR:DIR/bin', 'headless', 126, ''],
  ['an empty PATH is the working directory', '', 'say', 0, 'hi\n'],
];

describe.skipIf(missing !== undefined)('looking a program up', () => {
  for (const way of ['launcher', 'alone'] as const) {
    for (const [name, list, program, code, stdout] of LOOKUPS) {
      test(
        `${way}: ${name}`,
        () => {
          const dir = broken();
          const cwd = list === '' ? `${dir}/bin` : '/bin';
          const words = program === 'cat' ? [] : ['hi'];
          const option = `--path=${list.replaceAll('DIR', dir)}`;
          const { launcher, standIn } = tools();
          const ended = start({
            program: way === 'launcher' ? launcher : standIn,
            argv: ['bellhop', 'run', option, '--', program, ...words],
            conditions: [`cwd ${cwd}`],
          });
          expect([ended.code, ended.stdout]).toEqual([code, stdout]);
        },
        TIMEOUT_MS,
      );
    }
  }
});

test.skipIf(missing !== undefined)(
  'arguments that do not fit the stack limit are reported, not lost',
  () => {
    const argv = ['bellhop', 'run', '--limit=3,65536,65536', '--', '/bin/true'];
    const long = [1, 2, 3].map((n) => String(n).repeat(100_000));
    const ended = start({ program: tools().launcher, argv: [...argv, ...long] });
    expect(ended.stderr).toBe('report: other, execve: E2BIG (7)\n');
    expect(ended.code).toBe(126);
  },
  TIMEOUT_MS,
);

afterAll(removeTools);
