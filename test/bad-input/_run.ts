// Starts the built executable with bad input in a folder of its own, and holds what every refusal
// has to hold: nothing started, nothing written, no value, no stack trace, no control character.
import { expect } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CODES } from '../../src/core/errors.ts';
import { built } from '../support/built.ts';

/** Stands in every Secret and ConfigMap; never to be seen in any output. */
export const CANARY = 'canary-7f3a9c';

export interface Case {
  /** Files of the folder by name; `pod.yaml` is given with -f unless `args` says otherwise. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** In the place of `-f pod.yaml`. */
  readonly args?: readonly string[];
  readonly command?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Result {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The codes of the report, in its order. */
  readonly codes: readonly string[];
}

const RUN_MS_MAX = 20_000;
const SHM = `/dev/shm/bellhop-${process.getuid?.() ?? 0}`;

/** What bellhop keeps in memory, by name; empty where there is nothing. */
function kept(): string[] {
  return existsSync(SHM) ? readdirSync(SHM, { recursive: true }).map(String).toSorted() : [];
}

/** Starts `bellhop COMMAND …` and, for `run`, a program that leaves a mark. */
export function start(given: Case): Result {
  const dir = mkdtempSync(path.join(tmpdir(), 'bellhop-bad-'));
  try {
    for (const [name, content] of Object.entries(given.files)) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), content);
    }
    return startIn(dir, given);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function startIn(
  dir: string,
  { args = ['-f', 'pod.yaml'], command = 'run', stdin, env }: Case,
): Result {
  const mark =
    command === 'run' && !args.includes('--') ? ['--', '/bin/sh', '-c', 'echo started > mark'] : [];
  const done = Bun.spawnSync([built().bellhop, command, ...args, ...mark], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin', ...env },
    stdin: stdin === undefined ? null : Buffer.from(stdin),
    timeout: RUN_MS_MAX,
  });
  const stdout = done.stdout.toString();
  const stderr = done.stderr.toString();
  const codes = [...stderr.matchAll(/^ {2}code: (\w+)/gm)].map((match) => match[1] ?? '');
  return { exit: done.exitCode, stdout, stderr, codes };
}

/** Runs a case that must be refused, with exactly these codes (each as often as it is named). */
export function refused(given: Case, codes: readonly string[]): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'bellhop-bad-'));
  try {
    for (const [name, content] of Object.entries(given.files)) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), content);
    }
    const before = readdirSync(dir, { recursive: true }).map(String).toSorted();
    const inMemory = kept();
    const result = startIn(dir, given);
    const { stderr, stdout, exit } = result;
    expect([...result.codes], stderr).toEqual([...codes]);
    const [first = ''] = codes;
    expect(exit, stderr).toBe(CODES[first as keyof typeof CODES].exit);
    expect(stdout).toBe('');
    expect(readdirSync(dir, { recursive: true }).map(String).toSorted()).toEqual(before);
    expect(kept()).toEqual(inMemory);
    expect(stderr).not.toContain(CANARY);
    expect(stderr).not.toContain(Buffer.from(CANARY).toString('base64'));
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toMatch(/[^\n\x20-\x7e\u00a0-\uffff]/);
    return stderr;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
