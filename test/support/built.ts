// The built executable, for tests that start it as a process.
import { copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { buildIfNeeded } from '../../scripts/build.ts';

/** What was built: the launcher, or where there is no C compiler the runtime alone. */
export interface Built {
  readonly bellhop: string;
  readonly kind: 'launcher' | 'runtime';
}

let kept: Built | undefined;

/** Builds what is missing or older than its sources, once in this process. */
export function built(): Built {
  kept ??= build();
  return kept;
}

function build(): Built {
  const dist = path.join(import.meta.dir, '..', '..', 'dist');
  const { launcher } = buildIfNeeded();
  return launcher
    ? { bellhop: path.join(dist, 'bellhop'), kind: 'launcher' }
    : { bellhop: path.join(dist, 'bellhop-runtime'), kind: 'runtime' };
}

/**
 * Puts launcher and runtime into this folder below a root, and the files of the C library that the
 * loader asks for by their full names; `dist` is where both are. Wants a launcher, and ldd.
 */
export function layOutBellhop(
  root: string,
  at: string,
  dist = path.dirname(built().bellhop),
): void {
  const runtime = path.join(dist, 'bellhop-runtime');
  mkdirSync(path.join(root, at), { recursive: true });
  copyFileSync(path.join(dist, 'bellhop'), path.join(root, at, 'bellhop'));
  copyFileSync(runtime, path.join(root, at, 'bellhop-runtime'));
  const asked = Bun.spawnSync(['ldd', runtime]);
  if (asked.exitCode !== 0) throw new Error(`ldd: ${asked.stderr.toString()}`);
  for (const library of asked.stdout.toString().match(/\/\S+/g) ?? []) {
    mkdirSync(path.dirname(path.join(root, library)), { recursive: true });
    copyFileSync(realpathSync(library), path.join(root, library));
  }
}
