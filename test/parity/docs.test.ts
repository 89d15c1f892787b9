// The example of docs/snapshot.md, run as it stands there, but for the folder /app and for digests.
import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SNAPSHOT_LIMITS } from '../../src/parity/limits.ts';
import { built } from '../support/built.ts';
import { needTool, skipVisibly } from '../support/need.ts';
import { blocks, PAGES } from '../support/pages.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing =
  built().kind === 'launcher' ? needTool('openssl', 'openssl') : 'no C compiler: no launcher';
if (missing !== undefined) skipVisibly('the example of docs/snapshot.md', [missing]);

/** Widths of columns follow from the names of folders, and digests from the key. */
const plain = (text: string): string =>
  text
    .replaceAll(folder, '/app')
    .replace(/(bytes?) [0-9a-f]{8}/g, '$1 DIGEST')
    .replace(/ +/g, ' ');

test.skipIf(missing !== undefined)('the example prints what the page says', () => {
  mkdirSync(path.join(folder, 'conf'));
  writeFileSync(path.join(folder, 'conf/train.yaml'), 'rate: 3e-4\n');
  const [example] = blocks().filter(({ page }) => page === 'docs/snapshot.md');
  const lines = (example?.text ?? '').split('\n');
  const typed = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  const printed = lines.filter((line) => !line.startsWith('$ ')).join('\n');
  const script = typed.join('\n').replaceAll('/app', folder);
  const done = Bun.spawnSync(['sh', '-c', script], {
    cwd: folder,
    env: { PATH: `${path.dirname(built().bellhop)}:${process.env['PATH'] ?? ''}` },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  expect(done.stderr.toString()).toBe('');
  expect(plain(done.stdout.toString())).toBe(plain(printed));
  expect(done.exitCode).toBe(1);
});

test('the page has the limits as they are', () => {
  const page = PAGES.find((one) => one.path === 'docs/snapshot.md');
  const { entriesMax, depthMax, fileBytesMax, totalBytesMax, timeMsMax } = SNAPSHOT_LIMITS;
  const written = [
    `entriesMax=${entriesMax}`,
    `depthMax=${depthMax}`,
    `fileBytesMax=${fileBytesMax}`,
    `totalBytesMax=${totalBytesMax}`,
    `timeMsMax=${timeMsMax}`,
  ];
  expect(written.filter((one) => page?.text.includes(one) !== true)).toEqual([]);
});
