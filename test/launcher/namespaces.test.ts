import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import type { Ended } from './_bench.ts';
import { folder, isRoot, missing, removeTools, run, start, TIMEOUT_MS, tools } from './_bench.ts';

/** Where user namespaces are denied to ordinary users the launcher can only say so. */
const canUnshare =
  missing === undefined &&
  start({
    program: '/usr/bin/unshare',
    argv: ['unshare', '-Urm', 'true'],
    conditions: isRoot ? ['uid 65534'] : [],
  }).code === 0;

const RESULT = { wrote: 'yes', missing: 'ENOENT', seenByUs: false };

function deliver(options: readonly string[], conditions: readonly string[]): [Ended, string] {
  const target = folder('mount');
  const command = ['/bin/sh', '-c', `cat ${target}/folder/file; touch ${target}/x; id -u`];
  return [run([`--tmpfs=${target}`, ...options], command, conditions), target];
}

function check([ended, target]: [Ended, string], uid: string): void {
  const [first = '', ...rest] = ended.stdout.split('\n');
  expect(JSON.parse(first)).toEqual(RESULT);
  expect(rest).toEqual(['delivered', uid, '']);
  expect(ended.stderr).toContain('Read-only file system');
  expect(ended.code).toBe(0);
  expect(existsSync(path.join(target, 'folder'))).toBe(false);
}

describe.skipIf(missing !== undefined)('mounts that only the program sees', () => {
  const root = isRoot ? '' : ' (skipped: needs root)';
  test.skipIf(!isRoot)(
    `as root in a mount namespace${root}`,
    () => check(deliver([], []), '0'),
    TIMEOUT_MS,
  );

  test.skipIf(!isRoot)(
    `as PID 1 with a /proc of its own${root}`,
    () => check(deliver([], ['pidns']), '0'),
    TIMEOUT_MS,
  );

  const user = canUnshare ? '' : ' (skipped: user namespaces are denied here)';
  const ordinary = isRoot ? ['uid 65534'] : [];
  const own = isRoot ? '65534' : String(process.getuid?.());
  test.skipIf(!canUnshare)(
    `as an ordinary user in a user namespace, with the same id inside${user}`,
    () => check(deliver([], ordinary), own),
    TIMEOUT_MS,
  );

  test.skipIf(!canUnshare)(
    `as an ordinary user with another id inside${user}`,
    () => check(deliver(['--as=1000'], ordinary), '1000'),
    TIMEOUT_MS,
  );
});

test.skipIf(missing !== undefined)(
  'requests that no honest child sends are refused one by one, and the start goes on',
  () => {
    const ended = run(['--nonsense'], ['/bin/echo', 'started']);
    const [first = '', ...rest] = ended.stdout.split('\n');
    const { answers } = JSON.parse(first) as { answers: string[] };
    expect(new Set(answers)).toEqual(new Set(['22,0,0,0']));
    expect(answers).toHaveLength(8);
    expect(rest).toEqual(['started', '']);
    expect(ended.code).toBe(0);
  },
  TIMEOUT_MS,
);

test.skipIf(missing !== undefined || !isRoot)(
  `without the right to mount the errno comes back${isRoot ? '' : ' (skipped: needs root)'}`,
  () => {
    const { launcher } = tools();
    const argv = ['bellhop', 'run', '--mount-only=/tmp', '--', '/bin/true'];
    const ended = start({ program: launcher, argv, conditions: ['uid 65534'] });
    expect([ended.stdout, ended.code]).toEqual(['{"mounted":"EPERM"}\n', 0]);
  },
  TIMEOUT_MS,
);

afterAll(removeTools);
