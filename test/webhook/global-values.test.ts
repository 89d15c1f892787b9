import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FILES } from '../../src/core/io/files.ts';
import { GLOBAL_DEFAULTS, globalValues } from '../../src/webhook/global-values.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-global-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function opened(variables: Readonly<Record<string, string>> = {}) {
  let nowMs = 0;
  const reads: string[] = [];
  const read: typeof FILES.read = (file, bytesMax) => {
    reads.push(file);
    return FILES.read(file, bytesMax);
  };
  const find = globalValues(
    { fs: { read }, clock: { monotonicMs: () => nowMs }, variable: (name) => variables[name] },
    { ...GLOBAL_DEFAULTS, 'secrets-prefix': folder },
  );
  return { find, reads, pass: (ms: number) => void (nowMs += ms) };
}

test('a file that is not there is looked for again after a second, and found then', () => {
  const { find, reads, pass } = opened();
  expect([find('late', 'k'), find('late', 'k')]).toEqual([undefined, undefined]);
  expect(reads).toHaveLength(1);
  mkdirSync(path.join(folder, 'late'));
  writeFileSync(path.join(folder, 'late/k'), 'here');
  pass(999);
  expect(find('late', 'k')).toBeUndefined();
  pass(1);
  expect(find('late', 'k')).toBe('here');
});

test('a file that is there is read each time: what was changed counts at once', () => {
  const { find } = opened();
  mkdirSync(path.join(folder, 'group'));
  writeFileSync(path.join(folder, 'group/k'), 'one');
  expect(find('group', 'k')).toBe('one');
  writeFileSync(path.join(folder, 'group/k'), 'two');
  expect(find('group', 'k')).toBe('two');
});

test('what is not there under one name says nothing of another', () => {
  const { find } = opened({ FLYTE_SECRET_A_B_C: 'set' });
  expect(find('a/b', 'c')).toBeUndefined();
  expect(find('a', 'b/c')).toBeUndefined();
  expect([find('a', 'b_c'), find('a_b', 'c')]).toEqual(['set', 'set']);
});

test('however many are asked for, what is remembered has a limit', () => {
  const { find, reads } = opened();
  for (let n = 0; n < 5000; n++) find('many', String(n));
  find('many', '0');
  expect(reads).toHaveLength(5001);
});
