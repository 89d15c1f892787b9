// How these tests call bellhop: in a folder of their own, under one key.
import { expect } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSnapshot } from '../../src/parity/document.ts';
import type { Snapshot } from '../../src/parity/types.ts';
import { built } from '../support/built.ts';
import type { Spawned } from '../support/spawned.ts';
import { callIn } from '../support/spawned.ts';

export const { bellhop } = built();
export const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-parity-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
export const inside = (name: string): string => path.join(folder, name);
export const KEY = 'a key of thirty-two characters..';
export const keyFile = inside('key');
writeFileSync(keyFile, `${KEY}\n`);
export const CANARY = 'kanarie-zQx7zQx7-5519';
export const TEST_MS_MAX = 60_000;

/** Runs bellhop in the folder. */
export function call(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Spawned {
  return callIn(folder, words, env);
}

/** A snapshot of what lies at this path, by these flags. */
export function take(
  out: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Snapshot {
  const ended = call(['snapshot', '--key-file', keyFile, '--out', inside(out), ...flags], env);
  expect([ended.code, ended.err]).toEqual([0, '']);
  return readSnapshot(readFileSync(inside(out), 'utf8'), out);
}

export function files(name: string, content: Readonly<Record<string, string>>): string {
  const place = inside(name);
  mkdirSync(place, { recursive: true });
  for (const [file, text] of Object.entries(content)) writeFileSync(path.join(place, file), text);
  return place;
}
