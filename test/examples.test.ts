import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dir, '..');

/** `npm start` as a newcomer sees it. */
function start(): { readonly code: number; readonly text: string } {
  const done = Bun.spawnSync([process.execPath, 'scripts/start.ts'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
  });
  return { code: done.exitCode, text: `${done.stdout.toString()}${done.stderr.toString()}` };
}

test('npm start shows the program what the kubelet would have given it, and why', () => {
  const { code, text } = start();
  expect(code).toBe(0);
  expect(text).toContain('train.sh --lr=3e-4 --epochs 10 --out=/checkpoints/vision/train-resnet\n');
  expect(text).toContain('  DB_PASSWORD    (a secret of 28 characters)\n');
  expect(text).toMatch(/ {4}-r-------- {2}db\/password\n/);
  expect(text).toMatch(/ {4}lrwxrwxrwx {2}password -> \.\.data\/password\n/);
  expect(text).toMatch(/ {4}-r--r----- {2}all-in-one\/epochs\n/);
  expect(text).toContain('embedded:secret/ml/db, key password');
  expect(text).not.toContain('correct-horse');
});

test('npm start leaves nothing at the paths that it delivered to', () => {
  start();
  expect(existsSync('/tmp/bellhop-quickstart')).toBe(false);
});
