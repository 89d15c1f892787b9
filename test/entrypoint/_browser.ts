// A real browser for pages: what it makes of them, and what it complains about.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { needTool } from '../support/need.ts';

const PAGE_MS_MAX = 60_000;

/** Why there is no browser; undefined where there is one. */
export const NO_BROWSER = needTool('chromium', 'chromium');

/** The document as the browser has it after parsing, as HTML. */
export function load(page: string): string {
  return inFolder((folder) => chromium(folder, page, ['--dump-dom']));
}

/** A picture of the page as PNG; `scheme` is what the reader prefers. */
export function picture(
  page: string,
  { width, height, scheme }: { width: number; height: number; scheme: 'light' | 'dark' },
): Uint8Array {
  return inFolder((folder) => {
    const file = path.join(folder, 'page.png');
    const dark = scheme === 'dark' ? 0 : 1;
    chromium(folder, page, [
      `--window-size=${width},${height}`,
      `--blink-settings=preferredColorScheme=${dark}`,
      `--screenshot=${file}`,
    ]);
    return readFileSync(file);
  });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-page-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chromium(folder: string, page: string, flags: readonly string[]): string {
  const file = path.join(folder, 'page.html');
  writeFileSync(file, page);
  const always = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'];
  const own = `--user-data-dir=${folder}/profile`;
  const done = Bun.spawnSync(['chromium', ...always, own, ...flags, `file://${file}`], {
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: PAGE_MS_MAX,
  });
  if (done.exitCode === 0) return done.stdout.toString();
  throw new Error(`chromium: exit ${done.exitCode}\n${done.stderr.toString()}`);
}
