// Folders and programs of tests that start containers by themselves.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

/**
 * A temporary folder that every user may enter. What killed runs of the same name left goes away:
 * their process is in its name, and gone.
 */
export function openFolder(name: string): string {
  for (const one of readdirSync(os.tmpdir())) {
    const [, pid] = new RegExp(`^bellhop-${name}-(\\d+)-`).exec(one) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(path.join(os.tmpdir(), one), { recursive: true, force: true });
  }
  const dir = mkdtempSync(path.join(os.tmpdir(), `bellhop-${name}-${process.pid}-`));
  chmodSync(dir, 0o755);
  return dir;
}

/** Builds a static program of one C file. */
export function compileStatic(source: string, out: string): void {
  const words = ['-std=gnu11', '-O2', '-static', '-s', '-o', out, source];
  const cc = spawnSync('cc', words, { encoding: 'utf8' });
  if (cc.status !== 0) throw new Error(`cc cannot build ${source}: ${cc.stderr}`);
}
