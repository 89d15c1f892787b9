// Tools that a test wants from the machine: installed with CI=true, else reported as missing.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const INSTALL_MS_MAX = 300_000;

/** With CI=true whatever is missing is a failure, never a skip. */
export const CI = process.env['CI'] === 'true';

function found(name: string): boolean {
  return Bun.which(name) !== null;
}

function aptGet(args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { env, stdio: 'ignore', timeout: INSTALL_MS_MAX }).status === 0;
}

/** Undefined when the command is there (with CI=true and as root it is installed), else why not. */
export function needTool(name: string, debianPackages: string): string | undefined {
  if (found(name)) return undefined;
  const packages = debianPackages.split(' ');
  if (CI && process.getuid?.() === 0 && found('apt-get')) {
    const install = ['install', '-y', '--no-install-recommends', ...packages];
    if (!aptGet(install)) aptGet(['update']);
    if (found(name) || (aptGet(install) && found(name))) return undefined;
  }
  return `${name} is missing (apt-get install ${debianPackages})`;
}

/** Prints why tests are skipped; with CI=true throws instead. */
export function skipVisibly(what: string, reasons: string[]): void {
  const line = `${what}: SKIPPED, ${reasons.join('; ')}`;
  if (CI) throw new Error(line);
  console.warn(line);
}
