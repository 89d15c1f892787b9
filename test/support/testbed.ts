// Where tests keep what they install, and how it is installed once. The servers of test/real lie in
// the same folder: test/real/servers/lib.sh has the same three lines.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

const INSTALL_MS_MAX = 900_000;
const { BELLHOP_TESTBED: named, XDG_CACHE_HOME: cache } = process.env;

/** Everything that tests install lies here; `opt/NAME` is one thing. */
export const bed = named || path.join(cache || path.join(homedir(), '.cache'), 'bellhop-testbed');

/** The Python of tests; pins of test/real/servers/locks are for 3.11. */
export const PYTHON = process.env['PYTHON'] || 'python3';

/** The folder of an installed thing. */
export function installedAt(name: string): string {
  return path.join(bed, 'opt', name);
}

/** The words that install packages of PyPI, or options of pip, into a folder. */
export function pip(...packages: string[]): (target: string) => string[] {
  const words = [PYTHON, '-m', 'pip', 'install', '--quiet', '--no-input', '--target'];
  return (target) => [...words, target, ...packages];
}

/** How a thing is installed. */
export interface Installation {
  /** Its folder below `opt`; says the version, unless `pins` does. */
  readonly name: string;
  readonly command: (target: string) => readonly string[];
  /** Kept beside what it pinned: what other pins have installed is replaced. */
  readonly pins?: string;
}

/**
 * Installs on first use, beside its place until it is whole, so that no process finds a half one.
 * Undefined once it is there, whoever installed it; else why it cannot be had.
 */
export function installedOnce({ name, command, pins }: Installation): string | undefined {
  const folder = installedAt(name);
  const isThere = (): boolean => {
    return existsSync(folder) && (pins === undefined || pinsOf(folder) === pins);
  };
  if (isThere()) return undefined;
  const made = `${folder}.${process.pid}`;
  const words = command(made);
  const [program = ''] = words;
  if (Bun.which(program) === null) return `${name} cannot be installed: there is no ${program}`;
  mkdirSync(made, { recursive: true });
  const done = Bun.spawnSync([...words], {
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: INSTALL_MS_MAX,
  });
  if (done.exitCode === 0 && !isThere()) {
    if (pins !== undefined) writeFileSync(path.join(made, '.pin'), pins);
    putInPlace(made, folder);
  }
  rmSync(made, { recursive: true, force: true });
  if (isThere()) return undefined;
  const said = done.stderr.toString().trim().split('\n').slice(-2).join(' | ');
  return `${name} cannot be installed (exit ${done.exitCode}: ${said})`;
}

function pinsOf(folder: string): string | undefined {
  const pin = path.join(folder, '.pin');
  return existsSync(pin) ? readFileSync(pin, 'utf8') : undefined;
}

/** Where another process was quicker its folder stays: isThere() judges it. */
function putInPlace(made: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(made, folder);
  } catch {
    // Between the two lines another process has put its own here.
  }
}
