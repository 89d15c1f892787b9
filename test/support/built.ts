// The built executable, for tests that start it as a process.
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
