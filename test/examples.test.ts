import { afterAll, describe, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { missingForRoom } from './entrypoint/_enter.ts';
import { built } from './support/built.ts';
import { carryOut, patternOf, stepsOfPage } from './support/migrate-page.ts';
import { skipVisibly } from './support/need.ts';
import { IN_OWN_ETC } from './support/own-etc.ts';

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

const lacks = missingForRoom();
if (lacks !== undefined) skipVisibly('examples/flyte', [lacks]);

describe.skipIf(lacks !== undefined)('examples/flyte', () => {
  const { bellhop } = built();

  /** Its file comes to /etc. */
  function call(...words: readonly string[]): { readonly code: number; readonly text: string } {
    const files = ['-f', 'pod.yaml', '-c', 'bellhop.yaml'];
    const command = [...IN_OWN_ETC, bellhop, ...words, ...files];
    const done = Bun.spawnSync(command, {
      cwd: path.join(root, 'examples/flyte'),
      env: { PATH: process.env['PATH'] ?? '', TRACKER_TOKEN: 'some-token' },
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: 60_000,
    });
    return { code: done.exitCode, text: `${done.stdout.toString()}${done.stderr.toString()}` };
  }

  test('the task finds its secrets where the SDK looks for them', () => {
    expect(call('run')).toEqual({
      code: 0,
      text: [
        'db/password    28 characters, from variable _UNION_DB_PASSWORD',
        'db/ca.crt      27 characters, from file /etc/flyte/secrets/db/ca.crt',
        'tracker/token  10 characters, from variable _UNION_TRACKER_TOKEN',
        'DB_PASSWORD    28 characters',
        '',
      ].join('\n'),
    });
  });

  test('explain tells who delivers each, and why', () => {
    const { code, text } = call('explain');
    expect(code).toBe(0);
    expect(text).toMatch(/s2 +tracker +token +ENV_VAR +flyte\n/);
    expect(text).toMatch(/_UNION_TRACKER_TOKEN +here:TRACKER_TOKEN +metadata\.annotations\./);
    expect(text).not.toContain('some-token');
    expect(text).not.toContain('correct-horse');
  });
});

describe('examples/sagemaker, without an account', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-example-'));
  cpSync(path.join(root, 'examples/sagemaker'), folder, { recursive: true });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const steps = stepsOfPage('examples/sagemaker/README.md');
  const missing = built().kind === 'launcher' ? undefined : 'no C compiler: no launcher';
  if (missing !== undefined) skipVisibly('examples/sagemaker', [missing]);

  test('its page has commands', () => expect(steps.length).toBeGreaterThan(2));

  test.skipIf(missing !== undefined).each(steps.map((step) => [step.command, step] as const))(
    '%s',
    (_, step) => expect(carryOut(step, {}, folder)).toMatch(patternOf(step.says)),
    60_000,
  );
});
