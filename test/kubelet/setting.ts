// What the judge needs of the machine, looked at once.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { needTool, skipVisibly } from '../support/need.ts';
import { type Base, buildBase, removeBase } from './rootfs.ts';

/** Where the executables are looked for. */
export const DIST =
  process.env['BELLHOP_DIST'] ?? path.join(import.meta.dirname, '..', '..', 'dist');

/** Runs at once; most of a run is waiting for the kernel. */
export const PARALLEL_MAX = 3;

const UTIL_LINUX = ['unshare', 'setpriv', 'mount'];

/** Why containers cannot be made here; empty when they can. */
export function missingForContainers(): string[] {
  if (process.getuid?.() !== 0) return ['needs root (mount namespaces, owners of files)'];
  const tools = [
    needTool('cc', 'gcc libc6-dev'),
    needTool('script', 'bsdutils'),
    ...UTIL_LINUX.map((name) => needTool(name, 'util-linux')),
  ];
  return tools.filter((reason) => reason !== undefined);
}

/** Why `bellhop run` cannot be judged here; empty when it can. */
export function missingForRun(): string[] {
  const built = ['bellhop', 'bellhop-runtime'].every((name) => existsSync(path.join(DIST, name)));
  return [
    ...(built ? [] : [`${DIST}/bellhop is not built (npm run build)`]),
    ...missingForContainers(),
  ];
}

// A container without the right to mount is root, too.
function cannotMount(base: Base): string | undefined {
  const trial = 'mount -t tmpfs x "$1" && mkdir "$1/u" "$1/w" && mount -t overlay overlay';
  const script = `${trial} -o "lowerdir=$2,upperdir=$1/u,workdir=$1/w" "$1/u"`;
  const namespace = ['--mount', '--pid', '--uts', '--ipc', '--propagation', 'private', '--fork'];
  const place = mkdtempSync(path.join(base.dir, 'trial-'));
  const words = [...namespace, 'sh', '-c', script, 'trial', place, base.image];
  const { status, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
  return status === 0 ? undefined : `no mount namespace with an overlay here: ${stderr.trim()}`;
}

/** The image, or why containers cannot be made of it. */
export function tryBase(): Base | string {
  try {
    const base = buildBase();
    const reason = cannotMount(base);
    if (reason === undefined) return base;
    removeBase(base);
    return reason;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/**
 * The image for tests that start containers by `bellhop run`; where there is none, why not is
 * printed, or with CI=true thrown. Whoever has it ends with `afterAll(() => removeBase(base))`.
 */
export function baseFor(what: string, missing = missingForRun()): Base | undefined {
  const base = missing.length === 0 ? tryBase() : undefined;
  if (typeof base === 'object') return base;
  skipVisibly(what, base === undefined ? missing : [base]);
  return undefined;
}
