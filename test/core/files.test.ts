// Reading never waits: a start has a budget, and a synchronous read has none.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { FILES } from '../../src/core/io/files.ts';
import { FsError } from '../../src/core/io/types.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => path.join(folder, name);

function errnoOf(read: () => Uint8Array): string {
  try {
    return `read ${read().byteLength} bytes`;
  } catch (error) {
    return error instanceof FsError ? error.errno : String(error);
  }
}

describe('read', () => {
  writeFileSync(at('file'), 'text');
  Bun.spawnSync(['mkfifo', at('pipe')]);

  test('refuses a pipe that nobody writes, at once', () => {
    expect(errnoOf(() => FILES.read(at('pipe'), 100))).toBe('a pipe');
  });
  test('refuses a socket and a folder', async () => {
    const server = createServer().listen(at('socket'));
    await new Promise((listening) => server.once('listening', listening));
    expect(errnoOf(() => FILES.read(at('socket'), 100))).toBe('ENXIO');
    expect(errnoOf(() => FILES.read(folder, 100))).toBe('EISDIR');
    server.close();
  });
  test('takes /dev/null as empty, and stops in /dev/zero', () => {
    expect(errnoOf(() => FILES.read('/dev/null', 100))).toBe('read 0 bytes');
    expect(errnoOf(() => FILES.read('/dev/zero', 100))).toBe('EFBIG');
  });
  test.each(['read', 'readWaiting'] as const)('%s has a limit in bytes', (way) => {
    expect(errnoOf(() => FILES[way](at('file'), 4))).toBe('read 4 bytes');
    expect(errnoOf(() => FILES[way](at('file'), 3))).toBe('EFBIG');
  });
});

test('readWaiting takes what is written into a pipe until it is closed', () => {
  const writer = Bun.spawn(['sh', '-c', `printf 'a\nb' > "$0"`, at('pipe')]);
  expect(Buffer.from(FILES.readWaiting(at('pipe'), 100)).toString()).toBe('a\nb');
  writer.kill();
});
